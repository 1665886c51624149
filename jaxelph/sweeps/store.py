"""A sweep on disk: a Zarr group that is whole from the start and fills up chunk by chunk.

Every chunk of the sweep is one Zarr chunk of each variable, which Zarr writes to a temporary
file, moves to its name, and ends with a checksum (CRC-32C). The chunk of `status` is written
last, when the others are on the disk: what it calls done is done. The group can be opened
with `xarray.open_zarr` at any time; points not done yet are NaN.
"""

import dataclasses
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

STATUS = "status"
NOT_DONE = 0


class SweepWarning(UserWarning):
    """Something on disk was mended."""


@dataclasses.dataclass(frozen=True)
class Variable:
    """What one result of a point looks like."""

    shape: tuple[int, ...]
    dtype: np.dtype
    dims: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def fill(self):
        return np.nan if np.issubdtype(self.dtype, np.inexact) else self.dtype.type(0)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be stored: `function` and `points` are fingerprints of the sweep."""

    name: str
    function: str
    points: str
    count: int
    chunk: int
    variables: Mapping[str, Variable]
    coordinates: Mapping[str, Variable]
    layout: Mapping[str, Any]  # whatever else makes the labelled result out of flat points


class Store:
    """The folder of one sweep. Use `create` in one process, then `Store(...)` in all."""

    def __init__(self, path: str | os.PathLike[str], plan: Plan):
        self.path = Path(path).expanduser()
        self.chunk = _check(self.path, plan)
        self.plan = dataclasses.replace(plan, chunk=self.chunk)
        self.group = _open(self.path, "r+")
        _check_arrays(self.path, self.group, self.plan)

    def _file(self, name: str, which: int) -> Path:
        array = self.group[name]
        key = array.metadata.encode_chunk_key((which,) + (0,) * (array.ndim - 1))
        return self.path / name / key

    def finished(self, wanted: set[int]) -> set[int]:
        """Which of these chunks are done and undamaged; damaged ones are cleared, and told."""
        done, damaged = set(), []
        for which in sorted(wanted):
            if not self._file(STATUS, which).exists():
                continue
            if self._holds(which):
                done.add(which)
            else:
                damaged.append(which)
                for name in (STATUS, *self.plan.variables):
                    self._file(name, which).unlink(missing_ok=True)
        if damaged:
            warnings.warn(
                f"{self.path}: chunk {', '.join(map(str, damaged))} does not hold what was "
                "written to it and is computed again.",
                SweepWarning,
                stacklevel=3,
            )
        return done

    def _holds(self, which: int) -> bool:
        part = slice(which * self.chunk, (which + 1) * self.chunk)
        try:
            for name in self.plan.variables:
                if not self._file(name, which).exists():
                    return False
                self.group[name][part]  # the checksum is compared on reading
            return bool(np.all(self.group[STATUS][part] != NOT_DONE))
        except Exception:  # a decoder raises what it likes at bytes that are not its own
            return False

    def write(self, which: int, values: Mapping[str, np.ndarray]) -> None:
        """Put a finished chunk on the disk, status last.

        Raises:
            OSError: one sentence; the chunks finished before are as they were.
        """
        part = slice(which * self.chunk, which * self.chunk + len(values[STATUS]))
        try:
            for name in (*(name for name in values if name != STATUS), STATUS):
                self.group[name][part] = values[name]
                with open(self._file(name, which), "rb") as file:
                    os.fsync(file.fileno())
        except OSError as error:
            raise OSError(
                f"{self.path}: cannot be written ({error.strerror or error}); the chunks finished "
                "so far are kept, and the same call goes on from there."
            ) from error

    def read(self) -> dict[str, np.ndarray]:
        """All variables, flat over points."""
        return {name: np.asarray(self.group[name][...]) for name in self.plan.variables}


def create(path: str | os.PathLike[str], plan: Plan, fill: Mapping[str, np.ndarray]) -> None:
    """Make the group unless it is there: metadata, coordinates and full shapes, all or nothing.

    Args:
        path: the folder.
        plan: what it is for.
        fill: coordinate → its values.

    Raises:
        ValueError: the path holds something else, or another sweep; it is left alone.
        OSError: it cannot be written to; one sentence.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    from ..presentation.files import check_folder

    path = check_folder(path)
    if path.exists() and any(path.iterdir()):
        _check(path, plan)
        return
    temporary = path.with_name(f".jaxelph-{os.getpid()}")  # as short as the longest name allows
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        group: Any = zarr.create_group(
            temporary, zarr_format=3, attributes={"jaxelph_sweep": _told(plan)}
        )
        for name, variable in {**plan.coordinates, **plan.variables}.items():
            rows = plan.count if name in plan.coordinates else plan.chunk
            array = group.create_array(
                name,
                shape=(plan.count, *variable.shape),
                chunks=(rows, *variable.shape),
                dtype=variable.dtype,
                fill_value=variable.fill,
                dimension_names=("point", *variable.dims),
                attributes=dict(variable.attributes),
                compressors=[ZstdCodec(), Crc32cCodec()],
            )
            if name in plan.coordinates:
                array[...] = fill[name]
        os.replace(temporary, path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OSError(f"{path}: cannot be written ({error.strerror or error}).") from error


def _open(path: Path, mode: Any) -> Any:
    import zarr

    # A chunk of nothing but fill values is written all the same, to be known as done.
    with zarr.config.set({"array.write_empty_chunks": True}):
        return zarr.open_group(path, mode=mode, zarr_format=3)


def _told(plan: Plan) -> dict[str, Any]:
    told = {"name": plan.name, "function": plan.function, "points": plan.points}
    return {**told, "chunk": plan.chunk, **plan.layout}


def _check(path: Path, plan: Plan) -> int:
    """The chunk of the store, which must be of the same sweep."""
    try:
        told = dict(_open(path, "r").attrs["jaxelph_sweep"])
    except Exception:  # whatever is there, it is not ours
        raise ValueError(
            f"{path}: this is not the store of a sweep; give another path, which need not exist."
        ) from None
    for what, text in (("function", "another function"), ("points", "other points")):
        if told.get(what) != getattr(plan, what):
            raise ValueError(
                f"{path}: this store holds a sweep of {text} ({told.get('name')}); give another "
                "path, or remove it first."
            )
    chunk = told.get("chunk")
    if not isinstance(chunk, int) or chunk < 1:
        raise _damaged(path, "its size of a chunk")
    return chunk


def _check_arrays(path: Path, group: Any, plan: Plan) -> None:
    """Every array has the shape, type and chunks that it was made with: its metadata is whole."""
    for name, variable in {**plan.coordinates, **plan.variables}.items():
        rows = plan.count if name in plan.coordinates else plan.chunk
        try:
            array = group[name]
            told = (tuple(array.shape), np.dtype(array.dtype), tuple(array.chunks))
            expected = (plan.count, *variable.shape), variable.dtype, (rows, *variable.shape)
            if told != expected:
                raise ValueError("it is of another shape, type or chunk")
        except Exception:  # what a decoder makes of junk, a key that is not there
            raise _damaged(path, f"the metadata of {name!r}") from None


def _damaged(path: Path, what: str) -> ValueError:
    return ValueError(
        f"{path}: this store is damaged, {what} cannot be used; remove it and start again, or give "
        "another path."
    )
