"""The pencil: quadrature, closed forms, published rates, counts of unstable modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.special

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    bose,
    continuum_rate,
    example,
    inverse_quasiparticle_weight,
    normal_modes,
    pencil_modes,
    slowest_rate,
    specific_heat_double_integral,
    specific_heat_ratio,
    stability_pencil,
)
from jaxelph.grids.sinc import principal_value_weights, shift_weights
from jaxelph.units import KELVIN

METAL = example("table1")
G = 50.36533199202271  # g of the 21 modes at λ = 1


@pytest.mark.parametrize("a", [0.0, 3.0, -2.0, 0.3, 4.77])
def test_quadrature_weights(a):
    n = jnp.arange(-60.0, 61.0)
    u = jnp.exp(-((n / 5) ** 2))
    # PV ∫ exp(-s²/25)/(s - a) ds = -2√π D(a/5), D being Dawson's function.
    exact = -2 * np.sqrt(np.pi) * scipy.special.dawsn(a / 5)
    assert principal_value_weights(n, a) @ u == pytest.approx(exact, abs=1e-13)
    assert shift_weights(n, a) @ u == pytest.approx(np.exp(-((a / 5) ** 2)), abs=1e-13)
    for weights in (principal_value_weights, shift_weights):
        slope = jax.grad(lambda x, w=weights: w(n, x) @ u)(a)
        h = 1e-5
        numeric = (weights(n, a + h) @ u - weights(n, a - h) @ u) / (2 * h)
        assert slope == pytest.approx(float(numeric), abs=1e-9)


@pytest.mark.parametrize("step", [1.0, 3.13, 4.07])
def test_closed_forms_on_and_off_the_lattice(step):
    temperature = 0.25 * G
    grid = EnergyGrid(step, int(np.ceil(42 * temperature / step)))
    pencil = stability_pencil(METAL, temperature, grid)
    heat, flow = pencil.energy_form()
    ratio = heat / (jnp.pi**2 * temperature**2 / 3)
    assert ratio == pytest.approx(float(specific_heat_ratio(METAL, temperature)), abs=1e-12)
    omega, coupling = METAL.modes()
    n = bose(omega, temperature)
    exact = jnp.sum(coupling * omega**4 * n * (n + 1)) / temperature
    assert flow == pytest.approx(float(exact), rel=1e-12)
    weight = inverse_quasiparticle_weight(METAL, temperature, grid.energies)
    assert np.allclose(pencil.weight, weight, atol=1e-12, rtol=0)
    vector = jnp.asarray(np.random.default_rng(0).normal(size=grid.size))
    assert np.allclose(pencil.A @ vector, pencil.multiply_A(vector), atol=1e-12, rtol=0)
    scale = float(jnp.max(jnp.abs(pencil.M)))
    assert np.allclose(pencil.M @ vector, pencil.multiply_M(vector), atol=1e-12 * scale, rtol=0)


@pytest.mark.parametrize("spectrum", [METAL, GaussianPeaks([50.0], [5.0], [1.0])])
@pytest.mark.parametrize("temperature", [8.0, 12.0, 40.0])
def test_specific_heat_by_three_routes(spectrum, temperature):
    closed = float(specific_heat_ratio(spectrum, temperature))
    integral = specific_heat_double_integral(spectrum, temperature)
    grid = EnergyGrid.suggest(spectrum, temperature, 1e-13)
    pencil = stability_pencil(spectrum, temperature, grid).energy_form()[0]
    assert integral == pytest.approx(closed, abs=1e-11)
    assert pencil / (jnp.pi**2 * temperature**2 / 3) == pytest.approx(closed, abs=1e-10)


@pytest.mark.parametrize(
    ("step", "size", "expected", "error"),
    [(8.33, 55, 0.8847291333, 5e-10), (4.07, 112, 0.884701765423, 1e-10)],
)
def test_slowest_rate(step, size, expected, error):
    """The first step is coarse; its own value is that of `helpers.sum_of_squares`."""
    modes = normal_modes(METAL, 0.25 * G, EnergyGrid(step, size))
    assert modes.slowest == pytest.approx(expected, abs=error)
    assert modes.unstable == 0


def test_levels_above_the_continuum_tend_to_its_edge():
    """Hot electrons: the slowest rate of a grid falls to the edge as 1/L² with the cutoff."""
    temperature = 2 * G
    edge = float(continuum_rate(METAL, temperature))
    omega, coupling = METAL.modes()
    x = np.asarray(omega) / (2 * temperature)
    symbol = np.asarray(coupling * omega) * (1 / np.tanh(x) - 1 / np.sinh(x))
    assert edge == pytest.approx(symbol.sum(), rel=1e-12)
    above = np.array(
        [
            float(normal_modes(METAL, temperature, EnergyGrid(0.4 * temperature, n)).slowest) - edge
            for n in (100, 200, 400)
        ]
    )
    assert np.all(above > 0) and above[-1] < 1e-2 * edge
    order = np.log2(above[:-1] / above[1:])
    assert 1.5 < order[0] < order[1] < 2
    cold = EnergyGrid(4.07, 112)
    assert slowest_rate(METAL, 0.25 * G, cold) == normal_modes(METAL, 0.25 * G, cold).slowest
    assert slowest_rate(METAL, temperature, EnergyGrid(0.4 * temperature, 100)) == edge


def test_levels_above_the_rate_at_the_fermi_level_tend_to_it():
    """Cold electrons on a smooth spectrum: rough deviations decay each at its own energy's rate,
    and the levels of a grid come down to the least of them as the square of its step."""
    metal, temperature = example("niobium"), 25 * KELVIN
    edge = float(continuum_rate(metal, temperature))
    omega, coupling = metal.modes()
    at_fermi = 2 * float(np.sum(coupling * omega / np.sinh(omega / temperature)))
    weight = float(inverse_quasiparticle_weight(metal, temperature, 0.0))
    assert edge == pytest.approx(at_fermi / weight, rel=1e-12)
    grids = [EnergyGrid(step * temperature, int(40 / step)) for step in (0.5, 0.35, 0.25)]
    levels = [float(normal_modes(metal, temperature, grid).slowest) for grid in grids]
    above = np.array(levels) - edge
    assert np.all(above > 0)
    steps = np.array([float(grid.step) for grid in grids])
    order = np.diff(np.log(above)) / np.diff(np.log(steps))
    assert order == pytest.approx([2.0, 2.0], abs=0.15)
    # Of either grid the slowest rate is the edge itself, to which a fit in ε² leads.
    assert [float(slowest_rate(metal, temperature, grid)) for grid in grids] == [edge] * 3
    assert np.polyfit(steps**2, levels, 2)[-1] == pytest.approx(edge, rel=1e-3)
    # A discrete mode below both edges does not depend on the step.
    warm = 50 * KELVIN
    found = [
        float(slowest_rate(metal, warm, EnergyGrid(step * warm, int(40 / step))))
        for step in (0.3, 0.2)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0] < 0.97 * float(continuum_rate(metal, warm))


def test_growing_modes():
    spectrum = METAL.scaled(4.5)
    g = G * np.sqrt(4.5)
    modes = normal_modes(spectrum, 0.278 * g, EnergyGrid(1.0, 1024))
    assert modes.unstable == 2
    assert -modes.rates[0] / g == pytest.approx(14.0498, abs=1e-3)
    assert -modes.rates[1] / g == pytest.approx(3.7532, abs=1e-3)


@pytest.mark.parametrize("coupling", [1.0, 6.0])
def test_residual_and_null_space_of_one_mode(coupling):
    # A single mode keeps the particle number of each ladder: r/2 static modes on a grid of ω/r.
    spectrum = EinsteinModes([10.0], [coupling])
    pencil = stability_pencil(spectrum, 5.0, EnergyGrid(1.0, 200))
    modes = pencil_modes(pencil)
    v, rates = modes.vectors, modes.rates
    finite = jnp.abs(rates) < 1e3
    residual = (pencil.M @ v - pencil.A @ v * rates[None, :])[:, finite]
    assert float(jnp.max(jnp.abs(residual))) < 1e-8
    static = int(jnp.sum(rates == 0))
    null = int(np.sum(np.linalg.eigvalsh(pencil.M) < 1e-11 * np.max(np.diag(pencil.M))))
    assert static == null and static in (4, 5)
    negative = int(np.sum(np.linalg.eigvalsh(pencil.A) < 0))
    assert (negative > 0) == (coupling > 5)
    if coupling < 5:
        exact = scipy.linalg.eigh(pencil.M, pencil.A, eigvals_only=True)
        assert np.allclose(np.sort(exact), rates, atol=1e-9 * np.max(exact), rtol=0)
