"""Default grids of a smooth α²F and their errors, by a route through the Fourier transform."""

import helpers
import jax
import mpmath
import numpy as np
import pytest

from jaxelph import (
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    RefinedGrid,
    TabulatedSpectrum,
    coupling_constant,
    critical_coupling,
    example,
    grid_error,
    maximum_frequency,
)
from jaxelph.grids.bandwidth import _kernel, _sines
from jaxelph.grids.energies import grid_extent, thermal_extent
from jaxelph.spectra.table import QuadratureNodes
from jaxelph.stability.critical import suited
from jaxelph.units import KELVIN

LEAD = ([4.2, 8.3], [0.7, 0.5], [1.14, 0.41])
# Peaks, T, and where in q the independent route ends.
CASES = {
    "hot": (([1.0], [0.1], [1.0]), 5.0, 4.0),
    "narrow": (([1.0], [0.01], [1.0]), 0.5, 45.0),
    "spike": (([1.0], [0.05], [1.0]), 0.3, 120.0),
    # κ̂ is largest beyond the band that T asks for: grids agree there, and both are wrong.
    "trap": (([1.0, 2.5], [0.01, 0.01], [1.0, 0.4]), 3.0, 20.0),
    "another trap": (([1.0, 1.7], [0.02, 0.02], [1.0, 0.6]), 4.0, 30.0),
}
NUMBERS = {"hot": 7.8367, "narrow": 2.9255, "spike": 1.82502}


def reference(peaks, temperature, last):
    symbol, top = helpers.gaussian_symbol(*peaks), float(np.max(np.add(peaks[0], peaks[1])))
    return helpers.critical_coupling_by_fourier(symbol, sum(peaks[2]), temperature, top, last)


def spectrum_of(peaks):
    return GaussianPeaks(*peaks)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_default_by_an_independent_route(name):
    peaks, temperature, last = CASES[name]
    exact = reference(peaks, temperature, last)
    spectrum, grid = suited(spectrum_of(peaks), temperature)
    computed = float(critical_coupling(spectrum_of(peaks), temperature))
    assert computed == pytest.approx(exact, rel=1e-9)
    assert computed == pytest.approx(NUMBERS.get(name, exact), abs=6e-5)
    # The coarser grid of the estimate may just lose the maximum of κ̂ that decides.
    assert abs(computed - exact) <= float(grid_error(spectrum, temperature, grid)) < 1e-2 * exact


@pytest.mark.slow
@pytest.mark.parametrize("kelvin, expected", [(600, 16.5128), (300, 9.31444)])
def test_lead(kelvin, expected):
    computed = float(critical_coupling(example("lead"), kelvin * KELVIN))
    assert computed == pytest.approx(expected, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CASES, "narrower"])
def test_the_error_of_a_grid_that_T_alone_sets(name):
    """The estimate on a grid of δ modes, which does not know of the width."""
    cases = CASES | {"narrower": (([1.0], [0.005], [1.0]), 0.2, 400.0)}
    peaks, temperature, last = cases[name]
    exact = reference(peaks, temperature, last)
    grid = EnergyGrid.suggest(EinsteinModes([max(peaks[0])], [1.0]), temperature)
    spectrum = spectrum_of(peaks)
    error = abs(float(critical_coupling(spectrum, temperature, grid=grid)) - exact)
    assert error <= 2 * float(grid_error(spectrum, temperature, grid))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.92, 0.99, 1.0, 1.01, 1.05, 1.1])
def test_the_error_of_a_grid_that_ends_at_the_highest_maximum(share):
    """Where a mode at the end of the band has no room: two grids agree on the second highest."""
    peaks, temperature, last = CASES["trap"]
    q = np.linspace(0.1, last, 20000)
    highest = q[np.argmax(helpers.gaussian_symbol(*peaks)(q))]
    step = np.pi / (share * highest)
    # Of one size, whatever the step.
    grid, spectrum = EnergyGrid(step, 320), spectrum_of(peaks)
    assert float(grid.cutoff) > 28 * temperature
    exact = reference(peaks, temperature, last)
    error = abs(float(critical_coupling(spectrum, temperature, grid=grid)) - exact)
    assert error <= 2 * float(grid_error(spectrum, temperature, grid))


