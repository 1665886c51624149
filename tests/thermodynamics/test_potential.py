"""The Landau potential against sums, SciPy and mpmath, and the three routes to C_el."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
from scipy.special import zeta

import jaxelph as j
from jaxelph.thermodynamics import potential


def second_derivative(function, temperature):
    return jax.grad(jax.grad(function))(jnp.asarray(temperature))


SPECTRA = {
    "modes": j.EinsteinModes(np.arange(40.0, 61.0), np.full(21, 3 / 21)),
    "peaks": j.GaussianPeaks([20.0, 50.0], [2.0, 5.0], [0.7, 1.4]),
    "table": j.TabulatedSpectrum(
        np.linspace(0.2, 30.0, 150), 0.4 * (np.linspace(0.2, 30.0, 150) / 30) ** 2
    ),
}


def check_three_routes(spectrum, temperatures, tolerance=1e-10):
    @jax.jit
    def routes(temperature):
        return jnp.stack(
            [
                j.specific_heat_ratio(spectrum, temperature),
                j.specific_heat_double_integral(spectrum, temperature),
                potential.specific_heat_from_potential(spectrum, temperature),
            ]
        )

    for temperature in temperatures:
        digamma, double, derivative = routes(temperature)
        scale = max(1.0, abs(digamma))
        assert abs(double - digamma) < tolerance * scale
        assert abs(derivative - digamma) < tolerance * scale


@pytest.mark.parametrize("name", SPECTRA)
def test_three_routes_to_the_specific_heat(name):
    check_three_routes(SPECTRA[name], [2.0, 9.0, 12.6, 40.0, 300.0])


@pytest.mark.parametrize("name", ["xi__Hg__a2F_Hg_0GPa.txt", "qe-matdyn-old__Al__a2F.dos10"])
def test_three_routes_for_a_file(shared, name):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", j.SpectrumWarning)
        unit = "meV" if "Hg" in name else None
        spectrum = j.read_a2f(shared / "a2f" / name, unit=unit)
    check_three_routes(spectrum, [3.2279, 25.0])


@pytest.mark.parametrize("x", [0.01, 0.3, 1.0, 5.0, 8.999, 9.001, 40.0, 1e4])
def test_potential_function(x):
    with mpmath.workdps(40):
        expected = mpmath.re(mpmath.psi(0, mpmath.mpc(1, x))) - mpmath.log(x)
        slope = mpmath.re(1j * mpmath.psi(1, mpmath.mpc(1, x))) - 1 / mpmath.mpf(x)
    got, got_slope = jax.value_and_grad(potential.potential_function)(jnp.asarray(x))
    # Below x = 9 digamma and logarithm cancel to one part in 12x².
    assert got == pytest.approx(float(expected), rel=1e-12)
    assert got_slope == pytest.approx(float(slope), rel=1e-11)


def test_potential_against_the_double_sum():
    """Eq. (8) as printed, over pairs of Matsubara frequencies n and m, no jaxelph code.

    The logarithmic divergence and the constant drop out of second differences in T at one
    cutoff energy; the cutoff is a smooth one in the energy of the transfer.
    """
    omega, cutoff = 1.0, 40.0

    def double_sum(temperature):
        size = int(4 * cutoff / temperature)
        n = np.arange(-size, size)
        sign = np.sign(2 * n + 1)
        w = np.pi * temperature * (2 * n + 1)
        transfer = w[:, None] - w[None, :]
        unlike = sign[:, None] * sign[None, :] - 1
        damping = np.exp(-((transfer / cutoff) ** 2))
        pairs = np.sum(unlike * damping / (transfer**2 + omega**2))
        return -(np.pi**2) * temperature**2 / 3 - np.pi**2 * temperature**2 * omega**2 * pairs

    t, h = 0.3, 0.05
    ours = [
        potential.electron_potential(j.EinsteinModes([omega], [1.0]), t + s) for s in (-h, 0, h)
    ]
    theirs = [double_sum(t + s) for s in (-h, 0, h)]
    assert np.diff(theirs) == pytest.approx(np.diff(ours), abs=1e-3)
    assert np.diff(theirs, 2) == pytest.approx(np.diff(ours, 2), abs=2e-5)


def test_heat_from_the_potential_by_mpmath():
    """-T ∂²f/∂T² of the closed form by mpmath's own differentiation equals Eq. (13)."""
    with mpmath.workdps(40):
        omega = mpmath.mpf(50)

        def f(t):
            x = omega / (2 * mpmath.pi * t)
            psi = mpmath.re(mpmath.psi(0, 1 + 1j * x))
            return -(mpmath.pi**2) * t**2 / 3 - omega**2 * (mpmath.log(t) + psi)

        second = mpmath.diff(f, mpmath.mpf("12.5"), 2)
        ratio = -3 / (2 * mpmath.pi**2) * second
    spectrum = j.EinsteinModes([50.0], [1.0])
    assert float(ratio) == pytest.approx(float(j.specific_heat_ratio(spectrum, 12.5)), rel=1e-14)


