"""Quadrature of tables: against closed forms, whatever the rows and the temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from jaxelph import EnergyGrid, critical_coupling, transition_temperature
from jaxelph.electrons.weight import inverse_quasiparticle_weight
from jaxelph.grids.refined import RefinedGrid
from jaxelph.spectra.moments import coupling_constant, cumulative_coupling, log_frequency, moment
from jaxelph.spectra.panels import (
    MOST,
    NODES_PER_T,
    ORDER,
    bucket,
    cumulative_integral,
    geometric_edges,
    panel_nodes,
    thermal_edges,
)
from jaxelph.spectra.resolution import at_temperature
from jaxelph.spectra.spectrum import DebyeSpectrum
from jaxelph.spectra.table import QuadratureNodes, TabulatedSpectrum
from jaxelph.stability.critical import grid_error, margin, node_error
from jaxelph.thermodynamics.specific_heat import specific_heat_ratio


def cauchy(omega, density, pole):
    """∫ ρ/(ω - z) dω of a piecewise-linear ρ, in closed form."""
    step, from_pole = np.diff(omega), omega[:-1] - pole
    u = step / from_pole
    # ln(1 + u) of small complex u.
    logarithm = 0.5 * np.log1p(2 * u.real + np.abs(u) ** 2) + 1j * np.angle(1 + u)
    slope = np.diff(density) / step
    return np.sum(density[:-1] * logarithm + slope * from_pole * (u - logarithm))


def rough_table(rows, seed=0, low=0.3, high=10.0):
    """Rows at random distances with values at random: nothing is smooth."""
    rng = np.random.default_rng(seed)
    omega = np.linspace(low, high, rows)
    omega[1:-1] += rng.uniform(-0.4, 0.4, rows - 2) * (omega[1] - omega[0])
    return omega, rng.uniform(0.0, 1.0, rows)


@pytest.mark.parametrize("rows", [5, 60, 5000])
@pytest.mark.parametrize("temperature", [0.02, 0.3, 3.0])
def test_poles_of_fermi_functions(rows, temperature):
    omega, density = rough_table(rows)
    edges = thermal_edges(omega, np.ones(rows - 1, bool), temperature / NODES_PER_T)
    node, weight = panel_nodes(omega, density, edges)
    assert np.sum(weight) == pytest.approx(np.trapezoid(density, omega), rel=1e-13)
    for energy in np.linspace(0.1, 11.0, 23):
        pole = energy + 1j * np.pi * temperature
        found = np.sum(weight / (node - pole))
        assert abs(found - cauchy(omega, density, pole)) < 1e-9 * np.sum(np.abs(density)) / rows


@pytest.mark.parametrize("rows", [5, 60, 5000])
def test_the_imaginary_axis_needs_few_nodes(rows):
    omega, density = rough_table(rows, low=1e-3)
    node, weight = panel_nodes(omega, density, geometric_edges(omega))
    assert len(node) == 12 * ORDER
    for pole in 1j * np.geomspace(1e-4, 100.0, 25):
        exact = cauchy(omega, density, pole)
        assert abs(np.sum(weight / (node - pole)) - exact) < 1e-11 * abs(exact)


def test_log_frequency_in_closed_form():
    omega, a2f = rough_table(40)
    density = 2 * a2f / omega

    def primitive(w, slope, value, at):  # of (value + slope (w - at)) ln w
        offset = value - slope * at
        return offset * (w * np.log(w) - w) + slope * w**2 * (np.log(w) / 2 - 0.25)

    slope = np.diff(density) / np.diff(omega)
    parts = (slope, density[:-1], omega[:-1])
    total = np.sum(primitive(omega[1:], *parts) - primitive(omega[:-1], *parts))
    exact = np.exp(total / np.trapezoid(density, omega))
    table = TabulatedSpectrum(omega, a2f)
    for nodes in (table.sampled(1.0), QuadratureNodes(*table.coarse_modes())):
        assert float(log_frequency(nodes)) == pytest.approx(exact, rel=1e-13)
    # Of the table itself it is the sum over the rows, whatever its nodes.
    total = np.trapezoid(density * np.log(omega), omega)
    summed = np.exp(total / np.trapezoid(density, omega))
    for s in (table, table.resolved(0.3), table.resolved(0.01)):
        assert float(log_frequency(s)) == pytest.approx(summed, rel=1e-13)


def test_numbers_without_energies_do_not_depend_on_the_nodes():
    table = TabulatedSpectrum(*rough_table(70, seed=3))
    for other in (table.resolved(1.0), table.resolved(0.02), table.scaled(2.0).scaled(0.5)):
        for number in (
            coupling_constant,
            lambda s: moment(s, 4),
            transition_temperature,
            lambda s: specific_heat_ratio(s, 0.7),
        ):
            assert float(number(other)) == pytest.approx(float(number(table)), rel=1e-12)


def every_interval(table, order):
    """Gauss's nodes on each interval between rows: no panels."""
    x, w = np.polynomial.legendre.leggauss(order)
    omega = np.asarray(table.omega)
    density = 2 * np.asarray(table.a2f) / omega
    half = np.diff(omega)[:, None] / 2
    node = (omega[1:] + omega[:-1])[:, None] / 2 + half * x
    return node.ravel(), (half * w * np.interp(node, omega, density)).ravel()


