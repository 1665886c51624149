"""The gap on the imaginary axis: against dense sums with mixing, limits and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pairing import METAL, METAL_PARAMETERS, einstein, richardson, smooth_form
from plain_gap import extrapolated, plain_state

from jaxelph.spectra.peaks import GaussianPeaks
from jaxelph.spectra.readers import read_a2f
from jaxelph.spectra.spectrum import EinsteinModes
from jaxelph.spectra.table import TabulatedSpectrum
from jaxelph.superconductivity.condensate import (
    condensate_basis,
    metal,
    normal_sums,
    residual,
    slope,
)
from jaxelph.superconductivity.free_energy import free_energy_difference
from jaxelph.superconductivity.gap import condensed, prepared, superconducting_state
from jaxelph.superconductivity.matsubara import matsubara_basis
from jaxelph.superconductivity.transition import transition_temperature


@jax.jit
def first(parameters, temperature, mu_star):
    """(Δ_0, Z_0) of three modes; parameters = (ω₁…ω₃, λ₁…λ₃)."""
    spectrum = EinsteinModes(parameters[:3], parameters[3:])
    state = superconducting_state(spectrum, temperature, mu_star=mu_star, index=np.arange(1))
    return jnp.append(state.gap, state.renormalisation)


# Einstein mode, μ* = 0: T_c/ω, and at T/T_c Δ(iω_0)/ω and Z(iω_0), from dense sums.
PRINTED = [
    (1.0, 0.11461951, 0.1, 0.237465167, 1.937853531),
    (1.0, 0.11461951, 0.3, 0.2363649527, 1.9354997486),
    (1.0, 0.11461951, 0.5, 0.2285213229, 1.9353299632),
    (1.0, 0.11461951, 0.7, 0.2011392811, 1.9465946608),
    (1.0, 0.11461951, 0.9, 0.1301111912, 1.9765125482),
    (2.0, 0.21174124, 0.1, 0.527096496, 2.668574014),
    (2.0, 0.21174124, 0.3, 0.5235371372, None),
    (2.0, 0.21174124, 0.5, 0.5069745437, None),
    (2.0, 0.21174124, 0.7, 0.4458134088, None),
    (2.0, 0.21174124, 0.9, 0.2853791593, None),
]


@pytest.mark.parametrize(("coupling", "critical", "reduced", "gap", "weight"), PRINTED)
def test_einstein_mode(coupling, critical, reduced, gap, weight):
    found = first(einstein(coupling), critical * reduced, 0.0)
    # T_c is printed to eight digits, and Δ is steep in it close by.
    assert found[0] == pytest.approx(gap, rel=1e-6 if reduced > 0.6 else 5e-9)
    if weight is not None:
        assert found[1] == pytest.approx(weight, rel=1e-8)


def test_many_modes():
    spectrum = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
    state = superconducting_state(spectrum, 0.569311057, mu_star=0.0)
    gap, weight, _ = extrapolated(*spectrum.modes(), 0.569311057, 700)
    assert state.gap[0] == pytest.approx(gap, rel=2e-8)
    assert state.gap[0] == pytest.approx(11.79979, rel=1e-6)
    assert state.renormalisation[0] == pytest.approx(weight, rel=1e-9)


@pytest.mark.parametrize(("mu_star", "reduced"), [(0.0, 0.5), (0.13, 0.5), (0.13, 0.2), (0.2, 0.8)])
def test_whole_gap_equals_dense_sums(mu_star, reduced):
    cutoff = 8.0
    temperature = reduced * float(transition_temperature(METAL, mu_star, cutoff=cutoff))
    count = 1600
    repulsion = mu_star / (1 - mu_star * np.log(cutoff))
    form = smooth_form(cutoff, temperature, count)
    omega, gap, weight, _ = plain_state(*METAL.modes(), temperature, count, repulsion, form)
    state = superconducting_state(METAL, temperature, mu_star=mu_star, cutoff=cutoff)
    np.testing.assert_allclose(state.frequencies, omega[:64], rtol=1e-14)
    np.testing.assert_allclose(state.gap, gap[:64], atol=2e-6 * gap[0])
    np.testing.assert_allclose(state.renormalisation, weight[:64], rtol=1e-7)
    assert (state.gap[-1] < 0) == (mu_star > 0)  # repulsion turns the sign at high frequency


def test_no_cutoff_is_the_limit():
    limit = superconducting_state(METAL, 0.02, mu_star=0.13)
    errors = []
    for cutoff in (30.0, 300.0):
        state = superconducting_state(METAL, 0.02, mu_star=0.13, cutoff=cutoff)
        errors.append(abs(float(state.gap[0] / limit.gap[0] - 1)))
    # The order (ω/ω_c)² cancels but for its logarithm.
    assert errors[0] < 1e-3 and errors[1] < errors[0] / 30
    # μ* moves along its own flow, as for T_c.
    moved = 0.13 / (1 + 0.13 * np.log(1 / 3.0))
    state = superconducting_state(METAL, 0.02, mu_star=moved, omega_ph=3.0)
    np.testing.assert_allclose(state.gap, limit.gap, rtol=1e-11)
    quoted = superconducting_state(
        METAL, 0.02, mu_star=0.13 / (1 - 0.13 * np.log(30.0)), cutoff=30.0, mu_star_at="cutoff"
    )
    assert abs(quoted.gap[0] - limit.gap[0]) < 3e-4


# ---------------------------------------------------------------- the transition


@pytest.mark.parametrize("mu_star", [0.0, 0.13])
def test_the_gap_closes_at_the_transition(mu_star):
    critical = float(transition_temperature(METAL, mu_star))
    below = 10.0 ** -np.arange(3, 9)
    gap = np.array([first(METAL_PARAMETERS, critical * (1 - d), mu_star)[0] for d in below])
    # Δ² is linear in T_c - T, and its slope tells where it vanishes.
    ratio = gap**2 / below
    np.testing.assert_allclose(ratio[1:] / ratio[-2], 1, atol=3e-3)
    np.testing.assert_allclose(ratio[3:5] / ratio[4], 1, atol=5e-5)
    assert first(METAL_PARAMETERS, critical * (1 + 1e-9), mu_star)[0] == 0


def test_above_the_transition_nothing_is_nan():
    def gap(parameters, temperature, mu_star):
        return first(parameters, temperature, mu_star)[0]

    for mu_star in (0.0, 0.1):
        given = (METAL_PARAMETERS, 0.2, mu_star)
        assert gap(*given) == 0
        for derivative in (jax.grad, jax.jacfwd, jax.hessian):
            for value in derivative(gap, argnums=(0, 1, 2))(*given):
                assert not np.any(np.isnan(jax.tree.leaves(value)[0]))
        assert not np.any(jax.grad(gap)(*given))
    # The normal metal's Z_0 = 1 + λ(0)πT/ω_0.
    assert first(METAL_PARAMETERS, 0.2, 0.0)[1] == pytest.approx(2.2, rel=1e-12)


def test_no_superconductor():
    assert not np.any(superconducting_state(METAL.scaled(0.2), 1e-3, mu_star=0.6).gap)
    assert not np.any(superconducting_state(EinsteinModes([1.0], [0.0]), 0.1).gap)


# ---------------------------------------------------------------- limits


def test_weak_coupling():
    # Δ(iω_0) → the gap edge as T → 0, and 2Δ/T_c → 2π e^{-γ}.
    spectrum = EinsteinModes([1.0], [0.15])
    critical = transition_temperature(spectrum, 0.0)
    state = superconducting_state(spectrum, critical / 20, mu_star=0.0, index=np.arange(1))
    assert 2 * state.gap[0] / critical == pytest.approx(2 * np.pi * np.exp(-np.euler_gamma), 2e-4)


@pytest.mark.parametrize("coupling", [0.3, 3.0, 30.0, 1000.0])
@pytest.mark.parametrize("mu_star", [0.0, 0.1])
def test_any_temperature(coupling, mu_star):
    critical = float(transition_temperature(EinsteinModes([1.0], [coupling]), mu_star))
    gaps = [first(einstein(coupling), t * critical, mu_star)[0] for t in (0.003, 0.03, 0.3, 0.999)]
    assert np.all(np.diff(gaps) < 1e-9 * gaps[0]) and gaps[-1] > 0
    assert 3.5 < 2 * gaps[0] / critical < 9


@pytest.mark.slow
def test_any_metal():
    generator = np.random.default_rng(0)
    for k in range(60):
        omega, coupling = 10 ** generator.uniform(-2, 0, 3), 10 ** generator.uniform(-2, 1.5, 3)
        mu_star = generator.uniform(0, 0.3)
        critical = float(transition_temperature(EinsteinModes(omega, coupling), mu_star))
        if critical > 0:
            exponent = generator.uniform(-4, 0) if k % 2 else generator.uniform(-1, 0)
            given = jnp.append(omega, coupling), critical * 10**exponent, mu_star
            assert 0 < first(*given)[0] < 6 * critical


def test_homogeneity():
    near = superconducting_state(METAL, 0.02, mu_star=0.1)
    far = superconducting_state(EinsteinModes(70 * METAL.omega, METAL.coupling), 1.4, mu_star=0.1)
    np.testing.assert_allclose(far.gap, 70 * near.gap, rtol=1e-11)
    np.testing.assert_allclose(far.renormalisation, near.renormalisation, rtol=1e-12)


REDUCED = np.array([0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 0.9, 0.99, 0.9999, 0.999999, 1 + 1e-8, 1.3])


@jax.jit
def curves(omega, coupling, temperatures, mu_star):
    """Δ_0 and F_S - F_N over T, one call for all of them."""
    spectrum = EinsteinModes(omega, coupling)

    def one(t):
        state = superconducting_state(spectrum, t, mu_star=mu_star, index=np.arange(1))
        return state.gap[0], free_energy_difference(spectrum, t, mu_star=mu_star)

    return jax.vmap(one)(temperatures)


def check_a_curve(generator):
    """The search ends on the branch of least energy at any T of any metal."""
    omega = 10 ** generator.uniform(-2, 0, 6)
    coupling = generator.exponential(size=6)
    coupling *= 10 ** generator.uniform(np.log10(0.3), 1) / coupling.sum()
    mu_star = generator.choice([0.0, generator.uniform(0, 0.2)])
    critical = float(transition_temperature(EinsteinModes(omega, coupling), mu_star))
    if critical < 1e-6:
        return
    gap, energy = curves(omega, coupling, critical * REDUCED, mu_star)
    assert np.all(gap[:-2] > 0) and not np.any(gap[-2:])
    assert np.all(energy[:-2] < 0) and not np.any(energy[-2:])
    # The gap falls with T, the energy rises, and Δ² is linear in T_c - T at the end.
    assert np.all(np.diff(gap[:-2]) < 1e-9 * gap[0]) and np.all(np.diff(energy[:-2]) > 0)
    square = gap[7:10] ** 2 / (1 - REDUCED[7:10])
    np.testing.assert_allclose(square[1:], square[2], rtol=1e-3)
    if mu_star == 0:
        dense = plain_state(omega, coupling, 0.4 * critical, 400)[1][0]
        reach = 400 * 2 * np.pi * 0.4 * critical
        # What the sums leave out falls as the square of the phonons over their end, or faster.
        assert gap[4] == pytest.approx(dense, rel=max(1e-7, 2 * (max(omega) / reach) ** 3))


def test_curves_of_some_metals():
    generator = np.random.default_rng(7)
    for _ in range(6):
        check_a_curve(generator)


@pytest.mark.slow
def test_curves_of_many_metals():
    generator = np.random.default_rng(8)
    for _ in range(200):
        check_a_curve(generator)


# ---------------------------------------------------------------- derivatives, transformations


@pytest.mark.parametrize(("temperature", "mu_star"), [(0.02, 0.1), (0.05, 0.0)])
def test_first_derivatives(temperature, mu_star):
    given = METAL_PARAMETERS, jnp.asarray(temperature), jnp.asarray(mu_star)
    forward = jax.jacfwd(first, argnums=(0, 1, 2))(*given)
    reverse = jax.jacrev(first, argnums=(0, 1, 2))(*given)
    for f, r in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(f, r, rtol=1e-9, atol=1e-11)
    for i in range(6):
        at = lambda x, i=i: first(given[0].at[i].set(x), *given[1:])  # noqa: E731
        numeric = richardson(at, float(given[0][i]), 1e-3)
        np.testing.assert_allclose(forward[0][:, i], numeric, rtol=1e-6, atol=1e-8)
    numeric = richardson(lambda x: first(given[0], x, given[2]), temperature, 2e-4)
    np.testing.assert_allclose(forward[1], numeric, rtol=1e-6, atol=1e-7)
    if mu_star:
        numeric = richardson(lambda x: first(*given[:2], x), mu_star, 1e-3)
        np.testing.assert_allclose(forward[2], numeric, rtol=1e-6)
    # Δ(aω, aT) = aΔ.
    scaled = forward[0][:, :3] @ given[0][:3] + forward[1] * temperature
    value = first(*given) * jnp.array([1.0, 0.0])
    np.testing.assert_allclose(scaled, value, atol=1e-9)


def test_the_repulsion_may_vanish():
    # μ* = 0 is a point like others: the derivative there is the limit of those beside it.
    slope = jax.jit(jax.grad(lambda m: first(METAL_PARAMETERS, 0.04, m)[0]))
    values = [float(slope(m)) for m in (0.0, 1e-4, 2e-4)]
    assert values[0] == pytest.approx(2 * values[1] - values[2], rel=1e-6)


@pytest.mark.slow
def test_second_derivatives():
    def gap(parameters):
        return first(parameters[:6], parameters[6], parameters[7])[0]

    given = jnp.append(METAL_PARAMETERS, jnp.array([0.02, 0.1]))
    second = jax.jit(jax.hessian(gap))(given)
    np.testing.assert_allclose(second, second.T, rtol=1e-7, atol=1e-8)
    gradient = jax.jit(jax.grad(gap))
    for i in (2, 4, 6, 7):
        at = lambda x, i=i: gradient(given.at[i].set(x))  # noqa: E731
        numeric = richardson(at, float(given[i]), 2e-4)
        np.testing.assert_allclose(second[i], numeric, rtol=2e-6, atol=1e-6)


def test_at_the_transition_itself():
    critical = float(transition_temperature(METAL, 0.05))
    for x in (-1e-9, -1e-11, -1e-12, -1e-13, -1e-16, 0.0, 1e-16, 1e-13, 1e-12):
        gap = float(first(METAL_PARAMETERS, critical * (1 + x), 0.05)[0])
        # Δ² is linear in T_c - T, with Δ ≈ 3 T_c √(1 - t).
        assert 0 <= gap < 10 * critical * np.sqrt(abs(x) + 1e-10), x
    slope = jax.jacrev(lambda mu_star: first(METAL_PARAMETERS, critical, mu_star)[0])(0.05)
    assert slope == 0


def test_a_curve_in_one_call():
    temperatures = jnp.linspace(0.005, 0.1, 8)
    curve = jax.jit(jax.vmap(first, (None, 0, None)))(METAL_PARAMETERS, temperatures, 0.05)
    alone = [first(METAL_PARAMETERS, t, 0.05) for t in temperatures]
    np.testing.assert_allclose(curve, np.array(alone), rtol=1e-11, atol=1e-14)


# ---------------------------------------------------------------- the compact equations


def test_newton_ends_at_the_solution():
    problem = prepared(METAL, 0.01, 0.1, None, None, "omega-ph", None)
    at, unknown = condensed(problem)
    c = condensate_basis(problem.basis)
    assert np.linalg.norm(residual(c, at, unknown)) < 1e-11 * np.linalg.norm(unknown)


@pytest.mark.parametrize(("mu_star", "cutoff"), [(0.0, None), (0.13, None), (0.13, 30.0)])
def test_slope_is_the_derivative(mu_star, cutoff):
    problem = prepared(METAL, 0.01, mu_star, cutoff, None, "omega-ph", None)
    c, at = condensate_basis(problem.basis), problem.metal()
    unknown = np.random.default_rng(0).normal(size=c.even.shape[1] + 1)
    numeric = jax.jacfwd(lambda u: residual(c, at, u))(unknown)
    size = np.max(abs(numeric))
    np.testing.assert_allclose(slope(c, at, unknown), numeric, atol=1e-13 * size)


def test_normal_sums_and_odd_form_against_sums():
    basis = matsubara_basis()
    omega, area, temperature = np.array([0.3, 1.0]), np.array([0.2, 0.4]), 0.03
    repulsion = prepared(METAL, 0.01, 0.0, None, None, "omega-ph", None)[3]
    at = metal(basis, omega, area, temperature, repulsion)
    lags = np.arange(6001.0)
    strength = (2 * area * omega) @ (
        1 / (omega[:, None] ** 2 + (2 * np.pi * temperature * lags) ** 2)
    )
    strength = np.array(strength)
    sums = 2 * np.cumsum(strength) - 2 * strength[0]
    index = (0, 1, 7, 100)
    np.testing.assert_allclose(
        at.pairing.coupling @ normal_sums(basis, index), sums[list(index)], rtol=1e-9, atol=1e-11
    )
    # Of d_n = 1 - ν/√(ν² + Δ²), which is what it is for.
    c = condensate_basis(basis)
    versine = lambda nu: 1 - nu / np.sqrt(nu**2 + 9.0)  # noqa: E731
    odd = (c.weight * c.node * versine(c.node)) @ c.odd
    n = np.arange(3000)
    d = versine(n + 0.5)
    strength[0] = 0.0
    moved = sums[:3000] * d - ((strength[abs(n[:, None] - n)] - strength[n[:, None] + n + 1]) @ d)
    assert odd @ at.odd @ odd == pytest.approx(d @ moved, rel=1e-7)


# ---------------------------------------------------------------- spectra, misuse


def test_every_kind_of_spectrum():
    peak = superconducting_state(GaussianPeaks([5.0], [1e-3], [1.2]), 0.1, omega_ph=5.0)
    mode = superconducting_state(EinsteinModes([5.0], [1.2]), 0.1, omega_ph=5.0)
    np.testing.assert_allclose(peak.gap, mode.gap, rtol=2e-6)


def test_niobium(shared):
    spectrum = read_a2f(shared / "a2f" / "isome__Nb__Nb.a2F", column=15)
    assert isinstance(spectrum, TabulatedSpectrum)
    options = {"mu_star": 0.12, "omega_ph": 33.085}
    critical = transition_temperature(spectrum, 0.12, omega_ph=33.085)
    state = superconducting_state(spectrum, critical / 10, **options)
    assert 3.75 < 2 * state.gap[0] / critical < 3.87
    count = 3000  # what the sums leave out falls as count⁻⁴
    form = smooth_form(330.0, float(critical) / 3, count)
    repulsion = 0.12 / (1 + 0.12 * np.log(33.085 / 330.0))
    omega, coupling = spectrum.coarse_modes()
    _, gap, weight, _ = plain_state(omega, coupling, float(critical) / 3, count, repulsion, form)
    state = superconducting_state(spectrum, critical / 3, cutoff=330.0, **options)
    np.testing.assert_allclose(state.gap, gap[:64], atol=3e-6 * gap[0])
    np.testing.assert_allclose(state.renormalisation, weight[:64], rtol=1e-7)


@pytest.mark.parametrize(
    ("temperature", "options", "message"),
    [
        (0.0, {}, "temperature must be positive"),
        (-1.0, {}, "temperature must be positive"),
        (float("nan"), {}, "temperature must be finite"),
        (1e-12, {}, "below what the basis resolves"),
        (0.1, {"mu_star": -0.1}, "mu_star must not be negative"),
        (0.1, {"mu_star": 0.5, "cutoff": 10.0}, "mu_star 0.5 is too large for this cutoff"),
        (0.1, {"index": np.array([-1])}, "index must be a vector"),
        (0.1, {"mu_star_at": "cutoff"}, "mu_star_at 'cutoff' needs cutoff"),
    ],
)
def test_misuse(temperature, options, message):
    with pytest.raises(ValueError, match=message):
        superconducting_state(METAL, temperature, **options)


def test_nan_is_not_hidden():
    assert np.all(np.isnan(jax.jit(first)(METAL_PARAMETERS * jnp.nan, 0.02, 0.1)[:1]))
