"""Everything that the package computes can be compiled for a GPU, from a machine without one.

JAX lowers a program for CUDA anywhere. What must not come out of it: a routine of LAPACK, chosen
because the machine that traces has no GPU, or a call back to Python, for which a GPU waits and
which keeps a run from becoming one graph.
"""

import os
import re
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jax.flatten_util import ravel_pytree
from test_transformations import ROWS

from jaxelph.numerics.tridiagonal import lowest_eigenvector

KERNEL = "__gpu$xla.gpu.triton"
# Of cuSOLVER, cuBLAS and cuSPARSE, one kernel of JAX's own, and those that are written in Triton.
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
    KERNEL,
}


def called(function, *arguments, platform="cuda"):
    """The custom calls of a function compiled for `platform`."""
    lowered = jax.jit(function).trace(*arguments).lower(lowering_platforms=(platform,))
    return set(re.findall(r"stablehlo\.custom_call @([\w.$]+)", lowered.as_text()))


# A run in time asks the host about its arguments, unless it is told not to when a process starts:
# see `RUN`.
IN_TIME = "photoemission, optical_rate_change, energy_flow"


@pytest.mark.parametrize(
    ("function", "arguments"), [row for name, row in ROWS.items() if name != IN_TIME]
)
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
    assert called(eigenvectors, matrices) == {KERNEL}
    assert called(eigenvectors, matrices, platform="cpu") == {
        "lapack_dsytrd_ffi",
        "lapack_dgtsv_ffi",
    }
    assert called(eigenvectors, jnp.ones((3, 200, 200))) == {"cusolver_syevd_ffi"}
    # JAX keeps no promise for its kernels from one version to the next, and wants that said.
    promise = [jax.export.DisabledSafetyCheck.custom_call(KERNEL)]
    export = jax.export.export(jax.jit(eigenvectors), platforms=["cuda"], disabled_checks=promise)
    exported = export(matrices)
    assert "lapack_" not in exported.mlir_module()


RUN = """
import jax, jax.numpy as jnp, re
import jaxelph as jx

def run(temperature):
    metal, grid = jx.EinsteinModes([0.9, 1.1], [0.5, 0.5]), jx.EnergyGrid(0.15, 50)
    times = jnp.array([0.0, 1.0, 4.0])
    return jx.evolve(metal, temperature, 0.3, grid, times, throw=False)

def seen(temperature):
    found = run(temperature)
    return jx.photoemission(found, 0.1), jx.optical_rate_change(found, 0.5), jx.energy_flow(found)

def last(temperature):
    return run(temperature).temperature[-1]

for f in (lambda t: run(t).temperature, jax.grad(last), seen):
    traced = jax.jit(jax.vmap(f)).trace(jnp.linspace(0.31, 0.4, 4))
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    print(*set(re.findall(r"stablehlo\\.custom_call @([\\w.$]+)", text)))
"""


@pytest.mark.slow
def test_runs_lower_for_cuda_without_calls_to_the_host():
    """A batch of runs and its gradients; diffrax's own checks of arguments are switched off."""
    environment = os.environ | {"EQX_ON_ERROR": "nan", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= ALLOWED
