"""What `--verbose` tells on standard error: functions when compiled, grids when chosen.

Grids tell of themselves to the logger `jaxelph`, which anybody may listen to; JAX tells of what it
compiles to its listeners.
"""

import contextlib
import logging
import time
from collections.abc import Iterator

from ..presentation.terminal import say

_COMPILED = "/jax/core/compile/backend_compile_duration"
_FOUND = "/jax/compilation_cache/cache_hits"
# Functions that take less (s) are counted only.
_WORTH_A_LINE = 0.3

LOGGER = logging.getLogger("jaxelph")


class _Lines(logging.Handler):
    """Each different record is one line."""

    def __init__(self):
        super().__init__(logging.INFO)
        self._told: set[str] = set()

    def emit(self, record):
        text = record.getMessage()
        if text not in self._told:
            self._told.add(text)
            say(text)


class _Count:
    """What was compiled while somebody asked for it."""

    def __init__(self):
        self.lines = _Lines()
        self.start = time.monotonic()
        self.functions, self.seconds, self.kept = 0, 0.0, 0

    def compiled(self, seconds: float, name: str) -> None:
        self.functions += 1
        self.seconds += seconds
        if seconds >= _WORTH_A_LINE:
            say(f"compiled {name} in {seconds:.1f} s")

    def end(self) -> None:
        LOGGER.removeHandler(self.lines)
        whole = time.monotonic() - self.start
        if not self.functions:
            return
        say(
            f"{self.functions} functions compiled in {self.seconds:.1f} s, {self.kept} of them "
            f"kept from before; {whole:.1f} s in all"
        )


_active: list[_Count] = []
_listening: list[bool] = []


def begin() -> None:
    """Tell from now on; until `ended`."""
    if _active:
        return
    count = _Count()
    _active.append(count)
    LOGGER.addHandler(count.lines)
    LOGGER.setLevel(logging.INFO)
    if _listening:  # a listener cannot be taken back
        return
    _listening.append(True)
    from jax import monitoring

    def duration(event: str, duration_secs: float, **told: str | int) -> None:
        if _active and event == _COMPILED:
            _active[0].compiled(duration_secs, str(told.get("fun_name", "a function")))

    def happened(event, **_):
        if _active and event == _FOUND:
            _active[0].kept += 1

    monitoring.register_event_duration_secs_listener(duration)
    monitoring.register_event_listener(happened)


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """On leaving, the summary of what was told within, if anything was."""
    try:
        yield
    finally:
        while _active:
            _active.pop().end()
