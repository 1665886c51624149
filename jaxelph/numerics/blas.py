"""BLAS on one thread while small matrices are at work, in however many threads of Python's."""

import contextlib
import functools
import sys
import threading
from collections.abc import Iterator
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_before: list[tuple[Any, int]] = []  # the libraries with their numbers of threads


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within this context BLAS has one thread; after the last one it has as many as before.

    The number is the process's, so contexts that overlap share it: if each restored what it had
    found, the last would leave the one thread that another had set.

    Example:
        >>> from threadpoolctl import threadpool_info
        >>> with one_blas_thread(), one_blas_thread():
        ...     {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
        {1}
    """
    global _inside
    with _lock:
        if _inside == 0:
            modules = sum(name.startswith("scipy.") for name in list(sys.modules))
            libraries = _libraries(modules)
            _before[:] = [(library, library.num_threads) for library in libraries]
            for library, _ in _before:
                _set(library, 1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, number in _before:
                    _set(library, number)


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> list[Any]:
    """Those that are loaded; sought again when modules of SciPy, which has one of its own, have
    been imported since.

    The search goes through all mappings of memory, of which every compiled function has some.
    """
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _set(library: Any, number: int) -> None:
    # threadpoolctl 3.8 lets only the thread that was first change the number, as long as it
    # lives; here the last to leave restores it, which need not be that one.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)
