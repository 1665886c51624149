"""`jaxelph sweep`: many α²F files into one table."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Column,
    Convention,
    Cutoff,
    Layout,
    MuStar,
    MuStarAt,
    OmegaPh,
    Quantities,
    Unit,
    check_temperature,
    tc_options,
)

# Rows of the table, and errors, that are printed; the file holds them all.
_ROWS, _TOLD = 12, 5


def command(
    files: Annotated[
        list[Path], typer.Argument(help="α²F files, or folders of nothing else, at any depth.")
    ],
    temperature: Annotated[float, typer.Option("--temperature", "-T", help="In K.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table: NAME.nc (NetCDF) or NAME.csv.")
    ],
    quantity: Quantities = "lambda,omega-log,tc,lambda_c,xi,margin",
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
) -> int:
    """Screen many α²F files into one table; a file that cannot be used is a row with its error.

    Finished rows are in OUTPUT.partial: after a kill the same command goes on. The exit code is
    2 if no file could be used.
    """
    import time

    from ...inverse.sensitivities.derivatives import quantity_names
    from ...presentation import interruption
    from ...presentation.files import check_file, write_all, write_netcdf
    from ...presentation.terminal import deliver, progress_bar, say
    from ...sweeps.devices import one_device_per_core
    from ...sweeps.journal import Hold
    from ...sweeps.screen import screen, table_text
    from ...units import KELVIN

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    names = quantity_names(quantity.split(","))
    check_temperature(temperature, "--temperature")
    if output.suffix not in (".nc", ".csv"):
        raise ValueError(f"--output {output}: the name must end in .nc or .csv.")
    journal = output.with_name(f"{output.name}.partial")
    for path in (output, journal):
        check_file(path)
    own = {output.absolute(), journal.absolute()}
    paths = [p for given in files for p in _files_of(given) if p.absolute() not in own]
    if not paths:
        raise ValueError(f"{files[0]}: there is no file in this folder, nor below it.")
    one_device_per_core()
    start = time.monotonic()
    before = None  # files done by a run that was killed

    def rate(done):
        return (done - (before or 0)) / (time.monotonic() - start)

    def write(path: Path):
        if output.suffix == ".csv":
            return path.write_text(table_text(table), encoding="utf-8")
        return write_netcdf(table, path)

    with Hold(journal) as held:
        with progress_bar(f"{len(paths)} files") as bar:

            def progress(done, total):
                nonlocal before
                if before is None:
                    before = done
                    if done:
                        say(f"{done} of {total} files were finished before, see {journal}")
                bar(done, total, text=f"{done}/{total} files, {rate(done):.3g} per second")

            interruption.note(
                f"finished rows are kept in {journal}, and the same command goes on from there"
            )
            table = screen(
                paths,
                names,
                temperature * KELVIN,
                **repulsion,
                progress=progress,
                journal=held,
                unit=unit,
                column=column,
                format=layout,
                convention=convention,
            )
        seconds = time.monotonic() - start
        failed = [text for text in table["error"].values if text]
        for text in failed[:_TOLD]:
            say(f"error: {text}")
        if len(failed) > _TOLD:
            say(f"… and {len(failed) - _TOLD} more; each is told in its row of {output}")
        say(
            f"{len(paths)} files, {len(failed)} of them failed; {seconds:.1f} s, "
            f"{rate(len(paths)):.3g} per second"
        )

        def save(folder):
            saved = write_all(folder, {output.name: write}).values()
            held.remove()
            return saved

        deliver(lambda: _show(table, names, repulsion), save, output.parent)
    return 2 if len(failed) == len(paths) else 0


def _show(table, names, repulsion) -> None:
    """The first rows of the table, with what is wrong with each as far as it is."""
    from rich.table import Table

    from ...inverse.sensitivities.derivatives import PAIRED
    from ...presentation.terminal import number, print_table, results
    from ...superconductivity.coulomb import describe_repulsion

    keys = [name.replace("-", "_") for name in names]
    heads = []
    for key in keys:
        attributes = table[key].attrs
        unit = "" if attributes["units"] == "1" else f" ({attributes['units']})"
        heads.append(f"{attributes['long_name']}{unit}")
    shown = Table("file", box=None, pad_edge=False)
    for head in heads:
        shown.add_column(head, justify="right", no_wrap=True)
    shown.add_column("")
    count = table.sizes["file"]
    for row in range(min(_ROWS, count)):
        one = table.isel(file=row)
        mark = "failed" if one["error"].item() else "warning" if one["warning"].item() else ""
        cells = (number(one[key].item()) for key in keys)
        shown.add_row(Path(one["file"].item()).name, *cells, mark)
    console = results()
    print_table(console, shown)
    told = f"T = {float(table['temperature'][0]):g} K, μ* = {float(table['mu_star'][0]):g}"
    if set(names) & set(PAIRED):
        told += f"; Tc: {describe_repulsion(**repulsion)}; ω_ph is in the table"
    if count > _ROWS:
        told = f"{_ROWS} of {count} files; the table holds them all. {told}"
    console.print(told, style="dim", soft_wrap=True)


def _files_of(path: Path) -> list[Path]:
    """A file itself; of a folder the files in it and below it, hidden ones left out."""
    from ...presentation.terminal import say

    if not path.is_dir():
        return [path]
    found: list[Path] = []
    links = 0
    for folder, below, names in os.walk(path):
        below[:] = [name for name in below if not name.startswith(".")]
        links += sum(Path(folder, name).is_symlink() for name in below)  # os.walk leaves them
        files = (Path(folder, name) for name in names if not name.startswith("."))
        found += [file for file in files if file.is_file()]
    if links:
        plural = "s" if links > 1 else ""
        say(f"{path}: {links} folder{plural} left out, which are links; name them to have them")
    return sorted(found)
