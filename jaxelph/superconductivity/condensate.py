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

from ..numerics.blas import one_blas_thread
from ..numerics.lapack import one_by_one
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
# The share of the functions from which a gap is sought.
_LEADING = 0.4


@dataclasses.dataclass(frozen=True, eq=False)
class CondensateBasis:
    """The constants of the functional; made by `condensate_basis`."""

    even: np.ndarray  # (node, dim): basis functions x⁽ᵃ⁾ at the nodes
    odd: np.ndarray  # (node, odd): those of d
    node: np.ndarray  # (node,): ν_q
    weight: np.ndarray  # (node,): of the sum over n ≥ 0
    samples: np.ndarray  # (sample,): the integers l_j
    tensor: np.ndarray  # (sample, odd, odd): the matrices M_j
    sums: np.ndarray  # (sample, node): C with S_n - λ(0) = Σ_j λ(l_j) C_jn at the nodes
    energy: np.ndarray  # (energy,): energies ε
    expansion: np.ndarray  # (energy, odd): the odd functions in terms of ν/(ν² + ε²)

    def odd_functions(self, nu: np.ndarray) -> np.ndarray:
        """The odd basis functions at any ν, shape (ν, odd)."""
        nu = np.asarray(nu, dtype=float)[:, None]
        return (nu / (nu**2 + self.energy**2)) @ self.expansion


@functools.lru_cache(maxsize=8)
@one_blas_thread()  # as `matsubara_basis`
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
    w = _frequencies(basis)
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
    return CondensateBasis(even, odd, nu, weight, basis.samples, tensor, sums, energy, expansion)


@functools.lru_cache(maxsize=8)
@one_blas_thread()
def leading(basis: MatsubaraBasis) -> CondensateBasis:
    """The leading functions alone, on fewer nodes: they have the gap to one in a thousand."""
    c = condensate_basis(basis)
    dim, odd = (round(_LEADING * x.shape[1]) for x in (c.even, c.odd))
    nu, weight = sum_quadrature(top=1e2 * basis.reach, order=4)
    even = (basis.energy / (nu[:, None] ** 2 + basis.energy**2)) @ basis.expansion[:, :dim]
    w = _frequencies(basis)
    return dataclasses.replace(
        c,
        even=even,
        odd=c.odd_functions(nu)[:, :odd],
        node=nu,
        weight=weight,
        tensor=c.tensor[:, :odd, :odd],
        sums=_by_samples(basis, w, partial_sums(nu, w).T),
        expansion=c.expansion[:, :odd],
    )


def _frequencies(basis):
    """Those of modes, in units of 2πT, for which λ(l) is expanded in its samples."""
    return np.geomspace(0.1, basis.reach / 10, int(4 * np.log(basis.reach)))


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
    w = _frequencies(basis)
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


def angles(c: CondensateBasis, unknown: Float[Array, " unknown"], strength: Scalar) -> Angles:
    """Of `unknown` = (p, b) with t = Σ p x + μ* b/ν."""
    even = jnp.asarray(c.even)
    t = even @ unknown[:-1] + strength * unknown[-1] / jnp.asarray(c.node)
    root = jnp.sqrt(1 + t**2)
    d = t**2 / (root * (1 + root))
    # The basis is orthonormal with weights ν, and s = t - t d.
    measure = jnp.asarray(c.weight * c.node)
    return Angles(t, d, unknown[:-1] - (measure * t * d) @ even, (measure * d) @ c.odd)


