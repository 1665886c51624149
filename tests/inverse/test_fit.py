"""fit_spectrum: exact recovery, errors against noise, backgrounds, bad data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    EnergyGrid,
    GaussianPeaks,
    coupling_constant,
    inverse_quasiparticle_weight,
    specific_heat_ratio,
    transition_temperature,
)
from jaxelph.inverse.data.heat import HeatData
from jaxelph.inverse.data.relaxation import RelaxationData
from jaxelph.inverse.data.self_energy import SelfEnergyData
from jaxelph.inverse.data.transition import TcData
from jaxelph.inverse.data.weight import WeightData
from jaxelph.inverse.fit import descent
from jaxelph.inverse.fit.errors import FitError, FitWarning
from jaxelph.inverse.fit.prediction import predict
from jaxelph.inverse.fit.remarks import chi_square_remarks, runs_remarks
from jaxelph.inverse.fit.spectrum import fit_spectrum
from jaxelph.inverse.sensitivities.derivatives import coupling_moment

TRUTH = GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.7, 0.3])
START = GaussianPeaks([11.0, 24.0], [2.0, 2.0], [0.5, 0.5])
TEMPERATURES = np.linspace(0.5, 8.0, 25)
ENERGIES = np.linspace(0.5, 45.0, 25)


def heat(sigma=1e-3, rng=None):
    blank = HeatData(TEMPERATURES, np.ones(25), np.full(25, sigma))
    noise = 0 if rng is None else sigma * rng.normal(size=25)
    return HeatData(TEMPERATURES, np.asarray(blank.predict(TRUTH)) + noise, np.full(25, sigma))


def sigma(error=0.05, background=(0.0, 0.0), resolution=0.0, rng=None):
    fitted = background != (0.0, 0.0)
    blank = SelfEnergyData(
        1.0, ENERGIES, 0 * ENERGIES, 0 * ENERGIES, np.full(25, error), resolution, fitted
    )
    value = np.asarray(blank.predict(TRUTH))
    if fitted:
        value = value + np.stack(list(blank.background.values()), axis=1) @ background
    if rng is not None:
        value = value + error * rng.normal(size=50)
    return SelfEnergyData(
        1.0, ENERGIES, value[:25], value[25:], np.full(25, error), resolution, fitted
    )


def test_noise_free_peaks_are_recovered():
    fit = fit_spectrum([heat(), sigma()], START, mu_star=None)
    for name in ("omega", "width", "coupling"):
        np.testing.assert_allclose(
            getattr(fit.spectrum, name), getattr(TRUTH, name), rtol=1e-6, err_msg=name
        )
    assert fit.chi_square < 1e-10
    assert fit.degrees == 75 - 6


@pytest.mark.slow
def test_errors_of_peaks_by_linear_response():
    """A shift of one datum moves the fit by C Jᵀ σ⁻¹: the covariance follows from these alone."""
    data = sigma(error=0.2)
    fit = fit_spectrum(data, TRUTH, mu_star=None)
    size = 1e-3
    moved = np.zeros(6)
    for row in range(50):
        part, index = divmod(row, 25)
        parts = [np.array(data.real), np.array(data.imaginary)]
        parts[part][index] += size * 0.2
        shifted = SelfEnergyData(1.0, ENERGIES, *parts, data.sigma)
        other = fit_spectrum(shifted, TRUTH, mu_star=None)
        change = [
            a[0] - b[0]
            for a, b in zip(other.parameters.values(), fit.parameters.values(), strict=True)
        ]
        moved += (np.array(change) / size) ** 2
    errors = [error for _, error in fit.parameters.values()]
    np.testing.assert_allclose(np.sqrt(moved), errors, rtol=5e-3)


@pytest.mark.slow
def test_backgrounds_and_resolution():
    """Γ and β come back, from peaks and from a table, under a resolution as wide as a peak."""
    data = sigma(background=(2.0, 0.003), resolution=1.5)
    peaks = fit_spectrum(data, START, mu_star=None)
    assert peaks.parameters["impurity"][0] == pytest.approx(2.0, rel=1e-6)
    assert peaks.parameters["electron-electron"][0] == pytest.approx(0.003, rel=1e-6)
    table = fit_spectrum(data, np.linspace(0.5, 30.0, 60), mu_star=None)
    for name, true in (("impurity", 2.0), ("electron-electron", 0.003)):
        value, error = table.parameters[name]
        assert abs(value - true) < 2 * error < 0.5 * true
    value, error = table.moments["lambda"]
    assert abs(value - 1.0) < 2 * error


def test_resolution_is_a_gaussian_average():
    data = sigma(resolution=1.5)
    x, w = np.polynomial.hermite.hermgauss(60)
    plain = [
        SelfEnergyData(1.0, ENERGIES + np.sqrt(2) * 1.5 * s, ENERGIES, ENERGIES, np.ones(25))
        for s in x
    ]
    exact = sum(v * np.asarray(p.predict(TRUTH)) for v, p in zip(w, plain, strict=True))
    np.testing.assert_allclose(data.predict(TRUTH), exact / np.sqrt(np.pi), atol=1e-7)


@pytest.mark.slow
def test_weight_and_tc_together():
    energies = np.linspace(0.0, 11.0, 12)  # Above the peaks 1/Z may be negative.
    blank = WeightData(1.0, energies, np.ones(12), np.full(12, 1e-3))
    weight = 1 / np.asarray(blank.predict(TRUTH))
    tc = float(transition_temperature(TRUTH, 0.1))
    data = [WeightData(1.0, energies, weight, np.full(12, 1e-3)), TcData(tc, 0.01 * tc)]
    one = GaussianPeaks([13.0, 22.0], [3.0, 1.5], [0.6, 0.4])
    fit = fit_spectrum(data, one)
    assert fit.moments["tc"][0] == pytest.approx(tc, rel=1e-6)
    assert float(coupling_constant(fit.spectrum)) == pytest.approx(1.0, rel=1e-6)
    # Tc alone cannot be known better than it was measured by more than the rest tells.
    assert fit.moments["tc"][1] < 0.01 * tc


def traces(rng=None):
    """T_e(t) of one peak at three temperatures of the phonons, with errors of 0.2 %."""
    truth, found = GaussianPeaks([10.0], [2.0], [0.8]), []
    for temperature in (8.0, 10.0, 12.0):
        grid = EnergyGrid(0.6 * temperature, 56)
        time = np.linspace(0.02, 0.15, 8) * temperature
        error = np.full(8, 2e-3 * temperature)
        given = (temperature, 1.3 * temperature, time)
        blank = RelaxationData(*given, np.full(8, temperature), error, grid, rtol=1e-5)
        measured = np.asarray(blank.predict(truth))
        if rng is not None:
            measured = measured + error * rng.normal(size=8)
        found.append(RelaxationData(*given, measured, error, grid, rtol=1e-5))
    return truth, found


@pytest.mark.slow
def test_relaxation_at_three_temperatures():
    """The cooling knows λ⟨ω²⟩, and the 68 % interval covers it in 60 to 76 % of 200 draws."""
    truth, exact = traces()
    true, wide = float(coupling_moment(truth)), float(coupling_constant(truth))
    rng, start, inside = np.random.default_rng(0), GaussianPeaks([9.0], [1.6], [0.7]), 0
    for _ in range(200):
        drawn = [
            RelaxationData(
                item.temperature,
                item.initial,
                item.time,
                item.electrons + item.sigma * rng.normal(size=8),
                item.sigma,
                item.grid,
                rtol=item.rtol,
            )
            for item in exact
        ]
        fit = fit_spectrum(drawn, start, mu_star=None, spread=1.0)
        value, error = fit.moments["lambda-omega2"]
        inside += abs(value - true) < error
        assert error < 0.02 * true
        # λ itself stays open, and the fit says that the prior has a share in it.
        assert fit.moments["lambda"][1] > 0.1 * wide
        assert fit.prior_share["lambda"] > 0.01 > 10 * fit.prior_share["lambda-omega2"]
    assert 120 <= inside <= 152


@pytest.mark.slow
def test_a_table_of_relaxation():
    """Curved data: a table without any start knows λ⟨ω²⟩, and says that it knows nothing else."""
    truth, data = traces(np.random.default_rng(1))
    fit = fit_spectrum(data, np.linspace(0.6, 24.0, 40), mu_star=None)
    value, error = fit.moments["lambda-omega2"]
    assert abs(value - float(coupling_moment(truth))) < 2 * error < 0.1 * value
    assert fit.undecided == ("lambda", "omega-log")


@pytest.mark.slow
def test_data_of_one_shape_are_predicted_together():
    truth, data = traces()
    mixed = [data[0], heat(), data[1], data[2]]
    alone = np.concatenate([np.asarray(item.predict(truth)) for item in mixed])
    np.testing.assert_allclose(predict(truth, mixed), alone, rtol=1e-9)


def test_a_prior_on_peaks_is_one_more_datum_for_each():
    """With data that say nothing the start comes back, with the prior's own errors."""
    blind = HeatData(TEMPERATURES[:3], np.full(3, 1.2), np.full(3, 1e6))
    fit = fit_spectrum(blind, START, mu_star=None, spread=0.3)
    np.testing.assert_allclose(fit.spectrum.coupling, START.coupling, rtol=1e-6)
    for value, error in fit.parameters.values():
        assert error == pytest.approx(0.3 * value, rel=1e-6)
    assert fit.degrees == pytest.approx(3, abs=1e-6)
    assert fit.prior_share["lambda"] == pytest.approx(1, rel=1e-6)
    with pytest.raises(ValueError, match="spread must be a positive number"):
        fit_spectrum(blind, START, spread=-1.0)


