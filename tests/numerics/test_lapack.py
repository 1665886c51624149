"""Functions that the platform chooses, in batches of any depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxelph.numerics.lapack import lowered_by_platform

_applied = lowered_by_platform(
    "applied_in_a_test",
    lambda matrix, v: (jax.ShapeDtypeStruct(v.shape, v.dtype), jax.ShapeDtypeStruct((), v.dtype)),
    lambda matrix, v: (matrix @ v, jnp.sum(v)),
)


@pytest.mark.parametrize("inner", [(None, 0), (0, None), (0, 0), (0, 1), (None, 1)])
@pytest.mark.parametrize("outer", [(None, 0), (0, None), (0, 0), (1, 2)])
def test_batches_of_what_only_some_lanes_share(inner, outer):
    generator = np.random.default_rng(0)
    matrix, v = generator.normal(size=(4, 4)), generator.normal(size=4)

    def grown(x, axes, sizes):
        for axis, size in zip(axes, sizes, strict=True):
            if axis is not None:
                axis = min(axis, x.ndim)
                x = np.stack([x * (i + 1) for i in range(size)], axis)
        return x

    axes = list(zip(inner, outer, strict=True))
    matrix, v = (grown(x, a, (3, 2)) for x, a in zip((matrix, v), axes, strict=True))
    fits = [a if a is None else min(a, x.ndim - 1) for a, x in zip(outer, (matrix, v), strict=True)]

    def plain(matrix, v):
        return matrix @ v, jnp.sum(v)

    def nested(function):
        return jax.vmap(jax.vmap(function, inner), fits)(matrix, v)

    for found, expected in zip(nested(_applied), nested(plain), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_allclose(jax.jit(lambda: nested(_applied))()[0], nested(plain)[0], rtol=1e-13)


def test_what_is_called_again_is_not_compiled_again():
    traced = []

    def twice(x):
        traced.append(x)
        return (2 * x,)

    call = lowered_by_platform(
        "twice_in_a_test", lambda x: (jax.ShapeDtypeStruct(x.shape, x.dtype),), twice
    )
    for batch in (call, jax.vmap(call)):
        traced.clear()
        for k in range(3):
            np.testing.assert_array_equal(batch(jnp.arange(k, 4.0 + k))[0], 2 * np.arange(k, 4 + k))
        assert len(traced) == 1
