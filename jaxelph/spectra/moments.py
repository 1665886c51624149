"""Numbers of α²F alone: λ, ω_log, moments, the top of the spectrum."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike

from ..numerics.checks import checked
from ..numerics.kept import kept
from ..numerics.typed import jit
from .spectrum import EliashbergFunction, as_float
from .table import TabulatedSpectrum


@checked
@jit(static_argnames="power")
def moment(spectrum: EliashbergFunction, power: int) -> Float[Array, ""]:
    r"""Moment $\langle\omega^n\rangle = \lambda^{-1}\int 2\alpha^2F\,\omega^{n-1}d\omega$.

    Args:
        spectrum: an Eliashberg function.
        power: n.

    Returns:
        ⟨ωⁿ⟩ (scalar, energyⁿ).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{moment(EinsteinModes([3.0, 5.0], [0.5, 0.5]), 2):.1f}")
        17.0
    """
    omega, coupling = spectrum.moment_modes()
    return jnp.sum(coupling * omega**power) / jnp.sum(coupling)


@checked
@jit
def coupling_constant(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Electron-phonon coupling $\lambda = 2\int \alpha^2F(\omega)/\omega\,d\omega$.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        λ (scalar).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{coupling_constant(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.2f}")
        0.75
    """
    return jnp.sum(spectrum.moment_modes()[1])


@checked
@jit
def log_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""$\omega_{\log} = \exp[\lambda^{-1}\int (2\alpha^2F/\omega)\ln\omega\,d\omega]$ (energy).

    A spectrum without coupling has none: 0, as its `maximum_frequency`.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω_log (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{log_frequency(EinsteinModes([2.0, 8.0], [0.5, 0.5])):.4f}")
        4.0000
    """
    omega, coupling = spectrum.moment_modes()
    total = jnp.sum(coupling)
    absent = total == 0
    mean = jnp.sum(coupling * jnp.log(omega)) / jnp.where(absent, 1.0, total)
    return jnp.where(absent, 0.0, jnp.exp(mean))


@checked
@jit
def rms_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Allen and Dynes' $\bar\omega_2 = \langle\omega^2\rangle^{1/2}$ (energy).

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω̄₂ (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{rms_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.5])):.4f}")
        4.1231
    """
    return jnp.sqrt(moment(spectrum, 2))


@checked
@jit
def spectral_area(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""The area $\int \alpha^2F(\omega)\,d\omega = \lambda\langle\omega\rangle/2$ (energy).

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ∫α²F dω (scalar, energy).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{spectral_area(EinsteinModes([4.0], [0.5])):.2f}")
        1.00
    """
    omega, coupling = spectrum.moment_modes()
    return jnp.sum(coupling * omega) / 2


@checked
@jit
def cumulative_coupling(
    spectrum: EliashbergFunction, omega: Real[_ArrayLike, " frequency"]
) -> Float[Array, " frequency"]:
    r"""Cumulative coupling $\lambda(\omega) = 2\int_0^\omega \alpha^2F(x)/x\,dx$.

    A δ mode exactly at ω counts half; the linear density of a table is integrated exactly.

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): where to evaluate it.

    Returns:
        λ(ω) (array of shape (frequency,)).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([3.0, 5.0], [0.5, 0.25])
        >>> print(cumulative_coupling(s, np.array([1.0, 4.0, 6.0])))
        [0.   0.5  0.75]
    """
    return spectrum.cumulative(as_float(omega))


@checked
def maximum_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""The top of the spectrum, $\max\{\omega: \alpha^2F(\omega) \ne 0\}$ (energy).

    For a table that is its last row with α²F ≠ 0, whatever its nodes.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        the frequency (scalar, energy), 0 without coupling.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{maximum_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.1f}")
        5.0
    """
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(spectrum)):
        omega, coupling = spectrum.carriers()
        return jnp.max(jnp.where(coupling != 0, omega, 0.0))
    # Known, also where something else is being traced.
    with jax.ensure_compile_time_eval():
        # By NumPy: nothing is compiled for a table's length.
        omega, coupling = (np.asarray(x) for x in spectrum.carriers())
        return jnp.asarray(np.max(np.where(coupling != 0, omega, 0.0)))


@checked
def phonon_edge(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""ω_ph, the top of the spectrum as μ* means it (energy): 99 % of ∫α²F dω lies below it.

    Neither zeros printed after the last phonon nor a faint tail decides it. It depends
    smoothly on a table's values and on peaks; for δ modes it is one of their frequencies.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω_ph (scalar, energy), 0 where there is no α²F.

    Example:
        >>> w = np.array([10.0, 20.0, 25.0, 100.0])
        >>> print(f"{phonon_edge(TabulatedSpectrum(w, np.array([0.5, 0.5, 0.0, 0.0]))):.3f}")
        23.882
    """
    return _phonon_edge(spectrum.lengthened())


@kept
@jit
def _phonon_edge(spectrum):
    edge = spectrum.area_quantile(0.99)
    return jnp.where(jnp.isnan(spectral_area(spectrum)), jnp.nan, edge)


def unresolved_coupling(spectrum: EliashbergFunction) -> float:
    """λ that a table leaves out below its first row, if α²F goes on to 0 as ω² there.

    Example:
        >>> unresolved_coupling(TabulatedSpectrum([1.0, 2.0], [0.25, 0.5]))
        0.25
    """
    # By NumPy: nothing is compiled for a table's length.
    return float(np.asarray(spectrum.a2f)[0]) if isinstance(spectrum, TabulatedSpectrum) else 0.0
