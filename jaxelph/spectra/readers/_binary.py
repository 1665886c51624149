"""Named arrays from netCDF-3 and HDF5 files, with one error for whatever is wrong in them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ._errors import SpectrumFileError

HDF5 = b"\x89HDF\r\n\x1a\n"
NETCDF3 = (b"CDF\x01", b"CDF\x02")


def is_binary(data: bytes) -> bool:
    """Whether the first bytes are those of netCDF or HDF5."""
    return data[:8] == HDF5 or data[:3] == b"CDF"


def arrays(path: Path, names: Iterable[str] | None) -> dict[str, np.ndarray]:
    """The arrays `names` that the file has; with None, all names with empty arrays."""
    head = path.read_bytes()[:8]
    if head[:3] == b"CDF" and head[:4] not in NETCDF3:
        raise SpectrumFileError(
            f"{path}: this kind of netCDF (CDF-5) cannot be read; convert it with "
            "`nccopy -k classic`."
        )
    try:
        return _hdf5(path, names) if head == HDF5 else _netcdf3(path, names)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise anything from IndexError to OSError
        raise SpectrumFileError(
            f"{path}: the file is cut short or damaged ({type(error).__name__}); copy it or "
            "write it again."
        ) from error


def _netcdf3(path: Path, names: Iterable[str] | None) -> dict[str, np.ndarray]:
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        if names is None:
            return dict.fromkeys(file.variables, np.empty(0))
        return {n: np.array(file.variables[n][:], float) for n in names if n in file.variables}


def _hdf5(path: Path, names: Iterable[str] | None) -> dict[str, np.ndarray]:
    import h5py

    with h5py.File(path, "r") as file:
        if names is None:
            found: list[str] = []
            file.visit(found.append)
            return dict.fromkeys(found, np.empty(0))
        return {n: np.asarray(file[n], float) for n in names if n in file}
