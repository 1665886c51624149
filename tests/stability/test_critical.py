"""Critical couplings: the table of the Supplement taken whole, the theorem, derivatives."""

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxelph import (
    CRITERIA,
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    critical_coupling,
    critical_coupling_scaled,
    example,
    extreme_rates,
    grid_error,
    margin,
    normal_modes,
    search_softest_mode,
    slowest_rate,
    stability_margin,
    stability_pencil,
)

METAL = example("table1")
G = 50.36533199202271
TABLE = {  # T0/g: weight, heat, kinetic on ε = 1, as the route of `helpers` has them
    0.180: (1.1332087176, 4.7462662257, 1.1329873406),
    0.192: (1.3252639478, 4.4475314033, 1.3240536167),
    0.204: (1.5643073462, 4.2193469010, 1.5569870644),
    0.217: (1.8979717462, 4.0388463196, 1.8636600833),
    0.229: (2.3093745595, 3.9261381595, 2.1814229514),
    0.241: (2.8819190352, 3.8611325099, 2.4891199243),
    0.253: (3.7415070344, 3.8428003389, 2.7558108725),
    0.266: (5.3641506849, 3.8779435475, 2.9867346973),
    0.278: (8.6516654402, 3.9672690227, 3.1397835953),
}
SHAPE = np.full(21, 1 / 21)


def table_size(scaled):
    """Of the ε = 1 grid up to 40 T, T at the lower of the two bounds."""
    weight, heat, _ = TABLE[scaled]
    return int(np.ceil(40 * scaled * G * np.sqrt(min(weight, heat))))


@pytest.mark.slow
@pytest.mark.parametrize("scaled", TABLE)
def test_table_by_an_independent_route(scaled):
    for criterion, tabulated in zip(CRITERIA, TABLE[scaled], strict=True):
        computed = helpers.critical_coupling_scaled(
            helpers.TABLE1_OMEGA, SHAPE, scaled, criterion, tabulated, 1.0, table_size(scaled)
        )
        assert computed == pytest.approx(tabulated, abs=2e-10)


@pytest.mark.parametrize("scaled", TABLE)
def test_table_weight_and_heat(scaled):
    weight, heat, _ = TABLE[scaled]
    for criterion, expected in (("weight", weight), ("heat", heat)):
        computed = critical_coupling_scaled(METAL, scaled, criterion=criterion)
        assert computed == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("scaled", TABLE)
def test_table_kinetic(scaled):
    grid = EnergyGrid(1.0, table_size(scaled))
    computed = critical_coupling_scaled(METAL, scaled, grid=grid)
    assert computed == pytest.approx(TABLE[scaled][2], abs=1e-9)


@pytest.mark.parametrize("scaled", TABLE)
def test_table_kinetic_at_fixed_temperature(scaled):
    """At T = T0(λ_c) the threshold at fixed T is λ_c too: one eigenvalue, no search."""
    kinetic = TABLE[scaled][2]
    # One size for all, so that it compiles once; what lies above 40 T is below rounding.
    grid = EnergyGrid(1.0, max(table_size(each) for each in TABLE))
    computed = critical_coupling(METAL, scaled * G * np.sqrt(kinetic), grid=grid)
    assert computed == pytest.approx(kinetic, abs=1e-8)


def test_einstein_mode():
    # In as many parts as the metal of the table has, so that it is not compiled anew.
    mode = EinsteinModes(np.ones(21), SHAPE)
    scaled = critical_coupling_scaled(mode, 0.2, criterion="weight")
    assert scaled == pytest.approx(1.271594, abs=1e-6)
    # λ_c = 1/max g at T = 0.2530723 g.
    heat = critical_coupling_scaled(mode, 0.2530723, criterion="heat")
    assert heat == pytest.approx(3.6914923657, abs=1e-8)
    assert critical_coupling_scaled(mode, 0.31, criterion="weight") == jnp.inf


