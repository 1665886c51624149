"""`jaxelph sweep`: many α²F files into one table."""

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
    Unit,
    tc_options,
)


def command(
    files: Annotated[list[Path], typer.Argument(help="α²F files, or folders of nothing else.")],
    temperature: Annotated[float, typer.Option("--temperature", "-T", help="In K.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table: NAME.nc (NetCDF) or NAME.csv.")
    ],
    quantity: Annotated[
        str,
        typer.Option(
            help="With commas between: lambda, omega-log, lambda-omega2, tc, tc-allen-dynes, heat, "
            "xi, xi-max, weight, margin, lambda_c (by all three criteria), gamma-1, gamma-t, "
            "tau-1, tau-t."
        ),
    ] = "lambda,omega-log,tc,lambda_c,xi,margin",
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
) -> None:
    """Screen many α²F files into one table; a file that cannot be used is a row with its error.

    Finished rows are in OUTPUT.partial: after a kill the same command goes on.
    """
    import time

    from ..files import check_folder, write_all, write_netcdf
    from ..superconductivity import describe_repulsion
    from ..sweeps.devices import one_device_per_core
    from ..sweeps.screen import quantity_names, screen
    from ..terminal import progress_bar, say
    from ..units import KELVIN, check_kelvin

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    names = quantity_names(quantity.split(","))
    check_kelvin(temperature, "--temperature")
    if output.suffix not in (".nc", ".csv"):
        raise ValueError(f"--output {output}: the name must end in .nc or .csv.")
    check_folder(output.parent)
    journal = output.with_name(f"{output.name}.partial")
    own = {output.absolute(), journal.absolute()}
    paths = [p for given in files for p in _files_of(given) if p.absolute() not in own]
    if not paths:
        raise ValueError(f"{files[0]}: there is no file in this folder.")
    one_device_per_core()
    start = time.monotonic()
    before = None  # files done by a run that was killed

    def rate(done):
        return (done - (before or 0)) / (time.monotonic() - start)

    with progress_bar(f"{len(paths)} files") as bar:

        def progress(done, total):
            nonlocal before
            if before is None:
                before = done
                if done:
                    say(f"{done} of {total} files were finished before, see {journal}")
            bar(done, total, text=f"{done}/{total} files, {rate(done):.3g} per second")

        try:
            table = screen(
                paths,
                names,
                temperature * KELVIN,
                **repulsion,
                progress=progress,
                journal=journal,
                unit=unit,
                column=column,
                format=layout,
                convention=convention,
            )
        except KeyboardInterrupt:
            say(f"finished rows are kept in {journal}; the same command goes on from there")
            raise
    seconds = time.monotonic() - start

    def write(path: Path):
        if output.suffix == ".csv":
            return table.to_dataframe().to_csv(path)
        return write_netcdf(table, path)

    if "tc" in names:
        say(f"Tc: {describe_repulsion(**repulsion)}; ω_ph is in the table")
    write_all(output.parent, {output.name: write})
    journal.unlink(missing_ok=True)
    failed = [text for text in table["error"].values if text]
    for text in failed[:5]:
        say(f"error: {text}")
    if len(failed) > 5:
        say(f"… and {len(failed) - 5} more; each is told in its row of {output}")
    say(
        f"{len(paths)} files, {len(failed)} of them failed; {seconds:.1f} s, "
        f"{rate(len(paths)):.3g} per second"
    )
    say(f"wrote {output}")


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
