"""BLAS has as many threads after a computation as before, however computations overlap."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from jaxelph.numerics.blas import one_blas_thread


@pytest.fixture(autouse=True)
def two_threads():
    """More than one, also where tests run with one."""
    with threadpool_limits(2, user_api="blas"):
        yield


def threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def overlap(order):
    """Threads that enter one after another and leave in this order; BLAS's threads meanwhile."""
    entered = [threading.Event() for _ in order]
    leave = [threading.Event() for _ in order]
    seen = []

    def work(k):
        with one_blas_thread():
            entered[k].set()
            assert leave[k].wait(60)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(len(order))]
    for k, worker in enumerate(workers):
        worker.start()
        assert entered[k].wait(60)
    for k in order:
        seen.append(set(threads()))
        leave[k].set()
        workers[k].join()
    return seen


@pytest.mark.parametrize("order", [(0,), (0, 1), (1, 0), (1, 2, 0), (0, 2, 1)])
def test_contexts_that_overlap_restore_what_was_there(order):
    before = threads()
    if not before or max(before) < 2:
        pytest.skip("BLAS has one thread here")
    assert overlap(order) == [{1}] * len(order)
    assert threads() == before
    with one_blas_thread():  # the main one outlives the other, and is outlived
        assert overlap(order) == [{1}] * len(order)
        assert set(threads()) == {1}
    assert threads() == before
    assert np.linalg.eigvalsh(np.eye(3)) == pytest.approx(1)
