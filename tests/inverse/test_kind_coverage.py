"""Do the error bars of each kind of data hold? Coverage over draws of the noise, as measured.

Data are those of a spectrum on its own rows, the table of the fit is another; backgrounds and what
is fitted along are projected out as a fit does. Curved kinds are linearised about the truth.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
    read_a2f,
)
from jaxelph.inverse.data.made import made_data
from jaxelph.inverse.fit.coverage import coverage_draws
from jaxelph.inverse.fit.functionals import UNCERTAIN
from jaxelph.inverse.sensitivities.derivatives import coupling_moment

ROWS, DRAWS = 80, 400
FILES = {
    "Nb": ("isome__Nb__Nb.a2F", None),
    "Hg": ("xi__Hg__a2F_Hg_0GPa.txt", "meV"),
    "Pb": ("epw-v4-a2f__Pb-t04__pb.a2f.01", None),
    "MgB2": ("epw-v4-eliashberg__MgB2__MgB2.a2f", None),
}


def made_up(name):
    """Spectra outside the prior: a step, two sharp lines, and a Debye edge."""
    w = np.linspace(0.05, 30.0, 600)
    a2f = {
        "step": np.where(w > 12, 0.5, 0.05) * np.minimum(w / 3, 1) ** 2 * (w < 28),
        "lines": np.asarray(GaussianPeaks([9.0, 24.0], [0.3, 0.4], [0.6, 0.4]).a2f(jnp.asarray(w))),
        "edge": 0.6 * (w / 25) ** 2 * (w < 25),
    }[name]
    return TabulatedSpectrum(w, a2f)


def measurement(kind, metal, top, level):
    """Points as one would choose them who knows ω_max and no more."""
    if kind == "resistivity":
        at = np.geomspace(top / 60, top, 40)
        first = made_data(kind, metal, at, level, plasma=9.0)
        low = 0.02 * float(np.max(first.values))
        return made_data(kind, metal, at, level, plasma=9.0, offset=low)
    if kind == "heat":
        return made_data(kind, metal, np.geomspace(top / 300, top / 2, 40), level)
    if kind == "optical":
        at = np.linspace(0.05, 4.0, 60) * top
        return made_data(kind, metal, at, level, temperature=top / 60, fit_background=True)
    at = np.linspace(0.02, 1.6, 150) * top
    return made_data(kind, metal, at, level, temperature=top / 100, top=1.02 * top)


def draws(kind, metal, level, seed):
    a2f = np.asarray(metal.a2f)
    top = float(np.max(np.asarray(metal.omega)[a2f > 1e-3 * a2f.max()]))
    data = measurement(kind, metal, top, level)
    omega = 1.02 * top * np.arange(1, ROWS + 1) / ROWS
    table = np.interp(omega, np.asarray(metal.omega), a2f, right=0.0)
    return coverage_draws(data, metal, omega, table, draws=DRAWS, seed=seed).numbers


def shares(kind, metal, level, seed):
    """Of each moment: its coverage, its relative error, and how often it is called undecided."""
    truth = {
        "lambda": float(coupling_constant(metal)),
        "omega-log": float(log_frequency(metal)),
        "lambda-omega2": float(coupling_moment(metal)),
    }
    drawn, found = draws(kind, metal, level, seed), {}
    for name, true in truth.items():
        value, error = drawn[name]
        covered = float(np.mean(np.abs(value - true) < error))
        undecided = float(np.mean(error > UNCERTAIN * value))
        found[name] = covered, float(np.median(error)) / true, undecided
    return found


def check(found, case):
    for name, (covered, _, undecided) in found.items():
        # Of 400 draws a true 68 % scatters by 2.3 %.
        assert 0.60 <= covered <= 0.76 or undecided > 0.3, (case, name, covered, undecided)


LEVELS = {"resistivity": (0.01, 0.05), "optical": (0.01, 0.05), "tunnelling": (1e-3, 1e-2)}
KINDS = [(kind, level) for kind, levels in LEVELS.items() for level in levels]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "level"), KINDS)
@pytest.mark.parametrize("name", ["step", "lines", "edge"])
def test_coverage_outside_the_prior(name, kind, level):
    check(shares(kind, made_up(name), level, 7), (name, kind, level))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::jaxelph.SpectrumWarning")
@pytest.mark.parametrize(("kind", "level"), KINDS)
@pytest.mark.parametrize("name", list(FILES))
def test_coverage_on_calculated_spectra(shared, name, kind, level):
    file, unit = FILES[name]
    metal = read_a2f(shared / "a2f" / file, unit=unit)
    check(shares(kind, metal, level, 11), (name, kind, level))
