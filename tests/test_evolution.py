"""The kinetic equation in time: other integrators, published runs, runaway, gradients, misuse.

The metal is that of the Supplement's Table I (21 modes, 40…60) unless a test says otherwise;
g² = Σ λ_k ω_k² and times are rescaled, as in the package.
"""

import diffrax
import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from jaxelph import (
    RESULTS,
    EinsteinModes,
    ElectronCollisions,
    EnergyGrid,
    disordered_kernel,
    evolve,
    fermi,
    minimum_weight,
    normal_modes,
    two_temperature_rate,
)
from jaxelph.dae import BDF, Krylov, Rodas5P, StepController
from jaxelph.instability import growth_rate

OMEGA, G = helpers.TABLE1_OMEGA, helpers.TABLE1_G


def table1(coupling=1.0):
    return EinsteinModes(OMEGA, np.full(21, coupling / 21)), G * np.sqrt(coupling)


METAL, _ = table1()
T0 = 0.25 * G
GRID = EnergyGrid(6.0, 75)
TIMES = np.array([0.0, 0.5, 2.0, 8.0]) / G


@pytest.fixture(scope="module")
def reference(shared):
    return np.load(shared / "reference" / "ref_a.npz")


def error_at_shared_points(reference, step, size, **options):
    run = evolve(METAL, 1.1 * T0, T0, EnergyGrid(step, size), reference["t"] / G, **options)
    stride = int(step)
    expected = reference["f"][:, stride - 1 :: stride]
    n = min(expected.shape[1], size)
    return np.max(np.abs(np.asarray(run.f)[:, :n] - expected[:, :n])), run


@pytest.mark.parametrize(
    ("size", "step", "rtol", "bound"),
    [(75, 6.0, 1e-6, 1e-7), (75, 6.0, 1e-10, 1.2e-8), (113, 4.0, 1e-10, 2e-10)],
)
def test_reference_run_off_the_lattice(reference, size, step, rtol, bound):
    error, run = error_at_shared_points(reference, step, size, rtol=rtol)
    assert error < bound
    assert run.result == RESULTS.completed
    assert np.max(np.abs(run.energy_error)) < 10 * rtol + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("solver", [None, Rodas5P()])
def test_reference_run_on_its_own_grid(reference, solver):
    error, _ = error_at_shared_points(reference, 1.0, 512, rtol=1e-10, solver=solver)
    assert error < 1e-8


def test_tolerance_is_kept_over_six_decades():
    exact = evolve(METAL, 1.1 * T0, T0, GRID, TIMES, rtol=1e-12, atol=1e-15).f
    rtol = 10.0 ** -np.arange(4, 11)
    error = [float(jnp.max(jnp.abs(evolve(METAL, 1.1 * T0, T0, GRID, TIMES, rtol=r).f - exact)))
             for r in rtol]  # fmt: skip
    slope, offset = np.polyfit(np.log10(rtol), np.log10(error), 1)
    assert 0.8 < slope < 1.2
    straight = slope * np.log10(rtol) + offset
    assert np.max(np.abs(np.log10(error) - straight)) < 0.5
    assert np.all(error < 10 * rtol)