def test_data_that_cannot_be_fitted():
    few = HeatData(TEMPERATURES[:3], np.full(3, 1.2), np.full(3, 0.1))
    with pytest.raises(ValueError, match="3 data cannot decide 6 parameters without a prior"):
        fit_spectrum(few, START)
    with pytest.raises(ValueError, match="needs data"):
        fit_spectrum([], START)
    ratio = np.full(25, 1.2)
    ratio[4] = np.nan
    with pytest.raises(ValueError, match="row 5"):
        HeatData(TEMPERATURES, ratio, np.full(25, 0.1))
    error = np.full(25, 0.1)
    error[6] = -0.1
    with pytest.raises(ValueError, match="error of row 7 is -0.1"):
        HeatData(TEMPERATURES, np.full(25, 1.2), error)
    with pytest.raises(ValueError, match="one length"):
        HeatData(TEMPERATURES, np.full(24, 1.2), error)


def test_more_data_than_memory_holds():
    many = np.linspace(0.5, 8.0, 600_000)
    data = HeatData(many, np.ones(len(many)), np.full(len(many), 0.1))
    with pytest.raises(ValueError, match="600000 data and 200 rows of α²F are more than memory"):
        fit_spectrum(data, np.linspace(0.15, 30.0, 200), mu_star=None)


