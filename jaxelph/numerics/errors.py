"""What is wrong with an argument, in the words of whoever gave it."""

import string
from collections.abc import Callable


class ArgumentError(ValueError):
    """A sentence about arguments, which a person may know by other names than Python's.

    Args:
        sentence: with each argument's name in braces, and those of `values`.
        values: what else the sentence has in braces.

    Example:
        >>> error = ArgumentError("{mu_star} must be below 1, got {given:g}.", given=1.5)
        >>> print(error)
        mu_star must be below 1, got 1.5.
        >>> print(error.spelled(lambda name: "--" + name.replace("_", "-")))
        --mu-star must be below 1, got 1.5.
    """

    def __init__(self, sentence: str, **values):
        self._sentence, self._values = sentence, values
        super().__init__(self.spelled(str))

    def spelled(self, spell: Callable[[str], str]) -> str:
        """The sentence with each argument's name as `spell` has it."""
        used = {name for _, name, _, _ in string.Formatter().parse(self._sentence) if name}
        names = {name: spell(name) for name in used - self._values.keys()}
        return self._sentence.format(**names, **self._values)