def test_zeta_sums():
    sums = potential.zeta_sums()
    assert sums.frequencies == pytest.approx(1 / 24, rel=1e-15)
    assert sums.frequencies == pytest.approx(float(mpmath.zeta(-1, 0.5)), rel=1e-14)
    assert sums.count == 1 + 2 * float(mpmath.zeta(0)) == 0
    assert sums.free == pytest.approx(-(np.pi**2) / 3, rel=1e-15)
    assert zeta(2.0) == pytest.approx(np.pi**2 / 6)


def test_a_cutoff_at_an_energy_converges_to_the_potential():
    spectrum, temperature = j.EinsteinModes([1.0], [2.0]), 0.25
    exact = float(j.specific_heat_ratio(spectrum, temperature))
    errors = []
    for cutoff in (25.0, 50.0, 100.0):
        second = second_derivative(
            lambda t, cutoff=cutoff: potential.potential_cut_at_energy(
                spectrum, t, cutoff, terms=int(8 * cutoff)
            ),
            temperature,
        )
        errors.append(abs(float(-3 / (2 * np.pi**2) * second) - exact))
    # O(ω/Λ)², and the logarithm's tail with it.
    order = np.diff(np.log(errors)) / np.log(0.5)
    assert order == pytest.approx([2, 2], abs=0.05)


def test_a_cutoff_at_a_number_fails():
    free = j.EinsteinModes([1.0], [0.0])
    for terms in (10, 20):
        second = second_derivative(
            lambda t, terms=terms: potential.potential_cut_at_number(free, t, terms=terms), 0.25
        )
        assert float(-3 / (2 * np.pi**2) * second) == pytest.approx(12 * terms**2)
    # What the interaction adds lacks -Σλω²/T of the logarithm.
    coupled = j.EinsteinModes([1.0], [1.0])

    def interaction(t):
        return potential.potential_cut_at_number(
            coupled, t, terms=20000
        ) - potential.potential_cut_at_number(free, t, terms=20000)

    wrong = -0.25 * float(second_derivative(interaction, 0.25))
    right = 2 * np.pi**2 / 3 * 0.25 * (float(j.specific_heat_ratio(coupled, 0.25)) - 1)
    assert wrong - right == pytest.approx(1 / 0.25, rel=1e-6)


def test_entropy_vanishes_at_zero_temperature():
    spectrum = SPECTRA["modes"]
    heat = j.specific_heat_ratio(spectrum, 0.1)
    entropy = potential.electron_entropy(spectrum, 0.1)
    assert entropy == pytest.approx(2 * np.pi**2 / 3 * 0.1 * float(heat), rel=1e-3)
    integral, _ = scipy.integrate.quad(
        lambda t: 2 * np.pi**2 / 3 * float(j.specific_heat_ratio(spectrum, t)), 0, 12.0
    )
    assert potential.electron_entropy(spectrum, 12.0) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize("temperature", [0.05, 0.18, 1.0, 20.0])
def test_phonon_potentials(temperature):
    heat = -temperature * second_derivative(
        lambda t: potential.phonon_potential_einstein(1.0, t), temperature
    )
    assert heat == pytest.approx(float(j.phonon_heat_einstein(jnp.asarray(1.0), temperature)))
    heat = -temperature * second_derivative(
        lambda t: potential.phonon_potential_debye(1.0, t), temperature
    )
    assert heat == pytest.approx(float(j.phonon_heat_debye(1.0, temperature)), rel=1e-8)

    def integrand(w):
        return 9 * w**2 * (w / 2 + temperature * np.log(-np.expm1(-w / temperature)))

    expected, _ = scipy.integrate.quad(integrand, 0, 1)
    got = potential.phonon_potential_debye(1.0, temperature)
    assert got == pytest.approx(expected, rel=1e-9)


def test_electrons_are_a_small_part_of_the_heat():
    spectrum = j.EinsteinModes([1.0], [5.0])
    shares = [
        float(potential.heat_capacity(spectrum, 0.5, 1.0 / ratio).share) for ratio in (0.02, 0.01)
    ]
    assert shares[0] / shares[1] == pytest.approx(2.0)
    heat = potential.heat_capacity(spectrum, 0.5, 100.0)
    assert heat.electrons < 0 < heat.total
    assert heat.share < 0.01
    bare = potential.heat_capacity(j.EinsteinModes([1.0], [0.0]), 0.5, 100.0, debye=1.0)
    assert bare.electrons == pytest.approx(np.pi**2 * 0.5 / 200)
