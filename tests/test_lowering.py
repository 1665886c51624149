"""Everything that the package computes can be compiled for a GPU, from a machine without one.

JAX lowers a program for CUDA anywhere. What must not come out of it: a routine of LAPACK, chosen
because the machine that traces has no GPU, or a call back to Python, for which a GPU waits and
which keeps a run from becoming one graph.
"""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jax.flatten_util import ravel_pytree
from test_transformations import ROWS

import jaxelph as jx
from jaxelph.numerics.tridiagonal import lowest_eigenvector

# Of cuSOLVER, cuBLAS and cuSPARSE, and the one kernel of JAX's own.
ALLOWED = {
    "cusolver_syevd_ffi",
    "cusolver_getrf_ffi",
    "cusolver_geqrf_ffi",
    "cusolver_orgqr_ffi",
    "cusolver_gesvdj_ffi",
    "cusolver_potrf_ffi",
    "cublas_geqrf_batched_ffi",
    "cublas_getrf_batched_ffi",
    "cu_lu_pivots_to_permutation",
}


def called(function, *arguments, platform="cuda"):
    """The custom calls of a function compiled for `platform`."""
    lowered = jax.jit(function).trace(*arguments).lower(lowering_platforms=(platform,))
    return set(re.findall(r"stablehlo\.custom_call @([\w.$]+)", lowered.as_text()))


@pytest.mark.parametrize(("function", "arguments"), ROWS.values())
def test_lowers_for_cuda(function, arguments):
    arrays, static = eqx.partition(arguments, eqx.is_array)
    point, unravel = ravel_pytree(arrays)

    def numbers(p):
        leaves = jax.tree.leaves(function(*eqx.combine(unravel(p), static)))
        parts = [(x.real, x.imag) if jnp.iscomplexobj(x) else (x,) for x in leaves]
        return jnp.concatenate([jnp.ravel(x) for part in parts for x in part])

    def batch(p):
        return jax.vmap(jax.value_and_grad(lambda q: jnp.sum(numbers(q))))(p)

    assert called(numbers, point) <= ALLOWED
    assert called(batch, jnp.stack([point] * 4)) <= ALLOWED


def test_the_platform_is_chosen_when_a_program_is_lowered():
    """A trace made where there is a CPU only takes the way of a GPU where it is lowered for one."""
    eigenvectors = jax.vmap(lowest_eigenvector)
    matrices = jnp.ones((3, 5, 5))
    assert called(eigenvectors, matrices) == {"cusolver_syevd_ffi"}
    assert called(eigenvectors, matrices, platform="cpu") == {
        "lapack_dsytrd_ffi",
        "lapack_dgtsv_ffi",
    }
    exported = jax.export.export(jax.jit(eigenvectors), platforms=["cuda"])(matrices)
    assert "lapack_" not in exported.mlir_module()


METAL = jx.EinsteinModes([0.9, 1.1], [0.5, 0.5])
TIMES = jnp.array([0.0, 1.0, 4.0])


def run(temperature):
    grid = jx.EnergyGrid(0.15, 50)
    return jx.evolve(METAL, temperature, 0.3, grid, TIMES, throw=False).temperature


@pytest.mark.slow
def test_a_batch_of_runs_lowers_for_cuda_without_calls_to_the_host():
    temperatures = jnp.linspace(0.31, 0.4, 4)
    assert called(jax.vmap(run), temperatures) <= ALLOWED
    assert called(jax.vmap(jax.grad(lambda t: run(t)[-1])), temperatures) <= ALLOWED
