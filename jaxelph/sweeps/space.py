"""The points of a sweep: product grids, lists and samples; numbers and spectra alike."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..spectra.spectrum import EinsteinModes, EliashbergFunction
from ..spectra.table import TabulatedSpectrum


@dataclasses.dataclass(frozen=True)
class Space:
    """Points on named axes, made by `product`, `points` or `samples`.

    Each parameter is a pytree of arrays whose first axis runs along one axis of the space.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    values: Mapping[str, Any]
    axis: Mapping[str, int]
    units: Mapping[str, str]

    @property
    def count(self) -> int:
        """How many points there are; the last axis runs fastest."""
        return int(np.prod(self.shape))

    def take(self, index: np.ndarray) -> dict[str, Any]:
        """The points of these numbers: parameter → pytree, the first axis counting points."""
        where = np.unravel_index(index, self.shape)
        return {
            name: jax.tree.map(lambda leaf, i=where[self.axis[name]]: leaf[i], value)
            for name, value in self.values.items()
        }

    def coordinates(self) -> dict[str, tuple[int, np.ndarray, dict[str, str]]]:
        """Of each parameter: its axis, its numbers (a spectrum's position), its attributes."""
        found = {}
        for name, value in self.values.items():
            axis = self.axis[name]
            plain = isinstance(value, np.ndarray) and value.ndim == 1
            if not plain and self.dims[axis] != name:
                continue  # a list's own axis counts already
            numbers = value if plain else np.arange(self.shape[axis])
            attributes = {"units": self.units[name]} if name in self.units else {}
            found[name] = (axis, numbers, attributes)
        return found


def stack_spectra(spectra: Sequence[EliashbergFunction]) -> EliashbergFunction:
    """One pytree for many spectra, the first axis of every array counting them.

    Spectra of one kind and size keep their kind. Tables of unlike length repeat their last row,
    which changes no number. Where kinds are mixed, all become quadrature nodes, padded with some
    that carry no coupling; those of a table are `EliashbergFunction.coarse_modes`, unless it was
    given others by `at_temperature`, and its moments are those of the linear density.

    Args:
        spectra: of any kinds.

    Raises:
        ValueError: the list is empty.

    Example:
        >>> two = stack_spectra([EinsteinModes([3.0], [0.5]), EinsteinModes([3.0, 5.0], [1, 2])])
        >>> print(two.coupling)
        [[0.5 0. ]
         [1.  2. ]]
    """
    if not spectra:
        raise ValueError("a list of spectra must hold at least one.")
    kinds = {
        (jax.tree.structure(s), tuple(np.shape(a) for a in jax.tree.leaves(s))) for s in spectra
    }
    if len(kinds) == 1:
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(a) for a in leaves]), *spectra)
    tables = [s for s in spectra if isinstance(s, TabulatedSpectrum) and s.panels is None]
    if len(tables) == len(spectra):
        rows = max(len(s.omega) for s in tables)
        padded = [
            [np.pad(np.asarray(a), (0, rows - len(a)), mode="edge") for a in (s.omega, s.a2f)]
            for s in tables
        ]
        return jax.tree.unflatten(
            jax.tree.structure(tables[0]),
            [np.stack(leaves) for leaves in zip(*padded, strict=True)],
        )
    modes = [s.coarse_modes() if any(s is t for t in tables) else s.modes() for s in spectra]
    width = max(len(omega) for omega, _ in modes)
    omega = [np.pad(np.asarray(w), (0, width - len(w)), mode="edge") for w, _ in modes]
    coupling = [np.pad(np.asarray(c), (0, width - len(c))) for _, c in modes]
    # Built leaf by leaf, since the kind itself insists on vectors.
    like = EinsteinModes(jnp.ones(1), jnp.ones(1))
    return jax.tree.unflatten(jax.tree.structure(like), [np.stack(omega), np.stack(coupling)])


