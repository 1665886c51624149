"""What a result says of its spectrum beside numbers: where it came from, and what is odd."""

from pathlib import Path

import numpy as np

from ..presentation.files import as_text
from .moments import unresolved_coupling
from .provenance import TRANSPORT, Provenance
from .spectrum import EinsteinModes, EliashbergFunction
from .table import TabulatedSpectrum


def source_of(spectrum: EliashbergFunction, coupling: float) -> str:
    """One line on where any spectrum came from, of its file or of its own kind.

    Args:
        spectrum: an Eliashberg function in meV.
        coupling: λ as the result says it: the code's own sum differs a little on the same rows.

    Example:
        >>> source_of(EinsteinModes([20.0], [1.0]), 1.0)
        'Einstein mode, 20 meV'
    """
    provenance = getattr(spectrum, "provenance", None)
    if provenance is not None:
        return as_text(summarise(provenance, coupling))
    table = isinstance(spectrum, TabulatedSpectrum)
    omega = np.asarray(spectrum.omega if table else spectrum.modes()[0])
    span = f"{omega.min():.3g} to {omega.max():.3g} meV"
    if isinstance(spectrum, EinsteinModes):
        one = omega.size == 1
        return f"Einstein mode, {omega[0]:.4g} meV" if one else f"{omega.size} δ modes, {span}"
    return f"{type(spectrum).__name__}, {span}"


def warnings_of(
    spectrum: EliashbergFunction, coupling: float, *, transport: bool = False
) -> tuple[str, ...]:
    """What a person should know of a spectrum, a sentence each: of its file, and of its first row.

    With `transport` α²_tr F is what is wanted, and no sentence is needed.

    Example:
        >>> warnings_of(EinsteinModes([20.0], [1.0]), 1.0)
        ()
    """
    provenance = getattr(spectrum, "provenance", None)
    told = tuple(map(as_text, provenance.warnings if provenance else ()))
    told = tuple(sentence for sentence in told if not (transport and sentence == TRANSPORT))
    rest = unresolved_coupling(spectrum)
    if not (rest > 0.01 * coupling and isinstance(spectrum, TabulatedSpectrum)):
        return told
    return (
        *told,
        f"α²F = {rest:.3g} in the first row, at {float(spectrum.omega[0]):.3g} meV; below it α²F "
        f"is taken as 0, and if it fell to 0 as ω² instead, λ would be larger by {rest:.3g}.",
    )


def summarise(provenance: Provenance, coupling: float | None = None) -> str:
    """One line on where a spectrum came from, for a report or a figure.

    `coupling` is λ of the table, by default as the code that wrote it sums its rows.

    Example:
        >>> told = Provenance("pb.a2f", "epw", "EPW", "meV", 2, 3, stated_coupling=1.2)
        >>> summarise(told, 1.2)
        'pb.a2f (EPW, meV, column 2 of 3), λ of the table = 1.2 as stated'
    """
    p = provenance
    parts = [p.code, p.unit] if p.quantity == "α²F" else [p.code, p.quantity, p.unit]
    if p.columns > 1:
        parts.append(f"column {p.column} of {p.columns}")
    if p.column <= len(p.smearings):
        parts.append(f"smearing {p.smearings[p.column - 1]:g} ({p.smearing_kind})")
    if p.convention != "2∫α²F/ω":
        parts.append(f"λ = {p.convention}")
    line = f"{Path(p.path).name} ({', '.join(parts)})"
    coupling, stated = p.coupling if coupling is None else coupling, p.stated_coupling
    if coupling is not None:
        name = "λ" if p.quantity == "α²F" else "λ_tr"
        line += f", {name} of the table = {coupling:.6g}"
        if stated is not None:
            agrees = abs(coupling - stated) <= 5e-4 * abs(stated)
            line += " as stated" if agrees else f", {name} of the file = {stated:.6g}"
    return line