def test_gaussian_peak_and_where_it_is_cut():
    peak = GaussianPeaks([50.0], [5.0], [1.0])
    weight = critical_coupling(peak, 25.0, criterion="weight")
    assert weight == pytest.approx(3.8759920825, abs=1e-9)
    grid = EnergyGrid.suggest(peak, 25.0, 1e-13)
    kinetic = critical_coupling(peak, 25.0, grid=grid)
    assert kinetic == pytest.approx(3.142973308, abs=1e-7)
    # A Gaussian that ends five widths from its centre gives the number often quoted.
    omega = np.linspace(25, 75, 1202)[:-1] + 25 / 1201
    shape = np.exp(-((omega - 50) ** 2) / 50) / omega
    cut = EinsteinModes(omega, shape / shape.sum())
    assert critical_coupling(cut, 25.0, criterion="weight") == pytest.approx(3.87599083, abs=3e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.5, 2.0), min_size=3, max_size=3),
    st.lists(st.floats(0.05, 1.0), min_size=3, max_size=3),
    st.floats(0.15, 1.0),
)
def test_kinetic_is_the_strictest(omega, coupling, temperature):
    spectrum = EinsteinModes(omega, coupling)
    # One size for all, so that it compiles once; the step resolves T and meets the least Z0⁻¹.
    from jaxelph import minimum_weight

    energy = minimum_weight(spectrum, temperature)[1]
    grid = EnergyGrid(0.35 * temperature, 160).aligned(energy)
    weight, heat, kinetic = (
        float(critical_coupling(spectrum, temperature, criterion=c, grid=grid)) for c in CRITERIA
    )
    assert kinetic <= min(weight, heat) * (1 + 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", CRITERIA)
def test_second_derivative(criterion):
    grid, peak, h = EnergyGrid(6.0, 110), GaussianPeaks([50.0], [5.0], [1.0]), 1e-3

    def critical(temperature):
        return critical_coupling(peak, temperature, criterion=criterion, grid=grid)

    slope = jax.jit(jax.grad(critical))
    difference = float(slope(30.0 + h) - slope(30.0 - h)) / (2 * h)
    assert jax.jit(jax.grad(jax.grad(critical)))(30.0) == pytest.approx(difference, rel=1e-5)


def test_misuse():
    with pytest.raises(ValueError, match="criterion 'speed' is not known"):
        critical_coupling(METAL, 10.0, criterion="speed")
    with pytest.raises(ValueError, match="temperature must be positive"):
        critical_coupling(METAL, -1.0)
    with pytest.raises(TypeError, match="cannot be traced"):
        jax.grad(lambda t: critical_coupling(METAL, t))(10.0)


@pytest.mark.parametrize("criterion", ["weight", "heat", "kinetic"])
def test_no_coupling_and_nan_at_fixed_scaled_temperature(criterion):
    grid = EnergyGrid(0.05, 100)

    def critical(coupling):
        spectrum = EinsteinModes([1.0, 0.8], coupling * jnp.ones(2))
        return critical_coupling_scaled(spectrum, 0.2, criterion=criterion, grid=grid)

    both = jax.jit(jax.value_and_grad(critical))
    value, slope = both(0.0)
    assert value == np.inf and slope == 0
    with pytest.raises(ValueError, match="coupling must be finite, got nan"):
        critical(jnp.nan)
    assert np.all(np.isnan(both(jnp.nan)))  # traced, it cannot be seen
    metal = EinsteinModes([1.0, 0.8], [0.5, 0.5])

    def by_temperature(scaled):
        return critical_coupling_scaled(metal, scaled, criterion=criterion, grid=grid)

    assert np.all(np.isnan(jax.jit(jax.value_and_grad(by_temperature))(jnp.nan)))
    assert np.all(np.isnan(jax.jit(lambda x: jax.jvp(by_temperature, (x,), (1.0,)))(jnp.nan)))

    @jax.jit
    def at_fixed_temperature(coupling):
        metal = EinsteinModes([1.0, 0.8], coupling * jnp.ones(2))
        return critical_coupling(metal, 0.2, criterion=criterion, grid=grid)

    assert np.isnan(at_fixed_temperature(jnp.nan))


def test_grids_that_miss_are_refused():
    one = EinsteinModes([1.0], [1.0])
    for step in (-1.0, 0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="step must be positive and finite"):
            EnergyGrid(step, 10)
    functions = (
        margin,
        critical_coupling,
        grid_error,
        stability_margin,
        stability_pencil,
        search_softest_mode,
        slowest_rate,
        normal_modes,
        extreme_rates,
    )
    for function in functions:
        keyword = function in (margin, critical_coupling)
        for grid, message in ((EnergyGrid(0.1, 10), "ends at 1"), (EnergyGrid(0.5, 99), "coarse")):
            with pytest.raises(ValueError, match=message):
                function(one, 0.25, grid=grid) if keyword else function(one, 0.25, grid)
