"""Refined grids: the spike at the least Z0⁻¹, by Gauss-Legendre panels that know nothing of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.special

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    RefinedGrid,
    critical_coupling,
    grid_error,
    inverse_quasiparticle_weight,
    margin,
    minimum_weight,
    stability_margin,
)
from jaxelph.grids.sinc import interpolate_oversampled

CENTRE, WIDTH = 50.0, 5.0
PEAK = GaussianPeaks([CENTRE], [WIDTH], [1.0], order=256)


def coupling_kernel(s):
    """κ of the Gaussian with λ = 1 in closed form, by Dawson's function."""
    root = np.sqrt(2) * WIDTH
    norm = scipy.integrate.quad(
        lambda w: 2 / w * np.exp(-((w - CENTRE) ** 2) / root**2), 1e-9, CENTRE + 9 * WIDTH
    )[0]
    both = scipy.special.dawsn((CENTRE - s) / root) + scipy.special.dawsn((CENTRE + s) / root)
    return 2 * np.sqrt(np.pi) * both / norm


def critical_coupling_by_panels(temperature):
    """λ_c(kinetic) with NumPy and SciPy alone: Nyström's method on panels graded about E_m."""
    minus_slope = lambda e: 1 / (4 * temperature * np.cosh(e / (2 * temperature)) ** 2)  # noqa: E731
    nodes, weights = np.polynomial.legendre.leggauss(24)
    edges = np.linspace(-40, 40, 41) * temperature
    s = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2).ravel()
    ws = (np.diff(edges)[:, None] * weights / 2).ravel()

    def weight(energy):
        return coupling_kernel(np.atleast_1d(energy)[:, None] - s) @ (ws * minus_slope(s))

    low = scipy.optimize.minimize_scalar(
        lambda e: weight(e)[0], bounds=(40.0, 100.0), options={"xatol": 1e-10}
    ).x
    graded = low * np.geomspace(1e-6, 1, 28)
    even = np.arange(0, 36 * temperature, 5.0)
    edges = np.unique(np.r_[low - graded, low, low + graded, even])
    edges[0] = 0.0
    nodes, weights = np.polynomial.legendre.leggauss(10)
    e = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2).ravel()
    w = (np.diff(edges)[:, None] * weights / 2).ravel()
    folded = coupling_kernel(e[:, None] - e) - coupling_kernel(e[:, None] + e)
    root = np.sqrt(w * minus_slope(e))
    matrix = np.diag(weight(e)) - root[:, None] * folded * root
    return -1 / scipy.linalg.eigvalsh(matrix, subset_by_index=[0, 0])[0]


# The spike is .5 and .03 wide, the steps are 2.
@pytest.mark.parametrize("temperature", [12.0, 8.0])
def test_critical_coupling_by_an_independent_route(temperature):
    grid = RefinedGrid.around(PEAK, temperature, EnergyGrid(2.0, 150))
    computed = float(critical_coupling(PEAK, temperature, grid=grid))
    assert computed == pytest.approx(critical_coupling_by_panels(temperature), rel=2e-10)


def test_converges_where_the_plain_grid_does_not():
    plain, refined = [], []
    for step in (3.0, 2.0):
        base = EnergyGrid(step, 150)
        plain.append(float(critical_coupling(PEAK, 12.0, grid=base)))
        refined.append(
            float(critical_coupling(PEAK, 12.0, grid=RefinedGrid.around(PEAK, 12.0, base)))
        )
    assert refined[0] == pytest.approx(refined[1], abs=1e-9)
    assert refined[1] == pytest.approx(1.4409790213, abs=1e-9)
    assert abs(plain[0] - plain[1]) > 1e-4


def test_grid_error_bounds_the_error():
    grid = RefinedGrid.around(PEAK, 12.0, EnergyGrid(4.0, 150))
    error = abs(float(critical_coupling(PEAK, 12.0, grid=grid)) - 1.4409790213)
    assert 1e-9 < error < float(grid_error(PEAK, 12.0, grid)) < 1e-3


