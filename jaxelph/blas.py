"""BLAS on one thread while small matrices are at work, in however many threads of Python's."""

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_inside = 0
_limits: threadpool_limits | None = None


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within this context BLAS has one thread; after the last one it has as many as before.

    The limit is the process's, so contexts that overlap share it: each restoring what it had
    found, the last would leave the one thread that another had set.

    Example:
        >>> from threadpoolctl import threadpool_info
        >>> with one_blas_thread(), one_blas_thread():
        ...     {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}
        {1}
    """
    global _inside, _limits
    with _lock:
        if _inside == 0:
            _limits = threadpool_limits(1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None
