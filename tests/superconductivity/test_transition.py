"""Superconductivity: against dense Matsubara sums, closed limits and published numbers."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from pairing import METAL, smooth_form
from threadpoolctl import threadpool_limits

from jaxelph.spectra.moments import (
    coupling_constant,
    log_frequency,
    maximum_frequency,
    moment,
    phonon_edge,
    rms_frequency,
)
from jaxelph.spectra.peaks import GaussianPeaks
from jaxelph.spectra.readers import read_a2f
from jaxelph.spectra.spectrum import DebyeSpectrum, EinsteinModes
from jaxelph.spectra.table import TabulatedSpectrum
from jaxelph.superconductivity.condensate import condensate_basis
from jaxelph.superconductivity.formulas import allen_dynes, mcmillan
from jaxelph.superconductivity.matsubara import matsubara_basis, top_eigenpair
from jaxelph.superconductivity.transition import (
    gap_function,
    pairing_eigenvalue,
    tc_functional_derivative,
    transition_temperature,
)

KELVIN = 0.0861733326  # meV
METHODS = ["eliashberg", "allen-dynes", "mcmillan"]


def dense_kernel(omega, coupling, temperature, repulsion, form):
    """The symmetric kernel, every Matsubara frequency written out; form is c_n."""
    n, coupling = len(form), np.asarray(coupling)
    w = np.asarray(omega) / (2 * np.pi * float(temperature))
    couplings = np.zeros(2 * n + 1)
    for strength, x in zip(coupling, w, strict=True):
        couplings += strength * x**2 / (x**2 + np.arange(2 * n + 1.0) ** 2)
    i = np.arange(n)
    kernel = (couplings[abs(i[:, None] - i)] + couplings[i[:, None] + i + 1]) / 2
    kernel[i, i] -= couplings[0] / 2 + np.append(0, np.cumsum(couplings[1:n]))
    kernel -= repulsion * np.outer(form, form)
    return kernel / np.sqrt((i[:, None] + 0.5) * (i + 0.5))


def largest(kernel):
    last = len(kernel) - 1
    return scipy.linalg.eigh(kernel, subset_by_index=[last, last])


def niobium(shared, column=15):
    return read_a2f(shared / "a2f" / "isome__Nb__Nb.a2F", column=column)


# ---------------------------------------------------------------- T_c against closed forms


@pytest.mark.parametrize(
    ("coupling", "expected"),
    [(1.0, 0.11461951), (2.0, 0.21174124), (10.0, 0.55777786), (100.0, 1.82098166)],
)
def test_einstein_mode(coupling, expected):
    computed = transition_temperature(EinsteinModes([1.0], [coupling]), 0.0)
    assert computed == pytest.approx(expected, rel=2.5e-8)  # the printed digits, truncated


@pytest.mark.parametrize("coupling", [1e8, 1e12])
def test_strong_coupling_asymptote(coupling):
    computed = transition_temperature(EinsteinModes([1.0], [coupling]), 0.0)
    assert computed / np.sqrt(coupling) == pytest.approx(0.1827262477, rel=5e-9)


def test_weak_coupling_limit():
    # T_c → (2e^γ/π) e^{-1/2} ω exp[-(1+λ)/λ] as λ → 0 (Karakozov, Maksimov & Mashkov 1976).
    coupling = np.array([0.07, 0.08, 0.09, 0.1, 0.11, 0.12])
    temperature = jax.vmap(
        lambda c: transition_temperature(EinsteinModes([1.0], c[None]), 0.0, cutoff=2.0)
    )(jnp.asarray(coupling))
    assert temperature[0] < 2e-7
    prefactor = np.asarray(temperature) * np.exp((1 + coupling) / coupling)
    limit = np.polynomial.Polynomial.fit(coupling, prefactor, 4).convert().coef[0]
    assert limit == pytest.approx(2 * np.exp(np.euler_gamma - 0.5) / np.pi, rel=2e-6)


# ---------------------------------------------------------------- T_c against dense sums


@pytest.mark.parametrize(
    ("scale", "mu_star"),
    [(0.35, 0.0), (1.0, 0.0), (60.0, 0.0), (1.0, 0.13), (4.0, 0.13), (60.0, 0.13)],
)
def test_compact_equals_dense(scale, mu_star):
    spectrum = METAL.scaled(scale)
    cutoff = 8.0 if mu_star else 2.0
    temperature = float(transition_temperature(spectrum, mu_star, cutoff=cutoff))
    repulsion = mu_star / (1 + mu_star * np.log(1 / cutoff))

    def dense(t, n):
        form = smooth_form(cutoff, t, n)
        return largest(dense_kernel(*spectrum.modes(), t, repulsion, form))[0][0]

    # The dense sum's own error falls like n⁻⁴.
    slope = (dense(temperature * 1.001, 300) - dense(temperature / 1.001, 300)) / 0.002
    value = (16 * dense(temperature, 1600) - dense(temperature, 800)) / 15
    assert abs((value - 1) / slope) < 1e-9


@pytest.mark.parametrize("temperature", [30.0, 0.5, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("mu_star", [0.0, 0.2])
def test_accuracy_is_controlled(temperature, mu_star):
    fine = matsubara_basis(reach=1e10, tolerance=1e-8)
    exact = pairing_eigenvalue(METAL, temperature, mu_star, basis=fine)
    for tolerance, error in ((1e-4, 1e-6), (1e-5, 1e-8), (1e-6, 5e-10)):
        basis = matsubara_basis(tolerance=tolerance)
        value = pairing_eigenvalue(METAL, temperature, mu_star, basis=basis)
        assert abs(value / exact - 1) < error


def test_cutoff_drops_out():
    reference = transition_temperature(METAL, 0.12, cutoff=1000.0)
    for cutoff, error in ((10.0, 5e-4), (30.0, 1.2e-4), (100.0, 1.2e-5)):
        computed = transition_temperature(METAL, 0.12, cutoff=cutoff)
        assert computed == pytest.approx(float(reference), rel=error)


# ---------------------------------------------------------------- real metals, kinds of spectra


def test_niobium(shared):
    spectrum = niobium(shared)
    # μ* = .12 is meant at 33.085 meV, the table's end.
    assert maximum_frequency(spectrum) == pytest.approx(33.085, abs=1e-3)
    at_end = {"omega_ph": 33.085}
    # Sharp cutoffs scatter by a Matsubara frequency more or less, the smooth one does not.
    for cutoff, sharp, error in (
        (331.0, 9.257, 3e-3),
        (1e3, 9.254, 2e-3),
        (3e3, 9.255, 1e-3),
        (7e3, 9.255, 1e-3),
    ):
        computed = transition_temperature(spectrum, 0.12, cutoff=cutoff, **at_end) / KELVIN
        assert abs(computed - sharp) < error
        assert abs(computed - 9.2558) < 1.1e-3
    assert abs(allen_dynes(spectrum, 0.12) / KELVIN - 9.30) < 5e-3
    assert abs(transition_temperature(spectrum, 0.12, **at_end) / KELVIN - 9.2558) < 1e-4
    # By default μ* = .12 is meant at 25.47 meV, below which 99 % of the area lies: more repulsion.
    assert phonon_edge(spectrum) == pytest.approx(25.4727, abs=1e-3)
    assert abs(transition_temperature(spectrum, 0.12) / KELVIN - 9.0540) < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_every_kind_of_spectrum(method):
    omega = np.linspace(0.005, 10.0, 2000)
    debye = DebyeSpectrum(10.0, 0.9)
    table = TabulatedSpectrum(omega, 0.9 * (omega / 10) ** 2)
    computed = [transition_temperature(s, 0.1, method=method) for s in (debye, table)]
    assert computed[0] == pytest.approx(float(computed[1]), rel=3e-5)
    peak = GaussianPeaks([5.0], [1e-3], [0.9])
    mode = EinsteinModes([5.0], [0.9])
    options = {"method": method, "cutoff": 50.0, "omega_ph": 5.0}
    narrow = transition_temperature(peak, 0.1, **options)
    assert narrow == pytest.approx(float(transition_temperature(mode, 0.1, **options)), rel=1e-6)


def test_formulas():
    total, log, rms = (float(f(METAL)) for f in (coupling_constant, log_frequency, rms_frequency))
    mu = 0.11
    plain = log / 1.2 * np.exp(-1.04 * (1 + total) / (total - mu * (1 + 0.62 * total)))
    assert mcmillan(METAL, mu) == pytest.approx(plain, rel=1e-14)
    f1 = (1 + (total / 2.46 / (1 + 3.8 * mu)) ** 1.5) ** (1 / 3)
    f2 = 1 + (rms / log - 1) * total**2 / (total**2 + (1.82 * (1 + 6.3 * mu) * rms / log) ** 2)
    assert allen_dynes(METAL, mu) == pytest.approx(f1 * f2 * plain, rel=1e-14)
    for name in ("allen-dynes", "allen_dynes", "Allen-Dynes"):
        assert transition_temperature(METAL, mu, method=name) == allen_dynes(METAL, mu)
    # Fitted to such solutions, the formula is within a few per cent of the equation.
    assert allen_dynes(METAL, mu) == pytest.approx(
        float(transition_temperature(METAL, mu)), rel=0.05
    )


# ---------------------------------------------------------------- no superconductivity


@functools.cache
def compiled(method):
    """T_c of p = (ω₁…ω₃, λ₁…λ₃, μ*), its gradient and Hessian, compiled once."""

    def temperature(p):
        return transition_temperature(EinsteinModes(p[:3], p[3:6]), p[6], method=method)

    return tuple(jax.jit(f) for f in (temperature, jax.grad(temperature), jax.hessian(temperature)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("coupling", [0.0, 1e-9, 0.02, 0.04])
def test_no_superconductivity(method, coupling):
    p = jnp.array([0.2, 0.6, 1.0, coupling, coupling, coupling, 0.3])
    for f in compiled(method):
        np.testing.assert_array_equal(f(p), 0)


def test_no_gap_without_superconductivity():
    weak = EinsteinModes([1.0], [0.1])
    assert not np.any(gap_function(weak, 0.3).gap)
    assert not np.any(tc_functional_derivative(weak, jnp.array([0.5, 1.0]), 0.3))


@pytest.mark.parametrize("method", METHODS)
def test_threshold_is_met_without_nan(method):
    def temperature(mu):
        return transition_temperature(METAL.scaled(0.3), mu, method=method)

    mu = jnp.linspace(0.0, 0.43, 40)
    value, slope = jax.vmap(jax.value_and_grad(temperature))(mu)
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope))
    assert np.all(np.diff(value) <= 0) and np.all(slope <= 0)
    assert value[0] > 0 and value[-1] == 0


# ---------------------------------------------------------------- derivatives


def five_point(f, x, h):
    return (8 * (f(x + h) - f(x - h)) - f(x + 2 * h) + f(x - 2 * h)) / (12 * h)


@pytest.mark.parametrize("method", METHODS)
def test_first_and_second_derivatives(method):
    temperature, gradient, hessian = compiled(method)
    p = jnp.array([0.2, 0.6, 1.0, 0.3, 0.5, 0.4, 0.1])
    reverse = gradient(p)
    # Homogeneity, T_c(aω) = a T_c, gives Euler's relation.
    assert p[:3] @ reverse[:3] == pytest.approx(float(temperature(p)), rel=1e-11)
    assert temperature(p.at[:3].mul(7.0)) == pytest.approx(7 * float(temperature(p)), rel=1e-11)
    second = hessian(p)
    np.testing.assert_allclose(second, second.T, rtol=1e-8, atol=1e-10)
    for i in (2, 4, 6):
        at = lambda x, i=i: gradient(p.at[i].set(x))  # noqa: E731
        np.testing.assert_allclose(second[i], five_point(at, p[i], 1e-3), rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_third_derivative():
    def temperature(mu):
        return transition_temperature(METAL, mu)

    second = jax.jit(jax.grad(jax.grad(temperature)))
    third = jax.jit(jax.jacfwd(second))(0.1)
    assert third == pytest.approx(float(five_point(second, 0.1, 1e-3)), rel=1e-6)


def test_eigenpair_with_repeated_other_eigenvalues():
    # eigh's own derivative would divide by the zero difference of the lower two.
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    matrix = jnp.asarray(rotation @ np.diag([1.0, 1.0, 2.0]) @ rotation.T)
    change = jnp.asarray(np.diag([1.0, 2.0, 3.0]))

    def along(h):
        value, vector = top_eigenpair(matrix + h * change)
        return jnp.append(value, vector * jnp.sign(vector[0]))

    np.testing.assert_allclose(
        jax.jacfwd(along)(0.0), five_point(along, 0.0, 1e-3), rtol=1e-9, atol=1e-11
    )
    np.testing.assert_allclose(jax.jacrev(along)(0.0), jax.jacfwd(along)(0.0), atol=1e-14)


# ---------------------------------------------------------------- gap and functional derivative


@pytest.mark.parametrize("mu_star", [0.0, 0.13])
def test_gap_equals_dense_eigenvector(mu_star):
    gap = gap_function(METAL, mu_star, cutoff=8.0, index=np.array([0, 1, 2, 5, 20, 60]))
    repulsion = mu_star / (1 - mu_star * np.log(8.0))
    t = float(gap.temperature)
    kernel = dense_kernel(*METAL.modes(), t, repulsion, smooth_form(8.0, t, 1000))
    vector = largest(kernel)[1][:, 0] * np.sqrt(np.arange(1000) + 0.5)  # Δ_n = ν_n x_n
    n = np.array([0, 1, 2, 5, 20, 60])
    np.testing.assert_allclose(gap.gap, vector[n] / vector[0], atol=2e-7)
    np.testing.assert_allclose(gap.omega, (2 * n + 1) * np.pi * t, rtol=1e-14)
    assert (gap.gap[-1] < 0) == (mu_star > 0)  # repulsion turns the sign at high frequency


def test_functional_derivative():
    omega = jnp.array([0.0, 0.05, 0.3, 0.7, 1.3, 4.0])
    computed = tc_functional_derivative(METAL, omega, 0.1)
    options = {"omega_ph": 1.0}
    for w, value in zip(omega[1:], computed[1:], strict=True):

        def perturbed(eta, w=w):  # a mode of area η, that is λ = 2η/ω
            modes = jnp.append(METAL.omega, w), jnp.append(METAL.coupling, 2 * eta / w)
            return transition_temperature(EinsteinModes(*modes), 0.1, **options)

        assert five_point(perturbed, 0.0, 1e-4) == pytest.approx(float(value), rel=1e-7)
    assert computed[0] == 0 and np.all(computed[1:] > 0)
    at_modes = tc_functional_derivative(METAL, METAL.omega, 0.1)
    growth = jax.grad(lambda c: transition_temperature(METAL.scaled(c), 0.1))(1.0)
    area = METAL.coupling * METAL.omega / 2
    assert at_modes @ area == pytest.approx(float(growth), rel=1e-12)


def test_functional_derivative_peaks_near_seven_tc():
    # Bergmann & Rainer 1973; Carbotte, Rev. Mod. Phys. 62, 1027 (1990), Sec. IV.
    for scale in (0.5, 1.0, 2.0):
        spectrum = METAL.scaled(scale)
        temperature = transition_temperature(spectrum, 0.1)
        omega = temperature * jnp.linspace(0.5, 30.0, 600)
        peak = omega[jnp.argmax(tc_functional_derivative(spectrum, omega, 0.1))]
        assert 6.0 < peak / temperature < 9.0


# ---------------------------------------------------------------- properties


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.05, 1.0), min_size=4, max_size=4),
    st.lists(st.floats(0.0, 1.5), min_size=4, max_size=4),
    st.floats(0.0, 0.25),
)
def test_monotone_and_bounded(omega, coupling, mu_star):
    spectrum = EinsteinModes(jnp.array(omega), jnp.array(coupling))
    options = {"cutoff": 10.0, "omega_ph": 1.0}
    temperature = float(transition_temperature(spectrum, jnp.array(mu_star), **options))
    stronger = transition_temperature(spectrum.scaled(1.1), jnp.array(mu_star), **options)
    repelled = transition_temperature(spectrum, jnp.array(mu_star + 0.05), **options)
    assert repelled <= temperature <= stronger
    if temperature > 0:
        assert repelled < temperature < stronger
        area = jnp.sum(spectrum.coupling) * moment(spectrum, 2)
        assert temperature < 0.1827262477 * np.sqrt(area)


# ---------------------------------------------------------------- misuse


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((-0.1,), {}, "mu_star must not be negative"),
        ((float("nan"),), {}, "mu_star must be a number, got nan"),
        ((0.1,), {"method": "bcs"}, "method 'bcs' is not known"),
        ((0.1,), {"cutoff": 0.9}, "cutoff 0.9 must exceed the top of the spectrum"),
        ((0.1,), {"cutoff": -3.0}, "cutoff -3 must be a positive, finite energy"),
        ((0.5,), {"cutoff": 10.0}, "mu_star 0.5 is too large for this cutoff"),
        ((5.0,), {}, "mu_star must be below 1, got 5"),
        ((float("inf"),), {}, "mu_star must be below 1, got inf"),
        ((0.1,), {"omega_ph": float("nan")}, "omega_ph nan .* leave it out for that below which"),
        ((0.1,), {"omega_ph": -1.0}, "omega_ph -1 must be a positive, finite energy"),
        ((0.1,), {"cutoff": float("inf")}, "cutoff inf must be a positive, finite energy"),
        ((0.1,), {"mu_star_at": "top"}, "mu_star_at 'top' is not known; use 'omega-ph' or"),
        ((0.1,), {"mu_star_at": "cutoff"}, "mu_star_at 'cutoff' needs cutoff"),
    ],
)
def test_misuse(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        transition_temperature(METAL, *arguments, **options)


def test_misuse_elsewhere():
    # A TypeError where shapes are checked at run time.
    with pytest.raises((ValueError, TypeError), match="mu_star"):
        transition_temperature(METAL, np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="below what the basis resolves"):
        pairing_eigenvalue(METAL, 1e-12)
    with pytest.raises(ValueError, match="index must be a vector"):
        gap_function(METAL, index=np.array([-1]))


def test_traced_arguments():
    def temperature(mu, cutoff, top):
        return transition_temperature(METAL, mu, cutoff=cutoff, omega_ph=top)

    traced = jax.jit(temperature)(0.1, 12.0, 1.0)
    assert traced == pytest.approx(float(temperature(0.1, 12.0, 1.0)), rel=1e-13)
    # What is refused where it is known is none where it is traced: μ* is too large for ω_c.
    assert np.isnan(jax.jit(temperature)(0.6, 12.0, 1.0))
    # μ* moves along its own flow: the same metal, quoted at another frequency.
    moved = 0.1 / (1 + 0.1 * np.log(1 / 2.0))
    assert temperature(moved, 12.0, 2.0) == pytest.approx(float(traced), rel=1e-12)
    assert maximum_frequency(METAL) == 1.0


@pytest.mark.parametrize("threads", [1, 2])
def test_constants_are_the_same_to_the_last_bit_whatever_the_number_of_threads(threads):
    """They are compiled into programs, which are kept under their own text."""
    with threadpool_limits(threads, user_api="blas"):
        basis = matsubara_basis.__wrapped__()
        made = condensate_basis.__wrapped__(basis)
    for found, known in ((basis, matsubara_basis()), (made, condensate_basis(matsubara_basis()))):
        for field in dataclasses.fields(known):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(known, field.name))
