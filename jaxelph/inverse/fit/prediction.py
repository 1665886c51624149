"""All data sets as one vector: what they would be of a spectrum, and what is fitted along."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...spectra.spectrum import EliashbergFunction
from ..data.spectral import SpectralData, Unknown


def unknowns(data: Sequence[SpectralData]) -> tuple[Unknown, ...]:
    """What is fitted along with α²F, each name once.

    Raises:
        ValueError: two data sets start one unknown from different numbers.
    """
    found: dict[str, Unknown] = {}
    for item in data:
        for name, start, spread, related in item.unknown:
            one = Unknown(name, float(start), float(spread), related)
            if found.setdefault(one.name, one) != one:
                raise ValueError(
                    f"{one.name} starts from {found[one.name].start:g} and from {one.start:g} in "
                    "two data sets; it is one number, give it one start and one spread."
                )
    return tuple(found.values())


def predict(
    spectrum: EliashbergFunction,
    data: Sequence[SpectralData],
    values: Mapping[str, Array] | None = None,
) -> Float[Array, " datum"]:
    """What all data sets would be, one after the other.

    Sets of one kind and shape, T_e(t) at several temperatures for example, go through one
    program in turn: compiling takes far longer than running it.

    Args:
        spectrum: an Eliashberg function.
        data: the sets.
        values: of their `unknown`, by name; by default where these start.
    """

    def one(item):
        told = {} if values is None else {u.name: values[u.name] for u in item.unknown}
        return item.predict(spectrum, **told)

    traced = [jax.tree.map(jnp.asarray, item) for item in data]
    groups: dict = {}
    for number, item in enumerate(traced):
        leaves, structure = jax.tree.flatten(item)
        groups.setdefault((structure, *(x.shape for x in leaves)), []).append(number)
    found: dict[int, Array] = {}
    for numbers in groups.values():
        if len(numbers) == 1:
            found[numbers[0]] = one(traced[numbers[0]])
            continue
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *(traced[i] for i in numbers))
        rows = jax.lax.map(one, stacked)
        found.update(zip(numbers, rows, strict=True))
    return jnp.concatenate([found[i] for i in range(len(traced))])


@eqx.filter_jit
def forecast(
    spectrum: EliashbergFunction, data: Sequence[SpectralData], values: Mapping[str, Array]
) -> Float[Array, " datum"]:
    """`predict`, compiled."""
    return predict(spectrum, data, values)


def background_columns(data: Sequence[SpectralData]) -> tuple[list[str], np.ndarray]:
    """Names and columns (array of shape (datum, background)) of all backgrounds."""
    names, columns, start = [], [], 0
    total = sum(len(item.values) for item in data)
    for number, item in enumerate(data):
        for name, column in item.background.items():
            names.append(name if len(data) == 1 else f"{name} of data set {number + 1}")
            whole = np.zeros(total)
            whole[start : start + len(column)] = column
            columns.append(whole)
        start += len(item.values)
    return names, np.array(columns).reshape(len(columns), total).T


def split(data: Sequence[SpectralData], values) -> tuple[np.ndarray, ...]:
    """A vector over all data, cut into one for each set."""
    ends = np.cumsum([len(item.values) for item in data])[:-1]
    return tuple(np.split(np.asarray(values), ends))


def propagated(jacobian, covariance) -> np.ndarray:
    """√diag(J C Jᵀ), one standard deviation of each row."""
    return np.sqrt(np.clip(np.sum((jacobian @ covariance) * jacobian, axis=1), 0, None))


def with_errors(names, values, errors) -> dict[str, tuple[float, float]]:
    """{name: (value, error)}, for as many names as there are values."""
    return {n: (float(v), float(e)) for n, v, e in zip(names, values, errors, strict=False)}
