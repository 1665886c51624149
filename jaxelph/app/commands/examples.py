"""`jaxelph examples`: the spectra that ship with the package."""


def command() -> None:
    """List the model spectra that --example takes."""
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
