"""Kinds of data that laboratories have: what they predict by a second route, and round trips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from jaxelph import (
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    gap_edge,
    real_axis_state,
    superconducting_heat_ratio,
    superconducting_state,
    transition_temperature,
)
from jaxelph.inverse.data import junction
from jaxelph.inverse.data.gap import GapData
from jaxelph.inverse.data.optical import OpticalData
from jaxelph.inverse.data.reflectivity import ReflectivityData
from jaxelph.inverse.data.resistivity import ResistivityData
from jaxelph.inverse.data.total_heat import GAS, TotalHeatData
from jaxelph.inverse.data.transition import TcData
from jaxelph.inverse.data.tunnelling import TunnellingData
from jaxelph.inverse.fit.errors import FitError
from jaxelph.inverse.fit.prediction import unknowns
from jaxelph.inverse.fit.spectrum import fit_spectrum
from jaxelph.inverse.sensitivities.derivatives import coupling_moment
from jaxelph.units import KELVIN

# Of lead's kind: λ = 1.5, T_c near 7 K.
LEAD = GaussianPeaks([4.4, 8.5], [0.9, 0.5], [1.0, 0.5])
TABLE = np.linspace(0.15, 12.0, 80)
WARM = np.geomspace(2.0, 300.0, 40) * KELVIN


def resistivity(rng=None, level=0.01, **options):
    blank = ResistivityData(WARM, np.ones(40), np.ones(40), 8.3)
    rho = np.asarray(blank.predict(LEAD)) + 0.5
    if "saturates" in options:
        rho = rho * 100 / (rho + 100)
    sigma = level * rho
    noise = 0 if rng is None else sigma * rng.normal(size=40)
    return ResistivityData(WARM, rho + noise, sigma, 8.3, **options)


def test_resistivity_by_hand():
    """ρ = m/(n e² τ) with ω_p² = n e²/ε0 m, in SI, from Ziman's integral by SciPy."""
    hbar, charge, epsilon = 1.054571817e-34, 1.602176634e-19, 8.8541878128e-12
    plasma = 8.3 * charge / hbar  # rad/s

    def integrand(w):
        x = w / (2 * 25.0)
        return float(LEAD.a2f(jnp.array([w]))[0]) / w * (x / np.sinh(x)) ** 2

    parts = [
        quad(integrand, a, b, epsabs=1e-12)[0] for a, b in ((1e-9, 4), (4, 7), (7, 9), (9, 14))
    ]
    rate = 4 * np.pi * 25.0 * sum(parts) * 1e-3 * charge / hbar  # 1/s
    exact = rate / (epsilon * plasma**2) * 1e8  # µΩ cm
    data = ResistivityData([25.0], [1.0], [1.0], 8.3, residual=0.7)
    assert float(data.predict(LEAD)[0]) == pytest.approx(exact + 0.7, rel=1e-7)


def test_what_resistivity_is_fitted_with():
    plain, wide = resistivity(), resistivity(plasma_spread=0.03)
    assert plain.linear and not wide.linear and list(plain.background) == ["residual"]
    assert not resistivity(residual=0.5).background
    names = [one.name for one in resistivity(saturates=True, plasma_spread=0.1).unknown]
    assert names == ["plasma", "residual", "saturation"]
    # In parallel with a ρ_sat that is given.
    ideal = np.asarray(plain.predict(LEAD))
    found = np.asarray(plain.predict(LEAD, residual=2.0, saturation=50.0))
    np.testing.assert_allclose(1 / found, 1 / (ideal + 2.0) + 1 / 50.0, rtol=1e-12)


def test_one_unknown_has_one_start():
    tc = float(transition_temperature(LEAD, 0.1))
    pair = [TcData(tc, 0.01 * tc, 0.1, mu_star_spread=0.3) for _ in range(2)]
    assert len(unknowns(pair)) == 1
    other = TcData(tc, 0.01 * tc, 0.12, mu_star_spread=0.3)
    with pytest.raises(ValueError, match="mu_star starts from 0.1 and from 0.12"):
        unknowns([pair[0], other])


def test_resistivity_without_noise():
    """ρ0 and λ to a thousandth; an error of ω_p is one of λ, twice as large."""
    fit = fit_spectrum(resistivity(level=1e-4), TABLE, mu_star=None)
    value, error = fit.moments["lambda"]
    assert abs(value - 1.5) < 3 * error < 0.005
    assert fit.parameters["residual"][0] == pytest.approx(0.5, abs=1e-3)
    wide = fit_spectrum(resistivity(level=1e-4, plasma_spread=0.03), TABLE, mu_star=None)
    assert wide.moments["lambda"][1] == pytest.approx(0.06 * 1.5, rel=0.05)
    assert wide.parameters["plasma"][1] == pytest.approx(0.03 * 8.3, rel=0.02)
    # But for what the prior says of the size of any α²F.
    assert wide.parameter_share["plasma"] > 0.95


