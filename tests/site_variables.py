"""The tables of docs/_parts: every variable of every NetCDF file, from files that were written.

`python tests/site_variables.py` writes them; a test compares.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

import jaxelph as jx
from jaxelph.app import cli
from jaxelph.units import kelvin_to_mev

PARTS = Path(__file__).parents[1] / "docs" / "_parts"


def _file(command: str, folder: Path, name: str) -> xr.Dataset:
    assert cli.run(command.split()) == 0, command
    with xr.open_dataset(folder / name) as data:
        return data.load()


def datasets(folder: Path) -> Iterator[tuple[str, xr.Dataset]]:
    """Kind → a small dataset of that kind, most of them as their command writes it."""
    example = "--example table1"
    told = f"report {example} -T 150 --output {folder}"
    yield "report", _file(told, folder, "report.nc")
    a2f = jx.example("niobium").a2f(np.linspace(0.25, 40.0, 160))
    rows = np.c_[np.linspace(0.25, 40.0, 160), a2f, 1.1 * a2f]
    np.savetxt(folder / "metal.dat", rows, header="w[meV] a2f a2f")
    told = f"columns {folder}/metal.dat -T 20 --output {folder}"
    yield "columns", _file(told, folder, "columns.nc")
    told = f"relax {example} --phonon-temperature 146 --electron-temperature 160 --until 0.02"
    yield "relax", _file(f"{told} --output {folder}", folder, "relaxation.nc")
    yield "gap", _file(f"gap {example} -T 20 --output {folder}", folder, "gap.nc")
    state = jx.real_axis_state(jx.example("table1"), kelvin_to_mev(20.0))
    yield "real axis", state.to_xarray()
    told = f"sensitivities {example} -T 150 --quantities tc,heat --output {folder}"
    yield "sensitivities", _file(told, folder, "sensitivities.nc")
    t = np.linspace(5.0, 60.0, 12)
    ratio = [float(jx.specific_heat_ratio(jx.example("niobium"), kelvin_to_mev(x))) for x in t]
    data = np.c_[t, ratio, 0.01 * np.ones(12)]
    np.savetxt(folder / "heat.csv", data, delimiter=",", header="T_K,C_ratio,sigma", comments="")
    told = f"fit {folder}/heat.csv --kind heat --top 40 --rows 30 --output {folder}"
    yield "fit", _file(told, folder, "fit.nc")
    told = (
        "design --peaks 12:1:0.5 -T 60 --omega 8:20 --coupling 0.1:2 --criterion heat --margins 0.5"
    )
    yield "design", _file(f"{told} --output {folder}", folder, "design.nc")
    told = f"map {example} --over coupling=1,2 --over temperature=150,200 --output {folder}"
    yield "map", _file(told, folder, "map.nc")
    told = f"sweep {folder}/metal.dat -T 20 --output {folder}/table.nc"
    yield "sweep", _file(told, folder, "table.nc")


def table(data: xr.Dataset) -> str:
    """A dataset's variables as a table: coordinates first, then by their dimensions."""
    lines = ["| variable | dimensions | unit | what it is |", "|---|---|---|---|"]
    for name in [*data.coords, *data.data_vars]:
        variable = data[name]
        kind = "coordinate" if name in data.coords else ", ".join(map(str, variable.dims))
        unit = variable.attrs.get("units", "")
        words = str(variable.attrs.get("long_name", "")).replace("|", r"\|")
        lines.append(f"| `{name}` | {kind or 'scalar'} | {unit} | {words} |")
    attributes = ", ".join(f"`{name}`" for name in data.attrs)
    return "\n".join([*lines, "", f"Attributes: {attributes}.", ""])


def tables() -> Iterator[tuple[str, str]]:
    """File in docs/_parts → its text."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, data in datasets(Path(folder)):
            yield f"{kind.replace(' ', '-')}.md", table(data)


if __name__ == "__main__":
    PARTS.mkdir(exist_ok=True)
    for wanted, text in tables():
        if not sys.argv[1:] or wanted in sys.argv[1:]:
            (PARTS / wanted).write_text(text, encoding="utf-8")
            print(wanted, flush=True)
