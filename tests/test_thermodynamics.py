"""Heat capacities and ξ: an independent route, limits, published numbers, derivatives."""

import helpers
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    EinsteinModes,
    maximum_stability_parameter,
    phonon_heat_debye,
    phonon_heat_einstein,
    specific_heat_ratio,
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
