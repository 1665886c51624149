r"""The free energy of the condensate as a functional on the compact Matsubara basis.

With ν_n = n + ½ and tan θ_n = Δ_n/ω_n, n ≥ 0, let s_n = sin θ_n and d_n = 1 - cos θ_n. The
isotropic Eliashberg equations are stationarity, in s, of

    (F_S - F_N)/(4π²T²ν0) = Σ ν_n s_n² - ½ Σ [λ(n-m) + λ(n+m+1)] s_n s_m + ½ Σ S_n s_n²
                            + μ (Σ c_n s_n)²
                            + Σ ν_n d_n² + ½ {Σ S_n d_n² - Σ [λ(n-m) - λ(n+m+1)] d_n d_m},
    S_n = λ(0) + 2 Σ_{l=1}^{n} λ(l),

ν0 states per energy and spin. The first two lines are the quadratic form whose largest
eigenvalue gives T_c, see `matsubara`; the third is positive and of fourth order in the gap. In
each λ(0) drops out (Anderson's theorem). Z is eliminated:

    Z_n ν_n = ν_n + ½ S_n cos θ_n + ½ (M d)_n,

M the matrix in braces. The normal metal's part of it is in closed form.

- s is what `matsubara` expands, superpositions of ε/(ν² + ε²) and a tail a/ν. cos θ is the
  normal Green's function, so that d is a superposition of ν/(ν² + ε²): a space of its own, found
  and used in the same way, M(T) = Σ_j λ(l_j) M_j.
- t = tan θ, not s, is what is solved for: t_n = Σ_a p_a x⁽ᵃ⁾_n + a/ν_n. No bound on it has to be
  kept, and where it is large, for T ≪ T_c, the equation is nearly linear in it. s and d are taken
  at the nodes of a quadrature for sums over n.
- Without a cutoff of the repulsion a = μ* b. Dividing the equation of a by μ* leaves one that
  has a solution at μ* = 0 too.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float

from ..spectra.spectrum import Scalar
from .matsubara import (
    MatsubaraBasis,
    PairingForm,
    Repulsion,
    pairing_form,
    sum_quadrature,
    time_quadrature,
)

# Of the odd space. Its error enters the equations as it is, that of the even one as well.
_TOLERANCE = 1e-8


@dataclasses.dataclass(frozen=True, eq=False)
class CondensateBasis:
    """The constants of the functional; made by `condensate_basis`."""

    even: np.ndarray  # (node, dim): basis functions x⁽ᵃ⁾ at the nodes
    odd: np.ndarray  # (node, odd): those of d
    node: np.ndarray  # (node,): ν_q
    weight: np.ndarray  # (node,): of the sum over n ≥ 0
    tensor: np.ndarray  # (sample, odd, odd): the matrices M_j
    sums: np.ndarray  # (sample, node): C with S_n - λ(0) = Σ_j λ(l_j) C_jn at the nodes
    energy: np.ndarray  # (energy,): energies ε
    expansion: np.ndarray  # (energy, odd): the odd functions in terms of ν/(ν² + ε²)

    def odd_functions(self, nu: np.ndarray) -> np.ndarray:
        """The odd basis functions at any ν, shape (ν, odd)."""
        nu = np.asarray(nu, dtype=float)[:, None]
        return (nu / (nu**2 + self.energy**2)) @ self.expansion


@functools.lru_cache(maxsize=8)
def condensate_basis(basis: MatsubaraBasis) -> CondensateBasis:
    """The constants of the functional on a basis, computed once.

    Args:
        basis: that of the linearised equation, see `matsubara_basis`.

    Example:
        >>> from jaxelph.superconductivity.matsubara import matsubara_basis
        >>> condensate_basis(matsubara_basis()).tensor.ndim
        3
    """
    reach, energy = basis.reach, basis.energy
    # What the gap leaves beyond is 1/ν⁴: a shorter sum, of lower order, than the linear one.
    nu, weight = sum_quadrature(top=1e2 * reach, order=8)
    even = (energy / (nu[:, None] ** 2 + energy**2)) @ basis.expansion
    norm = np.sqrt(weight * nu)[:, None]
    left, sigma, right = np.linalg.svd(
        norm * nu[:, None] / (nu[:, None] ** 2 + energy**2), full_matrices=False
    )
    dim = int(np.sum(sigma > _TOLERANCE * sigma[0]))
    odd, expansion = left[:, :dim] / norm, right[:dim].T / sigma[:dim]

    # The form of a mode of coupling 1 and frequency w, as in `matsubara_basis`, with
    # F(θ) = Σ_n d_n sin ν_nθ. Divided by w²/(1+w²), and without l = 0.
    w = np.geomspace(0.1, reach / 10, int(4 * np.log(reach)))
    theta, dtheta = time_quadrature(bottom=1e-6 / reach)
    decay = np.exp(-energy * theta[:, None]) + np.exp(-energy * (2 * np.pi - theta[:, None]))
    f = (np.pi / 2 * decay / (1 + np.exp(-2 * np.pi * energy))) @ expansion
    d = np.exp(-w * theta[:, None]) + np.exp(-w * (2 * np.pi - theta[:, None]))
    d = (np.pi * w * d / -np.expm1(-2 * np.pi * w) - 1) * (1 + w**2) / w**2
    d = np.column_stack([(np.pi - theta) ** 2 / 2 - np.pi**2 / 6, d])
    i, j = np.triu_indices(dim)
    form = -2 / np.pi * (d * dtheta[:, None]).T @ (f[:, i] * f[:, j])
    sums = partial_sums(nu, w)
    form += (sums * weight[:, None]).T @ (odd[:, i] * odd[:, j])
    packed = _by_samples(basis, w, form)
    tensor = np.empty((len(basis.samples), dim, dim))
    tensor[:, i, j] = packed
    tensor[:, j, i] = packed
    sums = _by_samples(basis, w, sums.T)
    return CondensateBasis(even, odd, nu, weight, tensor, sums, energy, expansion)


def partial_sums(nu: np.ndarray, w: np.ndarray) -> np.ndarray:
    """S_n - λ(0) of one mode over w²/(1+w²), shape (ν, 1 + w): first for w = 0, then for each w."""
    z = nu[:, None] + 0.5 + 1j * w
    s = np.pi * w / np.tanh(np.pi * w) - 1 - 2 * w * scipy.special.digamma(z).imag
    softest = np.pi**2 / 3 - 2 * scipy.special.polygamma(1, nu + 0.5)
    return np.column_stack([softest, s * (1 + w**2) / w**2])


def _by_samples(basis, w, form):
    """`form`, known for modes of frequency 0 and w, in terms of λ(l_j)."""
    w = np.append(0.0, w)[:, None]
    values = (1 + w**2) / (w**2 + basis.samples**2)
    return np.linalg.lstsq(values, form, rcond=1e-14)[0]


@functools.lru_cache(maxsize=8)
def normal_sums(basis: MatsubaraBasis, index: tuple[int, ...]) -> np.ndarray:
    """Constants C with S_n - λ(0) = Σ_j λ(l_j) C_jn at integers n, shape (sample, index)."""
    w = np.geomspace(0.1, basis.reach / 10, int(4 * np.log(basis.reach)))
    return _by_samples(basis, w, partial_sums(np.array(index) + 0.5, w).T)


class Metal(NamedTuple):
    """What the functional knows of a metal at a temperature."""

    pairing: PairingForm
    odd: Float[Array, "odd odd"]  # M(T)


def metal(
    basis: MatsubaraBasis,
    omega: Float[Array, " mode"],
    area: Float[Array, " mode"],
    temperature: Scalar,
    repulsion: Repulsion,
) -> Metal:
    """The functional's matrices; arguments as for `matsubara.pairing_kernel`."""
    form = pairing_form(basis, omega, area, temperature, repulsion)
    tensor = jnp.asarray(condensate_basis(basis).tensor)
    return Metal(form, jnp.tensordot(form.coupling, tensor, 1))


