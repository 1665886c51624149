"""JAX's 64-bit mode, on which every digit that is promised here rests."""

import os

import jax


def check_precision() -> None:
    """Refuse to compute where the mode that the package turned on has been turned off again.

    Raises:
        ValueError: it has, and `JAXELPH_X64=0` does not say that it is the caller's affair.

    Example:
        >>> check_precision()
    """
    on = jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    if not on and os.environ.get("JAXELPH_X64", "1") != "0":
        raise ValueError(
            "JAX's 64-bit mode was turned off after jaxelph was imported: turn it on again by "
            'jax.config.update("jax_enable_x64", True), or set JAXELPH_X64=0 before the import '
            "to work with fewer digits."
        )
