"""The kinetic equation in time: a reference trajectory, a runaway, energy, bad input."""

import helpers
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    RESULTS,
    EinsteinModes,
    EnergyGrid,
    KineticEquation,
    allen_rate,
    evolve,
    example,
    fermi,
    relax,
    stability_margin,
    two_temperature_rate,
)
from jaxelph.dae import BDF
from jaxelph.units import mev_to_per_ps

METAL = example("table1")
G = 50.36533199202271


# The error is that of the grid.
COARSE, FINE = pytest.param(6.0, 75, 1.1e-8, marks=pytest.mark.slow), (4.0, 113, 2e-10)


@pytest.mark.parametrize(("step", "size", "error"), [COARSE, FINE])
def test_reference_trajectory(shared, step, size, error):
    reference = np.load(shared / "reference" / "ref_a.npz")
    temperature = 0.25 * G
    times = reference["t"] / G
    run = evolve(METAL, 1.1 * temperature, temperature, EnergyGrid(step, size), times, rtol=1e-10)
    every = int(step)
    count = min(512 // every, size)
    expected = reference["f"][:, every - 1 : every * count : every]
    assert np.max(np.abs(run.f[:, :count] - expected)) < error
    assert run.result == RESULTS.completed
    assert np.max(np.abs(run.energy_error)) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("rtol", "error"), [(1e-10, 1e-11), (1e-6, 1e-6)])
def test_reference_trajectory_on_its_own_grid(shared, rtol, error):
    reference = np.load(shared / "reference" / "ref_a.npz")
    temperature = 0.25 * G
    grid, times = EnergyGrid(1.0, 512), reference["t"] / G
    run = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=rtol)
    assert np.max(np.abs(run.f - reference["f"])) < error


EINSTEIN, RUNGS = EinsteinModes([1.0], [1.0]), 20
LADDERS = EnergyGrid(1 / RUNGS, 144)