def scipy_run(method, step, size, initial, times, rtol, atol):
    """The equation built from its definition with NumPy on the whole axis, ḟ = B⁻¹I."""
    n = np.arange(2 * size + 1.0)
    i = np.arange(-size, size + 1)
    coupling = np.full(21, 1 / 21)
    kappa = helpers.exchange_weights(OMEGA, coupling, step, n)[np.abs(i[:, None] - i[None, :])]
    lag = (i[:, None] - i[None, :]).astype(float)
    sign = np.where(lag % 2 == 0, 1.0, -1.0)
    derivative = np.where(lag == 0, 0.0, sign / (np.where(lag == 0, 1.0, lag) * step))
    f0 = helpers.fermi(step * i, T0)
    f0_slope = -helpers.minus_fermi_slope(step * i, T0)
    even = odd = rate = 0
    for w, c in zip(OMEGA, coupling, strict=True):
        boson = 1 / np.expm1(w / T0)
        up, down = np.sinc(lag + w / step), np.sinc(lag - w / step)
        even = even + c * w * (boson + 0.5) * (up + down)
        odd = odd + c * w * (up - down)
        f_up, f_down = helpers.fermi(step * i + w, T0), helpers.fermi(step * i - w, T0)
        rate = rate + c * w * (2 * boson + 1 + f_up - f_down)

    def velocity(_, half):
        d = np.concatenate([-half[::-1], [0.0], half])
        slope = f0_slope + derivative @ d
        mass = np.diag(1 - kappa @ slope) + slope[:, None] * kappa
        integral = even @ d - rate * d - (f0 - 0.5 + d) * (odd @ d)
        return np.linalg.solve(mass, integral)[size + 1 :]

    start = initial - f0[size + 1 :]
    solution = solve_ivp(
        velocity, (0, times[-1]), start, method, t_eval=times, rtol=rtol, atol=atol
    )
    return f0[size + 1 :] + solution.y.T


def test_scipy_integrates_the_same_equation():
    step, size = 8.0, 50
    initial = helpers.fermi(step * np.arange(1, size + 1), 1.1 * T0)
    times = np.array([0.0, 0.5, 2.0]) / G
    expected = scipy_run("DOP853", step, size, initial, times, 1e-10, 1e-13)
    run = evolve(METAL, 1.1 * T0, T0, EnergyGrid(step, size), times, rtol=1e-10)
    np.testing.assert_allclose(run.f, expected, rtol=0, atol=2e-10)


@pytest.mark.slow
def test_scipy_radau_integrates_the_same_equation():
    step, size = 6.0, 75
    initial = helpers.fermi(step * np.arange(1, size + 1), 1.1 * T0)
    expected = scipy_run("Radau", step, size, initial, TIMES, 1e-9, 1e-12)
    run = evolve(METAL, 1.1 * T0, T0, GRID, TIMES, rtol=1e-10)
    np.testing.assert_allclose(run.f, expected, rtol=0, atol=2e-9)


@pytest.mark.parametrize("solver", [BDF(), Rodas5P(Krylov(rtol=1e-9))])
def test_solvers_agree(solver):
    options = {"rtol": 1e-7}
    expected = evolve(METAL, 1.1 * T0, T0, GRID, TIMES, rtol=1e-10).f
    run = evolve(METAL, 1.1 * T0, T0, GRID, TIMES, solver=solver, **options)
    np.testing.assert_allclose(run.f, expected, rtol=0, atol=2e-6)


# ----- Fig. 1 of the paper: one Einstein mode, Ω = 1, λ = 1, T0 = 0.2, T_in = 0.202


@pytest.mark.parametrize(
    ("per_unit", "plateau"),
    [(20, 1.37495e-3), pytest.param(30, 1.38897e-3, marks=pytest.mark.slow)],
)
def test_stable_run_of_figure_1_ends_on_a_plateau(per_unit, plateau):
    grid = EnergyGrid(1 / per_unit, round(36 * 0.202 * per_unit))
    times = np.array([0, 0.579, 2.895, 5.211, 20.0, 200.0, 400.0])
    run = evolve(EinsteinModes([1.0], [1.0]), 0.202, 0.2, grid, times, rtol=1e-8)
    distance = np.max(np.abs(run.deviation), axis=1)
    published = [2.2255e-3, 2.1251e-3, 1.8491e-3, 1.6691e-3]
    np.testing.assert_allclose(distance[:4], published, rtol=0, atol=6e-8)
    assert distance[4] == pytest.approx(plateau, abs=1e-8)
    # It comes to rest, with more energy than at T0, and not at f0(T0): ladders keep their number.
    assert run.result == RESULTS.completed
    np.testing.assert_allclose(run.f[6], run.f[5], rtol=0, atol=1e-7)
    assert distance[6] > 1e-3


