"""`read_a2f`: find out which code wrote a file, and read α²F(ω) from it."""

import dataclasses
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import SupportsIndex

from ...presentation.files import read_bytes
from ..table import TabulatedSpectrum
from . import abinit, abinit_netcdf, columns, elk, epw, quantum_espresso, vasp
from ._binary import arrays, is_binary
from ._errors import SpectrumFileError, SpectrumWarning
from ._table import Table, finish
from ._text import Text
from .lookalikes import refuse_lookalikes


@dataclasses.dataclass(frozen=True)
class _Layout:
    recognise: Callable[[Text], bool]
    read: Callable[[Text], Table]


@dataclasses.dataclass(frozen=True)
class _BinaryLayout:
    recognise: Callable[[set[str]], bool]  # from the names of its arrays
    read: Callable[[Path], Table]


# Tried in this order; the names are those of `format=`.
_TEXT = {
    "qe-matdyn": _Layout(quantum_espresso.is_matdyn, quantum_espresso.read_matdyn),
    "qe-lambda": _Layout(quantum_espresso.is_lambda, quantum_espresso.read_lambda),
    "qe-alpha2f": _Layout(quantum_espresso.is_alpha2f, quantum_espresso.read_alpha2f),
    "epw": _Layout(epw.is_epw, epw.read_epw),
    "abinit-anaddb": _Layout(abinit.is_anaddb, abinit.read_anaddb),
    "abinit-transport": _Layout(abinit.is_anaddb_transport, abinit.read_anaddb_transport),
    "abinit-qgrid": _Layout(abinit.is_qgrid, abinit.read_qgrid),
    "abinit-eph": _Layout(abinit.is_eph, abinit.read_eph),
    "gitgreg": _Layout(columns.is_gitgreg, columns.read_gitgreg),
    "elk": _Layout(elk.is_elk, elk.read_elk),
    "columns": _Layout(lambda text: True, columns.read_columns),
}
_BINARY = {
    "abinit-nc": _BinaryLayout(abinit_netcdf.is_netcdf, abinit_netcdf.read_netcdf),
    "vasp": _BinaryLayout(vasp.is_vasp, vasp.read_vasp),
}

#: The layouts that `read_a2f` knows, by the name that `format=` takes.
FORMATS: tuple[str, ...] = (*_TEXT, *_BINARY)


def read_a2f(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    unit: str | None = None,
    column: SupportsIndex | None = None,
    convention: str | None = None,
) -> TabulatedSpectrum:
    r"""Read an Eliashberg function from a file, in meV.

    The layout is found from the file itself, and λ is summed by the rule of the code that
    wrote it and compared with what the file states. Rows with ω ≤ 0 are dropped.

    Args:
        path: a file of Quantum ESPRESSO (matdyn.x, lambda.x, alpha2f.x), EPW, ABINIT, Elk
            or VASP, or columns ω, α²F.
        format: one of `FORMATS`, where the file should not be left to speak for itself;
            `"qe"` and `"abinit"` stand for any layout of that family.
        unit: of the frequencies (meV, eV, Ha, Ry, K, THz, rad/ps, cm-1), needed for columns
            without a header; where the layout has its own unit this one is taken instead,
            with a warning.
        column: which α²F column, counted from 1: a smearing, a mode, a spin or a
            temperature. By default the total where there are parts; of smearings the first
            where λ differs by no more than 10 %, else the one at which λ changes least from
            column to column, or the middle one, with a warning.
        convention: of ABINIT's EPH files, in which λ = ∫α²F/ω: `"abinit"` halves the values,
            so that λ is ABINIT's; `"textbook"` takes them as they stand, which doubles λ.
            Halved by default, with a warning.

    Returns:
        The spectrum, λ = 2∫α²F/ω dω. Its `provenance` holds the layout, unit, column,
        smearings, λ and ω_log as summed and as stated, and sentences for people.

    Raises:
        SpectrumFileError: a `ValueError` in one sentence, with file, line and way out.

    Transport functions α²_tr F (EPW's a2f_tr.NN, anaddb's _A2F_TR, a2ftr_* of ABINIT's netCDF)
    are spectra like any other, and say so in `provenance.quantity` and in a warning.

    Warns:
        SpectrumWarning: the file was read, but disagrees with itself or leaves a choice
            that was made here. The sentences are in `provenance.warnings`, too.

    Example:
        >>> import tempfile
        >>> from jaxelph import coupling_constant
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "arch.txt"
        ...     rows = [f"{w / 10} {0.3 * (w / 100) * (1 - w / 100)}" for w in range(1, 101)]
        ...     n = file.write_text("# w [meV]  a2F\n" + "\n".join(rows))
        ...     spectrum = read_a2f(file)
        >>> print(f"{coupling_constant(spectrum):.4f}", spectrum.provenance.unit)
        0.2940 meV
    """
    path, layout, table = _parsed(path, format)
    spectrum = finish(str(path), layout, table, column=column, unit=unit, convention=convention)
    assert spectrum.provenance is not None
    for sentence in spectrum.provenance.warnings:
        warnings.warn(f"{path}: {sentence}", SpectrumWarning, stacklevel=2)
    return spectrum


