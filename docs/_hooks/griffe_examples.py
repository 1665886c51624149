"""What docstrings need to be read as Markdown.

The package writes "Example:" or "??? example" for what griffe's parser knows as "Examples:", and
|ω| in tables, whose cells a bar ends.
"""

import re
from typing import Any

from griffe import Extension, Object

_HEADING = re.compile(r"\n(?:Example:\n|\?\?\? example\n\n)")

_TABLE_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)


def _escaped(row: re.Match[str]) -> str:
    return re.sub(r"\|(\w)\|", r"\\|\1\\|", row.group())


class Examples(Extension):
    """Makes code of the examples in docstrings, and mends their tables."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = _HEADING.sub("\nExamples:\n", obj.docstring.value)
            obj.docstring.value = _TABLE_ROW.sub(_escaped, text)
