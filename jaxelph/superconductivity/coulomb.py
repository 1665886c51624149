"""The Coulomb pseudopotential μ*: what it refers to, and what is refused."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ..numerics.errors import ArgumentError

Quoted = Literal["omega-ph", "cutoff"]


#: The energies at which μ* may be quoted, as `mu_star_at` takes them.
MU_STAR_AT: tuple[Quoted, ...] = ("omega-ph", "cutoff")


def concrete_value(value) -> float | None:
    return None if isinstance(value, Tracer) else float(value)


def check_mu_star(mu_star) -> None:
    """The one rule on μ*, for everything that takes one.

    Raises:
        ValueError: μ* is no scalar, or it is known and not from 0 up to 1.

    Example:
        >>> check_mu_star(0.1)
    """
    if np.ndim(mu_star) != 0:
        raise ArgumentError(
            "{mu_star} must be a scalar, got shape {shape}; map over it with jax.vmap.",
            shape=np.shape(mu_star),
        )
    known = concrete_value(mu_star)
    if known is None or 0 <= known < 1:
        return
    if np.isnan(known):
        raise ArgumentError("{mu_star} must be a number, got nan; 0.1 is usual.")
    if known < 0:
        raise ArgumentError(
            "{mu_star} must not be negative, got {known:g}; use 0 for no repulsion.", known=known
        )
    # μ* = μ/[1 + μ ln(E_F/ω_ph)] < 1/ln(E_F/ω_ph) however large μ is.
    raise ArgumentError(
        "{mu_star} must be below 1, got {known:g}: no metal's pseudopotential is as large; "
        "0.1 is usual.",
        known=known,
    )


def check_coulomb(mu_star, omega_ph=None, cutoff=None, mu_star_at: str = "omega-ph") -> None:
    """What can be said of Tc's options before there is a spectrum.

    Raises:
        ValueError: one of the values, where it is known, cannot be meant.

    Example:
        >>> check_coulomb(0.1, omega_ph=30.0)
    """
    check_mu_star(mu_star)
    if mu_star_at not in MU_STAR_AT:
        raise ArgumentError(
            "{mu_star_at} {given!r} is not known; use {known}.",
            given=mu_star_at,
            known=" or ".join(map(repr, MU_STAR_AT)),
        )
    if mu_star_at == "cutoff" and cutoff is None:
        raise ArgumentError(
            "{mu_star_at} 'cutoff' needs {cutoff}, the energy of the Matsubara sums that μ* is "
            "quoted at; give it, or leave {mu_star_at} out."
        )
    for name, value in (("omega_ph", omega_ph), ("cutoff", cutoff)):
        known = None if value is None else concrete_value(value)
        if known is not None and not 0 < known < np.inf:
            edge = "that below which 99 % of ∫α²F dω lies"
            instead = edge if name == "omega_ph" else "the limit of infinity"
            raise ArgumentError(
                "{" + name + "} {known:g} must be a positive, finite energy; leave it out for "
                "{instead}.",
                known=known,
                instead=instead,
            )


def describe_repulsion(
    mu_star: float,
    omega_ph: float | None,
    cutoff: float | None = None,
    mu_star_at: Quoted | str = "omega-ph",
) -> str:
    """What is to stand beside a T_c: μ*, the energy in meV that it refers to, and ω_c.

    Example:
        >>> print(describe_repulsion(0.1, 25.4727))
        μ* = 0.1 at ω_ph = 25.47 meV, ω_c → ∞
        >>> print(describe_repulsion(0.16, None, 500.0, "cutoff"))
        μ* = 0.16 at ω_c = 500 meV
    """
    if mu_star_at == "cutoff":
        return f"μ* = {mu_star:g} at ω_c = {cutoff:.4g} meV"
    place = "ω_ph, 99 % of ∫α²F dω" if omega_ph is None else f"ω_ph = {omega_ph:.4g} meV"
    limited = cutoff is not None and np.isfinite(cutoff)
    return f"μ* = {mu_star:g} at {place}, " + (f"ω_c = {cutoff:.4g} meV" if limited else "ω_c → ∞")


def nan_of(*inputs) -> Array:
    """0 if all inputs are finite, else NaN, and so is its derivative by each of them."""
    total = sum(jnp.sum(x) for x in inputs if x is not None)
    return total * jnp.where(jnp.isfinite(total), 0.0, jnp.nan)