@pytest.mark.slow
def test_saturation():
    fit = fit_spectrum(resistivity(level=1e-3, saturates=True), TABLE, mu_star=None)
    for name, true in (("residual", 0.5), ("saturation", 100.0)):
        value, error = fit.parameters[name]
        assert abs(value - true) < 3 * error < 0.1 * true
    value, error = fit.moments["lambda"]
    assert abs(value - 1.5) < 3 * error < 0.05


def test_optics_know_the_area():
    """At Ω ≫ ω 1/τ tends to 2π∫α²F dω, so that λ⟨ω⟩ is known and λ hardly."""
    light, found = np.linspace(1.0, 60.0, 40), []
    for kelvin in (5.0, 60.0):
        blank = OpticalData(kelvin * KELVIN, light, np.ones(40), np.ones(40))
        rate = np.asarray(blank.predict(LEAD)) + 2.0
        found.append(OpticalData(kelvin * KELVIN, light, rate, 0.01 * rate, True))
    fit = fit_spectrum(found, TABLE, mu_star=None)
    value, error = fit.moments["lambda-omega2"]
    assert abs(value - float(coupling_moment(LEAD))) < error < 0.05 * value
    assert all(abs(fit.parameters[name][0] - 2.0) < 0.5 for name in list(fit.parameters)[:1])


def test_gap_is_the_package_s():
    tc = float(transition_temperature(LEAD, 0.12))
    t = np.array([0.2, 0.5]) * tc
    for edge in (True, False):
        data = GapData(t, np.ones(2), np.ones(2), mu_star=0.12, edge=edge)
        exact = [
            float(gap_edge(LEAD, x, mu_star=0.12))
            if edge
            else float(superconducting_state(LEAD, x, mu_star=0.12).gap[0])
            for x in t
        ]
        np.testing.assert_allclose(data.predict(LEAD), exact, rtol=1e-9)
    with pytest.raises(ValueError, match="μ\\* starts above 0"):
        GapData(t, np.ones(2), np.ones(2), mu_star=0.0, mu_star_spread=0.3)


def test_total_heat_by_parts():
    """γ_b T C_S ratio below T_c, and Dulong and Petit's 3nR far above."""
    tc = float(transition_temperature(LEAD, 0.12))
    t = np.array([0.5 * tc, 1.5 * tc, 50.0])
    lattice = dict(atoms=2.0, debye=9.0, einstein=7.0, superconducting=True, mu_star=0.12)
    data = TotalHeatData(t, np.ones(3), np.ones(3), 3.0, **lattice)
    electrons = [float(superconducting_heat_ratio(LEAD, x, mu_star=0.12)) for x in t]
    rest = np.asarray(data.predict(LEAD)) - 3.0 * t / KELVIN * np.array(electrons)
    np.testing.assert_allclose(rest, np.asarray(data.phonons(jnp.asarray(t))), rtol=1e-10)
    assert rest[2] == pytest.approx(6 * GAS, rel=0.005)
    w = np.linspace(0.1, 9.0, 300)
    dense = TotalHeatData(t, np.ones(3), np.ones(3), 3.0, density=(w, w**2), atoms=2.0)
    debye = np.asarray(data.phonons(jnp.asarray(t), einstein_share=0.0))
    np.testing.assert_allclose(dense.phonons(jnp.asarray(t)), debye, rtol=2e-3)


# ---------------------------------------------------------------- tunnelling

COLD = 2.0 * KELVIN
BIAS = np.linspace(0.1, 14.0, 60)


def test_the_line_is_the_real_axis_solution():
    """N(E + iη) of the uniform grid by `real_axis_state`, whose grid and quadrature differ."""
    data = TunnellingData(COLD, BIAS, np.ones(60), np.ones(60), 12.0)
    line = data.line
    found = jax.jit(lambda s: junction.line_densities(line, s, COLD, 0.12, None))(LEAD)
    energies = line.step * np.arange(1, line.energies, 8)
    exact = real_axis_state(
        LEAD, COLD, energies, mu_star=0.12, broadening=line.height
    ).density_of_states
    np.testing.assert_allclose(np.asarray(found).real[1::8] + 1, exact, atol=3e-5)