OMEGA = np.linspace(0.01, 8, 400)


@pytest.mark.parametrize(
    ("spectrum", "temperature"),
    [
        (GaussianPeaks([1.0], [0.01], [1.0]), 0.03),  # T so low that h cuts the coupling off
        (TabulatedSpectrum(OMEGA, OMEGA**4 * np.exp(-0.5 * (OMEGA / 0.3) ** 2)), 0.075),
        (TabulatedSpectrum(OMEGA, OMEGA**4 * np.exp(-0.5 * OMEGA**2)), 1.5),
    ],
)
def test_a_broad_spectrum_asks_for_no_more_than_the_temperature(spectrum, temperature):
    top = float(np.max(np.asarray(spectrum.modes()[0])))
    wanted = thermal_extent(top, temperature)
    assert grid_extent(spectrum, temperature) == pytest.approx(wanted, rel=1e-12)


def test_modes_keep_the_grid_of_the_temperature():
    modes = EinsteinModes([1.0], [1.0])
    assert grid_extent(modes, 0.3) == thermal_extent(1.0, 0.3)


@pytest.mark.slow
def test_what_cannot_be_resolved_is_said(monkeypatch):
    monkeypatch.setattr("jaxelph.stability.critical.LARGEST", 128)
    monkeypatch.setitem(grid_extent.__kwdefaults__, "largest", 128)
    peak = GaussianPeaks([1.0], [0.02], [1.0])
    with pytest.warns(UserWarning, match="is known to .* only"):
        computed = float(critical_coupling(peak, 0.2))
    assert abs(computed / 1.0991561445 - 1) > 1e-7


@pytest.mark.parametrize(
    "spectrum",
    [
        EinsteinModes([1.0], [1.0]),
        GaussianPeaks([1.0], [0.1], [1.0], 64),
        TabulatedSpectrum([0.5, 0.8, 1.2, 1.5], [0.0, 0.3, 0.4, 0.0]),
    ],
)
def test_what_is_known_is_known_while_something_else_is_traced(spectrum):
    """A spectrum, a temperature and a grid that a traced function closes over."""
    grid = EnergyGrid(0.1, 80)

    def scaled(x):
        return x * critical_coupling(spectrum, 0.4, grid=grid) + maximum_frequency(spectrum)

    assert float(jax.jit(scaled)(2.0)) == pytest.approx(float(scaled(2.0)), rel=1e-12)


def test_a_table_made_while_something_else_is_traced_counts_its_nodes():
    """How many there are follows from its frequencies, which are known though α²F is not."""
    rows = np.linspace(0.1, 1.5, 30)

    def nodes(height):
        return TabulatedSpectrum(rows, height * np.ones(30)).resolved(0.01).modes()[0]

    np.testing.assert_array_equal(jax.jit(nodes)(1.0), nodes(1.0))
    assert nodes(1.0).size > 100
    peak = jax.jit(lambda x: coupling_constant(GaussianPeaks([1.0], [0.1], [x])))(0.7)
    assert float(peak) == pytest.approx(0.7, rel=1e-12)


def test_nodes_of_one_number_may_be_too_far_apart():
    """A finer grid asks for more panels, but not for more than are compiled for anyway."""
    spectrum, _, symbol = _random(np.random.default_rng(60))
    nodes, grid = suited(spectrum, 0.676787819724535)
    omega, coupling = nodes.modes()
    q = np.linspace(0.1, np.pi / float(grid.base.step), 300)
    sums = np.pi * np.sin(np.multiply.outer(q, omega)) @ (omega * coupling)
    np.testing.assert_allclose(sums, symbol(q), atol=1e-9)


