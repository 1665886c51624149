r"""Equations become MathML while the site is built: no script, and no server, draws them later.

arithmatex marks them as \(…\) and \[…\]. One that cannot be converted stops the build. A
`\tag{18}` at the end of a displayed equation is its number in the paper's Supplement.
"""

import html
import re

import math_core
from mkdocs.structure.pages import Page

_CONVERTER = math_core.LatexToMathML(fancy_error=False)
_MARKED = re.compile(
    r'<(span|div) class="arithmatex">\\(?:\((.*?)\\\)|\[(.*?)\\\])</\1>', re.DOTALL
)
# A convolution: \kappa*f is no starred command.
_PRODUCT = re.compile(r"(\\(?!operatorname)[A-Za-z]+)\*")
_TAG = re.compile(r"\\tag\{([^}]*)\}\s*$")


def mathml(latex: str, display: bool) -> str:
    """MathML of an equation, its number apart at the right.

    Raises:
        ValueError: the equation cannot be converted.
    """
    tag = _TAG.search(latex)
    plain = _PRODUCT.sub(r"\1 *", _TAG.sub("", latex))
    try:
        body = _CONVERTER.convert_with_local_state(plain, displaystyle=display)
    except math_core.LatexError as error:
        raise ValueError(f"an equation cannot be converted: {latex!r}: {error}") from None
    if not display:
        return body
    number = f'<span class="number">({tag.group(1)})</span>' if tag else ""
    return f'<div class="equation">{body}{number}</div>'


def _replace(found: re.Match[str]) -> str:
    inline, displayed = found.group(2), found.group(3)
    if displayed is None:
        return mathml(html.unescape(inline).strip(), False)
    # arithmatex takes equations on neighbouring lines for one.
    apart = re.split(r"\$\$\s*\$\$", html.unescape(displayed))
    return "".join(mathml(latex.strip(), True) for latex in apart)


# Notebooks are no business of arithmatex; their text keeps its dollars.
_TEXT_CELL = re.compile(r'data-mime-type="text/markdown">.*?</div>', re.DOTALL)
_DOLLARS = re.compile(r"\$\$(.+?)\$\$|\$([^$]+?)\$", re.DOTALL)


def _of_notebook(cell: re.Match[str]) -> str:
    def replace(found: re.Match[str]) -> str:
        displayed, inline = found.groups()
        return mathml(html.unescape(displayed or inline).strip(), displayed is not None)

    return _DOLLARS.sub(replace, cell.group())


def on_page_content(text: str, page: Page, **_: object) -> str:
    if page.file.src_uri.endswith(".ipynb"):
        return _TEXT_CELL.sub(_of_notebook, text)
    return _MARKED.sub(_replace, text)
