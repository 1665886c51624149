"""Do the error bars of each kind of data hold? Coverage over draws of the noise, as measured.

Data are those of a spectrum on its own rows, the table of the fit is another; backgrounds and what
is fitted along are projected out as a fit does. Curved kinds are linearised about the truth.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from bench_coverage import FILES
from bench_kinds import case, measured, metals, tabulated

from jaxelph import GaussianPeaks, TabulatedSpectrum, coupling_constant, read_a2f
from jaxelph.inverse import fit_spectrum
from jaxelph.inverse.fit.functionals import LEANING, UNCERTAIN

DRAWS = 400


def check(found, case):
    for name, (covered, _, undecided, _) in found.items():
        # Of 400 draws a true 68 % scatters by 2.3 %.
        assert 0.60 <= covered <= 0.76 or undecided > 0.3, (case, name, covered, undecided)


LEVELS = {"resistivity": (0.01, 0.05), "optical": (0.01, 0.05), "tunnelling": (1e-3, 1e-2)}
KINDS = [(kind, level) for kind, levels in LEVELS.items() for level in levels]


@pytest.mark.parametrize("name", ["step", "lines", "edge"])
def test_the_table_is_of_the_metal(tmp_path, name):
    """Curved data are linearised about it: its λ is that of the metal, lines between rows too."""
    metal, omega = dict(metals(tmp_path))[name], 30.6 * np.arange(1, 61) / 60
    table = TabulatedSpectrum(omega, tabulated(metal, omega))
    exact = float(coupling_constant(metal))
    assert float(coupling_constant(table)) == pytest.approx(exact, rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "level"), KINDS)
@pytest.mark.parametrize("name", ["step", "lines", "edge"])
def test_coverage_outside_the_prior(tmp_path, name, kind, level):
    metal = dict(metals(tmp_path))[name]
    check(case(kind, metal, level, 7, DRAWS).shares, (name, kind, level))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::jaxelph.SpectrumWarning")
@pytest.mark.parametrize(("kind", "level"), KINDS)
@pytest.mark.parametrize("name", ["Nb", "Hg", "Pb", "MgB2"])
def test_coverage_on_calculated_spectra(shared, name, kind, level):
    file, unit = FILES[name]
    metal = read_a2f(shared / "a2f" / file, unit=unit)
    check(case(kind, metal, level, 11, DRAWS).shares, (name, kind, level))


def unlisted(name):
    """Spectra that no constant of the prior was chosen on: three lines, and a gap below a ramp."""
    w = np.linspace(0.05, 30.0, 600)
    if name == "three lines":
        lines = GaussianPeaks([6.0, 14.0, 27.0], [0.25, 0.4, 0.5], [0.3, 0.5, 0.35])
        return TabulatedSpectrum(w, lines.a2f(jnp.asarray(w)))
    return TabulatedSpectrum(w, 0.9 * np.clip((w - 8) / 16, 0, None) * (w < 24))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [
        ("three lines", "resistivity", 0.01),
        ("three lines", "optical", 1e-3),
        ("gap", "resistivity", 0.05),
    ],
)
def test_coverage_of_spectra_in_no_list(name, kind, level):
    check(case(kind, unlisted(name), level, 13, DRAWS).shares, (name, kind, level))


def test_where_the_prior_decides_an_error_the_fit_says_so(tmp_path):
    """Of two sharp lines 1/τ at .1 % sees ω_log through what the prior allows at small ω."""
    metal = dict(metals(tmp_path))["lines"]
    omega = 25.5 * np.arange(1, 81) / 80
    fit = fit_spectrum(measured("optical", metal, 25.0, 1e-3), omega, mu_star=None)
    assert fit.posterior is not None
    leaning, (value, error) = fit.posterior.leaning, fit.moments["omega-log"]
    assert leaning["omega-log"] > 2 * LEANING > 4 * leaning["lambda-omega2"]
    assert error < UNCERTAIN * value and fit.doubted["omega-log"] == "prior"
    assert "omega-log" in fit.undecided and "lambda-omega2" not in fit.undecided
    (told,) = (one for one in fit.remarks if one.startswith("the prior, not noise, decides"))
    assert "omega-log" in told and "lambda-omega2" not in told
