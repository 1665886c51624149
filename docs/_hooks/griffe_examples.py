"""The package writes "Example:" or "??? example" for what griffe's parser knows as "Examples:"."""

import re
from typing import Any

from griffe import Extension, Object

_HEADING = re.compile(r"\n(?:Example:\n|\?\?\? example\n\n)")


class Examples(Extension):
    """Makes code of the examples in docstrings."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _HEADING.sub("\nExamples:\n", obj.docstring.value)
