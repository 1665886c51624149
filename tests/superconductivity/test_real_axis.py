"""The real axis: against the imaginary one, the normal metal, sum rules, Padé and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.spectra.readers import SpectrumWarning, read_a2f
from jaxelph.superconductivity.real_axis import density_of_states, real_axis_state

PEAK = jx.GaussianPeaks([1.0], [0.1], [1.0])


def rebuilt(state, limit, frequencies, height=0.0):
    """Z, ZΔ and Δ at Matsubara frequencies from the imaginary parts on the line E + iη.

    In the upper half plane above the line all three are analytic: a dispersion relation from it
    to ω_n, which is ω_n - η above. What lies beyond the grid is fitted in powers of 1/E.
    """
    x, w = np.asarray(state.energies), np.asarray(state.weights)
    end, at = w.sum(), x + 1j * height
    total = np.asarray(state.renormalisation) * at
    gap = np.asarray(state.gap)
    pair = np.asarray(state.renormalisation) * gap
    above = frequencies - height
    last = slice(-24, None)

    def integral(f):
        powers = np.linalg.lstsq((end / x[last, None]) ** np.arange(6), f[last], rcond=None)[0]
        y = above / end
        assert np.max(y) < 0.6
        tails = [
            sum((-1) ** q * y ** (2 * q) / (k + 1 + 2 * q) for q in range(60)) / end
            for k in range(6)
        ]
        kernel = 1 / (x[:, None] ** 2 + above**2)
        return 2 / np.pi * ((f * w) @ kernel + powers @ np.array(tails))

    weight = 1 + integral((total - at).imag) * above / frequencies
    return weight, limit + integral(pair.imag * x), limit + integral(gap.imag * x)


def compare(spectrum, temperature, mu_star=0.1, height=0.0, count=6, omega_ph=None):
    """The largest errors of Z, ZΔ and Δ rebuilt, relative to their value at n = 0."""
    options = {"mu_star": mu_star, "omega_ph": omega_ph}
    state = real_axis_state(spectrum, temperature, broadening=height, **options)
    index = np.append(np.arange(count), 10**6)
    known = jx.superconducting_state(spectrum, temperature, index=index, **options)
    weight, gap = np.asarray(known.renormalisation)[:-1], np.asarray(known.gap)
    frequencies = np.asarray(known.frequencies)[:-1]
    found = rebuilt(state, gap[-1], frequencies, height)
    errors = [
        np.max(abs(a - b)) / b[0]
        for a, b in zip(found, (weight, weight * gap[:-1], gap[:-1]), strict=True)
    ]
    return state, np.array(errors)


# ---------------------------------------------------------------- against the imaginary axis


def test_rebuilds_the_imaginary_axis():
    critical = jx.transition_temperature(PEAK, 0.1)
    for reduced in (0.1, 0.5, 0.9):
        state, errors = compare(PEAK, reduced * critical)
        assert np.all(errors < 1e-6), errors
        assert np.all(np.diff(state.energies) > 0)


@pytest.mark.slow
@pytest.mark.parametrize("reduced", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    "spectrum",
    [
        jx.GaussianPeaks([1.0], [0.1], [0.5]),
        jx.GaussianPeaks([1.0, 2.0], [0.1, 0.2], [1.0, 1.0]),
        jx.DebyeSpectrum(1.0, 1.0),
    ],
    ids=["weak", "two peaks", "Debye"],
)
def test_rebuilds_of_other_spectra(spectrum, reduced):
    _, errors = compare(spectrum, reduced * jx.transition_temperature(spectrum, 0.1))
    assert np.all(errors < 1e-6), errors


@pytest.mark.slow
@pytest.mark.parametrize("reduced", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("metal", ["niobium", "mercury"])
def test_rebuilds_of_real_metals(shared, metal, reduced):
    if metal == "niobium":
        spectrum, mu_star = read_a2f(shared / "a2f" / "isome__Nb__Nb.a2F", column=15), 0.12
    else:
        with pytest.warns(SpectrumWarning, match="out of order"):
            spectrum = read_a2f(shared / "a2f" / "xi__Hg__a2F_Hg_0GPa.txt", unit="meV")
        mu_star = 0.1
    critical = jx.transition_temperature(spectrum, mu_star)
    state, errors = compare(spectrum, reduced * critical, mu_star)
    assert np.all(errors < 1e-6), errors
    padé = jx.gap_edge(spectrum, reduced * critical, mu_star=mu_star)
    assert padé == pytest.approx(float(state.edge), rel={0.1: 1e-4, 0.5: 2e-2, 0.9: 0.2}[reduced])


@pytest.mark.slow
def test_rebuilds_of_modes_from_a_line():
    """δ modes have no function on the axis, and one above it."""
    spectrum = jx.EinsteinModes([0.6, 1.0], [0.4, 0.6])
    temperature = 0.3 * float(jx.transition_temperature(spectrum, 0.1))
    _, errors = compare(spectrum, temperature, height=0.4 * np.pi * temperature)
    assert np.all(errors < 1e-6), errors


# ---------------------------------------------------------------- N(E)


def test_sum_rule():
    """∫(N/ν0 - 1) up to W is -Δ(∞)²/2W; without a repulsion Δ(∞) = 0."""
    state = real_axis_state(PEAK, 0.03, mu_star=0.0)
    excess = np.cumsum((state.density_of_states - 1) * state.weights)
    assert abs(excess[-1]) < 1e-9
    state = real_axis_state(PEAK, 0.02, mu_star=0.1)
    excess = np.cumsum((state.density_of_states - 1) * state.weights)[-1]
    limit = jx.superconducting_state(PEAK, 0.02, mu_star=0.1, index=np.array([10**6])).gap[0]
    assert excess == pytest.approx(
        -(float(limit) ** 2) / 2 / float(jnp.sum(state.weights)), rel=0.02
    )


def test_a_broadening_is_a_lorentzian():
    """N at E + iη is the convolution of N with one of half width η."""
    state = real_axis_state(PEAK, 0.03, mu_star=0.0)
    x, excess = np.asarray(state.energies), (state.density_of_states - 1) * state.weights
    energies, eta = np.array([0.3, 0.7, 1.3]), 0.04
    kernel = sum(eta / np.pi / ((x[:, None] + s * energies) ** 2 + eta**2) for s in (1, -1))
    found = density_of_states(PEAK, 0.03, energies, mu_star=0.0, broadening=eta)
    np.testing.assert_allclose(found, 1 + excess @ kernel, rtol=1e-6)


@pytest.mark.slow
def test_modes_show_at_the_edge_and_their_frequencies():
    """N(E) falls steepest at Δ0 + ω_k."""
    spectrum = jx.EinsteinModes([0.6, 1.0], [0.4, 0.6])
    temperature = 0.15 * float(jx.transition_temperature(spectrum, 0.0))
    edge = float(jx.gap_edge(spectrum, temperature, mu_star=0.0))
    eta = 0.4 * np.pi * temperature
    for mode in (0.6, 1.0):
        energies = edge + mode + np.linspace(-0.1, 0.1, 81)
        found = density_of_states(spectrum, temperature, energies, mu_star=0.0, broadening=eta)
        steepest = energies[np.argmin(np.gradient(found, energies))]
        assert steepest == pytest.approx(edge + mode, abs=eta)


# ---------------------------------------------------------------- the normal metal


def test_the_normal_state_is_the_normal_metal():
    energies = np.array([0.01, 0.3, 0.9, 1.4, 6.0])
    state = real_axis_state(PEAK, 0.2, energies, mu_star=0.0)
    assert state.edge == 0 and not np.any(state.gap) and np.all(state.density_of_states == 1)
    sigma = jx.self_energy(PEAK, 0.2, energies)
    np.testing.assert_allclose(energies * (1 - state.renormalisation), sigma, rtol=1e-13)


@pytest.mark.slow
def test_towards_the_transition():
    """Σ differs from the normal one by the order of Δ², which goes with T_c - T."""
    critical, energies = float(jx.transition_temperature(PEAK, 0.1)), np.array([0.3, 0.9, 1.4])
    off = []
    for share in (1e-4, 1e-5):
        temperature = critical * (1 - share)
        state = real_axis_state(PEAK, temperature, energies, mu_star=0.1)
        sigma = energies * (1 - state.renormalisation)
        off.append(np.max(abs(sigma - jx.self_energy(PEAK, temperature, energies))))
    assert off[0] / off[1] == pytest.approx(10, rel=1e-3) and off[1] < 1e-4


# ---------------------------------------------------------------- the edge


def test_the_edge_is_that_of_the_continued_fraction():
    """While the phonons are far above it: Γ/Δ0 is 1e-17 at T_c/10 and 1e-8 at T_c/2."""
    critical = float(jx.transition_temperature(PEAK, 0.1))
    for reduced in (0.1, 0.5):
        edge = float(real_axis_state(PEAK, reduced * critical).edge)
        assert jx.gap_edge(PEAK, reduced * critical) == pytest.approx(edge, rel=1e-6)


def test_the_gap_at_the_edge():
    critical = float(jx.transition_temperature(PEAK, 0.1))
    edge = float(real_axis_state(PEAK, 0.5 * critical).edge)
    at = real_axis_state(PEAK, 0.5 * critical, np.array([edge]))
    assert at.gap[0].real == pytest.approx(edge, rel=1e-9)


# ---------------------------------------------------------------- derivatives


@pytest.mark.slow
def test_derivatives():
    """In the parameters of a peak, T and μ*: both modes, differences; off the edge, and of it."""
    energies = np.array([0.15, 0.5, 0.9, 1.28])

    def numbers(p):
        spectrum = jx.GaussianPeaks(p[:1], p[1:2], p[2:3])
        state = real_axis_state(spectrum, p[3], energies, mu_star=p[4])
        parts = (state.gap.real, state.gap.imag, state.renormalisation.real)
        return jnp.concatenate([*parts, state.density_of_states, state.edge[None]])

    point, evaluate = jnp.array([1.0, 0.1, 1.0, 0.035, 0.1]), jax.jit(numbers)
    forward = np.asarray(jax.jit(jax.jacfwd(numbers))(point))
    for i, x in enumerate(point):
        step = np.zeros(5)
        step[i] = 2e-4 * x
        numeric = 8 * (evaluate(point + step) - evaluate(point - step))
        numeric = (numeric - evaluate(point + 2 * step) + evaluate(point - 2 * step)) / 12 / step[i]
        scale = np.max(abs(numeric))
        np.testing.assert_allclose(forward[:, i], numeric, rtol=1e-6, atol=1e-6 * scale)
    weights = np.random.default_rng(0).normal(size=len(forward))
    reverse = jax.jit(jax.grad(lambda p: numbers(p) @ weights))(point)
    np.testing.assert_allclose(reverse, weights @ forward, rtol=1e-8)


@pytest.mark.slow
def test_derivatives_by_the_rows_of_a_table():
    """As a fit of tunnelling data needs them: N(E) by α²F."""
    rows = np.linspace(0.1, 1.5, 30)
    values = jnp.asarray(0.8 * np.exp(-((rows - 1) ** 2) / 0.05) + 0.2 * (rows < 1.4) * rows**2)
    energies = np.array([0.4, 0.9, 1.3])

    def density(values, mu_star):
        spectrum = jx.TabulatedSpectrum(rows, values).resolved(0.03 / 4)
        return density_of_states(spectrum, 0.03, energies, mu_star=mu_star)

    weights = jnp.array([0.3, -1.0, 0.7])
    gradient = jax.jit(jax.grad(lambda v: density(v, 0.1) @ weights))(values)
    direction = np.random.default_rng(1).normal(size=30)
    evaluate, h = jax.jit(lambda x: density(values + x * direction, 0.1) @ weights), 1e-4
    numeric = (8 * (evaluate(h) - evaluate(-h)) - evaluate(2 * h) + evaluate(-2 * h)) / 12 / h
    assert gradient @ direction == pytest.approx(float(numeric), rel=1e-6)


@pytest.mark.slow
def test_mapped_over_temperatures():
    temperatures, energies = jnp.array([0.03, 0.06, 0.2]), np.array([0.1, 0.5, 1.2])

    def density(t):
        return density_of_states(PEAK, t, energies, mu_star=0.1)

    together = jax.jit(jax.vmap(density))(temperatures)
    for t, row in zip(temperatures, together, strict=True):
        np.testing.assert_allclose(row, jax.jit(density)(t), rtol=1e-10, atol=1e-12)
    assert np.all(together[2] == 1)


# ---------------------------------------------------------------- misuse, and what is drawn


def test_misuse():
    modes = jx.EinsteinModes([1.0], [1.0])
    with pytest.raises(ValueError, match="singular at Δ0 \\+ ω_k; give broadening"):
        real_axis_state(modes, 0.03)
    with pytest.raises(ValueError, match="too small for their range; it has to be"):
        real_axis_state(modes, 0.03, broadening=1e-4)
    with pytest.raises(ValueError, match="more than πT/2 = 0.04712"):
        real_axis_state(PEAK, 0.03, broadening=0.05)
    with pytest.raises(ValueError, match="broadening must not be negative"):
        real_axis_state(PEAK, 0.03, broadening=-0.01)
    with pytest.raises(ValueError, match="energies must be positive, got 0 at place 1"):
        density_of_states(PEAK, 0.03, np.array([0.0, 0.1]))
    with pytest.raises(ValueError, match="energies must be finite"):
        density_of_states(PEAK, 0.03, np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="temperature must be positive"):
        density_of_states(PEAK, 0.0, np.array([0.1]))


def test_dataset_and_figure(tmp_path):
    state = real_axis_state(PEAK, 0.03, mu_star=0.0)
    data = state.to_xarray(mu_star=0.0, name="peak")
    assert data["gap_real"].attrs["units"] == "energy" and data.attrs["kind"] == "real axis"
    np.testing.assert_array_equal(data["density_of_states"], state.density_of_states)
    for figure in (jx.plot(state), jx.plot(data)):
        left, middle, right = figure.axes
        assert "density of states" in left.get_ylabel() and "Delta" in middle.get_ylabel()
        x, y = left.lines[0].get_data()
        assert np.interp(0.7, x, y) == pytest.approx(
            float(np.interp(0.7, data["energy"], data["density_of_states"]))
        )
