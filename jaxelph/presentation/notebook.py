"""Results as notebooks show them: one short table of HTML."""

from collections.abc import Sequence
from html import escape
from typing import Any

# Longer texts are cut: what is shown is a glance, not the report.
_LONGEST = 400


def shown(value: Any) -> str:
    """A number to five digits, anything else as text, safe in HTML.

    Example:
        >>> shown(0.123456789), shown(float("nan")), shown("<b>"), shown(None)
        ('0.12346', 'not defined', '&lt;b&gt;', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, float):
        return "not defined" if value != value else f"{value:.5g}"
    text = str(value)
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def html_table(title: str, rows: Sequence[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """A table with a title, a row for each sequence of cells; the first cell names the row.

    Args:
        title: above the table.
        rows: of cells, numbers or texts.
        head: names of the columns.

    Example:
        >>> print(html_table("Fit of <Pb>", [("λ", 1.5499)]))
        <table><caption>Fit of &lt;Pb&gt;</caption><tr><th>λ</th><td>1.5499</td></tr></table>
    """
    parts = [f"<table><caption>{shown(title)}</caption>"]
    if head:
        parts.append(f"<tr>{''.join(f'<th>{shown(name)}</th>' for name in head)}</tr>")
    for name, *cells in rows:
        told = "".join(f"<td>{shown(cell)}</td>" for cell in cells)
        parts.append(f"<tr><th>{shown(name)}</th>{told}</tr>")
    return "".join([*parts, "</table>"])
