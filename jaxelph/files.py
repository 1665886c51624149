"""Files that appear whole or not at all, and what results are written as."""

import contextlib
import io
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


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
    temporary: dict[str, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in writers.items():
            path = folder / f".{os.getpid()}-{name}"
            temporary[name] = path
            write(path)
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
    """An `xarray.Dataset` as NetCDF, put together in memory.

    HDF5 itself does not survive a full disk: the program would crash when it ends.
    """
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    image = io.BytesIO()
    with h5netcdf.File(image, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file))
    path.write_bytes(image.getbuffer())


def result_writers(
    name: str, figure: Any, dataset: Any, text: str | None = None
) -> dict[str, Callable[[Path], object]]:
    """What `write_all` takes for one result: NAME.png, .pdf, .nc, and .json if there is a text.

    Args:
        name: of the files, without an ending.
        figure: a `matplotlib.figure.Figure`.
        dataset: an `xarray.Dataset`, written as NetCDF.
        text: JSON.
    """
    writers: dict[str, Callable[[Path], object]] = {
        f"{name}.png": lambda path: figure.savefig(path, dpi=200),
        # Without a date the same result gives the same file.
        f"{name}.pdf": lambda path: figure.savefig(path, metadata={"CreationDate": None}),
        f"{name}.nc": lambda path: write_netcdf(dataset, path),
    }
    if text is not None:
        writers[f"{name}.json"] = lambda path: path.write_text(text + "\n", encoding="utf-8")
    return writers
