"""How the program ends when it is told to: at once, by one path, with nothing half written.

Python runs a signal's handler in the main thread, between two steps of its own. While XLA compiles
or computes there that is much later; an exception among XLA's callbacks, or an interpreter that
is taken down below XLA's threads, is a crash. So the program's signals wake a thread of their own,
which removes what is not finished, says one line and ends the process.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

# Held while files are moved to their names, and for good once the process is ending.
_whole = threading.RLock()
_unfinished: list[Path] = []
_note = ""

# How long an end waits for files that are being moved, in seconds.
_PATIENCE = 5.0


def note(text: str) -> None:
    """What a person is to know if the program is interrupted from now on; "" for nothing."""
    global _note
    _note = text


def farewell() -> str:
    """The line that an interrupted program says.

    Example:
        >>> farewell()
        'interrupted'
    """
    return f"interrupted; {_note}" if _note else "interrupted"


@contextlib.contextmanager
def unfinished(paths: Iterable[Path]) -> Iterator[None]:
    """Within this context an interruption removes these files and folders (empty ones).

    They are named before they are made, the outer before the inner.
    """
    paths = list(paths)
    with _whole:
        _unfinished.extend(paths)
    try:
        yield
    finally:
        with _whole:
            for path in paths:
                _unfinished.remove(path)


def whole() -> threading.RLock:
    """A context that an interruption waits for, for a step that is to be done whole."""
    return _whole


def leave(code: int) -> None:
    """End the process with this exit code, however many threads are at work."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def watch() -> None:
    """From now on an interrupt ends the process with code 130, a request to end with 143.

    For the program alone, in its main thread. A signal that is ignored, as in a job that a
    shell has put in the background, stays ignored.
    """
    heard = [s for s in _SIGNALS if signal.getsignal(s) not in (signal.SIG_IGN, None)]
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in heard:
        # Not SIG_DFL, which would end the process there and then.
        signal.signal(number, lambda number, frame: None)
    # The thread keeps both ends: what nobody refers to is closed.
    threading.Thread(
        target=_wait, args=(ours, theirs, set(heard)), name="jaxelph signals", daemon=True
    ).start()


def _wait(ours: socket.socket, theirs: socket.socket, heard: set[int]) -> None:
    del theirs
    while True:
        for number in ours.recv(64):
            if number in heard:
                _end(number)


def _end(number: int) -> None:
    _whole.acquire(timeout=_PATIENCE)
    for path in reversed(_unfinished):
        with contextlib.suppress(OSError):
            if path.is_dir() and path.name.startswith("."):  # a store in the making
                shutil.rmtree(path)
            elif path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
    # Not by sys.stderr, whose lock the main thread may hold. A progress bar has hidden the cursor.
    clear = "\r\x1b[2K\x1b[?25h" if os.isatty(2) else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{clear}{farewell()}\n".encode(errors="backslashreplace"))
    os._exit(128 + number)
