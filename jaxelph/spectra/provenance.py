"""Where a spectrum came from and what its file says of itself."""

import dataclasses

#: What a person is told who reads the spectrum of currents, which has its own coupling.
TRANSPORT = (
    "This is the transport function α²_trF(ω), whose λ is λ_tr: that of resistivity and optics; "
    "superconductivity and the kinetic equation are about α²F."
)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a spectrum came from and what its file says of itself.

    It is no part of the spectrum as a pytree, see `TabulatedSpectrum`.

    Args:
        path: of the file.
        format: the layout, "qe-matdyn" or "epw", say.
        code: the program that wrote the file, for people.
        unit: of the file's frequencies, a key of `units.MEV_PER_UNIT`.
        column: which α²F column was taken, counted from 1.
        columns: how many the file has.
        smearings: one for each column (or file), as far as stated.
        smearing_kind: "electron, Ry" or "phonon, meV", say.
        convention: how λ follows from the file's own values.
        coupling (scalar): λ by the rule of the code that wrote it, see `coupling_constant`.
        stated_coupling (scalar): λ as the file states it.
        log_frequency (scalar, meV): ω_log likewise.
        stated_log_frequency (scalar, meV): as the file states it.
        dropped_rows: how many rows have ω ≤ 0.
        negative_weight (scalar): share of λ in negative α²F, |∫ min(α²F,0)/ω| / ∫ |α²F|/ω.
        warnings: what `read_a2f` warned of, a sentence each.
        notes: whatever else a person should know, a sentence each.
        label: what this column is, a smearing or a mode; empty for the only one.
        coupling_range (pair of scalars): least and largest λ over the columns.
        quantity: "α²F", or "α²_trF" of transport.

    Example:
        >>> where = Provenance("pb.a2f", "epw", "EPW", "meV", 2, columns=10, coupling=1.2)
        >>> print(where.code, where.column, where.convention)
        EPW 2 2∫α²F/ω
    """

    path: str
    format: str
    code: str
    unit: str
    column: int
    columns: int = 1
    smearings: tuple[float, ...] = ()
    smearing_kind: str = ""
    convention: str = "2∫α²F/ω"
    coupling: float | None = None
    stated_coupling: float | None = None
    log_frequency: float | None = None
    stated_log_frequency: float | None = None
    dropped_rows: int = 0
    negative_weight: float = 0.0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    label: str = ""
    coupling_range: tuple[float, float] | None = None
    quantity: str = "α²F"
