"""Files that lie beside α²F and are easily taken for it: each is refused by its name.

| file | its mark | source |
|---|---|---|
| electron DOS | `E (eV) dos(E)`, `EFermi[eV]` | QEF/q-e: PP/src/dos.f90, EPW |
| gap functions | `znorm(w) delta(w)` | QEF/q-e: EPW/src/io |
| phonon DOS | `Frequency[cm^-1] DOS`, `phdos`, `phonon DOS` | matdyn.x, EPW, ABINIT |
| resistivity | `Resistivity`, ohm | EPW |
| λ lists | `at degauss=`, `degauss lambda`, `coupling constant, lambda` | lambda.x, matdyn.x, Elk |
| matrices | three numbers, then integers | `a2Fq2r.*`, `a2Fmatdyn.*` (QEF/q-e: PHonon/PH) |
| `elph.inp_lambda.N` | `Gaussian Broadening`, `lambda(` | QEF/q-e: PHonon/PH/elphon.f90 |
| mode lists | `lambdas (lambda)` | GitGreg228/a2f `direct_s*.csv` |
"""

import re
from collections.abc import Callable

from ._header import mentions_a2f
from ._text import Text, is_data

_INTEGER = r"\s*\d+"
_REAL = r"\s+[-+]?\d*\.\d*(?:[EeDd][-+]?\d+)?"


def refuse_lookalikes(text: Text) -> None:
    """Raise for a file that is known not to be α²F(ω), with what to give instead."""
    for recognise, what, instead in _LOOKALIKES:
        if recognise(text):
            raise text.error(
                f"this is {what}, not α²F(ω); give {instead} instead, or pass "
                'format="columns" if it is α²F(ω) all the same.'
            )


def _says(pattern: str) -> Callable[[Text], bool]:
    """Whether any line says so."""
    return lambda text: text.search(pattern) is not None


def _heads(pattern: str) -> Callable[[Text], bool]:
    """Whether a line above the table says so, and none of these names α²F."""

    def recognise(text: Text) -> bool:
        first = next((i for i, line in enumerate(text.lines) if is_data(line)), len(text.lines))
        head = text.lines[:first]
        found = any(re.search(pattern, line, re.IGNORECASE) for line in head)
        return found and not any(mentions_a2f(line) for line in head)

    return recognise


def _named(pattern: str) -> Callable[[Text], bool]:
    return lambda text: re.search(pattern, text.path.name) is not None


def _begins(*lines: str) -> Callable[[Text], bool]:
    """Whether the first lines are like these patterns."""

    def recognise(text: Text) -> bool:
        pairs = zip(lines, text.lines, strict=False)
        return len(text.lines) >= len(lines) and all(re.fullmatch(p, t) for p, t in pairs)

    return recognise


def _either(*tests: Callable[[Text], bool]) -> Callable[[Text], bool]:
    return lambda text: any(test(text) for test in tests)


_QE_MATRICES = "a2F.dosN of matdyn.x or alpha2F.dat of lambda.x"
_LOOKALIKES: tuple[tuple[Callable[[Text], bool], str, str], ...] = (
    (
        _says(r"lambda\s*=.*\bat degauss="),
        "the standard output of lambda.x, a list of λ",
        "alpha2F.dat",
    ),
    (_says(r"# degauss\s+lambda"), "lambda.x's list of λ", "alpha2F.dat"),
    (
        _says(r"Electron-phonon coupling constant,"),
        "a list of λ",
        "a2F.dosN or ALPHA2F.OUT",
    ),
    (
        _either(_says(r"Gaussian Broadening:.*ngauss"), _named(r"elph\.inp_lambda\.\d+$")),
        "elph.inp_lambda.N, the input of lambda.x with λ of each mode at one q",
        "alpha2F.dat, which lambda.x writes,",
    ),
    (
        _either(_named(r"a2Fq2r\.\d+(\.\d+)?$"), _begins(_REAL * 3 + r"\s*", _INTEGER + r"\s*")),
        "a2Fq2r.NN, matrices for q2r.x",
        _QE_MATRICES,
    ),
    (
        _either(
            _named(r"a2Fmatdyn\.\d+$"),
            _begins(_REAL * 3 + r"\s*", _INTEGER * 3 + r"\s*", _INTEGER * 4 + r"\s*"),
        ),
        "a2Fmatdyn.NN, matrices for matdyn.x",
        _QE_MATRICES,
    ),
    (
        _says(r"\blambdas \(|not smooth\)"),
        "a list of phonon modes with λ of each, not a function",
        "a2f_s*.csv",
    ),
    (
        _heads(r"\bl?p?dos\s*\(E\)|int\s*dos|E\s*\(eV\).*dos|EFermi\s*\[eV\]"),
        "an electron density of states",
        "prefix.a2f or a2F.dosN",
    ),
    (_heads(r"znorm|delta\s*\(w\)|Δ\s*\("), "a superconducting gap function", "prefix.a2f"),
    (_named(r"^ELIASHBERG\w*\.OUT$"), "Elk's gap function", "ALPHA2F.OUT"),
    (_heads(r"w\[meV\]\s+phdos"), "EPW's phonon density of states", "prefix.a2f"),
    (_says(r"phonon DOS file"), "ABINIT's phonon density of states", "*_A2F"),
    (_says(r"ABINIT package : g2f file"), "ABINIT's g²F of single bands", "*_A2F"),
    (
        _says(r"ABINIT package : a2f_tr(?:in|out)"),
        "the in- or out-scattering part of ABINIT's transport function",
        "*_A2F_TR",
    ),
    (
        _heads(r"freq\w*\s*\[[^\]]*\]\s*,?\s*P?DOS|\bphonon\s+(?:DOS|density of)|\bphdos"),
        "a phonon density of states",
        "prefix.a2f or a2F.dosN",
    ),
    (_heads(r"resistivity|\bohm|Ω\s*\W?\s*cm"), "a resistivity", "prefix.a2f"),
    (_says(r"^\s*&plot nbnd="), "a phonon dispersion", "a2F.dosN"),
)
