"""The energy grid: dense and FFT forms of its quadrature, the accuracy of `suggest`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph import (
    DebyeSpectrum,
    EinsteinModes,
    EnergyGrid,
    GaussianPeaks,
    TabulatedSpectrum,
    example,
    specific_heat_ratio,
    stability_pencil,
)
from jaxelph.grids.convolution import FoldedConvolution

SPECTRA = [EinsteinModes([50.0], [1.0]), example("table1"), example("niobium")]


@pytest.mark.parametrize("parity", [1, -1])
@pytest.mark.parametrize("size", [2, 17, 500])
def test_dense_and_fourier_forms_agree(size, parity):
    rng = np.random.default_rng(size)
    kernel = rng.normal(size=2 * size + 1)
    kernel[0] *= parity > 0  # an odd kernel vanishes at 0
    convolution = FoldedConvolution(jnp.asarray(kernel), parity)
    odd, even = (jnp.asarray(rng.normal(size=n)) for n in (size, size + 1))
    scale = np.sum(np.abs(kernel))
    for first in (0, 1):
        dense = convolution.as_matrix(first) @ odd
        assert np.allclose(dense, convolution.mv(odd, first), atol=1e-13 * scale, rtol=0)
    dense = convolution.as_even_matrix() @ even
    assert np.allclose(dense, convolution.mv_even(even), atol=1e-13 * scale, rtol=0)


# Every grid has a size of its own, for which the pencil is compiled: half of them by default.
@pytest.mark.parametrize(
    ("share", "rtol"),
    [(0.1, 1e-12), (1.0, 1e-6)]
    + [pytest.param(*case, marks=pytest.mark.slow) for case in [(0.1, 1e-6), (1.0, 1e-12)]],
)
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_suggested_grid_keeps_its_promise(spectrum, share, rtol):
    temperature = share * float(jnp.max(spectrum.modes()[0]))
    grid = EnergyGrid.suggest(spectrum, temperature, rtol)
    form = stability_pencil(spectrum, temperature, grid).energy_form()[0]
    ratio = form / (jnp.pi**2 * temperature**2 / 3)
    assert ratio == pytest.approx(float(specific_heat_ratio(spectrum, temperature)), rel=rtol)


def test_aligned():
    grid = EnergyGrid(0.7, 40).aligned(9.3)
    assert float(grid.step) <= 0.7
    assert np.min(np.abs(grid.energies - 9.3)) < 1e-12


@pytest.mark.parametrize(
    "spectrum",
    [
        SPECTRA[0],
        GaussianPeaks([20.0], [3.0], [0.5]),
        DebyeSpectrum(20.0, 0.5),
        TabulatedSpectrum([5.0, 10.0, 20.0, 30.0], [0.1, 0.5, 0.6, 0.0]),
    ],
    ids=["modes", "peaks", "Debye", "table"],
)
def test_a_grid_is_chosen_also_where_something_else_is_traced(spectrum):
    grid = EnergyGrid.suggest(spectrum, 12.5)

    def first(x):
        inside = EnergyGrid.suggest(spectrum, 12.5)
        assert inside.size == grid.size
        return x * inside.step

    assert jax.jit(first)(1.0) == jax.grad(first)(2.0) == grid.step
    for temperature in (12.5, None):
        with pytest.raises(TypeError, match="EnergyGrid.suggest sets an array size"):
            jax.jit(
                lambda x, t=temperature: EnergyGrid.suggest(
                    spectrum if t is None else spectrum.scaled(x), x if t is None else t
                )
            )(12.5)


def test_misuse():
    with pytest.raises(ValueError, match="size must be at least 2"):
        EnergyGrid(1.0, 1)
    with pytest.raises(ValueError, match="rtol must lie between"):
        EnergyGrid.suggest(SPECTRA[0], 10.0, 0.5)
    with pytest.raises(ValueError, match="temperature must be positive"):
        EnergyGrid.suggest(SPECTRA[0], 0.0)
