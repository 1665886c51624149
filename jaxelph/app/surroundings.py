"""What the program makes of the process it is started in: streams, variables, signals.

All of this is done before JAX is imported, and for the program alone: a library leaves the
process to its caller.
"""

import codecs
import os
import sys

from ..presentation import interruption

_NAMES = ("jaxelph", "jaxelph.exe")

#: What stands for a character that a stream cannot encode.
_PLAIN = {
    **dict(zip("αβγδλμνξπρτφχωΓΔΣΦ", (
        "alpha", "beta", "gamma", "delta", "lambda", "mu", "nu", "xi", "pi", "rho", "tau", "phi",
        "chi", "omega", "Gamma", "Delta", "Sigma", "Phi",
    ), strict=True)),
    **dict(zip("₀₁₂₃⁰¹²³⁴", ("0", "1", "2", "3", "^0", "^1", "^2", "^3", "^4"), strict=True)),
    "⁻": "^-", "∞": "inf", "∂": "d", "∫": "int ", "ħ": "hbar", "√": "sqrt ",
    "≤": "<=", "≥": ">=", "≈": "~", "±": "+-", "−": "-", "–": "-", "—": "-", "·": "*", "×": "x",
    "⟨": "<", "⟩": ">", "→": "->", "…": "...", "°": " deg", "’": "'", "“": '"', "”": '"', "•": "*",
}  # fmt: skip


def is_program() -> bool:
    """Whether this process is the program, by its own name, through a link, or by `python -m`."""
    called = (sys.argv or [""])[0]  # "" in an interactive Python: realpath makes a folder of it
    if called and os.path.basename(os.path.realpath(called)) in _NAMES:
        return True
    told = iter(sys.orig_argv[1:])
    for flag in told:
        if flag in ("-X", "-W"):
            next(told, None)
        elif flag == "-m":
            return next(told, "").split(".")[0] == "jaxelph"
        elif not flag.startswith("-") or flag == "-c":
            return False
    return False


def prepare() -> None:
    """Make the process ready for the program; before anything else is imported."""
    interruption.watch()
    _open_streams()
    # XLA's log takes its own tuning flags in a kept function for another processor's, and
    # says so at length. JAX itself sets 1 where nobody has chosen, which what it starts inherits.
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1") == "1":
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    # No window is ever opened, and matplotlib is not imported where it does not know the name.
    os.environ["MPLBACKEND"] = "Agg"
    # A width in which nothing can be printed is none.
    if not _is_width(os.environ.get("COLUMNS", "")):
        os.environ.pop("COLUMNS", None)


def set_jax(name: str, value: bool | float | str) -> None:
    """Set an option of JAX without importing it.

    Args:
        name: of the option, `jax_enable_x64` say.
        value: set at once if JAX has been imported. Otherwise it is left in the variable of the
            same name, which JAX reads when it is, and which this process alone and those that it
            starts see.
    """
    if "jax" in sys.modules:
        sys.modules["jax"].config.update(name, value)
    else:
        os.environ[name.upper()] = str(value)


def _is_width(text: str) -> bool:
    return text.isdecimal() and int(text) >= 20


def _open_streams() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file that is opened would take its place
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error("jaxelph", plain_characters)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")
            setattr(sys, name, stream)
        stream.reconfigure(errors="jaxelph")


def plain_characters(error: UnicodeError) -> tuple[str, int]:
    """For `codecs.register_error`: ASCII for what cannot be encoded, \\xff for a file name's bytes.

    Example:
        >>> codecs.register_error("plain", plain_characters)
        >>> "λ⟨ω²⟩ ≤ 3 meV²".encode("ascii", "plain").decode()
        'lambda<omega^2> <= 3 meV^2'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(map(_plain, error.object[error.start : error.end]))
    return text.replace("^-^", "^-"), error.end  # ⁻¹


def _plain(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return _PLAIN.get(character, "?")