@pytest.fixture(scope="module")
def coarse():
    """Rows that are four temperatures apart, of a thirtieth of the top."""
    omega = np.linspace(1.0, 31.0, 8)
    return TabulatedSpectrum(omega, [0.0, 0.3, 0.1, 0.6, 0.05, 0.4, 0.2, 0.0])


def test_a_coarse_table_is_resolved_by_itself(coarse):
    temperature = 1.0
    exact = QuadratureNodes(*every_interval(coarse, 96))
    energies = jnp.linspace(0.0, 40.0, 81)
    found = inverse_quasiparticle_weight(coarse, temperature, energies)
    wanted = inverse_quasiparticle_weight(exact, temperature, energies)
    assert np.allclose(found, wanted, rtol=0, atol=1e-9)
    # As it was given, under jit, the rows are the nodes.
    traced = jax.jit(lambda s, t: inverse_quasiparticle_weight(s, t, energies))
    assert not np.allclose(traced(coarse, temperature), wanted, rtol=0, atol=1e-2)
    assert np.allclose(traced(at_temperature(coarse, 1.0), 1.0), wanted, rtol=0, atol=1e-9)
    found = float(margin(coarse, temperature, criterion="weight"))
    assert found == pytest.approx(float(margin(exact, temperature, criterion="weight")), rel=1e-9)
    # The specific heat is that of the same density, also where the rows are few.
    found = float(margin(coarse, temperature, criterion="heat"))
    assert found == pytest.approx(float(margin(exact, temperature, criterion="heat")), rel=1e-11)
    found, wanted = (float(transition_temperature(s, omega_ph=20.0)) for s in (coarse, exact))
    assert found == pytest.approx(wanted, rel=1e-10)


def test_kinetic_coupling_of_a_coarse_table_and_its_error(coarse):
    temperature = 1.0
    exact = QuadratureNodes(*every_interval(coarse, 96))
    base = EnergyGrid.suggest(coarse, temperature)
    grid = RefinedGrid.around(coarse, temperature, base)
    found = float(critical_coupling(coarse, temperature, grid=grid))
    wanted = float(critical_coupling(exact, temperature, grid=grid))
    assert found == pytest.approx(wanted, rel=1e-9)
    assert float(critical_coupling(coarse, temperature)) == pytest.approx(wanted, rel=1e-9)
    stated = float(node_error(coarse, temperature, grid))
    assert abs(found - wanted) <= stated + 1e-12 and stated < 1e-8
    assert float(grid_error(coarse, temperature, grid)) >= stated