def test_wide_modes_are_as_on_the_plain_grid():
    base = EnergyGrid(9.0, 150)
    values = [
        float(stability_margin(PEAK, 41.0, grid))
        for grid in (base, RefinedGrid.around(PEAK, 41.0, base))
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_default_grid_follows_the_kind_of_spectrum():
    base = EnergyGrid.suggest(PEAK, 12.0)
    refined = RefinedGrid.around(PEAK, 12.0, base)
    assert critical_coupling(PEAK, 12.0) == critical_coupling(PEAK, 12.0, grid=refined)
    mode = EinsteinModes([50.0], [1.0])
    plain = EnergyGrid.suggest(mode, 12.0)
    assert critical_coupling(mode, 12.0) == critical_coupling(mode, 12.0, grid=plain)


@pytest.mark.parametrize("temperature", [5.0, 8.0, 12.0, 20.0])
def test_never_above_the_weight_criterion(temperature):
    grid = RefinedGrid.around(PEAK, temperature, EnergyGrid(temperature / 5, 150))
    kinetic, weight = (
        float(margin(PEAK, temperature, criterion=c, grid=grid)) for c in ("kinetic", "weight")
    )
    assert kinetic <= weight + 1e-13


def test_nodes_and_weights():
    temperature = 10.0
    grid = RefinedGrid(EnergyGrid(2.0, 200), 60.0, 1e-3)
    e, w = np.asarray(grid.energies), np.asarray(grid.weights)
    assert np.all(np.diff(e) > 0) and np.min(np.abs(e - 60.0)) == 0
    assert e[-1] >= 400 * (1 - 1e-9)
    minus_slope = 1 / (4 * temperature * np.cosh(e / (2 * temperature)) ** 2)
    assert w @ (e**2 * minus_slope) == pytest.approx(np.pi**2 * temperature**2 / 6, rel=1e-10)
    # A narrow Lorentzian under a smooth odd function squared.
    for width in (1e-3, 1e-2):

        def function(x, width=width):
            two = 1 / ((x - 60) ** 2 + width**2) + 1 / ((x + 60) ** 2 + width**2)
            return x**2 * np.exp(-((x / 50) ** 2)) * two

        near = [60 + s * width * 10.0**k for k in range(5) for s in (-1, 1)]
        pieces = np.unique(np.clip([0, 60, 400, *near], 0, 400))
        exact = sum(
            scipy.integrate.quad(function, a, b, epsabs=0, epsrel=1e-12)[0]
            for a, b in zip(pieces, pieces[1:], strict=False)
        )
        assert w @ function(e) == pytest.approx(exact, rel=1e-9)


def test_interpolation_of_the_weight():
    temperature = 12.0
    grid = RefinedGrid.around(PEAK, temperature, EnergyGrid(4.0, 150))
    fine = jnp.append(0.0, grid.half_step.energies)
    values = interpolate_oversampled(
        inverse_quasiparticle_weight(PEAK, temperature, fine), grid.energies / grid.half_step.step
    )
    inside = grid.energies < 300
    closed = inverse_quasiparticle_weight(PEAK, temperature, grid.energies)
    np.testing.assert_allclose(values[inside], closed[inside], rtol=0, atol=1e-11)
    least, energy = minimum_weight(PEAK, temperature)
    at = int(jnp.argmin(jnp.abs(grid.energies - energy)))
    assert values[at] == pytest.approx(float(least), abs=1e-11)


def test_transformations():
    base = EnergyGrid(3.0, 150)

    def critical(temperature, width, omega):
        peak = GaussianPeaks(omega[None], width[None], [1.0], order=64)
        grid = RefinedGrid.around(peak, temperature, base)
        return critical_coupling(peak, temperature, grid=grid)

    point = [jnp.array(12.0), jnp.array(WIDTH), jnp.array(CENTRE)]
    reverse = jax.jit(jax.grad(critical, argnums=(0, 1, 2)))(*point)
    forward = jax.jit(jax.jacfwd(critical, argnums=(0, 1, 2)))(*point)
    np.testing.assert_allclose(forward, reverse, rtol=1e-9)
    compiled = jax.jit(critical)
    for i, slope in enumerate(reverse):

        def difference(h, i=i):
            up, down = list(point), list(point)
            up[i], down[i] = point[i] + h, point[i] - h
            return (compiled(*up) - compiled(*down)) / (2 * h)

        richardson = (4 * difference(5e-3) - difference(1e-2)) / 3
        assert slope == pytest.approx(float(richardson), rel=1e-6)
    batch = jax.vmap(compiled, (0, None, None))(jnp.array([8.0, 12.0]), *point[1:])
    np.testing.assert_allclose(batch, [compiled(8.0, *point[1:]), compiled(*point)], rtol=1e-12)


def test_misuse():
    base = EnergyGrid(2.0, 100)
    with pytest.raises(ValueError, match="centre and width must be positive"):
        RefinedGrid(base, 60.0, 0.0)
    with pytest.raises(ValueError, match="extra must be at least 16"):
        RefinedGrid(base, 60.0, 1.0, 3)
