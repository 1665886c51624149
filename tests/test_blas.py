"""BLAS has as many threads after a computation as before, however computations overlap."""

import threading

from threadpoolctl import threadpool_info, threadpool_limits

from jaxelph.blas import one_blas_thread


def threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def test_contexts_that_overlap_restore_what_was_there():
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        entered, leave = threading.Event(), threading.Event()

        def other():
            with one_blas_thread():
                entered.set()
                leave.wait(60)

        worker = threading.Thread(target=other)
        with one_blas_thread():
            worker.start()
            entered.wait(60)
        assert set(threads()) == {1}  # the other one is at work
        leave.set()
        worker.join()
        assert threads() == before