def test_unstable_run_of_figure_1_is_detected():
    # Ω = 0.679 at the same g: the initial state itself is unstable.
    metal = EinsteinModes([0.679], [1 / 0.679**2])
    run = evolve(metal, 0.202, 0.2, EnergyGrid(1 / 20, 145), np.array([0.0, 1.0, 20.0]))
    assert run.result == RESULTS.unstable
    assert run.reached == 0
    assert run.stats["num_steps"] < 20
    np.testing.assert_allclose(run.f[0], fermi(run.energies, 0.202), rtol=0, atol=1e-15)
    assert np.all(np.isnan(run.f[1:]))
    found = run.instability()
    assert found is not None and found.negative == 8 and found.growing == 8
    assert found.least_weight < 0


# ----- growth of unstable modes


def grow(step, size):
    metal, g = table1(4.5)
    temperature = 0.278 * g
    grid = EnergyGrid(step, size)
    modes = normal_modes(metal, temperature, grid)
    shapes = modes.distributions(temperature)[:, :2]
    shapes = shapes / jnp.max(jnp.abs(shapes), axis=0)[None, :]
    start = fermi(grid.energies, temperature) + 1e-7 * (shapes[:, 0] + 20 * shapes[:, 1])
    run = evolve(
        metal,
        start,
        temperature,
        grid,
        np.linspace(0, 0.5, 6) / g,
        atol=1e-11,
        stop_when_unstable=False,
    )
    return metal, temperature, g, modes, run


@pytest.mark.parametrize(
    ("step", "size", "published"),
    [
        (2.0, 300, None),
        pytest.param(1.0, 1024, (14.0498, 3.7532), marks=pytest.mark.slow),
    ],
)
def test_unstable_modes_grow_at_the_linear_rates(step, size, published):
    metal, temperature, g, modes, run = grow(step, size)
    # Where the quasiparticle weight is positive at all energies.
    assert minimum_weight(metal, temperature)[0] == pytest.approx(0.0999, abs=1e-4)
    assert modes.unstable >= 2
    for k in range(2):
        assert growth_rate(run, modes, k) == pytest.approx(-float(modes.rates[k]), rel=0.01)
    if published is not None:
        np.testing.assert_allclose(-modes.rates[:2] / g, published, rtol=1e-5)
    found = run.instability()
    assert found is not None
    assert found.fitted_rate == pytest.approx(found.linear_rate, rel=0.01)
    assert "growth in this run" in str(found)


# ----- runaway of a hot metal that cools into instability


