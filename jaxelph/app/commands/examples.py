"""`jaxelph examples`: the spectra that ship with the package, and files of data."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[
        bool, typer.Option("--data", help="Write a file of each kind of data that `fit` takes.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the files, jaxelph-data by default."),
    ] = None,
) -> None:
    """List the model spectra that --example takes, or write example files of data.

    The data are made by the package from a spectrum that is known, with noise and seed as the
    first lines of each file say, and how `fit` is called.
    """
    if data:
        _write(output or Path("jaxelph-data"))
        return
    if output is not None:
        raise ValueError("--output is where --data goes; give both.")
    from rich.table import Table

    from ...presentation.terminal import print_table, results
    from ...spectra.examples import EXAMPLES, example
    from ...spectra.moments import coupling_constant, log_frequency
    from ...units import KELVIN

    table = Table("name", "λ", "ω_log (K)", "kind", box=None, pad_edge=False)
    for name in EXAMPLES:
        spectrum = example(name)
        table.add_row(
            name,
            f"{coupling_constant(spectrum):.3f}",
            f"{log_frequency(spectrum) / KELVIN:.1f}",
            type(spectrum).__name__,
        )
    print_table(results(), table)


def _write(folder: Path) -> None:
    from functools import partial

    from ...inverse.data.samples import SAMPLES, TOP, sample_text
    from ...presentation.files import check_folder, write_all
    from ...presentation.terminal import deliver, progress_bar, results

    check_folder(folder)
    with progress_bar("making data") as bar:
        texts = {}
        for done, name in enumerate(SAMPLES):
            bar(done, len(SAMPLES), f"making {name}")
            texts[name] = sample_text(name)

    def put(text, path):
        path.write_text(text, encoding="utf-8")

    def show():
        for name, sample in SAMPLES.items():
            results().print(
                f"jaxelph fit {folder / name} {sample.options} --top {TOP:g}",
                soft_wrap=True,
                markup=False,
                highlight=False,
            )

    writers = {name: partial(put, text) for name, text in texts.items()}
    deliver(show, lambda place: write_all(place, writers).values(), folder)
