"""VASP's `vaspout.h5` (6.5 on), group `/results/electron_phonon/phonons/self_energy_1`.

`frequency_grid (nfreq)` is angular, 2π·THz, so that ħω is 0.658 meV for each unit; `a2F` has
the axes (spin, temperature, frequency) and `temps` is in K. No published page states unit
and norm of these datasets: they are as phonopy/phelel takes them (commit 25aa398,
src/phelel/utils/eliashberg_tool.py), which a warning says.
"""

from pathlib import Path

import numpy as np

from ._binary import arrays
from ._errors import SpectrumFileError
from ._table import Table

_GROUP = "results/electron_phonon/phonons/self_energy_1"


def is_vasp(names: set[str]) -> bool:
    """Whether a binary file holds VASP's phonon self-energies."""
    return f"{_GROUP}/a2F" in names


def read_vasp(path: Path) -> Table:
    """A column for each temperature, those of the first spin before the second's."""
    found = arrays(path, [f"{_GROUP}/{name}" for name in ("frequency_grid", "a2F", "temps")])
    try:
        omega, a2f = found[f"{_GROUP}/frequency_grid"], found[f"{_GROUP}/a2F"]
    except KeyError as error:
        raise SpectrumFileError(
            f"{path}: no dataset {error} in it; run VASP's phonon self-energy "
            "(ELPH_DRIVER) to have it written."
        ) from None
    if a2f.ndim != 3 or omega.ndim != 1 or a2f.shape[2] != omega.size:
        raise SpectrumFileError(
            f"{path}: a2F has shape {a2f.shape}, which is not (spin, temperature, "
            f"{omega.size} frequencies)."
        )
    temperatures = found.get(f"{_GROUP}/temps", np.empty(0)).ravel()
    spins, count = a2f.shape[:2]
    labels = [
        (f"{temperatures[t]:g} K" if temperatures.size == count else f"temperature {t + 1}")
        + (f", spin {('up', 'down')[s]}" if spins == 2 else "")
        for s in range(spins)
        for t in range(count)
    ]
    return Table(
        code="VASP",
        unit="rad/ps",
        omega=omega,
        a2f=a2f.reshape(spins * count, omega.size),
        labels=labels,
        alternatives=range(count),
        smeared=False,
        warnings=[
            "VASP does not document unit and norm of this dataset; frequencies are taken as "
            "2π·THz and α²F as dimensionless: compare the highest frequency and λ with the "
            "calculation's own, and pass unit= if they differ."
        ],
    )
