"""`jaxelph explore`: move α²F by hand and watch what follows."""

from typing import Annotated

import typer

from ._inputs import (
    Column,
    Convention,
    Cutoff,
    Example,
    File,
    Layout,
    MuStar,
    MuStarAt,
    OmegaPh,
    Unit,
    check_temperature,
    read_spectrum,
    tc_options,
)

# What is shown where neither a file nor an example is named.
_DEFAULT = "niobium"


def command(
    file: File = None,
    example: Example = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", "-T", help="In K, of the margin; Tc by default."),
    ] = None,
    mu_star: MuStar = 0.1,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    port: Annotated[
        int, typer.Option(help="Of the page on this machine; 0 for any that is free.")
    ] = 5006,
    show: Annotated[bool, typer.Option(help="Open a browser or not.")] = True,
) -> None:
    """Open a page on which α²F is moved by hand and its numbers follow.

    Peaks are dragged, a file's α²F is scaled and stretched; λ, Tc, the gap, Z0⁻¹(E), C_el(T), the
    margin and λ_c follow, with the gradients of Tc and of the margin. Ctrl-C ends it.
    """
    from ...explorer.explore import MISSING, start_of

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    if temperature is not None:
        check_temperature(temperature, "--temperature")
    if not 0 <= port <= 65535:
        raise ValueError(f"--port {port} is no port; use one from 1 to 65535, or 0 for any.")
    if file is None and example is None:
        example = _DEFAULT
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    try:
        from ...explorer.serve import serve
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("panel", "bokeh", "tornado", "param"):
            raise
        raise ValueError(MISSING) from None
    from ...explorer.numbers import Model

    state = start_of(spectrum, temperature, **repulsion)
    options = {key: value for key, value in repulsion.items() if key != "mu_star"}
    try:
        serve(
            Model(spectrum, **options),
            state,
            name,
            port=port,
            show=show,
            ready=lambda address: print(f"{name}: {address}   (Ctrl-C ends it)", flush=True),
        )
    except OSError as error:
        if error.strerror is None:
            raise
        raise ValueError(
            f"--port {port} cannot be used ({error.strerror}); give another, or 0 for any."
        ) from None