@pytest.mark.parametrize("rtol", [1e-3, 1e-4, 1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize(
    ("step", "size", "time"),
    [(2.0, 200, 6.43646), pytest.param(1.0, 400, 6.31015, marks=pytest.mark.slow)],
)
def test_runaway_is_declared_at_every_tolerance(step, size, time, rtol):
    metal, g = table1(1.3)
    temperature = 0.18 * g
    grid = EnergyGrid(step, size)
    run = evolve(metal, 1.1 * temperature, temperature, grid, np.array([0, 5, 12.0]) / g, rtol=rtol)
    assert run.result == RESULTS.unstable
    assert run.reached * g == pytest.approx(time, rel=3e-4 if rtol > 1e-4 else 2e-6)
    assert np.all(np.isfinite(run.f[:2])) and np.all(np.isnan(run.f[2]))


def test_instability_says_where():
    metal, g = table1(1.3)
    temperature = 0.18 * g
    grid = EnergyGrid(2.0, 200)
    times = np.array([0.0, 12.0]) / g
    found = evolve(metal, 1.1 * temperature, temperature, grid, times).instability()
    assert found is not None
    assert found.time * g == pytest.approx(6.43646, rel=1e-5)
    assert found.eigenvalue_at_start > 0.04 and abs(found.eigenvalue) < 1e-8
    assert found.negative == 1
    assert found.peak == found.least_weight_energy == 74
    assert found.growing == 6 and np.isnan(found.fitted_rate)
    assert "74" in str(found) and "1 of" not in str(found)
    # A stable run has nothing to say.
    assert evolve(METAL, 1.1 * T0, T0, GRID, TIMES).instability() is None


# ----- what is conserved, and how fast energy goes


def test_energy_balances_to_the_tolerance():
    for rtol in (1e-4, 1e-6, 1e-9):
        run = evolve(METAL, 1.3 * T0, T0, GRID, TIMES, rtol=rtol)
        assert np.max(np.abs(run.energy_error)) < 3 * rtol


def test_first_rate_is_that_of_two_temperatures():
    times = np.array([0.0, 0.002, 0.004]) / G
    run = evolve(METAL, 1.0001 * T0, T0, GRID, times, rtol=1e-11, atol=1e-17)
    slope = np.gradient(np.log(run.energy), times, edge_order=2)[0]
    assert -slope == pytest.approx(float(two_temperature_rate(METAL, T0)), rel=1e-3)


def test_electrons_keep_the_heat_flow():
    electrons = ElectronCollisions(GRID, disordered_kernel(GRID, 0.5))
    times = np.array([0.0, 0.01]) / G
    run = evolve(METAL, 1.1 * T0, T0, GRID, times, electrons=electrons, rtol=1e-8)
    alone = evolve(METAL, 1.1 * T0, T0, GRID, times, rtol=1e-8)
    assert np.max(np.abs(run.energy_error)) < 1e-8
    # A Fermi distribution is at rest under its own collisions: the same start of the cooling.
    assert run.heat[1] == pytest.approx(float(alone.heat[1]), rel=1e-3)


# ----- gradients and batches

SMALL = EnergyGrid(9.0, 40)
LATER = np.array([0.0, 0.3, 1.0]) / G


def observed(coupling, hot, cold, adjoint=None):
    spectrum = EinsteinModes(OMEGA[::5], coupling)
    run = evolve(spectrum, hot, cold, SMALL, LATER, rtol=1e-9, adjoint=adjoint)
    return 10 * run.f[2, 3] + run.temperature[1] / T0


ARGUMENTS = (jnp.array([0.2, 0.25, 0.15, 0.3, 0.2]), jnp.asarray(1.2 * T0), jnp.asarray(T0))


def differences(function, x, step):
    x = jnp.asarray(x)
    flat = x.reshape(-1)
    columns = [
        (function((flat.at[k].add(step)).reshape(x.shape))
         - function((flat.at[k].add(-step)).reshape(x.shape))) / (2 * step)
        for k in range(flat.size)
    ]  # fmt: skip
    return jnp.array(columns).reshape(x.shape)


def close(actual, expected, rtol=1e-6):
    scale = float(jnp.max(jnp.abs(expected)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)


def test_gradients_forward_reverse_and_by_differences():
    reverse = jax.grad(observed, argnums=(0, 1, 2))(*ARGUMENTS)
    forward = jax.jacfwd(lambda *a: observed(*a, diffrax.ForwardMode()), argnums=(0, 1, 2))(
        *ARGUMENTS
    )
    for k, step in enumerate((1e-3, 1e-2, 1e-2)):
        close(forward[k], reverse[k], 1e-10)

        def alone(x, k=k):
            return observed(*ARGUMENTS[:k], x, *ARGUMENTS[k + 1 :])

        close(reverse[k], differences(alone, ARGUMENTS[k], step))


def test_gradient_with_respect_to_the_initial_distribution():
    start = fermi(SMALL.energies, ARGUMENTS[1])

    def final(f):
        return observed(ARGUMENTS[0], f, ARGUMENTS[2])

    gradient = jax.grad(final)(start)
    rng = np.random.default_rng(1)
    direction = jnp.asarray(rng.normal(size=SMALL.size)) * start * (1 - start)
    expected = (final(start + 1e-3 * direction) - final(start - 1e-3 * direction)) / 2e-3
    assert gradient @ direction == pytest.approx(float(expected), rel=2e-6)


def test_gradients_in_batches():
    hot = jnp.array([1.1, 1.2, 1.3]) * T0
    gradient = jax.grad(observed, argnums=1)
    one_by_one = jnp.stack([gradient(ARGUMENTS[0], h, ARGUMENTS[2]) for h in hot])
    batched = jax.vmap(gradient, in_axes=(None, 0, None))(ARGUMENTS[0], hot, ARGUMENTS[2])
    close(batched, one_by_one, 1e-9)

    def total(hot):
        return jnp.sum(jax.vmap(observed, in_axes=(None, 0, None))(ARGUMENTS[0], hot, ARGUMENTS[2]))

    close(jax.grad(total)(hot), one_by_one, 1e-9)


def test_batches_of_spectra_temperatures_and_states():
    coupling = jnp.array([0.5, 1.0, 9.0])[:, None] * jnp.full((1, 5), 0.2)
    cold = jnp.array([1.0, 0.9, 1.1]) * T0

    def run(c, t):
        return evolve(EinsteinModes(OMEGA[::5], c), 1.1 * t, t, SMALL, LATER)

    batch = jax.vmap(run)(coupling, cold)
    assert batch.f.shape == (3, 3, SMALL.size)
    # One unstable metal does not disturb its neighbours.
    assert list(batch.result == RESULTS.unstable) == [False, False, True]
    for k in range(2):
        alone = run(coupling[k], cold[k])
        np.testing.assert_allclose(batch.f[k], alone.f, rtol=0, atol=1e-9)
    assert np.all(np.isnan(batch.f[2, 1:]))
    states = jnp.stack([fermi(SMALL.energies, 1.1 * T0), fermi(SMALL.energies, 1.3 * T0)])
    runs = jax.vmap(lambda f: evolve(METAL, f, T0, SMALL, LATER).temperature)(states)
    np.testing.assert_allclose(runs[:, 0], np.array([1.1, 1.3]) * T0, rtol=1e-6)


# ----- misuse, and giving up


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initial": jnp.full(75, 1.2)}, "0 ≤ f ≤ 1; element 0 is 1.2"),
        ({"initial": jnp.full(75, 0.1).at[7].set(-0.2)}, "element 7 is -0.2"),
        ({"initial": jnp.full(75, 0.1).at[7].set(jnp.nan)}, "element 7 is nan"),
        ({"initial": jnp.full(74, 0.1)}, r"the grid's 75 energies .* got shape \(74,\)"),
        ({"initial": -1.0}, "initial .* must be positive"),
        ({"temperature": 0.0}, "temperature must be positive, got 0"),
        ({"times": np.array([0.0, 2.0, 1.0])}, "times must ascend"),
        ({"times": np.array([-1.0, 2.0])}, "times must ascend from 0"),
        ({"times": np.array([0.0, np.nan])}, "times must ascend"),
        ({"times": np.array([1.0])}, "at least two"),
        ({"grid": EnergyGrid(20.0, 75)}, "3.2 times too coarse"),
        ({"grid": EnergyGrid(6.0, 20)}, "it should reach 25 times"),
        ({"electrons": ElectronCollisions(SMALL, disordered_kernel(SMALL, 1.0))}, "electrons"),
    ],
)
def test_misuse_is_explained(change, message):
    arguments = {"initial": 1.1 * T0, "temperature": T0, "grid": GRID, "times": TIMES}
    with pytest.raises(ValueError, match=message):
        evolve(METAL, **(arguments | change))


def test_giving_up_raises_or_returns_what_there_is():
    with pytest.raises(Exception, match="gave up before the last time"):
        evolve(METAL, 1.1 * T0, T0, GRID, TIMES, max_steps=5)
    run = evolve(METAL, 1.1 * T0, T0, GRID, TIMES, max_steps=5, throw=False)
    assert run.result == RESULTS.failed
    assert np.all(np.isfinite(run.f[0])) and np.all(np.isnan(run.f[-1]))
    assert run.reached < TIMES[-1]


def test_dataset_and_figure(tmp_path):
    import matplotlib.pyplot as plt
    import xarray as xr

    run = evolve(METAL, 1.1 * T0, T0, GRID, TIMES)
    data = run.to_xarray()
    assert data["f"].dims == ("time", "energy") and data["f"].shape == (4, 75)
    assert data.attrs["result"] == "completed"
    data.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as back:
        np.testing.assert_allclose(back["f"], run.f, rtol=0, atol=0)
    figure = run.plot()
    assert len(figure.axes) >= 3
    plt.close(figure)