class Angles(NamedTuple):
    """θ at the nodes, and its expansions."""

    tangent: Float[Array, " node"]
    versine: Float[Array, " node"]  # d = 1 - cos θ
    sine: Float[Array, " dim"]  # of s - a/ν, in the even space
    odd: Float[Array, " odd"]  # of d


def angles(basis: MatsubaraBasis, unknown: Float[Array, " unknown"], strength: Scalar) -> Angles:
    """Of `unknown` = (p, b) with t = Σ p x + μ* b/ν."""
    c = condensate_basis(basis)
    even = jnp.asarray(c.even)
    t = even @ unknown[:-1] + strength * unknown[-1] / jnp.asarray(c.node)
    root = jnp.sqrt(1 + t**2)
    d = t**2 / (root * (1 + root))
    # The basis is orthonormal with weights ν, and s = t - t d.
    measure = jnp.asarray(c.weight * c.node)
    return Angles(t, d, unknown[:-1] - (measure * t * d) @ even, (measure * d) @ c.odd)


def residual(
    basis: MatsubaraBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    """Zero at the solution: half of ∂F/∂s in the even space, and of ∂F/∂a over -μ*."""
    c, form = condensate_basis(basis), metal.pairing
    at = angles(basis, unknown, form.strength)
    bent = c.weight * at.tangent * (at.versine + 0.5 * (c.odd @ (metal.odd @ at.odd)))
    tail = form.strength * unknown[-1]
    first = at.sine - form.kernel @ at.sine - tail * form.border + (c.node * bent) @ c.even
    last = form.screening * unknown[-1] + form.border @ at.sine - jnp.sum(bent)
    return jnp.append(first, last)


def scales(basis: MatsubaraBasis, metal: Metal) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """A phonon frequency and √(λ⟨ω²⟩), larger than any gap, in units of 2πT; at least 1 the one."""
    coupling = metal.pairing.coupling
    square = coupling[-1] * basis.samples[-1] ** 2
    exists = square > 0
    ratio = jnp.where(exists, square, 1.0) / jnp.where(exists, coupling[0], 1.0)
    return jnp.sqrt(ratio), jnp.sqrt(jnp.maximum(square, 0.0))


def screened(
    basis: MatsubaraBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    r"""One step of Newton's method for the tail alone, beyond the phonons' frequencies.

    There the gap is what the repulsion answers with. In the direction ν/(ν² + κ²), not 1/ν, the
    answer hardly depends on T; the functional is a maximum in it.
    """
    c, form = condensate_basis(basis), metal.pairing
    square = scales(basis, metal)[0] ** 2
    inner = -(c.weight * square / (c.node**2 + square)) @ c.even
    slope = jax.jvp(
        lambda u: residual(basis, metal, u),
        (unknown,),
        (jnp.append(form.strength * inner, 1.0),),
    )
    value, slope = (x[-1] - inner @ x[:-1] for x in slope)
    step = -value / jnp.maximum(slope, 0.1)
    return unknown + step * jnp.append(form.strength * inner, 1.0)


def iterated(
    basis: MatsubaraBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    """One step of the textbook's iteration, Δ ← (ZΔ)/Z with both taken from Δ."""
    c, form = condensate_basis(basis), metal.pairing
    unknown = screened(basis, metal, unknown)
    at, tail = angles(basis, unknown, form.strength), form.strength * unknown[-1]
    t, cosine = at.tangent, 1 - at.versine
    moved = c.odd @ (metal.odd @ at.odd) / 2
    sums = form.coupling @ c.sums / (2 * c.node)
    pairing = c.even @ (form.kernel @ at.sine + tail * form.border) + tail / c.node
    t = (pairing + sums * t * cosine) / (1 + sums * cosine + moved)
    return jnp.append((c.weight * c.node * (t - tail / c.node)) @ c.even, unknown[-1])


def functional(
    basis: MatsubaraBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, ""]:
    """(F_S - F_N)/(4π²T²ν0)."""
    c, form = condensate_basis(basis), metal.pairing
    at = angles(basis, unknown, form.strength)
    v, b = at.sine, unknown[-1]
    linear = v @ (v - form.kernel @ v) - form.strength * b * (
        2 * form.border @ v + form.screening * b
    )
    measure = jnp.asarray(c.weight * c.node)
    return linear + measure @ at.versine**2 + 0.5 * at.odd @ (metal.odd @ at.odd)


def quartic(
    basis: MatsubaraBasis, metal: Metal, vector: Float[Array, " dim"], tail: Scalar
) -> Float[Array, ""]:
    """The functional's part of fourth order at a small s_n = t_n = Σ_a v_a x⁽ᵃ⁾_n + tail/ν_n."""
    c = condensate_basis(basis)
    t = jnp.asarray(c.even) @ vector + tail / jnp.asarray(c.node)
    half = jnp.asarray(c.weight * c.node) * t**2 / 2
    odd = half @ c.odd
    return half @ t**2 / 2 + 0.5 * odd @ (metal.odd @ odd)