def test_thermal_smearing_along_the_line_is_that_on_the_axis():
    """Of the BCS density with Γ, closed on the line, by SciPy on the real axis."""
    gap, t, broad = 1.3, 0.2, 0.05

    def density(w):
        w = np.asarray(w, dtype=complex)
        root = np.sqrt(w - gap) * np.sqrt(w + gap)
        return w / root

    line = junction.Line(0.03, np.pi * t / 2, 700, 100)
    on_line = density(line.step * np.arange(line.energies) + 1j * line.height) - 1
    found = junction.conductance(line, jnp.asarray(on_line), t, broad, jnp.array([0.0, 1.0, 1.6]))

    def exact(v):
        def integrand(e):
            kernel = 1 / (4 * t * np.cosh((e - v) / (2 * t)) ** 2)
            return kernel * abs(density(e + 1j * broad).real)

        ends = (-12.0, -gap, 0.0, gap, 12.0)
        return sum(
            quad(integrand, a, b, limit=400, epsabs=1e-10)[0]
            for a, b in zip(ends[:-1], ends[1:], strict=True)
        )

    np.testing.assert_allclose(found, [exact(v) for v in (0.0, 1.0, 1.6)], atol=2e-6)


def test_derivatives_of_the_conductance():
    data = TunnellingData(COLD, BIAS, np.ones(60), np.ones(60), 12.0)
    a2f = LEAD.a2f(jnp.asarray(TABLE))

    @jax.jit
    def value(x):
        spectrum = TabulatedSpectrum(jnp.asarray(TABLE), x[:80])
        return data.predict(spectrum, mu_star=x[80], broadening=x[81])

    x = jnp.append(a2f, jnp.array([0.12, 0.03]))
    way = jnp.asarray(np.random.default_rng(0).normal(size=82)) * x
    slope = jax.jit(lambda x: jax.jvp(value, (x,), (way,))[1])(x)
    h = 1e-4
    two = (value(x + h * way) - value(x - h * way)) / (2 * h)
    four = (value(x + 2 * h * way) - value(x - 2 * h * way)) / (4 * h)
    np.testing.assert_allclose(slope, (4 * two - four) / 3, atol=1e-6 * np.max(np.abs(slope)))


def test_the_areas_of_a_table_are_all_of_it():
    """Hats by quadrature on a fine grid; a step anywhere between two energies has its own λ."""
    line, rng = junction.Line(0.3, 0.5, 200, 60), np.random.default_rng(0)
    omega, a2f = np.sort(rng.uniform(0.05, 18, 40)), rng.uniform(0, 1, 40)
    fine = np.linspace(0, 18.3, 2_000_001)
    curve = np.interp(fine, np.append(0, omega), np.append(0, a2f), right=0)
    hats = [
        np.trapezoid(curve * np.clip(1 - np.abs(fine - 0.3 * k) / 0.3, 0, None), fine)
        for k in range(1, 61)
    ]
    exact = hats - np.diff(np.pad(np.diff(hats), 1)) / 12
    found = junction.areas_on(line, TabulatedSpectrum(omega, a2f))
    np.testing.assert_allclose(found, exact, atol=1e-6)
    errors = []
    for h, count in ((0.2, 90), (0.1, 180)):
        at = h * np.arange(1, count + 1)
        areas = np.asarray(junction.areas_on(junction.Line(h, 0.5, 200, count), LEAD))
        errors.append(np.max(np.abs(areas / h - LEAD.a2f(jnp.asarray(at)))))
    # Of what is smooth to the fourth order in h over the width of the peak.
    assert 12 < errors[0] / errors[1] < 20 and errors[1] < 1e-3
    at = 0.3 * np.arange(1, 61)
    for edge in (12.0, 12.1, 12.2):
        w = np.linspace(0.005, 17.9, 3580)
        step = TabulatedSpectrum(w, np.where(w > edge, 0.5, 0.0))
        coupling = np.sum(2 * np.asarray(junction.areas_on(line, step)) / at)
        assert coupling == pytest.approx(float(coupling_constant(step)), rel=2e-5)


def test_a_normal_junction_is_flat():
    data = TunnellingData(20 * KELVIN, BIAS, np.ones(60), np.ones(60), 12.0)
    np.testing.assert_allclose(data.predict(LEAD), 1.0, atol=1e-12)


def test_bad_junctions():
    ones = np.ones(60)
    with pytest.raises(ValueError, match="is too low for energies"):
        TunnellingData(0.02 * KELVIN, BIAS, ones, ones, 12.0)
    with pytest.raises(ValueError, match="above 4.5 T"):
        TunnellingData(COLD, BIAS, ones, ones, 12.0, broadening=1.0)
    assert TunnellingData(COLD, BIAS, 50 * ones, ones, 12.0).suspicion(12.0)


