"""The tables of docs/_parts: every variable of every NetCDF file, from files that were written.

`python tests/site_variables.py` writes them, or those that are named; a test compares.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import jaxelph as jx
from jaxelph.app import cli
from jaxelph.reproduce import NAMES
from jaxelph.units import kelvin_to_mev

PARTS = Path(__file__).parents[1] / "docs" / "_parts"


def _written(command: str, name: str) -> Callable[[Path], xr.Dataset]:
    """What a command writes into its folder; FOLDER in the command stands for that."""

    def read(folder: Path) -> xr.Dataset:
        assert cli.run(command.replace("FOLDER", str(folder)).split()) == 0, command
        with xr.open_dataset(folder / name) as data:
            return data.load()

    return read


def _inputs(folder: Path) -> None:
    """A file of α²F with two columns, and a measured specific heat."""
    metal, omega = jx.example("niobium"), np.linspace(0.25, 40.0, 160)
    a2f = metal.a2f(omega)
    np.savetxt(folder / "metal.dat", np.c_[omega, a2f, 1.1 * a2f], header="w[meV] a2f a2f")
    t = np.linspace(5.0, 60.0, 12)
    ratio = [float(jx.specific_heat_ratio(metal, kelvin_to_mev(x))) for x in t]
    rows = np.c_[t, ratio, np.full(12, 0.01)]
    np.savetxt(folder / "heat.csv", rows, delimiter=",", header="T_K,C_ratio,sigma", comments="")


def _real_axis(_: Path) -> xr.Dataset:
    state = jx.real_axis_state(jx.example("table1"), kelvin_to_mev(20.0), broadening=1.0)
    return state.to_xarray(energy_unit="meV")


def _reproduced(name: str) -> Callable[[Path], xr.Dataset]:
    """What `reproduce NAME` writes."""
    return _written(f"reproduce {name} --output FOLDER", f"{name}.nc")


_TABLE1 = "--example table1 --output FOLDER"
KINDS: dict[str, Callable[[Path], xr.Dataset]] = {
    "report": _written(f"report {_TABLE1} -T 150", "report.nc"),
    "columns": _written("columns FOLDER/metal.dat -T 20 --output FOLDER", "columns.nc"),
    "relax": _written(
        f"relax {_TABLE1} --phonon-temperature 146 --electron-temperature 160 --until 0.02",
        "relaxation.nc",
    ),
    "gap": _written(f"gap {_TABLE1} -T 20", "gap.nc"),
    "real-axis": _real_axis,
    "sensitivities": _written(
        f"sensitivities {_TABLE1} -T 150 --quantities tc,heat", "sensitivities.nc"
    ),
    "fit": _written("fit FOLDER/heat.csv --kind heat --top 40 --rows 30 --output FOLDER", "fit.nc"),
    "design": _written(
        "design --peaks 12:1:0.5 -T 60 --omega 8:20 --coupling 0.1:2 --criterion heat "
        "--margins 0.5 --output FOLDER",
        "design.nc",
    ),
    "map": _written(f"map {_TABLE1} --over coupling=1,2 --over temperature=150,200", "map.nc"),
    "sweep": _written("sweep FOLDER/metal.dat -T 20 --output FOLDER/table.nc", "table.nc"),
    "transport": _written(
        f"transport {_TABLE1} -T 50,100,200 --plasma 9.1 --residual 1", "transport.nc"
    ),
    "pump": _written(
        f"pump {_TABLE1} -T 150 --photon-energy 0.6 --absorbed 10 --duration 0.02 --states 0.75 "
        "--atoms 1 --until 0.1",
        "pump.nc",
    ),
    "plan": _written(
        f"plan {_TABLE1} --kind heat --between 20:200 --points 12 --target lambda", "plan.nc"
    ),
    **{f"reproduce-{name}": _reproduced(name) for name in NAMES},
}


def table(data: xr.Dataset) -> str:
    """A dataset's variables as a table, coordinates first."""
    lines = ["| variable | dimensions | unit | what it is |", "|---|---|---|---|"]
    for name in [*data.coords, *data.data_vars]:
        variable = data[name]
        kind = "coordinate" if name in data.coords else ", ".join(map(str, variable.dims))
        unit = variable.attrs.get("units", "")
        words = str(variable.attrs.get("long_name", "")).replace("|", r"\|")
        lines.append(f"| `{name}` | {kind or 'scalar'} | {unit} | {words} |")
    attributes = ", ".join(f"`{name}`" for name in data.attrs)
    return "\n".join([*lines, "", f"Attributes: {attributes or 'none'}.", ""])


def datasets(*wanted: str):
    """Kind → what was written of it, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        _inputs(Path(folder))
        for kind in wanted or KINDS:
            yield kind, KINDS[kind](Path(folder))


if __name__ == "__main__":
    for found, data in datasets(*sys.argv[1:]):
        (PARTS / f"{found}.md").write_text(table(data), encoding="utf-8")
        print(found, file=sys.stderr, flush=True)