@pytest.mark.slow
def test_long_data_in_blocks_are_the_same_fit(monkeypatch):
    """Row by row or by differentiating all at once; and twice the data with √2 the errors."""
    table, data = np.linspace(0.75, 30.0, 40), sigma(background=(2.0, 0.003))
    one = fit_spectrum(data, table, mu_star=None)
    monkeypatch.setattr(descent, "_AT_ONCE", 0)
    blocks = fit_spectrum(data, table, mu_star=None)
    np.testing.assert_allclose(blocks.a2f, one.a2f, atol=1e-8)
    twice = SelfEnergyData(
        1.0,
        np.tile(data.energy, 2),
        np.tile(data.real, 2),
        np.tile(data.imaginary, 2),
        np.sqrt(2) * np.tile(data.sigma, 2),
        0.0,
        True,
    )
    other = fit_spectrum(twice, table, mu_star=None)
    np.testing.assert_allclose(other.a2f, one.a2f, atol=1e-6)
    for name, pair in one.parameters.items():
        np.testing.assert_allclose(other.parameters[name], pair, rtol=1e-5)


def test_remarks_on_errors_that_are_wrong():
    """By 10 either way from χ²; a drift from the runs, by SciPy's own distributions."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=40)
    assert chi_square_remarks(noise @ noise, 40.0) == []
    assert "10 times too small" in chi_square_remarks(100 * 40.0, 40.0)[0]
    assert "10 times too large" in chi_square_remarks(40.0 / 100, 40.0)[0]
    assert runs_remarks("heat", noise) == []
    drift = np.sin(np.linspace(0, 2 * np.pi, 40)) + 0.01 * noise
    assert "40 residuals have" in runs_remarks("heat", drift)[0]


def test_a_fit_that_fails_says_so():
    with pytest.raises(FitError, match="did not converge in 2 steps"):
        fit_spectrum([heat(), sigma()], START, mu_star=None, max_steps=2)
    # Two equal peaks cannot be told apart.
    twins = GaussianPeaks([13.0, 13.0], [3.0, 3.0], [0.5, 0.5])
    exact = np.asarray(heat().predict(twins))
    data = HeatData(TEMPERATURES, exact, np.full(25, 1e-3))
    with pytest.raises(FitError, match="do not decide all parameters"):
        fit_spectrum(data, twins, mu_star=None)


@pytest.mark.slow
def test_suspicious_units():
    table = np.linspace(0.5, 30.0, 40)
    data = heat()
    milli = HeatData(TEMPERATURES, 1e3 * data.ratio, 1e3 * data.sigma)
    with pytest.raises(FitError, match="no positive α²F describes the data"):
        with pytest.warns(FitWarning, match="of order one"):
            fit_spectrum(milli, table, mu_star=None)
    both = sigma()
    # Of the other sign: nothing positive fits.
    turned = SelfEnergyData(1.0, ENERGIES, -both.real, -both.imaginary, both.sigma)
    with pytest.raises(FitError, match="no positive α²F describes the data"):
        with pytest.warns(FitWarning, match="Im Σ is positive"):
            fit_spectrum(turned, table, mu_star=None)
    assert turned.suspicion(30.0)
    electronvolts = SelfEnergyData(1.0, 1e-3 * both.energy, both.real, both.imaginary, both.sigma)
    assert "energies reach" in electronvolts.suspicion(30.0)
    assert both.suspicion(30.0) is None and data.suspicion(30.0) is None


# ---------------------------------------------------------------- many data


def _many(kind, count):
    ones, energy = np.ones(count), np.linspace(0.1, 60.0, count)
    return {
        "heat": lambda: HeatData(energy, ones, ones),
        "weight": lambda: WeightData(2.0, energy, ones, ones),
        "self-energy": lambda: SelfEnergyData(2.0, energy, ones, -ones, ones, 1.0),
    }[kind]()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["heat", "weight", "self-energy"])
def test_memory_of_many_data_has_a_bound(kind):
    def slopes(theta, data):
        return jax.jacfwd(lambda x: data.predict(GaussianPeaks(*x)))(theta)

    theta = jnp.array([[10.0, 20.0], [2.0, 1.0], [0.5, 0.3]])
    held = {}
    for count in (4096, 100_000):
        data = jax.tree.map(jnp.asarray, _many(kind, count))
        memory = jax.jit(slopes).lower(theta, data).compile().memory_analysis()
        held[count] = memory.temp_size_in_bytes - 2 * memory.output_size_in_bytes
    # What the answer itself takes set aside, whose copies grow with the data.
    assert held[100_000] < 2 * held[4096] and held[100_000] < 5e8


@pytest.mark.slow
def test_data_in_blocks_are_what_they_are_one_by_one():
    metal, count = GaussianPeaks([10.0, 20.0], [2.0, 1.0], [0.5, 0.3]), 5000
    picked = np.array([0, 1, 169, 170, 4095, 4096, 4999])
    energy = np.linspace(0.1, 60.0, count)
    heat = _many("heat", count).predict(metal)
    one = [float(specific_heat_ratio(metal, t)) for t in energy[picked]]
    np.testing.assert_allclose(heat[picked], one, rtol=1e-12)
    weight = _many("weight", count).predict(metal)
    one = inverse_quasiparticle_weight(metal, 2.0, energy[picked])
    assert weight.shape == (count,)
    np.testing.assert_allclose(weight[picked], one, rtol=1e-12)
    sigma = _many("self-energy", count).predict(metal)
    assert sigma.shape == (2 * count,)
    few = SelfEnergyData(2.0, energy[picked], picked, -picked, 1.0 + picked, 1.0).predict(metal)
    np.testing.assert_allclose(sigma[np.append(picked, picked + count)], few, rtol=1e-11)
