"""fit_spectrum: exact recovery, errors against noise, backgrounds, bad data."""

import numpy as np
import pytest

from jaxelph import GaussianPeaks, coupling_constant, transition_temperature
from jaxelph.inverse.data import HeatData, SelfEnergyData, TcData, WeightData
from jaxelph.inverse.fit import FitWarning, fit_spectrum

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


def test_data_that_cannot_be_fitted():
    few = HeatData(TEMPERATURES[:3], np.full(3, 1.2), np.full(3, 0.1))
    with pytest.raises(ValueError, match="3 data cannot decide 6 parameters without a prior"):
        fit_spectrum(few, START)
    tc = TcData(1.0, 0.1)
    with pytest.raises(ValueError, match="Tc data are not linear"):
        fit_spectrum([few, tc], np.linspace(0.5, 30.0, 60))
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


@pytest.mark.slow
def test_suspicious_units():
    table = np.linspace(0.5, 30.0, 40)
    data = heat()
    milli = HeatData(TEMPERATURES, 1e3 * data.ratio, 1e3 * data.sigma)
    with pytest.warns(FitWarning, match="of order one"):
        fit_spectrum(milli, table, mu_star=None)
    both = sigma()
    electronvolts = SelfEnergyData(1.0, 1e-3 * both.energy, both.real, both.imaginary, both.sigma)
    assert "energies reach" in electronvolts.suspicion(30.0)
    assert SelfEnergyData(1.0, ENERGIES, -both.real, -both.imaginary, both.sigma).suspicion(30.0)
    assert both.suspicion(30.0) is None and data.suspicion(30.0) is None
