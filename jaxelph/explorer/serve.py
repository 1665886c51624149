# Panel's stub knows the server of a thread alone.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
"""The page in a browser: a server on this machine, one state for each window."""

import signal
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import panel as pn
from tornado.ioloop import IOLoop

from .numbers import Model
from .page import Explorer
from .state import State


def serve(
    model: Model,
    start: State,
    name: str,
    *,
    port: int,
    show: bool,
    ready: Callable[[str], object],
) -> None:
    """Serve the page until the process ends.

    Args:
        model, start, name: see `Explorer`.
        port: 0 for any that is free.
        show: whether to open a browser.
        ready: called with the address when the page can be asked for.

    Raises:
        OSError: the port is taken.
    """

    def page():
        shown = Explorer(model, start, name, served=True)
        query = {key: values[-1].decode() for key, values in pn.state.session_args.items()}
        pn.state.onload(lambda: shown.begin(urlencode(query)))
        return shown

    # Panel answers an interrupt by ending the loop, and with that the program as if all were well,
    # where that is quicker than what the program does of it.
    interrupted = signal.getsignal(signal.SIGINT)
    server = pn.serve(
        {"/": page},
        port=port,
        address="localhost",
        title=f"jaxelph explore {name}".strip(),
        show=False,
        start=False,
        autoreload=False,
        threaded=False,
        verbose=False,
    )
    if interrupted is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupted)
    address = f"http://localhost:{server.port}/"
    server.start()
    ready(address)
    if show:
        server.io_loop.add_callback(server.show, "/")
    # Not `server.run_until_shutdown`, which has a signal handler of its own.
    loop: IOLoop = server.io_loop
    loop.start()