def test_rows_far_finer_than_the_temperature_are_merged_exactly():
    omega, a2f = rough_table(3000, seed=5)
    table = TabulatedSpectrum(omega, a2f)
    energies = jnp.linspace(0.0, 12.0, 25)
    found = at_temperature(table, 0.5)
    assert found.modes()[0].size < 400
    exact = QuadratureNodes(*every_interval(table, 3))
    assert np.allclose(
        inverse_quasiparticle_weight(found, 0.5, energies),
        inverse_quasiparticle_weight(exact, 0.5, energies),
        rtol=0,
        atol=1e-9,
    )


def test_derivatives_by_every_row():
    omega, a2f = rough_table(9, seed=1)
    spacing, pole = 0.05, 4.0 + 1j

    def integral(omega, a2f):
        table = TabulatedSpectrum(omega, a2f, panels)
        node, coupling = table.modes()
        return jnp.sum(coupling * jnp.real(1 / (node - pole)))

    def exact(omega, a2f):
        return cauchy(omega, 2 * a2f / omega, pole).real

    panels = TabulatedSpectrum(omega, a2f).resolved(spacing, everywhere=True).panels
    for argument in (0, 1):
        slope = jax.jit(jax.grad(integral, argument))(omega, a2f)
        forward = jax.jit(jax.jacfwd(integral, argument))(omega, a2f)
        for k in range(len(omega)):
            step = np.zeros(len(omega))
            step[k] = 1e-5
            up, down = (
                exact(omega + x, a2f) if argument == 0 else exact(omega, a2f + x)
                for x in (step, -step)
            )
            wanted = (up - down) / 2e-5
            assert float(slope[k]) == pytest.approx(wanted, rel=2e-7, abs=1e-8)
        assert np.allclose(slope, forward, rtol=1e-12, atol=1e-12)
    with jax.checking_leaks():
        rows = jax.vmap(lambda f: integral(jnp.asarray(omega), f * a2f))(jnp.arange(1.0, 4.0))
    assert np.allclose(rows, exact(omega, a2f) * np.arange(1, 4), rtol=1e-12)


@pytest.mark.parametrize("last", [60.0, 200.0, 1e6])
def test_zero_stretches_cost_nothing(last):
    omega = np.linspace(0.1, 20.0, 200)
    a2f = np.exp(-(((omega - 10) / 4) ** 2))
    a2f[-1] = 0.0
    plain = TabulatedSpectrum(omega, a2f)
    longer = TabulatedSpectrum(np.append(omega, last), np.append(a2f, 0.0))
    assert longer.sampled(0.01).modes()[0].size == plain.sampled(0.01).modes()[0].size
    assert longer.resolved(0.01).modes()[0].size <= 1.5 * plain.resolved(0.01).modes()[0].size
    energies = jnp.linspace(0.0, 25.0, 11)
    assert np.allclose(
        inverse_quasiparticle_weight(longer, 0.2, energies),
        inverse_quasiparticle_weight(plain, 0.2, energies),
        rtol=0,
        atol=1e-10,
    )


def test_a_gap_between_two_bands_carries_no_node():
    omega = np.array([1.0, 2.0, 3.0, 400.0, 401.0, 402.0])
    node, coupling = TabulatedSpectrum(omega, [0.0, 0.5, 0.0, 0.0, 0.5, 0.0]).sampled(0.01).modes()
    inside = (node > 3.0) & (node < 400.0)
    assert not np.any(np.asarray(coupling)[inside]) and node.size < 1000


def test_many_zeros_do_not_cut_the_table_into_as_many_panels():
    omega = np.linspace(0.1, 20.0, 20001)
    a2f = np.where(np.arange(20001) % 4 < 2, 0.0, 0.5)
    found = TabulatedSpectrum(omega, a2f).sampled(0.1)
    assert found.modes()[0].size <= 24 * 24
    assert float(coupling_constant(found)) == pytest.approx(
        np.trapezoid(2 * a2f / omega, omega), rel=1e-13
    )


def test_few_numbers_of_nodes_for_many_tables():
    rng = np.random.default_rng(2)
    sizes = set()
    for rows in rng.integers(20, 4000, 40):
        omega = np.linspace(0.1, rng.uniform(10, 100), rows)
        sizes.add(TabulatedSpectrum(omega, omega * 0 + 0.2).sampled(0.2).modes()[0].size)
    assert len(sizes) <= 7
    assert [bucket(n) for n in (1, 8, 9, 12, 13, 17, 25)] == [8, 8, 12, 12, 16, 24, 32]


