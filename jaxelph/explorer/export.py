"""The report of what is shown, and its files for the browser to keep."""

import dataclasses
import io
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import panel as pn

from ..reports.report import Report, default_temperatures, report
from ..spectra.moments import maximum_frequency
from .numbers import Model
from .state import State
from .widgets import colour

_ENDINGS = ("nc", "png", "pdf", "json")


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of a report.

    Attributes:
        label: what the report is of.
        contents: ending → bytes.
    """

    label: str
    contents: dict[str, bytes]


def report_of(model: Model, state: State, tc: float, name: str) -> Report:
    """The `jaxelph.report` of a state, at the temperatures of every report and at its own.

    Args:
        model: from states to numbers.
        state: the state.
        tc (K): T_c, 0 where it is not known.
        name: of the metal.
    """
    spectrum = model.spectrum(state)
    asked = default_temperatures(tc, float(maximum_frequency(spectrum)))
    asked = np.union1d(asked, [state.temperature])
    return report(spectrum, asked, mu_star=state.mu_star, name=name, **model.options)


def files_of(found: Report) -> Files:
    """What the report saves, read back.

    Args:
        found: the report.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = found.save(folder)
        contents = {Path(name).suffix[1:]: path.read_bytes() for name, path in paths.items()}
    return Files(found.label, contents)


def buttons(files: Files) -> list[pn.widgets.FileDownload]:
    """A button for each file, which downloads it.

    Args:
        files: of a report.
    """
    return [
        pn.widgets.FileDownload(
            callback=partial(io.BytesIO, files.contents[ending]),
            filename=f"report.{ending}",
            label=f".{ending}",
            **colour("success"),
            width=54,
        )
        for ending in _ENDINGS
    ]
