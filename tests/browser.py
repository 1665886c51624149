"""A page in a headless Chromium: where things are on it, and the mouse."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

#: In seconds: a machine that compiles on two cores beside other tests takes its time.
PATIENCE = 600
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# The program, with Ctrl-C heard: a shell starts what runs in its background deaf to it.
_HEARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "jaxelph", "explore", *sys.argv[1:]])
"""

_WHERE = """([index, kind]) => {
  const plot = Bokeh.documents[0].get_model_by_name("main");
  const view = Bokeh.index.find_one(plot);
  const frame = view.frame.bbox, place = view.el.getBoundingClientRect();
  const data = plot.renderers.find((r) => r.name === "handles").data_source.data;
  const k = [...data.index].findIndex((i, j) => i === index && data.kind[j] === kind);
  const along = (range, value) => (value - range.start) / (range.end - range.start);
  return {
    sx: place.left + frame.left + along(plot.x_range, data.x[k]) * frame.width,
    sy: place.top + frame.top + (1 - along(plot.y_range, data.y[k])) * frame.height,
    x: data.x[k], y: data.y[k],
  };
}"""


def chromium() -> str:
    """The path of a browser; the test is skipped where there is none, or no playwright."""
    pytest.importorskip("panel", reason="needs the extra 'explore'")
    pytest.importorskip("playwright", reason="needs playwright, of the extra 'browser'")
    for path in (os.environ.get("CHROMIUM", ""), *map(shutil.which, _NAMES)):
        if path:
            return path
    pytest.skip("there is no Chromium; name one by the variable CHROMIUM")


@contextlib.contextmanager
def serving(*arguments: str):
    """The address of `jaxelph explore` with these arguments, in a process of its own."""
    top = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", _HEARD, *arguments, "--port", "0", "--no-show"],
        env=os.environ | {"PYTHONPATH": top, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://localhost:\d+/", line):
                alarm.cancel()
                yield found[0], process
                break
        else:
            pytest.fail("".join(lines))
    finally:
        alarm.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


class Page:
    """What a person sees and does; `faults` are the console's errors, `asked` all addresses."""

    def __init__(self, page):
        self.page, self.faults, self.asked = page, [], []
        page.on("console", lambda m: m.type in ("error", "warning") and self.faults.append(m.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(1000 * PATIENCE)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_selector("#tc")

    def number(self, key: str) -> str:
        return self.page.inner_text(f"#{key}")

    def note(self) -> str:
        return self.page.inner_text("#note")

    def wait(self, what: str, argument=None) -> None:
        """Until a function of JavaScript is true."""
        self.page.wait_for_function(what, arg=argument)

    def until_changed(self, key: str, before: str) -> None:
        self.page.locator(f"#{key}").filter(
            has_not_text=re.compile(f"^{re.escape(before)}$")
        ).wait_for()

    def where(self, index: int = 0, kind: str = "top") -> dict:
        return self.page.evaluate(_WHERE, [index, kind])

    def drag(self, right: float, down: float, index: int = 0, kind: str = "top", held=0.0) -> None:
        """A handle by so many pixels, in ten moves, after so many seconds in which it is held."""
        at = self.where(index, kind)
        mouse = self.page.mouse
        mouse.move(at["sx"], at["sy"])
        mouse.down()
        if held:
            self.page.wait_for_timeout(1000 * held)
        for k in range(1, 11):
            mouse.move(at["sx"] + right * k / 10, at["sy"] + down * k / 10)
        mouse.up()

    def settled(self, before: str) -> str:
        """The address once it says another state than `before`; the numbers are then drawn."""
        self.wait("before => window.location.href !== before", before)
        return self.page.url


@contextlib.contextmanager
def browsing():
    """A `Page` in a window of a laptop's size."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Page(browser.new_page(viewport={"width": 1366, "height": 700}))
        finally:
            browser.close()
