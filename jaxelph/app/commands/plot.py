"""`jaxelph plot`: the figure of a saved result, drawn again."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[
        Path, typer.Argument(help="NAME.nc, as report, relax, fit, design, map … save it.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The figure: NAME.pdf, .png, .svg …; by default FILE's .png."
        ),
    ] = None,
) -> None:
    """Draw the figure of a saved result again, from its NetCDF file alone."""
    from matplotlib.figure import Figure

    from ...presentation.files import check_file, read_netcdf, write_all, write_figure
    from ...presentation.terminal import say
    from ...reports.figures import plot

    path = check_file(file.with_suffix(".png") if output is None else output)
    formats = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in formats:
        raise ValueError(f"--output {path}: the name must end in one of .{', .'.join(formats)}.")
    try:
        data = read_netcdf(file)
    except FileNotFoundError:
        raise ValueError(f"{file}: no such file; check the name and folder.") from None
    except OSError as error:
        raise OSError(f"{file}: cannot be read ({error.strerror or error}).") from error
    try:
        figure = plot(data)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    writers = {path.name: lambda to: write_figure(figure, to)}
    for written in write_all(path.parent, writers).values():
        say(f"wrote {written}")
