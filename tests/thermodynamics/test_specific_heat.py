"""Heat capacities and ξ: an independent route, limits, published numbers, derivatives."""

import helpers
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxelph import (
    EinsteinModes,
    GaussianPeaks,
    critical_coupling,
    maximum_stability_parameter,
    phonon_heat_debye,
    phonon_heat_einstein,
    specific_heat_ratio,
    stability_parameter,
)


@pytest.mark.parametrize("temperature", [0.5, 3.0, 12.0, 80.0])
def test_specific_heat_against_mpmath(temperature):
    omega, coupling = [5.0, 17.0, 30.0], [0.4, 1.1, 0.2]
    ratio = specific_heat_ratio(EinsteinModes(omega, coupling), temperature)
    assert ratio == pytest.approx(helpers.heat_ratio(omega, coupling, temperature), abs=1e-12)


def test_stability_parameter_of_one_mode():
    xi, temperature = maximum_stability_parameter(EinsteinModes([1.0], [1.0]))
    assert xi == pytest.approx(0.2708931513, abs=1e-10)
    assert 1 / (2 * np.pi * temperature) == pytest.approx(0.3273214830, abs=1e-8)


def test_phonon_heat_limits():
    assert phonon_heat_einstein(jnp.asarray(1.0), 1e3) == pytest.approx(1.0, abs=1e-7)
    assert phonon_heat_debye(1.0, 1e3) == pytest.approx(3.0, abs=1e-6)
    low = 12 * np.pi**4 / 5 * 1e-2**3
    assert phonon_heat_debye(1.0, 1e-2) == pytest.approx(low, rel=1e-10)
    # The Supplement: 0.92 an ion, of 3, at T = 0.18 Θ.
    assert phonon_heat_debye(1.0, 0.18) == pytest.approx(0.92, abs=5e-3)


@pytest.mark.parametrize("soft", [4.5, 4.7, 4.71, 4.72, 5.0])
def test_the_larger_of_two_maxima_that_nearly_tie(soft):
    spectrum = EinsteinModes([1.0, 40.0], [soft, 1.0])
    xi, temperature = maximum_stability_parameter(spectrum)
    scan = np.exp(np.linspace(np.log(0.3), np.log(28), 4000))
    seen = np.max(jax.vmap(lambda t: stability_parameter(spectrum, t))(scan))
    assert seen <= xi < seen * (1 + 1e-5)
    assert temperature == pytest.approx(0.486 if soft > 4.71 else 19.4, rel=1e-2)


def test_critical_coupling_far_above_the_phonons():
    """λ_c = 1/g(ω/2πT), whatever the λ of the spectrum that gives the shape."""
    for temperature in (0.5, 30.0, 1e3):
        with mpmath.workdps(40):
            x = 1 / (2 * mpmath.pi * mpmath.mpf(temperature))
            g = 6 * x**2 + 12 * x**3 * mpmath.im(mpmath.psi(1, 1j * x))
            g += 6 * x**4 * mpmath.re(mpmath.psi(2, 1j * x))
        for coupling in (1e-6, 1.0):
            found = critical_coupling(
                EinsteinModes([1.0], [coupling]), temperature, criterion="heat"
            )
            assert found == pytest.approx(float(1 / g), rel=1e-12)


WIDE = [
    (omega, width, temperature)
    for omega, width in [(6.5, 5.1), (1.0, 5.0), (12.0, 3.0), (40.0, 5.0)]
    for temperature in (0.05, 0.5, 2.0, 20.0)
]


@pytest.mark.parametrize(
    ("omega", "width", "temperature"),
    [WIDE[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in WIDE[1:])],
)
def test_specific_heat_of_wide_peaks(omega, width, temperature):
    """Against 30 digits, for any number of nodes."""
    with mpmath.workdps(30):
        centre, w, unit = mpmath.mpf(omega), mpmath.mpf(width), 2 * mpmath.pi * temperature

        def density(x):
            return mpmath.exp(-(((x - centre) / w) ** 2) / 2) * -mpmath.expm1(-2 * (x / w) ** 2) / x

        def heat(x):
            z = mpmath.mpc(0, x / unit)
            y = x / unit
            return 6 * y**2 + 12 * y**3 * mpmath.psi(1, z).imag + 6 * y**4 * mpmath.psi(2, z).real

        ends = [max(mpmath.mpf(0), centre - 8 * w), centre + 8 * w]
        inner = {unit / 10, unit / 3, unit, 3 * unit, w / 4, w, 2 * w, centre, centre + 3 * w}
        ends = sorted({*ends, *(x for x in inner if ends[0] < x < ends[1])})
        total = mpmath.quad(density, ends)
        exact = float(1 - mpmath.quad(lambda x: density(x) * heat(x), ends) / total)
    for order in (64, 128, 1024):
        found = specific_heat_ratio(GaussianPeaks([omega], [width], [1.0], order), temperature)
        assert found == pytest.approx(exact, rel=1e-11)
