"""The edge of the gap: against printed numbers, limits and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pairing import METAL, METAL_PARAMETERS, einstein, richardson

from jaxelph.spectra.readers import SpectrumWarning, read_a2f
from jaxelph.spectra.spectrum import EinsteinModes
from jaxelph.superconductivity.edge import gap_edge, thiele
from jaxelph.superconductivity.gap import superconducting_state
from jaxelph.superconductivity.transition import transition_temperature


@jax.jit
def edge(parameters, temperature, mu_star):
    return gap_edge(EinsteinModes(parameters[:3], parameters[3:]), temperature, mu_star=mu_star)


# ---------------------------------------------------------------- the edge, by Padé


@pytest.mark.parametrize(
    ("coupling", "critical", "printed"),
    [(1.0, 0.11461951, 4.22921), (2.0, 0.21174124, 5.28336)],
)
def test_edge_of_an_einstein_mode(coupling, critical, printed):
    for reduced in (0.1, 0.03, 0.003):  # below 0.1 it has its value at T = 0
        found = 2 * edge(einstein(coupling), reduced * critical, 0.0) / critical
        assert found == pytest.approx(printed, rel=2e-5 if reduced == 0.1 else 2e-4)


def test_edge_of_many_modes():
    spectrum = EinsteinModes(np.arange(40.0, 61.0), np.full(21, 1 / 21))
    found = 2 * gap_edge(spectrum, 0.569311057, mu_star=0.0) / 5.69311057
    assert found == pytest.approx(4.23129, abs=2e-5)


def test_edges_of_real_metals(shared):
    niobium = read_a2f(shared / "a2f" / "isome__Nb__Nb.a2F", column=15)
    with pytest.warns(SpectrumWarning, match="out of order"):
        mercury = read_a2f(shared / "a2f" / "xi__Hg__a2F_Hg_0GPa.txt", unit="meV")
    for spectrum, mu_star, omega_ph, printed in (
        (niobium, 0.12, 33.085, 3.865),
        (mercury, 0.1, None, 4.602),
    ):
        critical = transition_temperature(spectrum, mu_star, omega_ph=omega_ph)
        found = gap_edge(spectrum, critical / 10, mu_star=mu_star, omega_ph=omega_ph)
        assert 2 * found / critical == pytest.approx(printed, rel=1e-3)


def test_weak_coupling_edge():
    spectrum = EinsteinModes([1.0], [0.15])
    critical = transition_temperature(spectrum, 0.0)
    found = 2 * gap_edge(spectrum, critical / 20, mu_star=0.0) / critical
    assert found == pytest.approx(2 * np.pi * np.exp(-np.euler_gamma), rel=2e-4)


def test_edge_in_the_normal_state():
    assert edge(METAL_PARAMETERS, 0.2, 0.1) == 0
    for derivative in jax.grad(edge, argnums=(0, 1, 2))(METAL_PARAMETERS, 0.2, 0.1):
        assert not np.any(derivative)


def test_derivatives_of_the_edge():
    given = METAL_PARAMETERS, jnp.asarray(0.007), jnp.asarray(0.1)
    forward = jax.jacfwd(edge, argnums=(0, 2))(*given)
    reverse = jax.grad(edge, argnums=(0, 2))(*given)
    np.testing.assert_allclose(forward[0], reverse[0], rtol=1e-6, atol=1e-9)
    for i in (0, 2, 4):
        numeric = richardson(
            lambda x, i=i: edge(given[0].at[i].set(x), *given[1:]), given[0][i], 1e-3
        )
        assert reverse[0][i] == pytest.approx(float(numeric), rel=1e-6, abs=1e-8)
    numeric = richardson(lambda x: edge(*given[:2], x), 0.1, 1e-3)
    assert reverse[1] == pytest.approx(float(numeric), rel=1e-6)


def test_thiele():
    x = jnp.array([0.3, 1.0, 2.1, 3.3, 4.0])
    f = lambda x: (1 + 2 * x) / (1 + x + 3 * x**2)  # noqa: E731
    assert thiele(x, f(x))(7.5) == pytest.approx(f(7.5), rel=1e-12)
    state = superconducting_state(METAL, 0.01, mu_star=0.0, index=np.arange(13))
    curve = thiele(-(state.frequencies[:12] ** 2), state.gap[:12])
    assert curve(-(state.frequencies[12] ** 2)) == pytest.approx(float(state.gap[12]), rel=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -0.1, float("nan")])
def test_misuse(temperature):
    with pytest.raises(ValueError, match="temperature must be"):
        gap_edge(METAL, temperature)
