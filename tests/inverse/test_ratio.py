"""α²_tr F tied to α²F: the ratio as a number and as a curve, and what joining two kinds decides."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import simpson

from jaxelph import EinsteinModes, GaussianPeaks, TabulatedSpectrum, coupling_constant
from jaxelph.app.cli import run
from jaxelph.inverse import HeatData, ResistivityData, TransportRatio, fit_spectrum, made_data
from jaxelph.inverse.data.spectral import prior_of_unknowns, pulls_of_unknowns
from jaxelph.inverse.data.table import read_data
from jaxelph.inverse.fit.functionals import UNCERTAIN, UNDECIDED
from jaxelph.units import KELVIN

METAL = GaussianPeaks([10.0, 16.0, 23.0], [2.0, 2.0, 1.2], [0.3, 0.55, 0.25])
TOP = 30.0
TABLE = TOP * np.arange(1, 61) / 60
WARM = np.geomspace(4.0, 300.0, 40) * KELVIN
SMOOTH = TransportRatio(1.0, 0.5, bend=0.5, top=TOP)


def true_ratio(omega):
    """From 1/2 to 1.1: small angles, and with them long waves, count less."""
    return 0.5 + 0.02 * np.asarray(omega)


def prior_covariance(x, y):
    """Of ln r of `SMOOTH`, as its docstring has it."""
    d = np.sqrt(5) * np.abs(np.subtract.outer(x, y)) / (0.5 * TOP)
    return 0.25 + 0.25 * (1 + d + d**2 / 3) * np.exp(-d)


def transported():
    omega = np.linspace(0.05, TOP, 900)
    return TabulatedSpectrum(omega, true_ratio(omega) * np.asarray(METAL.a2f(jnp.asarray(omega))))


def resistivity(ratio=None, spectrum=METAL, level=0.01, seed=None, **options):
    made = made_data(
        "resistivity", spectrum, WARM, level, seed=seed, plasma=9.1, offset=0.8, **options
    )
    return dataclasses.replace(made, ratio=ratio)


def test_the_ratio_multiplies():
    """λ_tr of a curve r(ω) by SciPy; a table row by row; a known number by scaling."""
    knots, at = TOP * np.linspace(0, 1, 6), np.linspace(3.0, 27.0, 9)
    values = {one.name: float(true_ratio(w)) for one, w in zip(SMOOTH.unknown, knots, strict=True)}
    # Between the six it is what the prior expects, and as certain as that.
    missed = np.log(np.asarray(SMOOTH.at(at, values)) / true_ratio(at))
    left = np.diag(prior_covariance(at, at) - SMOOTH.weights(at) @ prior_covariance(knots, at))
    assert np.all(np.abs(missed) < np.sqrt(np.clip(left, 0, None)) + 1e-9)

    w = np.linspace(1e-6, 60.0, 60_001)
    density = 2 / w * np.asarray(SMOOTH.at(w, values) * METAL.a2f(jnp.asarray(w)))
    exact = simpson(density, x=w)
    tied = SMOOTH.transported(METAL, values)
    # The third derivative of ln r jumps at each of the six, which a peak's nodes do not know.
    assert float(coupling_constant(tied)) == pytest.approx(exact, rel=1e-5)
    table = TabulatedSpectrum([1.0, 2.0], [0.3, 0.4])
    np.testing.assert_allclose(TransportRatio(0.8).transported(table).a2f, [0.24, 0.32])
    modes = TransportRatio(0.8, 0.1).transported(EinsteinModes([1.0], [2.0]), {"ratio": 0.5})
    assert float(modes.coupling[0]) == 1.0


def test_the_prior_of_a_curve():
    """Among its six values the covariance of the docstring; six are nearly all of it."""
    knots = TOP * np.linspace(0, 1, 6)
    np.testing.assert_allclose(
        prior_of_unknowns(SMOOTH.unknown), prior_covariance(knots, knots), rtol=1e-12
    )
    pulls = pulls_of_unknowns(SMOOTH.unknown)
    np.testing.assert_allclose(
        pulls @ prior_covariance(knots, knots) @ pulls.T, np.eye(6), rtol=0, atol=1e-10
    )
    at = np.linspace(0.0, TOP, 121)
    weights = np.asarray(SMOOTH.weights(at))
    left = prior_covariance(at, at) - weights @ prior_covariance(knots, at)
    assert 0 <= np.max(np.diag(left)) < 0.01 * 0.25
    assert [one.name for one in TransportRatio(0.8, 0.1).unknown] == ["ratio"]
    assert not TransportRatio(0.8).unknown


def test_a_known_ratio_is_another_plasma_energy():
    """ρ sees r α²F/ω_p²: r = 0.8 is ω_p/√0.8, and its error σ that of ω_p of σ/2."""
    one = resistivity(TransportRatio(0.8), seed=3)
    other = dataclasses.replace(one, ratio=None, plasma=one.plasma / np.sqrt(0.8))
    assert one.linear and other.linear
    fits = [fit_spectrum(item, TABLE, mu_star=None) for item in (one, other)]
    np.testing.assert_allclose(fits[0].a2f, fits[1].a2f, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fits[0].transport.a2f, 0.8 * fits[1].a2f, rtol=1e-9, atol=1e-12)
    value, error = fits[0].moments["lambda-tr"]
    exact = fits[1].moments["lambda"]
    assert (value, error) == pytest.approx((0.8 * exact[0], 0.8 * exact[1]), rel=1e-9)
    wide = resistivity(TransportRatio(0.8, 0.06), seed=3)
    by_plasma = dataclasses.replace(other, plasma_spread=0.03)
    errors = [
        fit_spectrum(item, TABLE, mu_star=None).moments["lambda"] for item in (wide, by_plasma)
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)


def test_transport_knows_its_own_coupling_whatever_the_ratio():
    """With an error of r λ is as uncertain as r, and λ_tr as if nothing were tied."""
    alone = fit_spectrum(resistivity(seed=3), TABLE, mu_star=None).moments["lambda"]
    fit = fit_spectrum(resistivity(TransportRatio(0.8, 0.1), seed=3), TABLE, mu_star=None)
    value, error = fit.moments["lambda-tr"]
    assert value == pytest.approx(alone[0], rel=5e-3) and error < 1.5 * alone[1]
    value, error = fit.moments["lambda"]
    # But for what the prior says of the size of any α²F.
    assert abs(0.8 * value - alone[0]) < 0.5 * 0.8 * error
    assert error == pytest.approx(0.1 * value, rel=0.1)
    assert fit.parameter_share["ratio"] > 0.9
    kept = fit.to_xarray()
    np.testing.assert_allclose(kept["a2f_transport"], kept["transport_ratio"] * kept["a2f"])


def test_two_kinds_without_a_word_of_the_ratio():
    heat = made_data("heat", METAL, np.geomspace(2, 200, 20) * KELVIN, 0.01)
    fit = fit_spectrum([heat, resistivity()], TABLE, mu_star=None)
    assert any("taken to be α²F itself" in one for one in fit.remarks)
    with pytest.raises(ValueError, match="have different ratios"):
        fit_spectrum([resistivity(), resistivity(TransportRatio(0.8))], TABLE, mu_star=None)


@pytest.mark.slow
def test_joining_decides_what_neither_does():
    """Heat of the cold metal knows λ and little else; with ρ(T), of which ω_p is not known, all.

    ρ(T) alone decides α²_trF/ω_p² only, so that its fit need not end.
    """
    cold = made_data("heat", METAL, np.geomspace(2, 25, 30) * KELVIN, 0.005, seed=1)
    ratio = TransportRatio(0.8)
    spectrum = METAL.scaled(0.8)
    rho = resistivity(ratio, spectrum, seed=2, level=0.003, plasma_spread=0.5)
    assert isinstance(cold, HeatData) and isinstance(rho, ResistivityData)
    fits = {
        name: fit_spectrum(data, TABLE, mu_star=None, top=TOP)
        for name, data in {"heat": cold, "both": [cold, rho]}.items()
    }
    heat, both = fits["heat"], fits["both"]
    assert both.parameter_share["plasma"] < 0.01
    for name, (value, error) in both.moments.items():
        assert both.prior_share[name] < UNDECIDED and error < UNCERTAIN * value, name
    # What joins them is that r is one number: λ stands by the heat, the others would move, were it
    # to bend, and that is said.
    assert "lambda" not in both.undecided and set(both.undecided) == set(both.doubted)
    assert set(both.doubted.values()) <= {"constant ratio"}
    assert heat.moments["lambda-omega2"][1] > both.moments["lambda-omega2"][1]
    value, error = both.parameters["plasma"]
    assert abs(value - 9.1) < 3 * error < 0.1 * value
    value, error = both.moments["lambda"]
    assert abs(value - 1.1) < 3 * error < 0.1 * value


@pytest.mark.slow
@pytest.mark.parametrize("bends", [True, False])
def test_a_constant_ratio_is_put_to_the_test(bends):
    """Where r(ω) bends a constant r gives a wrong λ of good χ², and the fit says so."""
    heat = made_data("heat", METAL, np.geomspace(2, 200, 40) * KELVIN, 0.01, seed=1)
    spectrum = transported() if bends else METAL.scaled(0.8)
    rho = resistivity(TransportRatio(1.0, 0.5), spectrum, seed=2)
    fit = fit_spectrum([heat, rho], TABLE, mu_star=None, top=TOP)
    value, error = fit.moments["lambda"]
    true = float(coupling_constant(METAL))
    if bends:
        assert abs(value - true) > 2 * error and fit.chi_square < 1.5 * fit.degrees
        assert "lambda" in fit.undecided
        assert any("taken to be one number" in one for one in fit.remarks)
    else:
        assert abs(value - true) < 3 * error and "lambda" not in fit.undecided


@pytest.mark.slow
@pytest.mark.parametrize("model", ["table", "peaks"])
def test_a_ratio_that_bends(model):
    """Heat and ρ(T) over all T: r(ω) inside three errors everywhere, λ and λ_tr too."""
    heat = made_data("heat", METAL, np.geomspace(2, 200, 40) * KELVIN, 0.01, seed=1)
    rho = resistivity(SMOOTH, transported(), seed=2)
    start = {
        "table": TABLE,
        "peaks": GaussianPeaks([9.0, 16.0, 24.0], [2.0, 2.0, 2.0], [0.3, 0.5, 0.3]),
    }[model]
    spread = 0.5 if model == "peaks" else None
    fit = fit_spectrum([heat, rho], start, mu_star=None, spread=spread, top=TOP)
    curve, where = fit.transport, fit.omega < TOP
    pull = (curve.ratio - true_ratio(fit.omega))[where] / curve.ratio_error[where]
    assert np.max(np.abs(pull)) < 3
    middle = (fit.omega > 9) & (fit.omega < 25)
    assert np.max(curve.ratio_error[middle] / curve.ratio[middle]) < 0.12
    for name, true in (
        ("lambda", float(coupling_constant(METAL))),
        ("lambda-tr", float(coupling_constant(transported()))),
    ):
        value, error = fit.moments[name]
        assert abs(value - true) < 3 * error < 0.1 * true, name
    assert fit.plot() is not None


def test_by_options(tmp_path, capsys):
    path = tmp_path / "rho.csv"
    rows = "\n".join(f"{t},{0.1 * t},1" for t in range(10, 200, 20))
    path.write_text(f"T (K),rho (µΩcm),sigma\n{rows}\n")

    def ratio(**options):
        return read_data(path, "resistivity", plasma=9.1, top=TOP, **options)[0].ratio

    assert ratio() is None and ratio(ratio="0.8") == TransportRatio(0.8)
    assert ratio(ratio="0.8:0.2") == TransportRatio(0.8, 0.25)
    assert ratio(ratio_bend=0.3) == TransportRatio(1.0, None, 0.3, TOP)
    for options, told in (
        (["--ratio", "-1"], "--ratio '-1' is not value or value:error"),
        (["--ratio-bend", "0"], "--ratio-bend 0"),
    ):
        base = ["fit", str(path), "--kind", "resistivity", "--plasma", "9.1", "--top", "30"]
        assert run([*base, *options]) == 2
        assert told in capsys.readouterr().err
    path.write_text("T (K),C_ratio,sigma\n5,1.9,0.1\n9,1.8,0.1\n")
    assert run(["fit", str(path), "--kind", "heat", "--top", "30", "--ratio", "0.8"]) == 2
    assert "--ratio says nothing of heat data" in capsys.readouterr().err
    with pytest.raises(ValueError, match="needs top="):
        TransportRatio(1.0, bend=0.2)
    with pytest.raises(ValueError, match="spread is -1"):
        TransportRatio(1.0, -1.0)
