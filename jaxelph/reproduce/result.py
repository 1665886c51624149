"""What a reproduction consists of: published against computed numbers, tables, a figure."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..presentation.files import json_text, plain, result_writers

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


# What coordinates and common variables are, where a reproduction says nothing else of them.
_COMMON = {
    "T0": "temperature T0",
    "Tc": "transition temperature",
    "column": "which column of the table",
    "coupling": "coupling λ",
    "criterion": "criterion of stability",
    "dimension": "dimension d of the conductor",
    "electrons": "heat capacity of the electrons",
    "end": "start or stop of a window",
    "energy": "energy from the Fermi level",
    "heat_ratio": "C_ph/|C_el|",
    "metal": "name of the metal",
    "mu_star": "μ*",
    "pencil": "second term of (18) as published, or whole",
    "phonons": "heat capacity of the phonons",
    "printed": "λ_c as printed",
    "printed_column": "which printed column",
    "q": "wave number q, in 1/energy",
    "rank": "rank of the mode",
    "route": "way of computing it",
    "shown_strength": "strengths whose modes are shown",
    "size": "number of energies",
    "spectrum": "which α²F",
    "step": "step of the grid",
    "temperature": "temperature",
    "total": "heat capacity of both",
    "unstable_energy": "energy of the unstable run",
}

# Where there is no terminal to ask, as in a file or a notebook: the widest table.
_WIDTH = 120


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One published number beside ours.

    Example:
        >>> row = Comparison("zero of Z₀⁻¹", "1.16", 1.1606)
        >>> row.agrees, f"{row.difference:.4f}"
        (True, '0.0006')
    """

    quantity: str
    published: str  # with the digits that are printed
    ours: float
    remark: str = ""

    @property
    def difference(self) -> float:
        """Ours less the published number."""
        return self.ours - float(self.published)

    @property
    def agrees(self) -> bool:
        """Whether ours rounds to the published number at its printed digits."""
        digits = len(self.published.partition(".")[2])
        return bool(abs(self.difference) <= 0.5000001 * 10.0**-digits)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of computed numbers: one format string a column."""

    title: str
    columns: tuple[str, ...]
    formats: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def text_rows(self) -> list[list[str]]:
        """The rows as they are printed: blank where there is no number."""
        return [
            [_text(cell, form) for cell, form in zip(row, self.formats, strict=True)]
            for row in self.rows
        ]


def _text(cell, form: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and math.isinf(cell):
        return "∞"
    return format(cell, form)


@dataclasses.dataclass(frozen=True, eq=False)
class Reproduction:
    """One of the paper's results, computed again."""

    name: str
    title: str
    comparisons: tuple[Comparison, ...]
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]
    dataset: "xr.Dataset"
    plot: Callable[..., "Figure"]  # of the dataset, and what to draw on

    def __post_init__(self):
        for name, variable in self.dataset.variables.items():
            variable.attrs.setdefault("long_name", _COMMON.get(str(name), str(name)))
            if variable.dtype.kind in "iuf":
                variable.attrs.setdefault("units", "1")

    def figure(self, ax: Any = None) -> "Figure":
        """The figure, drawn from the dataset alone; on `ax` if given, see `jaxelph.plot`."""
        return self.plot(self.dataset, ax)

    def to_dict(self) -> dict:
        """Plain numbers and strings; what is infinite or undefined is None."""
        told = {
            "name": self.name,
            "title": self.title,
            "comparisons": [
                {
                    "quantity": c.quantity,
                    "published": float(c.published),
                    "printed": c.published,
                    "ours": c.ours,
                    "difference": c.difference,
                    "agrees": c.agrees,
                    "remark": c.remark,
                }
                for c in self.comparisons
            ],
            "tables": [
                {
                    "title": t.title,
                    "columns": list(t.columns),
                    "rows": [list(row) for row in t.rows],
                }
                for t in self.tables
            ],
            "remarks": list(self.remarks),
        }
        return plain(told)

    def to_json(self) -> str:
        """`to_dict` as valid JSON."""
        return json_text(self.to_dict())

    def writers(self) -> dict[str, Callable[[Path], object]]:
        """What `files.write_all` takes: figure, data and numbers."""
        return result_writers(self.name, self.figure(), self.dataset, self.to_json())

    def print(self, console=None) -> None:
        """The tables and remarks as text, to a terminal, a file or a notebook."""
        from rich.table import Table as RichTable
        from rich.text import Text

        from ..presentation.terminal import print_table, results

        if console is None:
            console = results(force_jupyter=False)
            if not console.is_terminal:
                console.width = _WIDTH
        console.print(Text.assemble((self.name, "bold"), f"  {self.title}"), soft_wrap=True)
        if self.comparisons:
            table = RichTable(box=None, pad_edge=False, header_style="bold")
            table.add_column("quantity", no_wrap=True)
            for head in ("published", "ours", "difference"):
                table.add_column(head, justify="right", no_wrap=True)
            table.add_column("printed digits", no_wrap=True)
            if any(c.remark for c in self.comparisons):
                table.add_column("remark")
            for c in self.comparisons:
                digits = len(c.published.partition(".")[2])
                table.add_row(
                    c.quantity,
                    c.published,
                    f"{c.ours:.{digits + 2 if digits else 0}f}",
                    f"{c.difference:+.1e}" if c.difference else "0",
                    "agree" if c.agrees else "differ",
                    *([c.remark] if len(table.columns) > 5 else []),
                    style=None if c.agrees else "yellow",
                )
            print_table(console, table)
        for shown in self.tables:
            console.print(f"\n{shown.title}", soft_wrap=True)
            table = RichTable(box=None, pad_edge=False, header_style="bold")
            for column in shown.columns:
                table.add_column(Text(column), justify="right")
            for row in shown.text_rows():
                table.add_row(*map(Text, row))
            print_table(console, table)
        for remark in self.remarks:
            console.print(f"\n{remark}", style="dim", soft_wrap=console.is_terminal)
        console.print()