@pytest.mark.slow
def test_a_junction_is_inverted():
    """McMillan and Rowell: λ, ω_log, μ* and T_c inside three of their errors, at noise 1e-3."""
    rng = np.random.default_rng(1)
    blank = TunnellingData(COLD, BIAS, np.ones(60), np.ones(60), 12.0)
    exact = np.asarray(jax.jit(lambda s: blank.predict(s, mu_star=0.12, broadening=0.02))(LEAD))
    seen = exact + 1e-3 * rng.normal(size=60)
    data = TunnellingData(COLD, BIAS, seen, np.full(60, 1e-3), 12.0)
    fit = fit_spectrum(data, TABLE, top=12.0)
    truth = {
        "lambda": float(coupling_constant(LEAD)),
        "lambda-omega2": float(coupling_moment(LEAD)),
        "tc": float(transition_temperature(LEAD, 0.12)),
    }
    for name, true in truth.items():
        value, error = fit.moments[name]
        assert abs(value - true) < 3 * error < 0.1 * true, name
    for name, true in (("mu_star", 0.12), ("broadening", 0.02)):
        value, error = fit.parameters[name]
        assert abs(value - true) < 3 * error < 0.2 * true, name
        assert fit.parameter_share[name] < 0.05
    assert fit.moments["tc"][1] < 0.005 * truth["tc"] and not fit.remarks


@pytest.mark.slow
def test_conductance_that_is_no_metal_s_is_refused():
    upside = 2 - np.linspace(0.2, 1.8, 60)
    data = TunnellingData(COLD, BIAS, upside, np.full(60, 1e-3), 12.0)
    with pytest.raises(FitError, match="did not converge"):
        fit_spectrum(data, TABLE, top=12.0, mu_star=None, max_steps=25)


# ---------------------------------------------------------------- drawn, and told


@pytest.mark.parametrize("count", [1, 2])
def test_the_curve_between_the_data_is_the_fit(count):
    """At the data's own points the smooth curve is what was fitted, background included."""
    light = np.linspace(1.0, 60.0, 30)
    blank = OpticalData(COLD, light, np.ones(30), np.ones(30))
    rate = np.asarray(blank.predict(LEAD)) + 2.0
    data = [OpticalData(COLD, light, rate, 0.01 * rate, True), resistivity()][:count]
    fit = fit_spectrum(data, TABLE, mu_star=None)
    for item, fitted, between in zip(data, fit.fitted, fit.curves(), strict=True):
        dense, curve = between
        at, over = (np.asarray(getattr(x, x.over)) for x in (item, dense))
        assert len(over) == 300 and over[0] == at[0] and over[-1] == pytest.approx(at[-1])
        order = np.argsort(at)
        np.testing.assert_allclose(curve[[0, -1]], fitted[order][[0, -1]], rtol=1e-4)
        np.testing.assert_allclose(np.interp(at, over, curve), fitted, rtol=5e-3)
    drawn = fit.to_xarray()
    curve, fitted = (dict(drawn[name].attrs) for name in ("curve_1", "fitted_1"))
    assert curve.pop("long_name") != fitted.pop("long_name")
    assert drawn.sizes["point_1"] == 300 and curve == fitted


@pytest.mark.parametrize("wrong", [0.1, 10.0])
def test_errors_wrong_by_ten_are_told(wrong):
    rng = np.random.default_rng(4)
    right = resistivity(rng)
    data = ResistivityData(WARM, right.values, wrong * right.error, 8.3)
    if wrong < 1:
        with pytest.warns(match="does not describe the data"):
            fit = fit_spectrum(data, TABLE, mu_star=None)
        assert "times too small" in fit.remarks[0]
    else:
        assert "times too large" in fit_spectrum(data, TABLE, mu_star=None).remarks[0]


@pytest.mark.slow
def test_reflectivity_is_inverted():
    """R of a clean metal at 30 K with errors of 2e-4: λ⟨ω²⟩, the impurities and ε_∞ are known."""
    light = np.geomspace(2.0, 200.0, 40)
    told = dict(impurity=3.0, fit_impurity=True, bound=2.0, fit_bound=True)
    blank = ReflectivityData(30 * KELVIN, light, np.ones(40), np.ones(40), 2.0, **told)
    exact = np.asarray(blank.predict(LEAD, impurity=2.0, bound=3.0))
    seen = exact + 2e-4 * np.random.default_rng(5).normal(size=40)
    data = ReflectivityData(30 * KELVIN, light, seen, np.full(40, 2e-4), 2.0, **told)
    fit = fit_spectrum(data, np.linspace(0.3, 12.0, 40), top=12.0, mu_star=None)
    for name, true in (("impurity", 2.0), ("bound", 3.0)):
        value, error = fit.parameters[name]
        assert abs(value - true) < 3 * error, name
    value, error = fit.moments["lambda-omega2"]
    assert abs(value - float(coupling_moment(LEAD))) < 3 * error < 0.6 * value
    assert not fit.remarks
