"""Rates of resistivity and optics against their cotangents, closed forms and limits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad
from scipy.special import zeta

import jaxelph as jx
from jaxelph.transport import optical_rate, resistivity, resistivity_rate
from jaxelph.units import kelvin_to_mev

MODES = jx.EinsteinModes([1.0, 2.0], [0.5, 0.3])
KINDS = {
    "modes": MODES,
    "debye": jx.DebyeSpectrum(4.0, 0.5),
    "peaks": jx.GaussianPeaks([2.0, 5.0], [0.3, 0.8], [1.5, 0.4]),
    "table": jx.TabulatedSpectrum([0.5, 1.0, 2.0, 3.5, 4.0], [0.1, 0.2, 0.7, 0.4, 0.2]),
}


def shulga(temperature, frequency, omega, area=1):
    """The formula as it is printed, of a mode of ∫α²F dω = area, with digits to lose."""
    t, light, w = (mp.mpf(float(x)) for x in (temperature, frequency, omega))

    def f(z):
        return 2 * t if z == 0 else z * mp.coth(z / (2 * t))

    return mp.pi / light * area * (2 * light * mp.coth(w / 2 / t) - f(light + w) + f(light - w))


def density(spectrum):
    """α²F of a smooth kind as a function, its corners, from the definitions."""
    if isinstance(spectrum, jx.DebyeSpectrum):
        return lambda w: 0.5 * (w / 4) ** 2, [0, 4.0]
    if isinstance(spectrum, jx.GaussianPeaks):
        shapes = []
        for centre, width, coupling in ((2.0, 0.3, 1.5), (5.0, 0.8, 0.4)):

            def shape(w, m=centre, s=width):
                inside = abs(w - m) < 8 * s
                return inside * np.exp(-0.5 * ((w - m) / s) ** 2) * -np.expm1(-2 * (w / s) ** 2)

            over = quad(lambda w, f=shape: 2 * f(w) / w, 0, centre + 8 * width, epsrel=1e-13)[0]
            shapes.append((coupling / over, shape))
        return lambda w: sum(c * f(w) for c, f in shapes), [0, 1, 2, 3, 4, 4.4, 5, 6, 8, 11.4]
    rows, over = np.asarray(spectrum.omega), np.asarray(spectrum.a2f / spectrum.omega)
    return lambda w: w * np.interp(w, rows, over), list(rows)


@pytest.mark.parametrize("temperature", [1e-3, 0.02, 0.1, 1.0, 50.0, 1e4])
def test_shulga_of_modes(temperature):
    with mp.workdps(80):
        for light in (1e-9, 1e-3, 0.3, 1.0, 1.0000001, 2.0, 7.0, 1e4):
            expected = sum(
                shulga(temperature, light, w, c * w / 2)
                for w, c in zip((1.0, 2.0), (0.5, 0.3), strict=True)
            )
            for sign in (1, -1):
                found = optical_rate(MODES, temperature, sign * light)
                # Rounding of ω - Ω in an exponent is all that is lost.
                assert float(found) == pytest.approx(float(expected), rel=3e-14, abs=1e-290)


def test_bloch_and_grueneisen():
    node, weight = np.polynomial.legendre.leggauss(150)
    x, dx = (node + 1) / 2, weight / 2
    theta, coupling = 30.0, 0.7
    debye = jx.EinsteinModes(theta * x, 4 * coupling * x**3 * dx)  # α²F = 2λ(ω/Θ)⁴

    def law(t):  # 8πλT (T/Θ)⁴ J5(Θ/T)
        with mp.workdps(30):
            upper = mp.inf if theta / t > 200 else theta / t
            points = [0, 5, 20, upper] if upper > 20 else [0, upper]
            j5 = mp.quad(lambda z: z**5 / ((mp.exp(z) - 1) * (1 - mp.exp(-z))), points)
        return 8 * np.pi * coupling * t * (t / theta) ** 4 * float(j5)

    for t in (theta / 60, theta / 10, theta / 3, theta, 100 * theta):
        assert float(resistivity_rate(debye, t)) == pytest.approx(law(t), rel=1e-12)
    cold = theta / 60
    power = float(resistivity_rate(debye, cold)) / (8 * np.pi * coupling * cold * 60**-4)
    assert power == pytest.approx(120 * zeta(5), rel=1e-10)
    assert power == pytest.approx(124.4313, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_linear_law(kind):
    spectrum = KINDS[kind]
    t = 1e6
    coupling = float(jnp.sum(spectrum.coarse_modes()[1]))
    assert float(resistivity_rate(spectrum, t)) == pytest.approx(
        2 * np.pi * coupling * t, rel=1e-10
    )


@pytest.mark.parametrize("kind", ["debye", "peaks", "table"])
def test_smooth_spectra_at_any_temperature(kind):
    spectrum = KINDS[kind]
    a2f, corners = density(spectrum)
    for t, light in ((0.004, 1.7), (0.03, 0.9), (0.03, 3.1), (0.3, 0.2), (2.0, 8.0)):
        near = [light + s * t * k for s in (-1, 1) for k in (0, 4, 15, 40)]
        points = sorted({p for p in corners + near if corners[0] <= p <= corners[-1]})

        def f(z, t=t):
            return 2 * t if z == 0 else z / np.tanh(z / (2 * t))

        def value(w, t=t, light=light, f=f):  # what cancels here is small
            if w == 0:
                return 0.0
            thermal = 2 * light / np.tanh(w / 2 / t) - f(light + w) + f(light - w)
            return np.pi / light * thermal * a2f(w)

        pieces = zip(points[:-1], points[1:], strict=True)
        expected = sum(quad(value, a, b, epsrel=1e-12, epsabs=1e-14)[0] for a, b in pieces)
        assert float(optical_rate(spectrum, t, light)) == pytest.approx(expected, rel=2e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_allen_at_zero_temperature(kind):
    spectrum = KINDS[kind]
    for light in (1e-6, 0.03, 0.7, 2.0, 3.7, 9.0):
        if kind == "modes":
            expected = np.pi * sum(
                c * w * max(1 - w / light, 0) for w, c in ((1.0, 0.5), (2.0, 0.3))
            )
        else:
            a2f, corners = density(spectrum)
            points = [p for p in corners if p < light] + [min(light, corners[-1])]
            pieces = zip(points[:-1], points[1:], strict=True)
            area = sum(
                quad(lambda w, f=a2f, x=light: (x - w) * f(w), a, b, epsrel=1e-13, epsabs=1e-16)[0]
                for a, b in pieces
            )
            expected = 2 * np.pi / light * area
        found = float(optical_rate(spectrum, 0.0, light))
        # Of a Gaussian's tail, cut eight widths from its centre, 1e-14 of the height is left.
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-14 * light)
        # Its limit, however few nodes see the kink; a mode at ω = Ω adds to it in proportion to T.
        if (kind, light) != ("modes", 2.0):
            near = float(optical_rate(spectrum, 1e-9 * light, light))
            assert near == pytest.approx(found, rel=1e-12, abs=1e-15 * light)
    assert float(optical_rate(spectrum, 0.0, 0.0)) == 0
    assert float(resistivity_rate(spectrum, 0.0)) == 0
    omega, coupling = spectrum.coarse_modes()
    everything = np.pi * float(jnp.sum(omega * coupling))  # πλ⟨ω⟩
    assert float(optical_rate(spectrum, 0.0, 1e12)) == pytest.approx(everything, rel=1e-10)


def test_light_of_no_frequency_is_a_steady_current():
    for spectrum in KINDS.values():
        t = np.array([0.01, 0.3, 4.0])
        steady = np.asarray(resistivity_rate(spectrum, t))
        np.testing.assert_array_equal(optical_rate(spectrum, t, 0.0), steady)
        np.testing.assert_allclose(optical_rate(spectrum, t, 1e-9), steady, rtol=1e-14)
    x = 1.0 / (2 * 0.3)
    ziman = 2 * np.pi * 0.3 * (x / np.sinh(x)) ** 2
    assert float(resistivity_rate(jx.EinsteinModes([1.0], [1.0]), 0.3)) == pytest.approx(ziman)


@pytest.mark.slow
def test_rows_finer_and_coarser_than_the_temperature():
    """Rows put in between, on the straight lines of 2α²F/ω, change nothing."""
    coarse = KINDS["table"]
    omega = np.asarray(coarse.omega)
    fine = np.union1d(omega, np.linspace(0.5, 4.0, 3001))
    over = np.interp(fine, omega, np.asarray(coarse.a2f) / omega)
    table = jx.TabulatedSpectrum(fine, fine * over)
    for t in (0.0, 1e-3, 0.05, 1.0):
        light = np.linspace(0, 9, 19)
        np.testing.assert_allclose(
            optical_rate(table, t, light), optical_rate(coarse, t, light), rtol=1e-10, atol=1e-250
        )


ALL = ["modes"] + [pytest.param(k, marks=pytest.mark.slow) for k in ("debye", "peaks", "table")]


@pytest.mark.parametrize("kind", ALL)
def test_derivatives_at_all_limits(kind):
    spectrum = KINDS[kind]
    t, light = np.meshgrid([0.0, 1e-70, 1e-6, 0.1, 3.0], [0.0, 1e-12, 1.0, 2.0, 30.0])

    def total(s, t, light):
        return jnp.sum(optical_rate(s, t, light))

    slopes = jax.jit(jax.grad(total, (0, 1, 2)))(spectrum, t, light)
    assert all(bool(jnp.all(jnp.isfinite(x))) for x in jax.tree.leaves(slopes))
    if kind == "modes":
        second = jax.jit(jax.grad(lambda t: jnp.sum(jax.grad(total, 1)(spectrum, t, light))))(t)
        assert bool(jnp.all(jnp.isfinite(second)))
    each = jax.vmap(jax.vmap(lambda t, light: optical_rate(spectrum, t, light)))(t, light)
    whole = jax.jit(optical_rate)(spectrum, t, light)
    np.testing.assert_allclose(each, whole, rtol=1e-13, atol=1e-280)


def test_slope_where_light_meets_a_mode():
    step = 1e-5
    for t in (0.05, 0.5):
        slope = jax.grad(optical_rate, 2)(MODES, t, 1.0)
        up, down = optical_rate(MODES, t, np.array([1 + step, 1 - step]))
        assert float(slope) == pytest.approx(float(up - down) / (2 * step), rel=1e-7)


@pytest.mark.slow
def test_linear_in_the_spectrum():
    rows = np.linspace(0.5, 30, 40)
    t = np.array([0.5, 4.0, 25.0])

    def rate(a2f):
        return resistivity_rate(jx.TabulatedSpectrum(rows, a2f), t)

    a2f = np.exp(-(((rows - 12) / 4) ** 2))
    design = jax.jacobian(rate)(jnp.asarray(a2f))
    np.testing.assert_allclose(design @ a2f, rate(a2f), rtol=1e-9)


def test_resistivity_worked_by_hand():
    """ħ/τ = 2πλk_BT in joules, ω_p in rad/s, ρ = 1/(ε0ω_p²τ) in Ωm."""
    t, plasma, coupling = 3000.0, 9.0, 0.4
    spectrum = jx.EinsteinModes([1.0], [coupling])
    per_second = 2 * np.pi * coupling * constants.k * t / constants.hbar
    omega = plasma * constants.electron_volt / constants.hbar
    expected = per_second / (constants.epsilon_0 * omega**2) * 1e8
    found = float(resistivity(spectrum, kelvin_to_mev(t), plasma=plasma))
    assert found == pytest.approx(expected, rel=1e-5)
    assert found == pytest.approx(7.43391 * 2 * np.pi * 0.4 * kelvin_to_mev(t) / 81, rel=2e-6)
    with_more = resistivity(spectrum, kelvin_to_mev(t), plasma=plasma, residual=5, saturation=120)
    assert float(with_more) == pytest.approx(1 / (1 / (found + 5) + 1 / 120))


def test_refusals():
    with pytest.raises(ValueError, match="temperature must not be negative, got -1"):
        resistivity_rate(MODES, -1.0)
    with pytest.raises(ValueError, match="frequency must be finite"):
        optical_rate(MODES, 1.0, np.nan)
    with pytest.raises(ValueError, match="spectrum must be an Eliashberg function"):
        resistivity_rate([1.0], 1.0)
    with pytest.raises(ValueError, match="plasma must be positive, got 0"):
        resistivity(MODES, 1.0, plasma=0.0)
    with pytest.raises(ValueError, match="residual must not be negative"):
        resistivity(MODES, 1.0, plasma=1.0, residual=-2.0)
    with pytest.raises(ValueError, match="saturation must be positive"):
        resistivity(MODES, 1.0, plasma=1.0, saturation=0.0)
