"""The linear inversion: its designs, its posterior by a second route, bad data."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
    maximum_frequency,
    read_a2f,
    self_energy,
    specific_heat_ratio,
)
from jaxelph.inverse.linear import (
    fit_linear,
    heat_design,
    prior_covariance,
    self_energy_design,
)
from jaxelph.inverse.sensitivities import coupling_moment

OMEGA = np.linspace(0.4, 30.0, 60)
A2F = (0.62 * np.exp(-((OMEGA - 13.2) ** 2) / 18) + 0.5 * np.exp(-((OMEGA - 21.5) ** 2) / 5)) * (
    OMEGA**2 / (OMEGA**2 + 2)
)
METAL = TabulatedSpectrum(OMEGA, A2F)
TEMPERATURES = np.linspace(0.5, 8.0, 40)
ENERGIES = np.linspace(0.5, 45.0, 40)
TRUTH = {
    "lambda": float(coupling_constant(METAL)),
    "omega-log": float(log_frequency(METAL)),
    "lambda-omega2": float(coupling_moment(METAL)),
}


def heat():
    return np.asarray(heat_design(jnp.asarray(OMEGA), jnp.asarray(TEMPERATURES)))


def sigma():
    parts = self_energy_design(jnp.asarray(OMEGA), 1.0, jnp.asarray(ENERGIES))
    return np.vstack([np.asarray(part) for part in parts])


def test_designs_give_the_quantities():
    exact = np.array([float(specific_heat_ratio(METAL, t)) - 1 for t in TEMPERATURES[::10]])
    np.testing.assert_allclose((heat() @ A2F)[::10], exact, rtol=1e-12, atol=1e-14)
    exact = np.asarray(self_energy(METAL, 1.0, jnp.asarray(ENERGIES)))
    expected = np.concatenate([exact.real, exact.imag])
    np.testing.assert_allclose(sigma() @ A2F, expected, rtol=1e-11, atol=1e-12)


def test_posterior_by_the_normal_equations():
    """In the space of the table in place of that of the data, with an explicit P⁻¹."""
    design = sigma()
    noise = np.full(len(design), 0.05)
    data = design @ A2F + noise * np.random.default_rng(1).normal(size=len(design))
    fit = fit_linear(OMEGA, design, data, noise, top=33.0)
    prior = np.asarray(
        prior_covariance(jnp.asarray(OMEGA), 33.0, fit.amplitude, fit.length, fit.onset)
    )
    information = design.T @ design / 0.05**2
    covariance = np.linalg.inv(information + np.linalg.inv(prior))
    np.testing.assert_allclose(fit.covariance, covariance, atol=1e-7 * np.max(covariance))
    mean = covariance @ design.T @ data / 0.05**2
    np.testing.assert_allclose(fit.a2f, mean, atol=1e-6 * np.max(mean))
    np.testing.assert_allclose(fit.resolution, covariance @ information, atol=1e-6)
    # The degrees of freedom that the data decide are the trace of the resolution kernel.
    assert fit.degrees == pytest.approx(np.trace(fit.resolution), rel=1e-9)


def test_the_prior_vanishes_where_a2f_must():
    covariance = prior_covariance(jnp.array([1e-3, 2e-3, 10.0, 30.0, 31.0]), 30.0, 1.0, 5.0, 3.0)
    variance = np.diag(np.asarray(covariance))
    assert variance[3] == variance[4] == 0
    assert np.sqrt(variance[1] / variance[0]) == pytest.approx(4.0, rel=1e-5)


def test_evidence_is_at_its_largest():
    design = heat()
    noise = np.full(len(design), 0.01)
    data = design @ A2F + noise * np.random.default_rng(2).normal(size=len(design))
    fit = fit_linear(OMEGA, design, data, noise, top=33.0)

    def evidence(amplitude, length):
        prior = prior_covariance(jnp.asarray(OMEGA), 33.0, amplitude, length, fit.onset)
        total = np.diag(noise**2) + design @ np.asarray(prior) @ design.T
        half = 0.5 * np.linalg.slogdet(2 * np.pi * total)[1]
        # In units of σ, as the fit counts it.
        return -half - 0.5 * data @ np.linalg.solve(total, data) + np.sum(np.log(noise))

    best = evidence(fit.amplitude, fit.length)
    assert fit.log_evidence == pytest.approx(best, rel=1e-9)
    for factors in ((1.05, 1), (0.95, 1), (1, 1.05), (1, 0.95)):
        assert evidence(factors[0] * fit.amplitude, factors[1] * fit.length) < best


def test_bad_data():
    design, noise = heat(), np.full(40, 0.01)
    data = design @ A2F
    broken = data.copy()
    broken[7] = np.nan
    for arguments, message in (
        ((OMEGA, design, broken, noise), "data holds a number that is not finite, in row 7"),
        ((OMEGA, design, data, -noise), "noise must be positive"),
        ((OMEGA, design, data[:-1], noise), "do not fit"),
        ((OMEGA[::-1], design, data, noise), "ascending"),
    ):
        with pytest.raises(ValueError, match=message):
            fit_linear(*arguments)


@pytest.mark.slow
def test_the_68_percent_interval_covers_68_percent():
    """200 draws of 1 % noise on Re and Im Σ: each moment is covered at the nominal rate."""
    design = sigma()
    exact = design @ A2F
    noise = np.full(len(exact), 0.01 * np.max(np.abs(exact)))
    rng = np.random.default_rng(0)
    inside = {name: 0 for name in TRUTH}
    for _ in range(200):
        fit = fit_linear(OMEGA, design, exact + noise * rng.normal(size=len(noise)), noise)
        for name, (value, error) in fit.moments.items():
            inside[name] += abs(value - TRUTH[name]) < error
    for name, count in inside.items():
        assert 120 <= count <= 152, f"{name}: {count} of 200"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::jaxelph.SpectrumWarning")
@pytest.mark.parametrize(
    ("name", "unit"), [("xi__Hg__a2F_Hg_0GPa.txt", "meV"), ("isome__Nb__Nb.a2F", None)]
)
def test_coverage_on_calculated_spectra(shared, name, unit):
    """Mercury begins abruptly at .6 meV, far below its top: the prior must not round that off."""
    metal = read_a2f(shared / "a2f" / name, unit=unit)
    truth = {
        "lambda": float(coupling_constant(metal)),
        "omega-log": float(log_frequency(metal)),
        "lambda-omega2": float(coupling_moment(metal)),
    }
    top = float(maximum_frequency(metal))
    energies = jnp.linspace(0.02 * top, 1.6 * top, 40)

    def design(omega):
        return np.vstack(
            [np.asarray(x) for x in self_energy_design(jnp.asarray(omega), 0.03 * top, energies)]
        )

    # The fit's table is not that of the file.
    omega = np.linspace(1.02 * top / 60, 1.02 * top, 60)
    exact, matrix = design(metal.omega) @ np.asarray(metal.a2f), design(omega)
    noise = np.full(len(exact), 0.01 * np.max(np.abs(exact)))
    rng = np.random.default_rng(0)
    inside = {name: 0 for name in truth}
    for _ in range(200):
        fit = fit_linear(omega, matrix, exact + noise * rng.normal(size=len(noise)), noise)
        for moment, (value, error) in fit.moments.items():
            inside[moment] += abs(value - truth[moment]) < error
    for moment, count in inside.items():
        assert 120 <= count <= 152, f"{moment}: {count} of 200"