def _batched(name: str, value: Any) -> tuple[Any, int]:
    if isinstance(value, Sequence) and any(isinstance(v, EliashbergFunction) for v in value):
        value = stack_spectra(value)
    elif isinstance(value, EliashbergFunction):
        value = jax.tree.map(np.asarray, value)
    else:  # a list is a vector, a tuple is two parameters in one
        value = np.asarray(value) if isinstance(value, list) else jax.tree.map(np.asarray, value)
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(value)}
    if len(lengths) != 1 or lengths <= {(), (0,)}:
        raise ValueError(
            f"{name}: every array needs one first axis of the same length, at least 1, which "
            f"counts the points; got {sorted(lengths)}."
        )
    return value, lengths.pop()[0]


def product(*, units: Mapping[str, str] | None = None, **axes: Any) -> Space:
    """Every combination of the values of several parameters; one named axis each.

    Args:
        units: parameter → unit, for labels.
        axes: parameter → values: an array, a list of spectra, or a pytree of arrays whose
            first axis counts the values. The last one runs fastest.

    Raises:
        ValueError: no axis, or one without values.

    Example:
        >>> product(coupling=[0.5, 1.0], temperature=[10.0, 20.0, 30.0]).shape
        (2, 3)
    """
    if not axes:
        raise ValueError("a product needs at least one axis, temperature=[…] say.")
    made = {name: _batched(name, value) for name, value in axes.items()}
    return Space(
        tuple(made),
        tuple(length for _, length in made.values()),
        {name: value for name, (value, _) in made.items()},
        {name: k for k, name in enumerate(made)},
        dict(units or {}),
    )


def points(*, units: Mapping[str, str] | None = None, **columns: Any) -> Space:
    """A list of points on the axis `point`; every parameter has as many values.

    Args:
        units: parameter → unit, for labels.
        columns: parameter → values, as for `product`.

    Raises:
        ValueError: no parameter, or unlike numbers of values.

    Example:
        >>> points(coupling=[0.5, 1.0], temperature=[10.0, 20.0]).shape
        (2,)
    """
    if not columns:
        raise ValueError("a list of points needs at least one parameter, temperature=[…] say.")
    made = {name: _batched(name, value) for name, value in columns.items()}
    lengths = {name: length for name, (_, length) in made.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"points: all parameters need as many values, got {told}.")
    return Space(
        ("point",),
        (next(iter(lengths.values())),),
        {name: value for name, (value, _) in made.items()},
        dict.fromkeys(made, 0),
        dict(units or {}),
    )


def samples(
    count: int, *, seed: int = 0, units: Mapping[str, str] | None = None, **ranges: tuple
) -> Space:
    """Scrambled Sobol points that fill the box of the ranges evenly.

    Args:
        count: how many; powers of two fill the box best.
        seed: of the scrambling; the same seed gives the same points.
        units: parameter → unit, for labels.
        ranges: parameter → (low, high).

    Raises:
        ValueError: no range, one that does not ascend, or a count below 1.

    Example:
        >>> drawn = samples(4, coupling=(0.5, 1.5)).values["coupling"]
        >>> bool(np.all((drawn > 0.5) & (drawn < 1.5)))
        True
    """
    from scipy.stats import qmc  # a third of a second, a fifth of all imports

    if count < 1 or not ranges:
        raise ValueError("samples needs a count of at least 1 and one range, coupling=(0, 2) say.")
    for name, (low, high) in ranges.items():
        if not low < high:
            raise ValueError(f"{name}: the range must ascend, got ({low:g}, {high:g}).")
    sobol = qmc.Sobol(len(ranges), rng=np.random.default_rng(seed))
    unit = sobol.random_base2(int(np.ceil(np.log2(count))))[:count]
    low, high = np.array(list(ranges.values()), dtype=float).T
    drawn = low + unit * (high - low)
    return points(units=units, **{name: drawn[:, k] for k, name in enumerate(ranges)})