def read_all_columns(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    unit: str | None = None,
    convention: str | None = None,
) -> tuple[TabulatedSpectrum, list[TabulatedSpectrum | SpectrumFileError]]:
    """What `read_a2f` reads without a column, and every column, or why it cannot be read.

    Args:
        path, format, unit, convention: see `read_a2f`.

    Raises:
        SpectrumFileError: no column can be read.

    Warns:
        SpectrumWarning: as `read_a2f` does for the column that it takes by itself.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "a2f.txt"
        ...     n = file.write_text("# w[meV] a2F a2F\\n1 0 0\\n2 .4 .42\\n3 .2 nan\\n4 0 0\\n")
        ...     default, columns = read_all_columns(file)
        >>> print(default.provenance.column, [type(c).__name__ for c in columns])
        1 ['TabulatedSpectrum', 'SpectrumFileError']
    """
    path, layout, table = _parsed(path, format)

    def column(which: int | None) -> TabulatedSpectrum:
        return finish(str(path), layout, table, column=which, unit=unit, convention=convention)

    found: list[TabulatedSpectrum | SpectrumFileError] = []
    for which in range(1, len(table.a2f) + 1):
        try:
            found.append(column(which))
        except SpectrumFileError as error:
            found.append(error)
    if all(isinstance(item, SpectrumFileError) for item in found):
        raise found[0]  # pyright: ignore[reportGeneralTypeIssues]
    try:
        default = column(None)
    except SpectrumFileError:
        default = next(item for item in found if isinstance(item, TabulatedSpectrum))
    assert default.provenance is not None
    for sentence in default.provenance.warnings:
        warnings.warn(f"{path}: {sentence}", SpectrumWarning, stacklevel=2)
    return default, found


def _parsed(path: str | os.PathLike[str], format: str | None) -> tuple[Path, str, Table]:
    path = Path(path).expanduser()
    if format is not None and format not in (*FORMATS, "qe", "abinit"):
        raise SpectrumFileError(
            f"{path}: format={format!r} is not known; use one of {', '.join(FORMATS)}."
        )
    data = _bytes(path)
    layout, table = (_binary if is_binary(data) else _text)(path, data, format)
    return path, layout, table


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SpectrumFileError(f"{path}: this is a folder; give a file in it.")
        data = read_bytes(path)
    except FileNotFoundError:
        raise SpectrumFileError(f"{path}: no such file; check the name and folder.") from None
    except OSError as error:
        raise SpectrumFileError(f"{path}: cannot be opened ({error.strerror}).") from None
    except ValueError as error:  # a NUL in the name; the folder's own error passes through
        if isinstance(error, SpectrumFileError):
            raise
        raise SpectrumFileError(f"{path!r}: this is no file name ({error}).") from None
    if data[:2] == b"\x1f\x8b":
        raise SpectrumFileError(f"{path}: the file is compressed; unpack it with gunzip first.")
    if not data.strip():
        raise SpectrumFileError(f"{path}: the file is empty; run the code that writes it again.")
    return data


def _text(path: Path, data: bytes, format: str | None) -> tuple[str, Table]:
    text = Text.decode(path, data)
    if format in _BINARY:
        raise text.error(f"this is text, which format={format!r} is not; leave format= out.")
    if format in _TEXT:
        return format, _TEXT[format].read(text)
    refuse_lookalikes(text)
    for name, layout in _TEXT.items():
        if (format is None or name.startswith(f"{format}-")) and layout.recognise(text):
            return name, layout.read(text)
    raise text.error(f"no layout of the family {format!r} is like this; leave format= out.")


def _binary(path: Path, data: bytes, format: str | None) -> tuple[str, Table]:
    del data
    if path.is_fifo():
        raise SpectrumFileError(
            f"{path}: a binary file is read in several places, which a pipe does not allow; "
            "give the file itself."
        )
    if format in _TEXT:
        raise SpectrumFileError(
            f"{path}: this is a binary file, which format={format!r} is not; leave format= out."
        )
    if format in _BINARY:
        return format, _BINARY[format].read(path)
    names = set(arrays(path, None))
    for name, layout in _BINARY.items():
        if (format is None or name.startswith(f"{format}-")) and layout.recognise(names):
            return name, layout.read(path)
    raise SpectrumFileError(
        f"{path}: a binary file without α²F in it; give ABINIT's *_A2F.nc or a vaspout.h5 with "
        "phonon self-energies."
    )
