"""Every derivative against a closed form or Richardson differences, in both modes and vmapped."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
    margin,
    stability_margin,
    tc_functional_derivative,
)
from jaxelph.inverse.sensitivities.crossings import margin_slopes, pencil_slopes, rate_slopes
from jaxelph.inverse.sensitivities.derivatives import (
    QUANTITIES,
    Setting,
    functional_derivative,
    scaling_derivative,
    sensitivities,
)
from jaxelph.numerics.special import heat_function
from jaxelph.spectra.resolution import at_temperature

PEAKS = GaussianPeaks([15.0, 24.0], [2.5, 1.6], [0.8, 0.4], 24)
MODES = EinsteinModes([12.0, 16.5, 23.0], [0.5, 0.4, 0.3])
TABLE = TabulatedSpectrum(
    np.linspace(0.5, 30, 40),
    0.6 * np.linspace(0.5, 30, 40) ** 2 / 900 * (30.3 - np.linspace(0.5, 30, 40)) / 8,
)
KINDS = {"peaks": PEAKS, "modes": MODES, "table": TABLE}
T = 6.0
GRID = EnergyGrid(3.0, 40)


def setting(temperature=T, grid=GRID):
    return Setting(jnp.asarray(temperature), jnp.asarray(0.1), grid, grid)


def flat(name, spectrum):
    """The quantity as a function of one vector: all numbers of the spectrum, then T."""
    params, static = eqx.partition(spectrum, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(params)

    def function(x):
        changed = eqx.combine(unravel(x[:-1]), static)
        return QUANTITIES[name].compute(changed, setting(x[-1]))

    return function, jnp.append(vector, T)


def richardson(function, x, direction, step):
    """Central differences at h and h/2, h/4, extrapolated twice: error O(h⁶)."""
    d = [
        (function(x + h * direction) - function(x - h * direction)) / (2 * h)
        for h in (step, step / 2, step / 4)
    ]
    first = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
    return (16 * first[1] - first[0]) / 15


# Compiling dominates: the default run has one case of each way to differentiate.
QUICK = [("heat", "table"), ("tc-allen-dynes", "peaks"), ("lambda-c-kinetic", "modes")]
CASES = [pytest.param(*case) for case in QUICK] + [
    pytest.param(name, kind, marks=pytest.mark.slow)
    for name in QUANTITIES
    for kind in KINDS
    if (name, kind) not in QUICK
]


@pytest.mark.parametrize("name, kind", CASES)
def test_gradients(name, kind):
    function, x = flat(name, KINDS[kind])
    reverse = jax.jit(jax.grad(function))
    gradient = reverse(x)
    forward = jax.jit(jax.jacfwd(function))(x)
    scale = jnp.max(jnp.abs(gradient * x))
    np.testing.assert_allclose(forward * x, gradient * x, rtol=1e-8, atol=1e-10 * scale)
    # Directions mix all parameters; relative changes, so that each of them counts.
    compiled = jax.jit(function)
    for seed in range(2):
        direction = x * jax.random.normal(jax.random.key(seed), x.shape)
        numeric = richardson(compiled, x, direction, 2e-3)
        size = jnp.linalg.norm(gradient * x) * jnp.linalg.norm(direction / x)
        exact = gradient @ direction
        assert abs(numeric - exact) < 1e-6 * max(abs(exact), 0.1 * size)


@pytest.mark.parametrize(
    "name",
    ["heat", "lambda-c-kinetic"]
    + [pytest.param(n, marks=pytest.mark.slow) for n in ("tc", "lambda-c-weight", "gamma-1")],
)
def test_vmap_of_grad_and_grad_of_vmap(name):
    function, x = flat(name, MODES)
    batch = x[None, :] * jnp.array([[0.97], [1.0], [1.04]])
    inner = jax.jit(jax.vmap(jax.grad(function)))(batch)
    outer = jax.jit(jax.grad(lambda b: jnp.sum(jax.vmap(function)(b))))(batch)
    alone = jnp.stack([*map(jax.jit(jax.grad(function)), batch)])
    np.testing.assert_allclose(outer, inner, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(alone, inner, rtol=1e-8, atol=1e-11)


OMEGA = np.linspace(1.0, 40.0, 14)


@pytest.mark.parametrize("kind", KINDS)
def test_functional_derivatives_in_closed_form(kind):
    s = KINDS[kind]

    def derivative(name):
        return functional_derivative(lambda x: QUANTITIES[name].compute(x, setting()), s, OMEGA)

    np.testing.assert_allclose(derivative("lambda"), 2 / OMEGA, rtol=1e-13)
    np.testing.assert_allclose(derivative("lambda-omega2"), 2 * OMEGA, rtol=1e-13)
    heat = -2 / OMEGA * heat_function(jnp.asarray(OMEGA) / (2 * np.pi * T))
    np.testing.assert_allclose(derivative("heat"), heat, rtol=1e-12, atol=1e-15)
    coupling, log = coupling_constant(s), log_frequency(s)
    expected = log * 2 / (OMEGA * coupling) * np.log(OMEGA / log)
    np.testing.assert_allclose(derivative("omega-log"), expected, rtol=1e-11, atol=1e-14)
    # λ_c(heat) = λ/Σλg: the quotient rule on the two closed forms above.
    ratio = QUANTITIES["heat"].compute(s, setting())
    expected = (2 / OMEGA + coupling * heat / (1 - ratio)) / (1 - ratio)
    np.testing.assert_allclose(derivative("lambda-c-heat"), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
def test_functional_derivative_of_tc_agrees_with_its_own_routine():
    found = functional_derivative(lambda x: QUANTITIES["tc"].compute(x, setting()), PEAKS, OMEGA)
    np.testing.assert_allclose(found, tc_functional_derivative(PEAKS, OMEGA, 0.1), rtol=1e-10)


@pytest.mark.parametrize("criterion", ["weight", "heat", "kinetic"])
def test_sum_rules(criterion):
    # With the nodes that T needs, which functions would take by themselves where nothing is traced.
    peaks = at_temperature(PEAKS, T)
    # The specific heat has nodes of its own.
    omega, coupling = peaks.coarse_modes() if criterion == "heat" else peaks.modes()
    area = omega * coupling / 2

    def value(s):
        return margin(s, T, criterion=criterion, grid=GRID)

    m = value(peaks)
    integral = area @ functional_derivative(value, peaks, omega)
    assert float(integral) == pytest.approx(float(m) - 1, rel=1e-9)
    name = f"lambda-c-{criterion}"
    quantity = QUANTITIES[name].compute
    derivative = functional_derivative(lambda s: quantity(s, setting()), peaks, omega)
    # λ_c knows only the shape of α²F.
    assert abs(area @ derivative) < 1e-9 * (area @ jnp.abs(derivative))


def test_scaling_derivative_is_the_integral():
    omega, coupling = PEAKS.modes()

    def tc(s):
        return QUANTITIES["tc"].compute(s, setting())

    integral = omega * coupling / 2 @ functional_derivative(tc, PEAKS, omega)
    assert float(scaling_derivative(tc, PEAKS)) == pytest.approx(float(integral), rel=1e-9)


def test_functional_derivative_against_differences():
    """A probe of finite area, Richardson-extrapolated, for the kinetic λ_c, γ₁ and min Z₀⁻¹."""
    for name in ("lambda-c-kinetic", "gamma-1", "weight"):
        omega = jnp.array([9.0, 18.3])

        def quantity(s, name=name):
            return QUANTITIES[name].compute(s, setting())

        found = functional_derivative(quantity, MODES, omega)

        @jax.jit
        def probed(x, frequency, quantity=quantity):
            return quantity(
                EinsteinModes(
                    jnp.append(MODES.omega, frequency),
                    jnp.append(MODES.coupling, 2 * x / frequency),
                )
            )

        for j in range(2):
            at = lambda x, j=j, f=probed: f(x, omega[j])  # noqa: B023, E731
            numeric = richardson(at, jnp.asarray(0.0), 1.0, 4e-2)
            assert float(numeric) == pytest.approx(float(found[j]), rel=1e-6)


def test_margin_at_the_crossing_of_all_eigenvalues():
    """Without coupling à = 1; the one-sided slope of its least eigenvalue is exact."""
    peaks = at_temperature(PEAKS, T)
    bare = peaks.scaled(0.0)
    leaves = [jnp.zeros(2), jnp.zeros(2), peaks.coupling]
    direction = jax.tree.unflatten(jax.tree.structure(peaks), leaves)
    values, slopes = margin_slopes(bare, direction, T, GRID)
    np.testing.assert_allclose(values, 1.0, atol=1e-14)
    assert slopes[0] == pytest.approx(float(stability_margin(peaks, T, GRID)) - 1, rel=1e-10)


def test_slopes_where_eigenvalues_cross():
    """Two rates of a pencil made to cross, seen from both sides and by finite differences."""
    rng = np.random.default_rng(0)
    n = 6
    basis = rng.normal(size=(n, n))
    A = basis.T @ np.diag([1.0, 1, 1, 1, 1, -1]) @ basis  # indefinite, as beyond the threshold
    gamma = np.array([0.5, 2.0, 2.0, 2.0, 4.0, -1.0])
    signs = np.array([1.0, 1, 1, 1, 1, -1])
    M = basis.T @ np.diag(gamma * signs) @ basis
    vectors = np.linalg.inv(basis)
    order = np.argsort(gamma)
    dA, dM = (x + x.T for x in rng.normal(size=(2, n, n)))
    slopes, cluster = pencil_slopes(A, M, dA, dM, gamma[order], vectors[:, order])
    assert list(cluster) == [0, 1, 2, 2, 2, 3]

    def rates(t):
        mu = np.linalg.eigvals(np.linalg.solve(M + t * dM, A + t * dA)).real
        return np.sort(1 / mu)

    for sign in (1, -1):
        h = 1e-5 * sign
        # One-sided, second order: (4 f(h/2) - f(h) - 3 f(0)) / h.
        numeric = (4 * rates(h / 2) - rates(h) - 3 * gamma[order]) / h
        expected = slopes if sign > 0 else np.concatenate([slopes[:2], slopes[4:1:-1], slopes[5:]])
        np.testing.assert_allclose(numeric, expected, rtol=2e-5)


def test_rate_slopes_agree_with_forward_mode():
    from jaxelph import normal_modes

    # A direction is no spectrum, which the constructor would refuse.
    leaves = [jnp.array([0.3, -0.2, 0.1]), jnp.array([0.1, 0.2, -0.1])]
    direction = jax.tree.unflatten(jax.tree.structure(MODES), leaves)
    slopes = rate_slopes(MODES, direction, T, GRID, temperature_change=0.5)[1]

    @jax.jit
    def along(direction, change):
        rates = lambda s, t: normal_modes(s, t, GRID).rates  # noqa: E731
        return jax.jvp(rates, (MODES, T), (direction, change))[1]

    forward = along(direction, 0.5)
    np.testing.assert_allclose(slopes, forward, rtol=1e-7, atol=1e-9)


def test_sensitivities_collects_and_refuses():
    names = ["tc", "heat", "lambda-c-kinetic"]
    seen = []
    found = sensitivities(MODES, T, names, grid=GRID, omega=OMEGA, progress=seen.append)
    assert seen == names
    assert found["heat"].functional.shape == OMEGA.shape
    function, x = flat("lambda-c-kinetic", MODES)
    gradient = jax.jit(jax.grad(function))(x)
    item = found["lambda-c-kinetic"]
    np.testing.assert_allclose(ravel_pytree(item.spectrum)[0], gradient[:-1], rtol=1e-10)
    assert item.temperature == pytest.approx(float(gradient[-1]), rel=1e-10)
    assert item.mu_star == 0 and found["tc"].mu_star < 0
    with pytest.raises(ValueError, match="quantity 'Tcc' is not known"):
        sensitivities(MODES, T, ["Tcc"])
    with pytest.raises(ValueError, match="temperature must be positive"):
        sensitivities(MODES, -1.0)


def test_program(tmp_path, capsys):
    import json

    import xarray as xr

    from jaxelph import example, specific_heat_ratio
    from jaxelph.app.cli import run
    from jaxelph.units import kelvin_to_mev

    given = ["sensitivities", "--example", "table1", "-T", "150", "--quantities", "heat,lambda"]
    assert run([*given, "--json", "--output", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)["quantities"]
    metal, temperature = example("table1"), kelvin_to_mev(150.0)
    assert told["heat"]["value"] == pytest.approx(float(specific_heat_ratio(metal, temperature)))
    with xr.open_dataset(tmp_path / "sensitivities.nc", engine="h5netcdf") as data:
        np.testing.assert_allclose(data["dlambda_da2f"], 2 / data["frequency"], rtol=1e-12)
        assert data["dlambda_da2f"].attrs["units"] == "1/meV"
        # In meV: T in K changes C_el by k_B times the derivative.
        slope = jax.grad(specific_heat_ratio, 1)(metal, temperature) * kelvin_to_mev(1.0)
        assert float(data["dheat_dT"]) == pytest.approx(float(slope), rel=1e-10)
        assert data["dheat_dcoupling"].shape == (21,)
    assert (tmp_path / "sensitivities.png").stat().st_size > 10_000
    assert run([*given[:-1], "nonsense"]) == 2
    assert "quantity 'nonsense' is not known" in capsys.readouterr().err


def test_wrong_arguments_are_named():
    spectrum = EinsteinModes([3.0, 5.0], [0.5, 0.4])
    for call in (
        lambda: functional_derivative(coupling_constant, np.ones(3), np.ones(1)),
        lambda: scaling_derivative(coupling_constant, np.ones(3)),
        lambda: sensitivities(np.ones(3), 1.0, ["lambda"]),
    ):
        with pytest.raises(ValueError, match="the spectrum is of type ndarray"):
            call()
    with pytest.raises(ValueError, match="and not one number"):
        functional_derivative(lambda s: s.modes()[0], spectrum, np.ones(1))
    with pytest.raises(ValueError, match="the quantity is of type float"):
        scaling_derivative(1.0, spectrum)
