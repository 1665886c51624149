"""Spectra: moments against closed forms, what changes of scale and of unit do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import jaxelph
from jaxelph.spectra.moments import (
    coupling_constant,
    cumulative_coupling,
    log_frequency,
    maximum_frequency,
    moment,
    rms_frequency,
    spectral_area,
)
from jaxelph.spectra.peaks import GaussianPeaks
from jaxelph.spectra.provenance import Provenance
from jaxelph.spectra.spectrum import DebyeSpectrum, EinsteinModes
from jaxelph.spectra.table import TabulatedSpectrum

TABLE = np.array([0.5, 1.0, 2.0, 3.5, 4.0])
KINDS = {
    "modes": EinsteinModes([3.0, 5.0, 8.0], [0.5, 0.25, 0.1]),
    "gaussian": GaussianPeaks([50.0, 20.0], [5.0, 3.0], [1.5, 0.4]),
    "debye": DebyeSpectrum(10.0, 0.5),
    "tabulated": TabulatedSpectrum(TABLE, [0.0, 0.2, 0.7, 0.4, 0.0]),
}
each_kind = pytest.mark.parametrize("spectrum", KINDS.values(), ids=KINDS)


def by_quadrature(a2f, low, high):
    """λ, ω_log, rms and area from α²F by adaptive quadrature."""

    def integral(function):
        return scipy.integrate.quad(function, low, high, epsabs=1e-13, epsrel=1e-12, limit=400)[0]

    coupling = integral(lambda w: 2 * a2f(w) / w)
    return (
        coupling,
        np.exp(integral(lambda w: 2 * a2f(w) / w * np.log(w)) / coupling),
        np.sqrt(integral(lambda w: 2 * a2f(w) * w) / coupling),
        integral(a2f),
    )


def moments_of(s):
    return [float(f(s)) for f in (coupling_constant, log_frequency, rms_frequency, spectral_area)]


def test_einstein_modes():
    omega, coupling = np.array([3.0, 5.0, 8.0]), np.array([0.5, 0.25, 0.1])
    expected = [
        0.85,
        np.prod(omega ** (coupling / 0.85)),
        np.sqrt(coupling @ omega**2 / 0.85),
        coupling @ omega / 2,
    ]
    assert moments_of(KINDS["modes"]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("centre, width, coupling", [(50.0, 5.0, 1.5), (20.0, 1.0, 0.3)])
def test_gaussian_peak(centre, width, coupling):
    shape = by_quadrature(
        lambda w: np.exp(-0.5 * ((w - centre) / width) ** 2),
        max(centre - 8 * width, 0),
        centre + 8 * width,
    )
    scale = coupling / shape[0]
    expected = [coupling, shape[1], shape[2], shape[3] * scale]
    assert moments_of(GaussianPeaks([centre], [width], [coupling])) == pytest.approx(
        expected, rel=1e-11
    )


def test_gaussian_peak_area_is_the_amplitude():
    # ∫α²F = c w √2π, and the coupling fixes c: the definition in the docstring, backwards.
    s = GaussianPeaks([50.0], [5.0], [1.5])
    amplitude = float(spectral_area(s)) / (5 * np.sqrt(2 * np.pi))
    direct = scipy.integrate.quad(
        lambda w: 2 * amplitude * np.exp(-0.5 * ((w - 50) / 5) ** 2) / w, 10, 90, epsabs=1e-13
    )[0]
    assert direct == pytest.approx(1.5, rel=1e-11)


def test_gaussian_peak_that_reaches_zero_is_cut_there():
    omega, coupling = GaussianPeaks([2.0], [1.0], [1.0]).modes()
    assert np.all(omega > 0) and float(jnp.sum(coupling)) == pytest.approx(1.0, rel=1e-14)


def test_debye():
    s = DebyeSpectrum(10.0, 0.5)
    expected = [0.5, 10 * np.exp(-0.5), 10 / np.sqrt(2), 0.5 * 10 / 3]
    # Gauss-Legendre meets a logarithm at 0: ω_log is right to 1/order² or so, powers exactly.
    assert moments_of(s)[1] == pytest.approx(expected[1], rel=1e-6)
    assert np.delete(moments_of(s), 1) == pytest.approx(np.delete(expected, 1), rel=1e-13)


def test_tabulated_coupling_is_the_trapezoidal_sum():
    a2f = np.array([0.0, 0.2, 0.7, 0.4, 0.0])
    assert float(coupling_constant(KINDS["tabulated"])) == pytest.approx(
        scipy.integrate.trapezoid(2 * a2f / TABLE, TABLE), rel=1e-14
    )


def test_moments_of_a_table_are_sums_over_its_rows():
    s = KINDS["tabulated"]
    density = 2 * np.array([0.0, 0.2, 0.7, 0.4, 0.0]) / TABLE
    area, square = (scipy.integrate.trapezoid(density * TABLE**n, TABLE) for n in (0, 2))
    for table in (s, s.resolved(0.15), s.rows()):
        assert float(moment(table, 2)) == pytest.approx(square / area, rel=1e-13)


def test_nodes_of_a_table_integrate_the_piecewise_linear_density():
    s = KINDS["tabulated"]
    density = 2 * np.array([0.0, 0.2, 0.7, 0.4, 0.0]) / TABLE
    # ω² times a linear density: Simpson's rule on each interval is exact.
    x = np.sort(np.concatenate([TABLE, (TABLE[1:] + TABLE[:-1]) / 2]))
    y = np.interp(x, TABLE, density) * x**2
    h = np.diff(TABLE)
    exact = np.sum(h / 6 * (y[:-1:2] + 4 * y[1::2] + y[2::2])) / float(coupling_constant(s))
    nodes = [
        s.coarse_modes(),
        *(s.resolved(h).modes() for h in (0.15, 0.015)),
        s.sampled(0.1).modes(),
    ]
    for omega, coupling in nodes:
        square = float(jnp.sum(coupling * omega**2) / jnp.sum(coupling))
        assert square == pytest.approx(exact, rel=1e-13)


@each_kind
def test_resolved_keeps_the_coupling_and_its_distribution(spectrum):
    fine = spectrum.resolved(0.01)
    assert type(fine) is type(spectrum)
    assert float(coupling_constant(fine)) == pytest.approx(
        float(coupling_constant(spectrum)), rel=1e-13
    )
    if not isinstance(spectrum, EinsteinModes):
        nodes = np.sort(np.asarray(fine.modes()[0]))
        carries = np.diff(nodes)[(nodes[1:] > 1.1) & (nodes[1:] < 3.9)]
        assert len(nodes) > 200 and (len(carries) == 0 or carries.max() < 0.0101)
    assert float(coupling_constant(fine.resolved(100.0))) == pytest.approx(
        float(coupling_constant(spectrum)), rel=1e-13
    )


def test_resolved_keeps_the_provenance_out_of_the_way():
    told = Provenance("a", "columns", "?", "meV", 1)
    s = TabulatedSpectrum(TABLE, [0.0, 0.2, 0.7, 0.4, 0.0], provenance=told)
    assert s.resolved(0.1).provenance is told
    other = dataclasses.replace(told, path="b")
    assert told != other and told == dataclasses.replace(other, path="a")
    assert jax.tree.structure(s) == jax.tree.structure(
        TabulatedSpectrum(TABLE, [0.0, 0.2, 0.7, 0.4, 0.0], provenance=other)
    )


@each_kind
def test_scaled(spectrum):
    twice = spectrum.scaled(2.0)
    assert float(coupling_constant(twice)) == pytest.approx(
        2 * float(coupling_constant(spectrum)), rel=1e-14
    )
    assert float(spectral_area(twice)) == pytest.approx(2 * float(spectral_area(spectrum)))
    assert float(log_frequency(twice)) == pytest.approx(float(log_frequency(spectrum)), rel=1e-13)
    slope = jax.grad(lambda f: coupling_constant(spectrum.scaled(f)))(0.7)
    assert float(slope) == pytest.approx(float(coupling_constant(spectrum)), rel=1e-13)


@each_kind
def test_a_change_of_unit_changes_frequencies_and_nothing_else(spectrum):
    # α²F is dimensionless, so frequencies alone carry the unit.
    frequencies = {"omega", "width", "cutoff"}
    changed = type(spectrum)(
        **{
            f.name: getattr(spectrum, f.name) * (0.37 if f.name in frequencies else 1)
            for f in dataclasses.fields(spectrum)
            if f.name not in ("provenance", "panels")
        }
    )
    assert float(coupling_constant(changed)) == pytest.approx(float(coupling_constant(spectrum)))
    ratio = float(log_frequency(changed)) / float(log_frequency(spectrum))
    assert ratio == pytest.approx(0.37, rel=1e-12)


def test_vmap_over_spectra():
    stack = jax.vmap(EinsteinModes)(jnp.ones((4, 3)), jnp.arange(12.0).reshape(4, 3))
    assert np.allclose(jax.vmap(coupling_constant)(stack), [3, 12, 21, 30])


def test_cumulative_coupling():
    s = KINDS["modes"]
    at = jnp.array([1.0, 3.0, 4.0, 5.0, 9.0])
    assert np.allclose(cumulative_coupling(s, at), [0, 0.25, 0.5, 0.625, 0.85], atol=1e-15)
    smooth = DebyeSpectrum(10.0, 0.5, order=1000)
    at = jnp.array([2.0, 5.0, 8.0])
    assert np.allclose(cumulative_coupling(smooth, at), 0.5 * (at / 10) ** 2, atol=2e-3)


def test_maximum_frequency_ignores_printed_zeros():
    assert float(maximum_frequency(EinsteinModes([3.0, 5.0, 9.0], [0.5, 0.2, 0.0]))) == 5.0
    table = TabulatedSpectrum([1.0, 2.0, 3.0, 4.0], [0.1, 0.5, 0.2, 0.0])
    assert float(maximum_frequency(table)) == 3.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: EinsteinModes([1.0, 2.0], [0.5]),
        lambda: EinsteinModes(np.ones((2, 2)), np.ones((2, 2))),
        lambda: GaussianPeaks([50.0], [5.0, 1.0], [1.0]),
        lambda: TabulatedSpectrum([1.0, 2.0, 3.0], [1.0, 2.0]),
    ],
)
def test_arrays_of_different_lengths_are_refused(make):
    with pytest.raises(ValueError, match="vectors of one length, got"):
        make()


def test_a_table_of_one_row_is_refused():
    with pytest.raises(ValueError, match="at least two rows"):
        TabulatedSpectrum([1.0], [1.0])


def test_examples():
    assert float(coupling_constant(jaxelph.example("table1"))) == pytest.approx(1.0, rel=1e-14)
    for name in jaxelph.EXAMPLES:
        assert float(coupling_constant(jaxelph.example(name))) > 0.9
    with pytest.raises(ValueError, match="'led' is not known; use one of table1, lead, niobium"):
        jaxelph.example("led")