def residual(
    c: CondensateBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    """Zero at the solution: half of ∂F/∂s in the even space, and of ∂F/∂a over -μ*."""
    form = metal.pairing
    at = angles(c, unknown, form.strength)
    bent = c.weight * at.tangent * (at.versine + 0.5 * (c.odd @ (metal.odd @ at.odd)))
    tail = form.strength * unknown[-1]
    first = at.sine - form.kernel @ at.sine - tail * form.border + (c.node * bent) @ c.even
    last = form.screening * unknown[-1] + form.border @ at.sine - jnp.sum(bent)
    return jnp.append(first, last)


def slope(
    c: CondensateBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, "unknown unknown"]:
    """The derivative of `residual` by `unknown`; not itself differentiable."""
    leaves, kind = jax.tree.flatten((metal, unknown))
    # One lane of a batch after the other: its products stay in the processor's cache.
    return one_by_one(lambda *leaves: _slope(c, *jax.tree.unflatten(kind, leaves)))(*leaves)


def _slope(c, metal, unknown):
    form, at = metal.pairing, angles(c, unknown, metal.pairing.strength)
    even, odd, tail = jnp.asarray(c.even), jnp.asarray(c.odd), 1 / jnp.asarray(c.node)
    measure, t, cosine = jnp.asarray(c.weight * c.node), at.tangent, 1 - at.versine
    versine = t * cosine**3  # dd/dt
    # dt by the unknowns, and what the bend of the functional is summed with.
    change = jnp.column_stack([even, form.strength * tail])
    tested = jnp.column_stack([even, -tail])

    def between(left, weight, right):
        return left.T @ (weight[:, None] * right)

    moved = 0.5 * (odd @ (metal.odd @ at.odd))
    bent = between(tested, measure * (at.versine + moved + t * versine), change)
    of_odd = metal.odd @ between(odd, measure * versine, change)
    bent = bent + 0.5 * between(odd, measure * t, tested).T @ of_odd
    dim = c.even.shape[1]
    sine = jnp.eye(dim, dim + 1) - between(even, measure * (1 - cosine**3), change)
    first = (sine - form.kernel @ sine).at[:, -1].add(-form.strength * form.border)
    last = (form.border @ sine).at[-1].add(form.screening)
    return jnp.concatenate([first, last[None]]) + bent


def scales(c: CondensateBasis, metal: Metal) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """A phonon frequency and √(λ⟨ω²⟩), larger than any gap, in units of 2πT; at least 1 the one."""
    coupling = metal.pairing.coupling
    square = coupling[-1] * c.samples[-1] ** 2
    exists = square > 0
    ratio = jnp.where(exists, square, 1.0) / jnp.where(exists, coupling[0], 1.0)
    return jnp.sqrt(ratio), jnp.sqrt(jnp.maximum(square, 0.0))


def screened(
    c: CondensateBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    r"""One step of Newton's method for the tail alone, beyond the phonons' frequencies.

    There the gap is what the repulsion answers with. In the direction ν/(ν² + κ²), not 1/ν, the
    answer hardly depends on T; the functional is a maximum in it, with the slope that it has
    without a gap.
    """
    form, square = metal.pairing, scales(c, metal)[0] ** 2
    inner = -(c.weight * square / (c.node**2 + square)) @ c.even
    value = residual(c, metal, unknown)
    value = value[-1] - inner @ value[:-1]
    slope = inner @ (form.kernel @ inner - inner + 2 * form.border)
    step = -value / jnp.maximum(form.screening + form.strength * slope, 0.1)
    return unknown + step * jnp.append(form.strength * inner, 1.0)


def iterated(
    c: CondensateBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, " unknown"]:
    """One step of the textbook's iteration, Δ ← (ZΔ)/Z with both taken from Δ."""
    form = metal.pairing
    unknown = screened(c, metal, unknown)
    at, tail = angles(c, unknown, form.strength), form.strength * unknown[-1]
    t, cosine = at.tangent, 1 - at.versine
    moved = c.odd @ (metal.odd @ at.odd) / 2
    sums = form.coupling @ c.sums / (2 * c.node)
    pairing = c.even @ (form.kernel @ at.sine + tail * form.border) + tail / c.node
    t = (pairing + sums * t * cosine) / (1 + sums * cosine + moved)
    return jnp.append((c.weight * c.node * (t - tail / c.node)) @ c.even, unknown[-1])


def functional(
    c: CondensateBasis, metal: Metal, unknown: Float[Array, " unknown"]
) -> Float[Array, ""]:
    """(F_S - F_N)/(4π²T²ν0)."""
    form = metal.pairing
    at = angles(c, unknown, form.strength)
    v, b = at.sine, unknown[-1]
    linear = v @ (v - form.kernel @ v) - form.strength * b * (
        2 * form.border @ v + form.screening * b
    )
    measure = jnp.asarray(c.weight * c.node)
    return linear + measure @ at.versine**2 + 0.5 * at.odd @ (metal.odd @ at.odd)


def quartic(
    c: CondensateBasis, metal: Metal, vector: Float[Array, " dim"], tail: Scalar
) -> Float[Array, ""]:
    """The functional's part of fourth order at a small s_n = t_n = Σ_a v_a x⁽ᵃ⁾_n + tail/ν_n."""
    t = jnp.asarray(c.even) @ vector + tail / jnp.asarray(c.node)
    half = jnp.asarray(c.weight * c.node) * t**2 / 2
    odd = half @ c.odd
    return half @ t**2 / 2 + 0.5 * odd @ (metal.odd @ odd)