def test_the_nodes_are_those_of_the_coupling():
    """Neither rows of zeros beside it, nor where the first of many rows lies, decide anything."""

    def nodes(rows, *more, before=(), spacing=None):
        omega = np.linspace(30 / rows, 30.0, rows)
        a2f = 0.6 * np.exp(-(((omega - 15) / 4) ** 2))
        a2f[-1] = 0.0
        last = [*before, *omega, *more]
        values = np.pad(a2f, (len(before), len(more)))
        return TabulatedSpectrum(last, values).sampled(spacing).modes()

    for spacing in (None, 0.2, 0.09, 0.03):
        given = nodes(200, spacing=spacing)
        for other in (
            nodes(200, 200.0, spacing=spacing),
            nodes(200, 31.0, 32.0, 1e7, spacing=spacing),
        ):
            np.testing.assert_array_equal(other, given)
        # The first of three zeros below is as good as none: α²F rises from the last.
        three, one = (nodes(200, before=b, spacing=spacing) for b in ([1e-9, 1e-5, 0.1], [0.1]))
        np.testing.assert_array_equal(three, one)
        counts = {nodes(n, spacing=spacing)[0].size for n in (200, 333, 777, 2000, 5000, 20000)}
        assert len(counts) == 1


def test_too_low_a_temperature_is_told():
    table = TabulatedSpectrum([1.0, 2.0, 3.0], [0.1, 0.5, 0.1])
    with pytest.raises(ValueError, match="the lowest temperature that is possible is about"):
        inverse_quasiparticle_weight(table, 2.0 / MOST / 10, 1.0)


def test_resolved_better_already():
    table = TabulatedSpectrum([1.0, 2.0, 3.0], [0.1, 0.5, 0.1])
    fine = at_temperature(table, 0.01)
    assert at_temperature(fine, 0.02) is fine and at_temperature(fine, 0.01) is fine
    assert at_temperature(fine, 0.001) is not fine
    unit = TabulatedSpectrum(fine.omega * 7, fine.a2f, fine.panels)  # another unit of energy
    assert at_temperature(unit, 0.08) is unit


def test_cumulative_coupling_of_a_table():
    omega, a2f = rough_table(12, seed=8)
    at = np.linspace(0.0, 11.0, 45)

    def density(w):
        return np.interp(w, omega, 2 * a2f / omega, left=0.0, right=0.0)

    exact = [
        scipy.integrate.quad(density, 0, x, points=[*omega[omega < x], omega[0]], limit=200)[0]
        if x > omega[0]
        else 0.0
        for x in at
    ]
    found = cumulative_coupling(TabulatedSpectrum(omega, a2f), at)
    assert np.allclose(found, exact, rtol=1e-9, atol=1e-12)
    assert np.allclose(cumulative_integral(omega, 2 * a2f / omega, at), found, atol=1e-14)


def test_debye_spectrum_far_below_its_cutoff():
    temperature, coupling = 1e-3, 0.5

    def kernel(s):  # ∫ 2ω³/(ω² - s²) dω from 0 to 1
        return 1 + s**2 * np.log(np.abs((1 - s**2) / s**2))

    def weight(energy):
        def integrand(u):
            return kernel(energy - temperature * u) / (4 * np.cosh(u / 2) ** 2)

        edge = (energy - 1) / temperature
        parts = [
            scipy.integrate.quad(integrand, a, b, epsabs=1e-12, epsrel=1e-12, limit=400)[0]
            for a, b in ((-60, edge), (edge, 60))
        ]
        return 1 + coupling * sum(parts)

    found = float(margin(DebyeSpectrum(1.0, coupling), temperature, criterion="weight"))
    least = scipy.optimize.minimize_scalar(weight, bracket=(0.999, 1.0, 1.003), tol=1e-9).fun
    assert found == pytest.approx(least, abs=1e-7)
