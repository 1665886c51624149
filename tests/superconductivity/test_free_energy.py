"""Thermodynamics below T_c: against dense sums, the limits and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pairing import METAL, METAL_PARAMETERS, einstein, richardson
from plain_gap import extrapolated

from jaxelph.spectra.moments import coupling_constant
from jaxelph.spectra.readers import SpectrumWarning, read_a2f
from jaxelph.spectra.spectrum import EinsteinModes
from jaxelph.superconductivity.field import (
    condensation_energy,
    critical_field,
    deviation_function,
)
from jaxelph.superconductivity.free_energy import (
    entropy_difference,
    free_energy_difference,
    specific_heat_difference,
    specific_heat_jump,
    superconducting_heat_ratio,
)
from jaxelph.superconductivity.isotope import isotope_coefficient, isotope_weight
from jaxelph.superconductivity.transition import transition_temperature
from jaxelph.thermodynamics.specific_heat import specific_heat_ratio


def modes(parameters):
    return EinsteinModes(parameters[:3], parameters[3:])


@jax.jit
def energy(parameters, temperature, mu_star):
    return free_energy_difference(modes(parameters), temperature, mu_star=mu_star)


@jax.jit
def heat(parameters, temperature, mu_star):
    return specific_heat_difference(modes(parameters), temperature, mu_star=mu_star)


@jax.jit
def jump(parameters, mu_star):
    return specific_heat_jump(modes(parameters), mu_star=mu_star)


CRITICAL = {1.0: 0.11461951, 2.0: 0.21174124}


# The sums behind the published digits end at some hundred frequencies; these do not end.
@pytest.mark.parametrize(("coupling", "printed"), [(1.0, -0.0489328926), (2.0, -0.29606182)])
def test_einstein_mode(coupling, printed):
    temperature = CRITICAL[coupling] / 10
    found = energy(einstein(coupling), temperature, 0.0)
    assert found == pytest.approx(printed, rel=2.5e-6)
    assert found == pytest.approx(extrapolated([1.0], [coupling], temperature, 400)[2], rel=1e-8)


def test_many_modes():
    spectrum = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
    found = free_energy_difference(spectrum, 0.569311057, mu_star=0.0)
    assert found == pytest.approx(extrapolated(*spectrum.modes(), 0.569311057, 700)[2], rel=1e-8)
    assert found == pytest.approx(-120.7254, rel=1e-6)
    assert specific_heat_jump(spectrum, mu_star=0.0) == pytest.approx(2.544, abs=6e-4)


@pytest.mark.parametrize(
    ("coupling", "reduced", "printed"),
    [
        (1.0, 0.3, -0.27299),
        (1.0, 0.5, -0.18858),
        (1.0, 0.7, 0.33296),
        (1.0, 0.9, 1.56613),
        (2.0, 0.3, -0.31559),
        (2.0, 0.5, -0.37679),
        (2.0, 0.7, 0.30209),
        (2.0, 0.9, 2.05780),
    ],
)
def test_specific_heat_of_an_einstein_mode(coupling, reduced, printed):
    critical = CRITICAL[coupling]
    found = heat(einstein(coupling), reduced * critical, 0.0)
    unit = 2 / 3 * np.pi**2 * (1 + coupling) * critical
    assert found / unit == pytest.approx(printed, abs=6e-6)


@pytest.mark.parametrize(("coupling", "printed"), [(1.0, 2.556), (2.0, 3.376)])
def test_jump_is_the_limit(coupling, printed):
    value = float(jump(einstein(coupling), 0.0))
    assert value == pytest.approx(printed, abs=6e-4)
    critical = float(transition_temperature(EinsteinModes([1.0], [coupling]), 0.0))
    unit = 2 / 3 * np.pi**2 * (1 + coupling) * critical
    near = [float(heat(einstein(coupling), critical * (1 - d), 0.0)) for d in (1e-3, 2e-3)]
    assert (2 * near[0] - near[1]) / unit == pytest.approx(value, rel=3e-5)


def test_weak_coupling():
    limit = 12 / 7 / 1.2020569031595942  # 12/7ζ(3)
    errors = [float(jump(einstein(c), 0.0)) - limit for c in (0.3, 0.2, 0.14)]
    assert 0 < errors[2] < errors[1] / 5 < errors[0] / 25 and errors[2] < 1e-4
    spectrum = EinsteinModes([1.0], [0.15])
    critical = transition_temperature(spectrum, 0.0)
    gamma = 2 / 3 * np.pi**2 * 1.15
    ratio = gamma * critical**2 / (8 * np.pi * condensation_energy(spectrum, mu_star=0.0))
    assert ratio == pytest.approx(np.exp(2 * np.euler_gamma) / (6 * np.pi), rel=1e-4)  # .1681


def test_real_metals(shared):
    with pytest.warns(SpectrumWarning, match="out of order"):
        mercury = read_a2f(shared / "a2f" / "xi__Hg__a2F_Hg_0GPa.txt", unit="meV")
    # The numbers are of sums over the rows, which lie half a T_c apart.
    assert specific_heat_jump(mercury) == pytest.approx(2.490, rel=1e-3)
    critical = transition_temperature(mercury)
    gamma = 2 / 3 * np.pi**2 * (1 + coupling_constant(mercury))
    energy = free_energy_difference(mercury, critical / 10)
    assert gamma * critical**2 / (8 * np.pi * -energy) == pytest.approx(0.1358, rel=1e-3)


def test_consistency_of_the_whole():
    """Entropy is the slope of F, C that of S; S and F vanish at T_c; third law."""
    critical = float(transition_temperature(METAL, 0.1))
    entropy = jax.jit(lambda t: entropy_difference(METAL, t, mu_star=0.1))
    at = lambda t: energy(METAL_PARAMETERS, t, 0.1)  # noqa: E731
    for reduced in (0.15, 0.5, 0.9):
        t, h = reduced * critical, 1e-3 * critical
        assert entropy(t) == pytest.approx(-float(richardson(at, t, h)), rel=1e-6)
        numeric = float(t * richardson(entropy, t, h))
        assert heat(METAL_PARAMETERS, t, 0.1) == pytest.approx(numeric, rel=1e-6)
        second = float(at(t + h) - 2 * at(t) + at(t - h)) / h**2
        assert heat(METAL_PARAMETERS, t, 0.1) == pytest.approx(-t * second, rel=2e-4)
    # F ∝ (T_c - T)² there.
    near = [at(critical * (1 - d)) / d**2 for d in (1e-6, 1e-5)]
    assert near[0] == pytest.approx(float(near[1]), rel=1e-4)
    # As T → 0 the superconductor's entropy is gone: the difference is the normal metal's.
    t = critical / 15
    normal = 2 / 3 * np.pi**2 * t * float(specific_heat_ratio(METAL, t))
    assert heat(METAL_PARAMETERS, t, 0.1) == pytest.approx(-normal, rel=1e-4)
    ratio = superconducting_heat_ratio(METAL, t, mu_star=0.1)
    assert abs(ratio) < 1e-3
    above = superconducting_heat_ratio(METAL, 2 * critical, mu_star=0.1)
    assert above == specific_heat_ratio(METAL, 2 * critical)


def test_critical_field():
    critical = float(transition_temperature(METAL, 0.0))
    zero = float(condensation_energy(METAL, mu_star=0.0))
    cold = -float(energy(METAL_PARAMETERS, critical / 100, 0.0))
    assert zero == pytest.approx(cold, rel=1e-3) and zero > cold
    field = critical_field(METAL, critical / 100, mu_star=0.0)
    assert field == pytest.approx(np.sqrt(8 * np.pi * cold), rel=1e-12)
    for reduced in (0.01, 0.4, 0.8):
        t = reduced * critical
        expected = float(critical_field(METAL, t, mu_star=0.0)) / np.sqrt(8 * np.pi * zero)
        found = deviation_function(METAL, t, mu_star=0.0)
        assert found == pytest.approx(expected - 1 + reduced**2, abs=1e-9)
    assert critical_field(METAL, 2 * critical) == 0 == deviation_function(METAL, 2 * critical)
    # Tesla: Nb, 1.7 states per eV, atom and both spins, 18 Å³, has 0.2 T at λ ~ 1.
    known = {"mu_star": 0.0, "density_of_states": 0.85e-3 / 18.0}
    meV = critical_field(EinsteinModes([10.0], [1.0]), 0.1, **known)
    joule = 1.602176634e-22 * 1e30 * known["density_of_states"]
    energies = -float(free_energy_difference(EinsteinModes([10.0], [1.0]), 0.1, mu_star=0.0))
    assert meV == pytest.approx(np.sqrt(2 * 1.25663706e-6 * joule * energies), rel=1e-8)
    known["density_of_states"] *= 1e3
    ev = critical_field(EinsteinModes([0.01], [1.0]), 1e-4, unit="eV", **known)
    assert ev == pytest.approx(float(meV), rel=1e-10)


# ---------------------------------------------------------------- derivatives


def test_stationarity_saves_a_solve_and_no_digit():
    given = METAL_PARAMETERS, jnp.asarray(0.03), jnp.asarray(0.1)
    forward = jax.jacfwd(energy, argnums=(0, 1, 2))(*given)
    reverse = jax.grad(energy, argnums=(0, 1, 2))(*given)
    for f, r in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(f, r, rtol=1e-11)
    numeric = [
        richardson(lambda x, i=i: energy(given[0].at[i].set(x), *given[1:]), given[0][i], 1e-3)
        for i in range(6)
    ]
    np.testing.assert_allclose(reverse[0], numeric, rtol=1e-6)
    assert reverse[1] == pytest.approx(
        float(richardson(lambda x: energy(given[0], x, 0.1), 0.03, 2e-4)), rel=1e-6
    )
    assert reverse[2] == pytest.approx(
        float(richardson(lambda x: energy(*given[:2], x), 0.1, 1e-3)), rel=1e-6
    )


@pytest.mark.slow
def test_derivatives_of_heat_and_jump():
    given = METAL_PARAMETERS, jnp.asarray(0.03), jnp.asarray(0.1)
    gradient = jax.jit(jax.grad(heat))(*given)
    of_jump = jax.jit(jax.grad(jump, argnums=(0, 1)))(given[0], given[2])
    forward = jax.jit(jax.jacfwd(jump))(given[0], given[2])
    np.testing.assert_allclose(of_jump[0], forward, rtol=1e-8)
    for i in range(6):
        at = lambda x, i=i: given[0].at[i].set(x)  # noqa: E731
        numeric = richardson(lambda x, at=at: heat(at(x), *given[1:]), given[0][i], 1e-3)
        assert gradient[i] == pytest.approx(float(numeric), rel=1e-6, abs=1e-8)
        numeric = richardson(lambda x, at=at: jump(at(x), given[2]), given[0][i], 1e-3)
        assert of_jump[0][i] == pytest.approx(float(numeric), rel=1e-6, abs=1e-8)
    numeric = richardson(lambda x: jump(given[0], x), 0.1, 1e-3)
    assert of_jump[1] == pytest.approx(float(numeric), rel=1e-6)
    # The jump is a number: no frequency sets its scale.
    assert abs(of_jump[0][:3] @ given[0][:3]) < 1e-8


def test_without_superconductivity():
    weak = METAL_PARAMETERS.at[3:].mul(0.1)
    for f, arguments in ((energy, (0.03, 0.4)), (heat, (0.03, 0.4)), (jump, (0.4,))):
        assert f(weak, *arguments) == 0
        assert not np.any(jax.grad(f)(weak, *arguments))
    assert condensation_energy(METAL.scaled(0.1), mu_star=0.4) == 0
    assert isotope_coefficient(METAL.scaled(0.1), mu_star=0.4) == 0


# ---------------------------------------------------------------- isotopes


def test_isotope_coefficient():
    assert isotope_coefficient(METAL, mu_star=0.0) == pytest.approx(0.5, abs=1e-11)
    value = float(isotope_coefficient(METAL, mu_star=0.15))
    # At fixed μ* at a fixed ω_ph: by difference of T_c, frequencies times M^{-1/2}.
    critical = lambda log_mass: np.log(  # noqa: E731
        transition_temperature(
            EinsteinModes(METAL.omega * np.exp(-log_mass / 2), METAL.coupling), 0.15, omega_ph=1.0
        )
    )
    assert value == pytest.approx(float(-richardson(critical, 0.0, 1e-2)), rel=1e-7)
    assert value < 0.5
    # McMillan-like estimate: β = ½[1 - (μ* ln ω/T_c)² …] falls with μ*.
    assert isotope_coefficient(METAL, mu_star=0.2) < value
    weight = isotope_weight(METAL, METAL.omega, mu_star=0.15)
    assert weight @ (METAL.coupling * METAL.omega / 2) == pytest.approx(value, rel=1e-9)