def ladder_sums(odd):
    """Sums over E + nΩ of an odd function, one for each E = ε…(Ω/2 - ε)."""
    whole = np.concatenate([-odd[::-1], [0.0], odd])
    return np.array([whole[(144 + c) % RUNGS :: RUNGS].sum() for c in range(1, RUNGS // 2)])


def test_one_einstein_mode_comes_to_rest_on_a_plateau():
    """Fig. 1: f does not return to f0."""
    times = np.array([0.0, 0.579, 2.895, 5.211, 20.0])
    run = evolve(EINSTEIN, 0.202, 0.2, LADDERS, times, rtol=1e-8)
    size = 1e3 * np.max(np.abs(run.deviation), axis=1)
    np.testing.assert_allclose(size, [2.2255, 2.1251, 1.8491, 1.6691, 1.375], rtol=0, atol=1e-4)


def test_what_every_ladder_keeps_decides_the_plateau():
    """N·I = 0 for the indicator N of a ladder, so N·B(f0)δ is constant up to terms of order δ²."""
    times = np.array([0.0, 1.0, 5.0, 20.0, 150.0])
    drifts = []
    for hot in (0.202, 0.2002):
        run = evolve(EINSTEIN, hot, 0.2, LADDERS, times, rtol=1e-9, atol=1e-13)
        equation = run.equation

        mass = np.asarray(equation.matrices().mass(jnp.zeros(LADDERS.size)))

        def kept(deviation, mass=mass):
            return ladder_sums(mass @ np.asarray(deviation))

        sums = np.array([kept(deviation) for deviation in run.deviation])
        drifts.append(np.max(np.abs(sums - sums[0])))
        size = float(np.max(np.abs(run.deviation)))
        assert np.max(np.abs(sums[0])) > size
        assert drifts[-1] < 10 * size**2
        # The number on a ladder by itself is not kept: B couples the ladders.
        numbers = np.array([ladder_sums(np.asarray(deviation)) for deviation in run.deviation])
        assert np.max(np.abs(numbers - numbers[0])) > 0.05 * size
        # The states at rest, -f0' times a constant on each ladder, with the same sums.
        i = np.arange(1, LADDERS.size + 1)
        classes = range(1, RUNGS // 2)
        rest = [1.0 * (i % RUNGS == c) - (-i % RUNGS == c) for c in classes]
        rest = np.asarray(equation.minus_slope) * np.array(rest)
        coefficients = np.linalg.solve(np.array([kept(r) for r in rest]).T, sums[0])
        plateau = coefficients @ rest
        np.testing.assert_allclose(run.deviation[-1], plateau, rtol=0, atol=10 * size**2)
    assert drifts[0] / drifts[1] == pytest.approx(100, rel=0.05)


def test_energy_balances_to_the_tolerance():
    times = np.array([0.0, 1.0, 5.0, 20.0, 60.0])
    for rtol in (1e-3, 1e-6, 1e-9):
        run = evolve(EINSTEIN, 0.202, 0.2, LADDERS, times, rtol=rtol)
        assert run.energy[-1] < 0.2 * run.energy[0]
        assert np.max(np.abs(run.energy_error)) < rtol


def test_the_papers_unstable_mode():
    """Fig. 1, Ω = 0.679 g: the paper's integrator gives up, at a time that moves with the grid."""
    times = np.array([0.0, 0.1, 0.2, 1.0, 5.0])
    spectrum = EinsteinModes([0.679], [1 / 0.679**2])
    run = evolve(spectrum, 0.202, 0.2, LADDERS, times)
    assert run.result == RESULTS.unstable
    assert float(run.reached) < 0.2
    assert np.all(np.isfinite(run.f[0])) and np.all(np.isnan(run.f[2:]))


def test_particle_number_on_the_whole_axis():
    """Along a run, with both sides of the equation written out on the whole axis in NumPy: the
    folded equation takes for granted that they are odd."""
    omega, coupling = np.asarray(METAL.omega), np.asarray(METAL.coupling)
    # Fine enough for shifts by any interpolation to agree.
    step, size, temperature = 3.0, 150, 0.25 * G
    times = np.array([0.0, 0.02, 0.06])
    run = evolve(METAL, 1.1 * temperature, temperature, EnergyGrid(step, size), times)
    i = np.arange(-size, size + 1)
    n = i[:, None] - i[None, :]
    for f in np.asarray(run.f):
        f = np.concatenate([1 - f[::-1], [0.5], f])
        deviation = f - helpers.fermi(step * i, temperature)
        total = np.zeros_like(f)
        for w, c in zip(omega, coupling, strict=True):
            boson = 1 / np.expm1(w / temperature)
            up = helpers.fermi(step * i + w, temperature) + np.sinc(n + w / step) @ deviation
            down = helpers.fermi(step * i - w, temperature) + np.sinc(n - w / step) @ deviation
            total += c * w * (boson * (up + down - 2 * f) - f * (up - down) + up - f)
        assert np.max(np.abs(total)) > 1e-2
        assert abs(total.sum()) < 1e-12
        np.testing.assert_allclose(
            total[size + 1 :], run.equation.collide(deviation[size + 1 :]), rtol=0, atol=1e-8
        )


def test_the_rate_of_cooling_tends_to_allens():
    for temperature, error in ((1e3, 1e-3), (1e4, 1e-5)):
        grid = EnergyGrid(0.48 * temperature, 75)
        # The excess T² - T0² decays slower than T - T0 by half the relative excess.
        hot, rate = (1 + 1e-6) * temperature, float(allen_rate(METAL, temperature)) / np.pi
        times = np.array([0.0, 0.5e-4 / rate, 1e-4 / rate])
        run = evolve(METAL, hot, temperature, grid, times, rtol=1e-10, atol=1e-18)
        slope = -np.log(run.energy[2] / run.energy[0]) / times[2]
        assert slope == pytest.approx(rate, rel=error)


def test_a_hotter_fermi_distribution_cools_at_the_two_temperature_rate():
    for temperature in (12.59, 60.0):
        hot = 1.0001 * temperature
        grid = EnergyGrid.suggest(METAL, temperature, hottest=hot)
        rate = float(two_temperature_rate(METAL, temperature))
        times = np.array([0.0, 1e-4 / rate])
        run = evolve(METAL, hot, temperature, grid, times, rtol=1e-10, atol=1e-16)
        slope = -np.log(run.energy[1] / run.energy[0]) / times[1]
        assert slope == pytest.approx(rate, rel=1e-3)


SLOW_TOLERANCES = [pytest.param(10.0**-n, marks=pytest.mark.slow) for n in (4, 5, 7, 8, 9, 10)]


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, *SLOW_TOLERANCES])
def test_runaway_is_an_answer_at_every_tolerance(rtol):
    """IDA at 1e-4 and 1e-6 calls this run a success that relaxes to f0."""
    spectrum, g = METAL.scaled(1.3), G * np.sqrt(1.3)
    times = np.linspace(0, 20 / g, 21)
    run = evolve(spectrum, 0.198 * g, 0.18 * g, EnergyGrid(1.0, 200), times, rtol=rtol)
    assert run.result == RESULTS.unstable
    assert float(run.reached * g) == pytest.approx(6.310, abs=1e-3)
    before = times < float(run.reached)
    assert np.all(np.isfinite(run.f[before])) and np.all(np.isnan(run.f[~before]))


KELVIN_PER_MEV = 11.604518121550082


@pytest.mark.parametrize(
    "rtol", [1e-4, *[pytest.param(10.0**-n, marks=pytest.mark.slow) for n in (6, 8, 10)]]
)
def test_cold_stable_metal_relaxes_at_every_tolerance(rtol):
    """One mode, λ a third of λ_c, T = ω/11, off its lattice: what is left is a plateau."""
    cold, metal = 20.438 / 11, EinsteinModes([20.438], [0.1336])
    # The temperature still drifts at the end: it belongs to this time.
    end = 6 / float(mev_to_per_ps(two_temperature_rate(metal, cold)))
    run = relax(
        metal,
        1.05 * cold * KELVIN_PER_MEV,
        cold * KELVIN_PER_MEV,
        np.linspace(0, end, 41),
        rtol=rtol,
    )
    assert run.result == "completed"
    assert run.temperature[-1] == pytest.approx(22.378955, abs=2e-6)


@pytest.mark.slow
def test_weakly_coupled_cold_metal_keeps_its_occupations_between_zero_and_one():
    cold = 20.438 / 30
    run = relax(
        EinsteinModes([20.438, 0.775 * 20.438], [0.003, 0.003]),
        1.05 * cold * KELVIN_PER_MEV,
        cold * KELVIN_PER_MEV,
        points=41,
    )
    assert run.result == "completed"
    assert np.all(run.evolution.f > -1e-8) and np.all(run.evolution.f < 1)
    # Activated, e^{-30} of the others: the rate of the lattice of both modes.
    exact = 20.438 * helpers.slowest_rate_by_mpmath(
        ["1", "0.775"], ["0.003", "0.003"], repr(1 / 30), "0.025", 70
    )
    assert run.slowest_rate == pytest.approx(float(mev_to_per_ps(exact)), rel=1e-4)


@pytest.mark.slow
def test_no_stable_metal_grows_and_no_unstable_one_relaxes():
    """Random metals from f0 of another temperature: stable or not by the pencil on their grid."""
    rng = np.random.default_rng(3)
    counts = {"stable": 0, "unstable": 0}
    size, times = 96, np.linspace(0, 1, 9)

    @jax.jit
    def outcome(modes, hot, grid, end):
        run = evolve(modes, hot, 1.0, grid, times * end, rtol=1e-5, throw=False)
        return run.result == RESULTS.completed, run.result == RESULTS.unstable, run.f

    while min(counts["stable"] - 100, counts["unstable"] - 50) < 0:
        omega = rng.uniform(0.1, 12.0, 2) * rng.choice([1.0, 0.3], 2)
        modes = EinsteinModes(omega, rng.uniform(0.02, 1.0, 2) * rng.choice([1.0, 6.0]))
        hot = rng.uniform(0.6, 2.0)
        step = 0.45 * min(hot, 1.0) * rng.uniform(0.9, 1.0)
        grid = EnergyGrid(max(step, (omega.max() + 16 * max(hot, 1.0)) / size), size)
        if float(grid.step) > 0.5 * min(hot, 1.0):
            continue
        margin = float(stability_margin(modes, 1.0, grid))
        kind = "stable" if margin > 0 else "unstable"
        # Close to the threshold the heated state may be on the other side.
        if abs(margin) < 0.05 or counts[kind] >= {"stable": 100, "unstable": 50}[kind]:
            continue
        start = KineticEquation.at(modes, 1.0, grid)
        heated = fermi(grid.energies, hot) - start.equilibrium
        least = np.linalg.eigvalsh(start.matrices().symmetric_mass(heated))[0]
        if kind == "stable" and least < 0.05:
            continue  # unstable as heated, an answer of another kind
        counts[kind] += 1
        # Some come to the instability late: what is hard may be activated, e^{-ω/T}.
        for horizon in (20, 600, 20000):
            end = horizon / float(jnp.sum(modes.coupling * omega))
            completed, unstable, f = outcome(modes, hot, grid, end)
            if bool(completed if kind == "stable" else unstable):
                break
        else:
            pytest.fail(f"{kind}: {omega}, {modes.coupling}, {hot}, {grid.step}")
        if kind == "stable":
            assert np.all(f > -1e-4) and np.all(f < 1 + 1e-4)


def test_bad_input():
    grid, times = EnergyGrid(6.0, 75), jnp.array([0.0, 1.0])
    for initial, temperature, on, at, message in (
        (13.0, -1.0, grid, times, "temperature must be positive"),
        (jnp.full(75, 1.5), 12.6, grid, times, "must be a distribution"),
        (jnp.full(74, 0.5), 12.6, grid, times, "must be a temperature or f on the grid"),
        (jnp.full(75, 0.5).at[3].set(jnp.nan), 12.6, grid, times, "element 3 is nan"),
        (jnp.full(75, -0.1), 12.6, grid, times, "0 ≤ f ≤ 1"),
        (jnp.nan, 12.6, grid, times, "must be positive"),
        (0.0, 12.6, grid, times, "must be positive"),
        (13.0, 12.6, grid, times[::-1], "times must ascend"),
        (13.0, 12.6, grid, jnp.array([0.0, 1.0, 1.0]), "drop duplicates"),
        (13.0, 12.6, grid, jnp.array([0.0, jnp.nan, 1.0]), "times must ascend"),
        (13.0, 12.6, grid, jnp.array([-1.0, 1.0]), "from 0 or later"),
        (13.0, 12.6, grid, jnp.array([1.0]), "at least two"),
        (13.0, 12.6, EnergyGrid(26.0, 75), times, "too coarse"),
        (13.0, 12.6, EnergyGrid(0.06, 75), times, "too fine"),
        (13.0, 12.6, EnergyGrid(6.0, 12), times, "should reach 25 times"),
    ):
        with pytest.raises(ValueError, match=message):
            evolve(METAL, initial, temperature, on, at)


def test_inside_jit_what_is_concrete_is_still_checked():
    grid, times = EnergyGrid(6.0, 75), np.array([0.0, 0.05, 0.1])

    def final(hot, temperature=12.6):
        return evolve(METAL, hot, temperature, grid, times, rtol=1e-4).temperature[-1]

    assert jax.jit(final)(13.0) == pytest.approx(float(final(13.0)), rel=1e-12)
    with pytest.raises(ValueError, match="temperature must be positive"):
        jax.jit(lambda hot: final(hot, -1.0))(13.0)


@pytest.mark.slow
def test_multistep_solver_agrees_with_the_default():
    temperature, grid, times = 0.25 * G, EnergyGrid(6.0, 75), np.array([0.0, 1.0, 8.0])
    default = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=1e-9)
    multistep = evolve(METAL, 1.1 * temperature, temperature, grid, times, rtol=1e-7, solver=BDF())
    assert multistep.result == RESULTS.completed
    assert np.max(np.abs(multistep.f - default.f)) < 1e-7


def test_a_spectrum_that_is_not_a_number_is_no_instability():
    """Traced, since a concrete one is refused before."""
    run = jax.jit(
        lambda factor: evolve(
            METAL.scaled(factor),
            13.0,
            12.6,
            EnergyGrid(6.0, 75),
            np.array([0.0, 0.01]),
            throw=False,
        )
    )(jnp.nan)
    assert run.result == RESULTS.failed
