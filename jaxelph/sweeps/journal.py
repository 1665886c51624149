"""Finished rows of a screen, in a file beside the table, so that a killed one goes on.

Each line is JSON behind its checksum (CRC-32): first the settings of the screen, then batches of
rows, each on the disk before the next one begins. Numbers are written with all their digits.
What a kill or a full disk has left of a line does not fit its checksum and is computed again.
"""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..files import write_all


class Stamp(NamedTuple):
    """A file's size and time of change: a row counts as long as both are the same."""

    size: int
    modified: int  # ns

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "Stamp":
        """Raises OSError where there is no such file."""
        found = os.stat(path)
        return cls(found.st_size, found.st_mtime_ns)


class Row(NamedTuple):
    """What was found for one file."""

    stamp: Stamp
    values: Sequence[float]
    remark: str


class Journal:
    """The file, read as far as it goes; `rows` maps a path to its row.

    Args:
        path: of the file, created if it is not there.
        settings: all that the rows depend on beside the files; plain JSON.

    Raises:
        ValueError: the file holds something else, or the rows of other settings.
        OSError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "journal"
        ...     Journal(path, {"T": 1}).add("key", True, {"a.dat": Row(Stamp(5, 7), [0.1], "")})
        ...     print(Journal(path, {"T": 1}).rows["a.dat"].values)
        [0.1]
    """

    def __init__(self, path: str | os.PathLike[str], settings: Mapping[str, Any]):
        self.path = Path(path).expanduser()
        self.rows: dict[str, Row] = {}
        self.full: set[Any] = set()  # keys of which a full batch was computed
        if not self.path.exists():
            first = _line({"settings": dict(settings)})
            write_all(self.path.parent, {self.path.name: lambda path: path.write_bytes(first)})
            return
        try:
            self._read(dict(settings))
        except OSError as error:
            raise OSError(f"{self.path}: cannot be used ({error.strerror or error}).") from error

    def _read(self, settings) -> None:
        content = self.path.read_bytes()
        records = [_record(line) for line in content.split(b"\n")]
        told = (records[0] or {}).get("settings")
        if told is None:
            raise ValueError(
                f"{self.path}: this does not hold the rows of an unfinished screen; remove it, or "
                "give another output."
            )
        if told != settings:
            other = [key for key in settings if told.get(key) != settings[key]]
            raise ValueError(
                f"{self.path}: this holds the rows of an unfinished screen with another "
                f"{', '.join(other)}; finish that one, remove the file, or give another output."
            )
        for record in records[1:]:
            if record is not None:
                self._take(record)
        if not content.endswith(b"\n"):  # so that what comes next is not glued to it
            self._append(b"\n")

    def _take(self, record) -> None:
        if record["full"]:
            self.full.add(_key(record["key"]))
        for path, (stamp, values, remark) in record["rows"].items():
            self.rows[path] = Row(Stamp(*stamp), values, remark)

    def add(self, key: Any, full: bool, rows: Mapping[str, Row]) -> None:
        """Put a finished batch on the disk.

        Args:
            key: of the batch's kind.
            full: whether it was a full one.
            rows: path → row.

        Raises:
            OSError: one sentence; the batches before it are kept.
        """
        record = {"key": key, "full": full, "rows": rows}
        try:
            self._append(_line(record))
        except OSError as error:
            raise OSError(
                f"{self.path}: cannot be written ({error.strerror or error}); the rows finished so "
                "far are kept, and the same call goes on from there."
            ) from error

    def _append(self, content: bytes) -> None:
        with open(self.path, "ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _key(key) -> Any:
    return tuple(key) if isinstance(key, list) else key  # JSON has no tuples


def _line(record) -> bytes:
    text = json.dumps(record, ensure_ascii=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _record(line: bytes) -> dict[str, Any] | None:
    """What a line holds; None where it is not as it was written."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    return json.loads(text)
