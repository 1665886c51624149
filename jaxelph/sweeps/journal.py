"""Finished rows of a screen, in a file beside the table, so that a killed one goes on.

Each line is JSON behind its checksum (CRC-32): first the settings of the screen, then batches of
rows, each on the disk before the next one begins. Numbers are written with all their digits.
What a kill or a full disk has left of a line does not fit its checksum and is computed again.
"""

import contextlib
import errno
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..presentation.files import check_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


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
    reading: Mapping[str, Any] = {}  # how the file was read: unit, column, …


class Hold:
    """A journal's file for one program at a time; a context.

    The lock is the system's and ends with the program, however that ends.

    Args:
        path: of the file, created if it is not there.

    Raises:
        ValueError: another program holds it.
        OSError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Hold(Path(folder) / "journal") as held:
        ...     held.path.exists()
        True
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._file = -1
        self.path = Path(path).expanduser()
        check_folder(self.path.parent)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as error:
            raise OSError(f"{self.path}: cannot be used ({error.strerror or error}).") from error

    def _open(self) -> int:
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                _lock(file)
                # One that has ended meanwhile took the file away that was opened.
                if os.path.samestat(os.fstat(file), os.stat(self.path)):
                    return file
            except FileNotFoundError:
                pass
            except BlockingIOError:
                os.close(file)
                raise ValueError(
                    f"{self.path}: another sweep with this output is at work; let it finish, or "
                    "give another output."
                ) from None
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def remove(self) -> None:
        """Take the file away: its rows are safe elsewhere."""
        if fcntl is None:  # no file is removed that is open
            self.close()
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let others have the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *raised) -> None:
        if self._file >= 0 and os.fstat(self._file).st_size == 0:  # nothing was begun
            self.remove()
        self.close()

    def __del__(self) -> None:
        self.close()


def _lock(file: int) -> None:
    """Raises BlockingIOError where another program has the lock; not every file system has any."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise BlockingIOError from None


class Journal:
    """The file, read as far as it goes; `rows` maps a path to its row.

    Args:
        path: of the file, created if it is not there; or a `Hold` of it.
        settings: all that the rows depend on beside the files; plain JSON.

    Raises:
        ValueError: the file holds something else, or the rows of other settings, or another
            program is at work on it.
        OSError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "journal"
        ...     Journal(path, {"T": 1}).add("key", True, {"a.dat": Row(Stamp(5, 7), [0.1], "")})
        ...     print(Journal(path, {"T": 1}).rows["a.dat"].values)
        [0.1]
    """

    def __init__(self, path: str | os.PathLike[str] | Hold, settings: Mapping[str, Any]):
        self.hold = path if isinstance(path, Hold) else Hold(path)
        self.path = self.hold.path
        self.rows: dict[str, Row] = {}
        self.full: set[Any] = set()  # keys of which a full batch was computed
        try:
            self._begin(json.loads(json.dumps(dict(settings))))
        except OSError as error:
            raise OSError(f"{self.path}: cannot be used ({error.strerror or error}).") from error

    def _begin(self, settings) -> None:
        content = self.path.read_bytes()
        first = _line({"settings": settings})
        if not first.startswith(content) or content == first:
            self._read(content, settings)
            return
        # New, or cut off within its first line.
        try:
            os.truncate(self.path, 0)
            self._append(first)
        except OSError:
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise

    def _read(self, content: bytes, settings) -> None:
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
        for path, (stamp, *rest) in record["rows"].items():
            self.rows[path] = Row(Stamp(*stamp), *rest)

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
