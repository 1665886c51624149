r"""How fine an energy grid a smooth α²F needs: the band of the mode that grows first.

A grid of step ε knows |q| < π/ε only, q being conjugate to the energy. What lies beyond enters
the margin through the coupling alone, where κ is a multiplication,

    ⟨ψ|hκh|ψ⟩ = (2/π) ∫ κ̂(q) û(q)² dq,   û(q) = ∫ h ψ sin qE dE,
    κ̂(q) = π Σ_k λ_k ω_k sin ω_k q.

κ̂ falls off beyond the inverse width of α²F, and û as e^{-πTq} once κ̂ has. Where T is above
α²F's frequencies û falls off long before, the mode sitting in the first maxima of κ̂; where T is
far below, h all but cuts the coupling off. No width tells which comes first. So the mode itself
is computed, roughly and with NumPy, in bands that grow until the share of the integral from near
their ends is below the tolerance.

One thing the mode cannot tell: that κ̂ is larger beyond the band, where then another mode is
softer. κ̂ is known, and the band made to reach its highest maximum.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.linalg

from ..numerics.blas import one_blas_thread

# The end of a band: from this share of it on, nothing may be left.
END = 0.9
# Bins so narrow that κ̂ is right to a few parts in a thousand at the end of the band.
_PHASE = 0.25
# The mode is searched for on no more energies than this.
_LARGEST = 1024


def needed_band(
    omega: np.ndarray,
    coupling: np.ndarray,
    temperature: float,
    rtol: float,
    thermal: float,
    cutoff: float,
) -> float:
    """The band π/ε, at least `thermal`, in which λ_c(kinetic) of a smooth α²F is right to rtol.

    Args:
        omega (array of shape (mode,), energy): quadrature nodes of α²F.
        coupling (array of shape (mode,)): their λ.
        temperature (energy): T > 0.
        rtol: relative accuracy of λ_c.
        thermal (1/energy): the band that T alone asks for.
        cutoff (energy): where the energy grid ends.
    """
    carries = coupling != 0
    omega, coupling = omega[carries], coupling[carries]
    # Beyond their reach the nodes are δ modes, whose κ̂ comes back.
    reach = np.pi / node_spacing(omega, coupling)
    if reach <= thermal:
        return thermal
    band = least = max(thermal, min(reach, 1.25 * _highest(omega, coupling, reach)))
    while True:
        q, share = _beyond(omega, coupling, temperature, band, cutoff)
        used = np.max(q, where=share > rtol, initial=0.0)
        if used <= END * band:
            return max(least, used / END)
        if band >= reach:
            return reach
        if band * cutoff / np.pi > _LARGEST:
            # The share falls geometrically, or faster.
            here, middle = (np.log(np.interp(x * band, q, share)) for x in (END, END / 2))
            rate = (middle - here) / (END / 2 * band)
            more = (here - np.log(rtol)) / rate if rate > 0 else np.inf
            return min(reach, band + more / END)
        band = min(reach, 1.3 * band)


def node_spacing(omega: Any, coupling: Any) -> Any:
    """The distance of neighbouring nodes, averaged over α²F; of NumPy's arrays or of JAX's."""
    xp = np if isinstance(omega, np.ndarray) else jnp
    order = xp.argsort(omega)
    omega, strength = omega[order], xp.abs(coupling * omega)[order]
    both = xp.minimum(strength[1:], strength[:-1])
    total = xp.sum(both)
    return xp.where(
        total > 0, xp.sum(both * xp.diff(omega)) / xp.where(total > 0, total, 1), xp.inf
    )


def _highest(omega, coupling, reach):
    """The q below `reach` where κ̂ is largest; of equals, the lowest."""
    width = _PHASE / reach
    strength = np.bincount(np.rint(omega / width).astype(int), coupling * omega)
    length = scipy.fft.next_fast_len(int(8 * len(strength)))
    symbol = -np.fft.rfft(strength, length).imag
    q = 2 * np.pi * np.arange(len(symbol)) / (length * width)
    symbol = symbol[q <= reach]
    return q[np.flatnonzero(symbol >= (1 - 1e-3) * np.max(symbol))[0]]


def _beyond(omega, coupling, temperature, band, cutoff):
    """q and the part of ∫ |κ̂| û² dq that lies beyond, over 1 - margin."""
    step, size = np.pi / band, int(np.ceil(cutoff * band / np.pi))
    omega, coupling = _binned(omega, coupling, _PHASE / band)
    kernel = _kernel(omega / step, 0.5 * coupling * omega, 2 * size + 1)
    window = np.exp(-step * np.arange(size + 1) / (2 * temperature))
    window = window / ((1 + window**2) * np.sqrt(temperature))
    slope = np.concatenate([window[:0:-1], window]) ** 2
    weight = np.convolve(np.concatenate([kernel[:0:-1], kernel]), slope, "same")
    weight, h = weight[2 * size + 1 : 3 * size + 1], window[1:]
    i = np.arange(1, size + 1)
    folded = kernel[np.abs(i[:, None] - i)] - kernel[i[:, None] + i]
    form = np.diag(weight) - h[:, None] * folded * h
    # BLAS's threads cost more than they save here.
    with one_blas_thread():
        value, mode = scipy.linalg.eigh(form, subset_by_index=[0, 0], overwrite_a=True)
    u = np.asarray(scipy.fft.dst(h * mode[:, 0], type=1, norm="ortho"))
    q = i * band / (size + 1)
    symbol = np.pi * _sines(omega * q[0], coupling * omega, size)
    inside = np.abs(symbol) * u**2
    return q, np.cumsum(inside[::-1])[::-1] / max(abs(value[0]), 1e-300)


def _kernel(omega, strength, count):
    r"""Σ_k s_k [W(n + ω_k) - W(n - ω_k)] for n = 0, 1, …, with W(x) = (1 - cos πx)/x.

    Of all n one cosine is enough: cos π(n ± ω) = (-1)ⁿ cos πω, and a term is

        s [1 - (-1)ⁿ cos πω] 2ω/(ω² - n²).
    """
    near = np.rint(omega)
    # Where ω is close to n the square that vanishes is that of a sine of what is left.
    small, large = (f(np.pi / 2 * (omega - near)) ** 2 for f in (np.sin, np.cos))
    odd = near % 2 == 1
    kernel = np.zeros(count)
    for parity in (0, 1):
        n = np.arange(parity, count, 2)
        share = 4 * strength * omega * np.where(odd == parity, small, large)
        # In pieces that a processor's cache holds.
        for some in np.array_split(np.arange(len(omega)), len(omega) * len(n) // 2**15 + 1):
            apart = (omega[some, None] - n) * (omega[some, None] + n)
            kernel[parity::2] += np.sum(
                share[some, None] / np.where(apart == 0, 1.0, apart), axis=0
            )
    return kernel


def _sines(angle, strength, count):
    """Σ_k s_k sin nα_k for n = 1 … count: n = a + mb, and of e^{iaα} and e^{imbα} there are few."""
    m = int(np.ceil(np.sqrt(count)))
    turn = np.exp(1j * angle[:, None] * np.arange(1, m + 1))
    leap = strength[:, None] * np.exp(1j * m * angle[:, None] * np.arange(m))
    with one_blas_thread():
        return (leap.T @ turn).imag.ravel()[:count]


def _binned(omega, coupling, width):
    """The modes on an equidistant grid where that makes them fewer; Σ λω and Σ λω² stay."""
    index = omega / width
    if len(omega) <= np.max(index):
        return omega, coupling
    low = np.floor(index).astype(int)
    length = int(np.max(index)) + 2
    upper = (index - low) * coupling * omega
    total = np.bincount(low, coupling * omega - upper, length)
    total += np.bincount(low + 1, upper, length)
    found = np.flatnonzero(total)
    found = found[found > 0]
    return width * found, total[found] / (width * found)
