"""ABINIT's `*_A2F.nc`: ω in Ha, α²F dimensionless, λ(ω) = ∫α²F/|ω| without the 2.

Variables `a2f_mesh_S (nomega)`, `a2f_values_S` and `a2f_lambdaw_S (nsppol, 3nat+1, nomega)`,
entry 0 of the middle axis being the total, with S = `qintp` for Fourier-interpolated q
points and `qcoarse` for those computed. Transport has `a2ftr_mesh_S`, and `a2ftr_in_S` and
`a2ftr_out_S (nsppol, 3nat+1, 3, 3, nomega)`, of which α²_tr F is out - in, a third of the trace,
in the convention of α²F. netCDF-3 in the old versions, HDF5 in some new ones.
Source: abinit/abinit: src/78_eph/m_phgamma.F90 (`a2fw_write`); reader abinit/abipy:
abipy/eph/a2f.py.
"""

from pathlib import Path

import numpy as np

from ._binary import arrays
from ._errors import SpectrumFileError
from ._table import Table, spacing
from .abinit import SIMPSON_ENDS

# The interpolated one comes first: it is what ABINIT writes to `_A2FW`, too.
_SETS = (("qintp", "interpolated q"), ("qcoarse", "coarse q"))


def is_netcdf(names: set[str]) -> bool:
    """Whether a binary file holds ABINIT's α²F."""
    return any(f"{kind}_mesh_{name}" in names for name, _ in _SETS for kind in ("a2f", "a2ftr"))


def read_netcdf(path: Path) -> Table:
    """Total α²F of each set of q points, by spin where there are two."""
    wanted = [f"a2f_{kind}_{s}" for s, _ in _SETS for kind in ("mesh", "values", "lambdaw")]
    wanted += [f"a2ftr_{kind}_{s}" for s, _ in _SETS for kind in ("mesh", "in", "out")]
    found = arrays(path, wanted)
    columns, labels, coupling, notes, mesh = [], [], [], [], None
    totals: list[int] = []  # a column of each set: of one quantity, unlike the spins
    for name, words in _SETS:
        try:
            omega, values, cumulative = (
                found[f"a2f_{kind}_{name}"] for kind in ("mesh", "values", "lambdaw")
            )
        except KeyError:
            continue
        if values.ndim != 3 or values.shape != cumulative.shape or values.shape[2:] != omega.shape:
            raise SpectrumFileError(
                f"{path}: a2f_values_{name} has shape {values.shape}, which does not go with "
                f"{omega.shape} frequencies; write the file again."
            )
        if mesh is not None and not np.array_equal(mesh, omega):
            notes.append(f"The {words} set has another grid of frequencies, and is left out.")
            continue
        mesh = omega
        totals.append(len(columns))
        total = [("", values[:, 0].sum(axis=0), cumulative[:, 0, -1].sum())]
        if len(values) > 1:
            total += [
                (f", spin {spin}", values[i, 0], cumulative[i, 0, -1])
                for i, spin in enumerate(("up", "down"))
            ]
        for spin, a2f, last in total:
            columns.append(a2f)
            labels.append(words + spin)
            coupling.append(float(last))
    # Behind all others, so that α²F stays what is read where both are there.
    last = len(columns)
    for name, words in _SETS:
        try:
            omega, inward, out = (found[f"a2ftr_{kind}_{name}"] for kind in ("mesh", "in", "out"))
        except KeyError:
            continue
        if out.ndim != 5 or out.shape != inward.shape or out.shape[2:] != (3, 3, *omega.shape):
            raise SpectrumFileError(
                f"{path}: a2ftr_out_{name} has shape {out.shape}, which does not go with "
                f"{omega.shape} frequencies; write the file again."
            )
        if mesh is not None and not np.array_equal(mesh, omega):
            notes.append(f"α²_trF of the {words} set has another grid, and is left out.")
            continue
        mesh = omega
        total = (out - inward)[:, 0].sum(axis=0)
        columns.append(np.mean([total[i, i] for i in range(3)], axis=0))
        labels.append(f"transport, {words}")
        coupling.append(np.nan)  # not stated
    transport = range(last, len(columns))
    if mesh is None:
        raise SpectrumFileError(
            f"{path}: no a2f_mesh_qintp or a2f_mesh_qcoarse in it; give ABINIT's *_A2F.nc."
        )
    return Table(
        code="ABINIT EPH",
        unit="Ha",
        omega=np.asarray(mesh, float),
        a2f=np.array(columns, float),
        step=spacing(mesh),
        ends=SIMPSON_ENDS,
        both_signs=True,
        single=True,
        labels=labels,
        alternatives=totals or transport,
        transport=transport,
        smeared=False,
        coupling=coupling,
        stated_in="its a2f_lambdaw",
        notes=notes,
    )