def _random(rng):
    """A smooth spectrum, the top of it and κ̂, in closed form."""
    count = rng.integers(1, 4)
    centres = np.sort(rng.uniform(0.4, 1.0, count))
    widths = np.minimum(10 ** rng.uniform(-3, 0, count), centres / 9)
    couplings = rng.uniform(0.2, 1.0, count)
    if rng.random() < 0.5:
        peaks = (centres, widths, couplings)
        symbol = helpers.gaussian_symbol(*peaks)
        # Always three, so that few shapes are compiled for.
        nothing = [(0.8, 0.05, 0.0)] * (3 - count)
        return GaussianPeaks(*np.append(peaks, np.array(nothing).T.reshape(3, -1), 1)), 1.0, symbol
    widths = np.maximum(widths, 0.01)
    omega = np.linspace(0.002, 1.6, 400)
    a2f = sum(
        c * np.exp(-0.5 * ((omega - m) / w) ** 2)
        for m, w, c in zip(centres, widths, couplings, strict=True)
    )
    return TabulatedSpectrum(omega, a2f), 1.6, helpers.table_symbol(omega, a2f)


@jax.jit
def _both(nodes, temperature, base):
    grid = RefinedGrid.around(nodes, temperature, base)
    coupling = critical_coupling(nodes, temperature, grid=grid)
    return coupling, grid_error(nodes, temperature, grid)


def test_nodes_serve_the_whole_band_of_the_grid():
    """A comb of α²F, whose κ̂ hardly falls off: nodes as far apart as the step grew modes there."""
    spectrum, top, symbol = _random(np.random.default_rng(200))
    temperature, total = 0.67936293321, float(coupling_constant(spectrum))
    exact = helpers.critical_coupling_by_fourier(symbol, total, temperature, top, 40.0)
    assert float(critical_coupling(spectrum, temperature)) == pytest.approx(exact, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_random_spectra(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    spectrum, top, symbol = _random(rng)
    temperature = 10 ** rng.uniform(np.log10(1 / 40), 1)
    # Nodes and step are those of the default, but for the few draws that ask for thousands of
    # energies: there it is the error stated for fewer that has to hold. So that few shapes are
    # compiled for, the grid is made longer, nodes without coupling are added, and the grid is
    # refined last.
    monkeypatch.setitem(grid_extent.__kwdefaults__, "largest", 640)
    monkeypatch.setattr("jaxelph.stability.critical.LARGEST", np.inf)
    monkeypatch.setattr(RefinedGrid, "around", staticmethod(lambda s, t, base: base))
    nodes, base = suited(spectrum, temperature)
    monkeypatch.undo()
    omega, coupling = nodes.modes()
    nodes = QuadratureNodes(omega, coupling).padded(384 * 2 ** int(np.log2((omega.size - 1) / 192)))
    base = EnergyGrid(base.step, max(128, 2 ** int(np.ceil(np.log2(base.size)))))
    computed, stated = (float(x) for x in _both(nodes, temperature, base))
    last, total = 2 * np.pi / float(base.step), float(coupling_constant(spectrum))
    exact = helpers.critical_coupling_by_fourier(symbol, total, temperature, top, last)
    assert abs(computed - exact) <= max(1e-9 * exact, 3 * stated)


def test_sums_over_modes_term_by_term():
    """Each mode by itself in 30 digits; close to an energy of the grid, and on it, too."""
    omega = np.array([0.3, 1.0, 2.0, 3 + 1e-9, 4 - 1e-12, 5.5, 17.0, 90.25, 150.4])
    strength = np.linspace(1.0, 0.2, len(omega))

    def weight(x):
        return (1 - mpmath.cospi(x)) / x if x else 0

    def term(n):
        modes = [(mpmath.mpf(w), s) for w, s in zip(omega, strength, strict=True)]
        return float(sum(s * (weight(n + w) - weight(n - w)) for w, s in modes))

    with mpmath.workdps(30):
        exact = [term(n) for n in range(101)]
        angle = 0.02 * omega
        sines = [
            float(sum(s * mpmath.sin(n * a) for a, s in zip(angle, strength, strict=True)))
            for n in range(1, 91)
        ]
    np.testing.assert_allclose(_kernel(omega, strength, 101), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(_sines(angle, strength, 90), sines, rtol=0, atol=1e-13)
    # Modes so many that they are summed in pieces.
    many, alike = np.tile(omega, 900), np.tile(strength, 900) / 900
    np.testing.assert_allclose(_kernel(many, alike, 101), exact, rtol=0, atol=1e-13)
