"""What every kind of data has: values, errors, and how a spectrum predicts them."""

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...spectra.spectrum import EliashbergFunction


def as_vector(x) -> np.ndarray:
    return np.atleast_1d(np.asarray(x, dtype=float))


def as_scalar(x) -> float:
    return float(x)


class Unknown(NamedTuple):
    """A positive number that is fitted along with α²F; of one name it is one for all data.

    Its logarithm has a prior of mean ln `start` and standard deviation `spread`, and correlations
    with others where `related` names them.
    """

    name: str
    start: float
    spread: float
    related: tuple[tuple[str, float], ...] = ()


def prior_of_unknowns(along: Sequence[Unknown]) -> np.ndarray:
    """Covariance of the logarithms before any data (array of shape (unknown, unknown)).

    Example:
        >>> pair = Unknown("a", 1.0, 0.2, (("b", 0.5),)), Unknown("b", 1.0, 0.1)
        >>> print(prior_of_unknowns(pair))
        [[0.04 0.01]
         [0.01 0.01]]
    """
    spread = np.array([one.spread for one in along])
    places = {one.name: place for place, one in enumerate(along)}
    found = np.eye(len(along))
    for row, one in enumerate(along):
        for name, value in one.related:
            if name != one.name and name in places:
                found[row, places[name]] = found[places[name], row] = value
    return spread[:, None] * found * spread[None, :]


def pulls_of_unknowns(along: Sequence[Unknown]) -> np.ndarray:
    """L⁻¹ with LLᵀ = `prior_of_unknowns`: what whitens the logarithms."""
    if not any(one.related for one in along):
        return np.diag([1 / one.spread for one in along]).reshape(len(along), len(along))
    return np.linalg.inv(np.linalg.cholesky(prior_of_unknowns(along)))


class SpectralData(eqx.Module):
    """Measured numbers that depend on α²F, abstract; `spectrum` is an Eliashberg function.

    Example:
        >>> from jaxelph.inverse import HeatData
        >>> from jaxelph import EinsteinModes
        >>> data: SpectralData = HeatData([0.01], [2.0], [0.01])
        >>> print(data.name, data.values, data.error)
        heat [2.] [0.01]
    """

    linear: ClassVar[bool]
    name: ClassVar[str]
    #: The field that the data are a curve over, if they are one.
    over: ClassVar[str | None] = None
    #: Whether they see α²_tr F, which their `ratio` ties to α²F where there is one.
    transport: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def values(self) -> np.ndarray:
        """The fitted numbers."""

    @property
    @abc.abstractmethod
    def error(self) -> np.ndarray:
        """Their standard deviations."""

    @abc.abstractmethod
    def predict(self, spectrum: EliashbergFunction) -> Float[Array, " datum"]:
        """The numbers that a spectrum gives; `unknown` may be passed by their names."""

    @abc.abstractmethod
    def suspicion(self, top: float) -> str | None:
        """What is odd about the numbers by orders of magnitude; `top` is ω_max."""

    @property
    def background(self) -> dict[str, np.ndarray]:
        """Columns whose amplitudes are fitted along with α²F."""
        return {}

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """Numbers that `predict` takes by name, fitted along with α²F."""
        return ()

    def dense(self, count: int = 300) -> "SpectralData | None":
        """Data like these at many points between the first and the last, to draw a curve with.

        Their values are ones; None where the data are no curve.

        Args:
            count: how many points.
        """
        if self.over is None or len(points := getattr(self, self.over)) < 2:
            return None
        low, high = np.min(points), np.max(points)
        if not low < high:
            return None
        between = np.geomspace if low > 0 and high > 20 * low else np.linspace
        names = self._columns()
        new = [between(low, high, count) if n == self.over else np.ones(count) for n in names]
        return eqx.tree_at(lambda item: [getattr(item, name) for name in names], self, new)

    def rows(self, own: np.ndarray) -> "SpectralData":
        """Some of the points of a curve.

        Args:
            own (array of shape (some,)): their places, whole numbers.
        """
        names = self._columns()
        new = [getattr(self, name)[own] for name in names]
        return eqx.tree_at(lambda item: [getattr(item, name) for name in names], self, new)

    def _columns(self) -> list[str]:
        """The fields with a value a point."""
        assert self.over is not None
        shape = getattr(self, self.over).shape
        return [
            one.name
            for one in dataclasses.fields(self)
            if isinstance(x := getattr(self, one.name), np.ndarray) and x.shape == shape
        ]

    def check(self) -> None:
        """Refuse numbers that cannot be fitted, with the row counted from 1.

        Raises:
            ValueError: a value or error is not finite, or an error is not positive.
        """
        for label, array in (("value", self.values), ("error", self.error)):
            bad = np.flatnonzero(~np.isfinite(array))
            if bad.size:
                raise ValueError(
                    f"{self.name} data: the {label} of row {bad[0] + 1} is not a finite number; "
                    "remove the row."
                )
        bad = np.flatnonzero(self.error <= 0)
        if bad.size:
            raise ValueError(
                f"{self.name} data: the error of row {bad[0] + 1} is {self.error[bad[0]]:g}; "
                "errors are standard deviations and positive."
            )


# Of so many values all terms of all quadrature nodes are held at once, and their derivatives.
_AT_ONCE = 4096


def in_blocks(
    function: Callable[[Float[Array, " some"]], Array],
    points: Float[Array, " datum"],
    each: int = 1,
) -> Array:
    """`function` of all points, each of which has a value of its own; of few at a time.

    What a prediction holds while it is computed, the numbers of data times nodes times
    derivatives, has a bound however many data there are.

    Args:
        function: of some of the points, an array with as many values.
        points (array of shape (datum,)): all of them.
        each: how many values `function` computes for each.

    Example:
        >>> x = jnp.arange(5000.0)
        >>> bool(jnp.all(in_blocks(jnp.sin, x) == jnp.sin(x)))
        True
    """
    count, some = points.shape[0], max(1, _AT_ONCE // each)
    if count <= some:
        return function(points)
    rows = jnp.pad(points, (0, -count % some), mode="edge").reshape(-1, some)
    found = jax.lax.map(function, rows)
    return found.reshape(-1, *found.shape[2:])[:count]


def check_lengths(name: str, **arrays) -> None:
    if len({np.shape(array) for array in arrays.values()}) > 1:
        told = ", ".join(f"{key} {np.shape(array)}" for key, array in arrays.items())
        raise ValueError(f"{name} data: its arrays must be vectors of one length, got {told}.")
    for key, array in arrays.items():
        if not np.all(np.isfinite(array)):
            row = int(np.flatnonzero(~np.isfinite(array))[0]) + 1
            raise ValueError(f"{name} data: {key} of row {row} is not a finite number; remove it.")


def check_positive(name: str, **arrays) -> None:
    for key, array in arrays.items():
        if not np.all(np.isfinite(array)) or not np.all(np.asarray(array) > 0):
            raise ValueError(f"{name} data: {key} must be positive and finite.")


def doubt_temperatures(temperature, top) -> str | None:
    """What makes temperatures doubtful beside the top of the spectrum."""
    low, high = np.min(temperature) / top, np.max(temperature) / top
    if low > 10 or high < 1e-3:
        return (
            f"the temperatures lie between {low:.2g} and {high:.2g} of the highest phonon energy, "
            "where they tell little of α²F; are they in another unit?"
        )
    return None
