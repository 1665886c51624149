"""Files that appear whole or not at all, and what results are written as."""

import contextlib
import errno
import io
import json
import math
import os
import re
import select
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .interruption import unfinished, whole

# Bytes that a file's name has room for, almost everywhere.
_LONGEST = 255


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """`folder` as a path, once it is known that files can be put there; nothing is created.

    Long work is not to be lost for want of a place to write to, so this comes first.

    Raises:
        OSError: the folder is a file, or cannot be written or created; one sentence.

    Example:
        >>> import tempfile
        >>> check_folder(tempfile.gettempdir()).is_dir()
        True
    """
    folder = Path(folder).expanduser()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(f"{folder}: {there} is a file, not a folder; give another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder}: {there} cannot be written to; give another folder.")
    return folder


def write_all(
    folder: str | os.PathLike[str], writers: Mapping[str, Callable[[Path], object]]
) -> dict[str, Path]:
    """Write several files into a folder, which is created: all of them, or none.

    Each writer is called with a temporary path in that folder that ends like the file's name.
    Only when all have succeeded are the files moved to their names, in place of older ones.

    Args:
        folder: where the files go.
        writers: file name → a function that writes the file to the path it is given.

    Returns:
        file name → its path.

    Raises:
        OSError: one sentence; no file was changed.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = write_all(folder, {"a.txt": lambda path: path.write_text("1")})
        ...     print(paths["a.txt"].read_text(), len(os.listdir(folder)))
        1 1
    """
    folder = check_folder(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    # Short names: those of the files may be as long as a name can be.
    temporary = {
        name: folder / f".{os.getpid()}-{k}{Path(name).suffix[-8:]}"
        for k, name in enumerate(writers)
    }
    try:
        with unfinished((*reversed(missing), *temporary.values())):
            folder.mkdir(parents=True, exist_ok=True)
            for name, write in writers.items():
                write(temporary[name])
            with whole():
                for name in writers:
                    _check_place(folder / name)
                for name, path in temporary.items():
                    os.replace(path, folder / name)
    except BaseException as error:
        for path in temporary.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        for path in missing:  # innermost first; one that someone else uses by now stays
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise OSError(f"{folder}: cannot be written ({error.strerror or error}).") from error
        raise
    return {name: folder / name for name in writers}


def check_file(path: str | os.PathLike[str]) -> Path:
    """`path` as one, once it is known that a file can be put there; nothing is created.

    Raises:
        OSError: its folder cannot be used (see `check_folder`), the name is too long, or it is
            a folder's; one sentence.

    Example:
        >>> check_file("/")
        Traceback (most recent call last):
        IsADirectoryError: /: this is a folder; give the name of a file.
    """
    path = Path(path).expanduser()
    if len(os.fsencode(path.name)) > _LONGEST:
        raise OSError(f"{path}: the name is too long; {_LONGEST} bytes are the limit.")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: this is a folder; give the name of a file.")
    check_folder(path.parent)
    return path


def _check_place(path: Path) -> None:
    """Before the first of several files is moved: none of them is a folder's name."""
    if path.is_dir():
        raise IsADirectoryError(f"{path.name} is a folder")


def file_name(stem: str, ending: str) -> str:
    """`stem` with an ending, cut where it would be too long for a file system.

    Example:
        >>> file_name("metal.dat", ".png"), len(file_name("x" * 254, ".png"))
        ('metal.dat.png', 255)
    """
    room = _LONGEST - len(os.fsencode(ending))
    cut = os.fsencode(stem)[:room]
    if len(cut) < len(os.fsencode(stem)):  # not within a character
        while cut and cut[-1] & 0xC0 == 0x80:
            cut = cut[:-1]
        cut = cut[:-1] if cut and cut[-1] >= 0xC0 else cut
    return os.fsdecode(cut) + ending


def as_text(name: str | os.PathLike[str]) -> str:
    r"""A file's name, or a sentence with one in it, as text that any file and terminal can hold.

    A byte that is not UTF-8 (which Python keeps as a surrogate) is written as \xff is.

    Example:
        >>> print(as_text(os.fsdecode(b"niobium\xff.dat")))
        niobium\xff.dat
    """

    def told(found):
        code = ord(found[0])
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return re.sub("[\ud800-\udfff]", told, os.fspath(name))


def read_bytes(path: str | os.PathLike[str], patience: float = 10.0) -> bytes:
    """What a file holds; of a pipe with a name, what is written to it.

    Opening a pipe waits for a program that writes to it, for ever if there is none.

    Args:
        path: of the file.
        patience: how long to wait for such a program, in s.

    Raises:
        OSError: there is no such file, it cannot be read, or nobody writes to the pipe.

    Example:
        >>> read_bytes(os.devnull)
        b''
    """
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        return Path(path).read_bytes()
    parts: list[bytes] = []
    limit = time.monotonic() + patience
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            try:
                part = os.read(pipe, 2**16)
            except BlockingIOError:  # somebody writes, and takes time
                select.select([pipe], [], [])
                continue
            if part:
                parts.append(part)
            elif parts:
                return b"".join(parts)
            elif time.monotonic() > limit:
                told = "it is a pipe to which no program writes"
                raise OSError(errno.ENODATA, told, os.fspath(path))
            else:
                time.sleep(0.01)
    finally:
        os.close(pipe)


def plain(value: Any) -> Any:
    """Nested numbers as JSON knows them: NumPy's become Python's, infinity and NaN None.

    Example:
        >>> plain({"a": np.array([1.5, np.inf]), "b": np.int64(2)})
        {'a': [1.5, None], 'b': 2}
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """`plain` values as valid JSON, null where a number is infinite or not defined.

    Example:
        >>> print(json_text({"λ": float("nan")}, indent=None))
        {"λ": null}
    """
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def write_netcdf(dataset: Any, path: Path) -> None:
    """An `xarray.Dataset` as NetCDF, put together in memory; its attributes are written `as_text`.

    HDF5 itself does not survive a full disk: the program would crash when it ends.
    """
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    texts = {key: as_text(item) for key, item in dataset.attrs.items() if isinstance(item, str)}
    dataset = dataset.assign_attrs(texts)
    image = io.BytesIO()
    with h5netcdf.File(image, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file))
    path.write_bytes(image.getbuffer())


def read_netcdf(path: str | os.PathLike[str]) -> Any:
    """The `xarray.Dataset` that `write_netcdf` wrote, in memory.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is not NetCDF.
    """
    import xarray as xr

    image = read_bytes(path)
    try:
        return xr.load_dataset(io.BytesIO(image), engine="h5netcdf")
    except Exception:  # what decoders make of junk
        raise ValueError(f"{path}: not a NetCDF file (.nc) as jaxelph writes them.") from None


# Without a date the same result gives the same file.
_SAVED: dict[str, dict[str, Any]] = {
    ".png": {"dpi": 200},
    ".pdf": {"metadata": {"CreationDate": None}},
    ".svg": {"metadata": {"Date": None}},
}


def write_figure(figure: Any, path: Path) -> None:
    """A `matplotlib.figure.Figure` in the format that the name's ending says.

    Its panels stay where `finishing.finish` has laid them out.
    """
    engine = figure.get_layout_engine()
    figure.set_layout_engine("none")
    try:
        figure.savefig(path, **_SAVED.get(path.suffix.lower(), {}))
    finally:
        figure.set_layout_engine(engine)


def result_writers(
    name: str, figure: Any, dataset: Any, text: str | None = None
) -> dict[str, Callable[[Path], object]]:
    """What `write_all` takes for one result: NAME.png, .pdf, .nc, and .json if there is a text.

    Args:
        name: of the files, without an ending.
        figure: a `matplotlib.figure.Figure` that `finishing.finish` has laid out.
        dataset: an `xarray.Dataset`, written as NetCDF.
        text: JSON.
    """
    writers: dict[str, Callable[[Path], object]] = {
        f"{name}.png": lambda path: write_figure(figure, path),
        f"{name}.pdf": lambda path: write_figure(figure, path),
        f"{name}.nc": lambda path: write_netcdf(dataset, path),
    }
    if text is not None:
        writers[f"{name}.json"] = lambda path: path.write_text(text + "\n", encoding="utf-8")
    return writers
