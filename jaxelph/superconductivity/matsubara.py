r"""A compact form of the linearised Eliashberg equation on the Matsubara axis.

With x_n = Δ_n/ν_n, ν_n = n + ½ (units of 2πT), n ≥ 0, the isotropic equation at the
transition is stationarity of a quotient of two quadratic forms, ρ = 1, where

    ρ(T) = max_x { ½ Σ_nm [λ(n-m) + λ(n+m+1)] x_n x_m - ½ Σ_n s_n x_n² - μ (Σ_n c_n x_n)² } / Σ_n ν_n x_n²,
    λ(l) = Σ_k λ_k ω_k² / [ω_k² + (2πTl)²],      s_n = λ(0) + 2 Σ_{l=1}^{n} λ(l).

λ(0) drops out (Anderson's theorem), so λ(l) at l ≥ 1 is all that the kernel knows of the
metal. Written out, the sums have ω_c/2πT terms. Here they have about 70 whatever T:

- x_n is a superposition of ε/(ν_n² + ε²) over real energies ε, so up to a tolerance it lies
  in a space of few dimensions, spanned by the leading singular vectors of these functions,
  as in the intermediate representation (Shinaoka et al., PRB 96, 035147, 2017). The maximum
  is taken over that space. Being variational, ρ has the square of the space's error.
- the form is linear in λ(l), and its matrix for a mode of any frequency follows from λ(l)
  at some 70 integers l (sparse sampling, Li et al., PRB 101, 035144, 2020):
  K(T) = Σ_j λ(l_j) K_j with constant matrices K_j.

The matrices are computed once, in NumPy, in a fraction of a second; at run time there is
one small contraction and one small symmetric eigenvalue.

The limit ω_c → ∞ at a given μ* = μ(ω_ph) is closed. With g = 1/ν, the response to a repulsion
that acts on all n alike, x = v + a g: stationarity in v and a has the matrix

    [ K - 1   k           ]    k = K g,  q = gᵀK g,
    [ kᵀ      1/μ* + ℓ + q ]   ℓ = ln(ω_ph/2πT) - ψ(½),

for the Σ c_n²/ν_n = ln(ω_c/2πT) - ψ(½) that g costs is what μ(ω_c) grows by. Eliminating a,
K - kkᵀ/(1/μ* + ℓ + q) takes the place of K - μ(ω_c) hhᵀ. k and q are sums like K, with
F(θ) = Σ_n cos(ν_nθ)/ν_n = ln cot(θ/4).
"""  # noqa: E501

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.special
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike

from ..numerics.blas import one_blas_thread
from ..numerics.lapack import solve_symmetric
from ..numerics.tridiagonal import lowest_eigenvector

Scalar = Real[_ArrayLike, ""]

# The cutoff of the Coulomb repulsion is smooth, so that T_c is too: on the Matsubara axis
# c(ν) = Σ_i a_i s_i² N² / (s_i² N² + ν²). One Lorentzian would shift T_c by O(ω_ph/ω_c)²;
# these three cancel that order: Σ a = 1, Σ a/s² = 0 and Σ (a/s²) ln s = 0, the last two
# being the terms ln ν/ν² and 1/ν² of Σ (1 - c)/ν³.
_SCALES = np.array([1.0, 2.0, 4.0])
_WEIGHTS = np.array([1.0, -8.0, 16.0]) / 9.0


def _logarithm_of_cutoff() -> float:
    """κ of Σ_n c_n²/ν_n = ln N + κ - ψ(½) for large N; a sharp cutoff at N has κ = 0."""
    a, b = np.meshgrid(_SCALES**2, _SCALES**2)
    with np.errstate(invalid="ignore"):
        pair = (a * np.log(b) - b * np.log(a)) / (a - b)
    np.fill_diagonal(pair, np.log(_SCALES**2) - 1)
    return float(_WEIGHTS @ pair @ _WEIGHTS / 2)


_KAPPA = _logarithm_of_cutoff()
_DIGAMMA_HALF = float(scipy.special.digamma(0.5))


@dataclasses.dataclass(frozen=True, eq=False)
class MatsubaraBasis:
    """The constants of the compact equation; made by `matsubara_basis`."""

    reach: float  # largest energy, in units of 2πT, that the space resolves
    tolerance: float  # singular values below this share of the largest are dropped
    samples: np.ndarray  # (sample,): the integers l_j
    tensor: np.ndarray  # (sample, dim, dim): the matrices K_j
    border: np.ndarray  # (sample, dim): K_j g with g = 1/ν
    corner: np.ndarray  # (sample,): gᵀ K_j g
    node: np.ndarray  # (node,): nodes ν_q of a quadrature for sums over n ≥ 0
    weighted: np.ndarray  # (node, dim): basis functions there, times the weights
    energy: np.ndarray  # (energy,): energies ε
    expansion: np.ndarray  # (energy, dim): basis functions in terms of ε/(ν² + ε²)

    @property
    def lowest(self) -> float:
        """The lowest T/ω_c at which the basis is valid."""
        # The widest Lorentzian of the cutoff, 4N, stays a decade below the reach.
        return 10 * _SCALES[-1] * float(np.exp(-_KAPPA)) / (2 * np.pi * self.reach)

    @property
    def lowest_of_modes(self) -> float:
        """The lowest T/ω, ω the highest frequency of the spectrum, at which K is valid."""
        return 10 / (2 * np.pi * self.reach)

    def kept_key(self) -> str | None:
        """For `numerics.kept`: what names the constants, if they are those by default."""
        return "matsubara_basis()" if self is matsubara_basis() else None

    def functions(self, index: np.ndarray) -> np.ndarray:
        """Basis functions x_n at integers n, shape (index, dim)."""
        nu = np.asarray(index, dtype=float)[:, None] + 0.5
        return (self.energy / (nu**2 + self.energy**2)) @ self.expansion


# On one thread of BLAS the digits are the same in every process, to the last: they are in what is
# compiled, which is kept under its own text. It also takes a tenth of the time.
@functools.lru_cache(maxsize=8)
@one_blas_thread()
def matsubara_basis(reach: float = 1e9, tolerance: float = 1e-6) -> MatsubaraBasis:
    """The constants of the compact equation, computed once for each pair of arguments.

    Args:
        reach: largest ω/2πT that is resolved. T_c is found down to about 1.4 ω_c/reach.
        tolerance: of the space; T_c has about its square, and no better than 1e-11.

    Example:
        >>> basis = matsubara_basis()
        >>> print(basis.tensor.shape, f"{basis.lowest:.1e}")
        (73, 63, 63) 1.4e-09
    """
    # So far beyond the reach for g = 1/ν: what is left out is of the order of ω/2πT over the top.
    nu, weight = sum_quadrature(top=1e7 * reach)
    energy = np.geomspace(0.02, reach, int(6 * np.log(50 * reach)))
    norm = np.sqrt(weight * nu)[:, None]
    left, sigma, right = np.linalg.svd(
        norm * energy / (nu[:, None] ** 2 + energy**2), full_matrices=False
    )
    dim = int(np.sum(sigma > tolerance * sigma[0]))
    x, expansion = left[:, :dim] / norm, right[:dim].T / sigma[:dim]

    # The form's matrix for one mode of coupling 1 and frequency w, for many w: in imaginary
    # time, θ = 2πTτ, the first sum is a product, ∫ d(θ) F(θ)² dθ/π, with the phonon's
    # d(θ) = Σ_l λ(l) e^{ilθ} and F(θ) = Σ_n x_n cos ν_nθ both in closed form. Everything is
    # divided by w²/(1+w²), so that the limit w → 0 (strong coupling) keeps its digits,
    # and l = 0 is left out of both sums.
    w = np.geomspace(0.1, reach / 10, int(4 * np.log(reach)))
    theta, dtheta = time_quadrature(bottom=1e-6 / reach)
    decay = np.exp(-energy * theta[:, None]) - np.exp(-energy * (2 * np.pi - theta[:, None]))
    f = (np.pi / 2 * decay / (1 + np.exp(-2 * np.pi * energy))) @ expansion
    d = np.exp(-w * theta[:, None]) + np.exp(-w * (2 * np.pi - theta[:, None]))
    d = (np.pi * w * d / -np.expm1(-2 * np.pi * w) - 1) * (1 + w**2) / w**2
    d = np.column_stack([(np.pi - theta) ** 2 / 2 - np.pi**2 / 6, d])
    s = np.pi * w / np.tanh(np.pi * w) - 1
    s = s - 2 * w * scipy.special.digamma(nu[:, None] + 0.5 + 1j * w).imag
    s = s * (1 + w**2) / w**2
    s = np.column_stack([np.pi**2 / 3 - 2 * scipy.special.polygamma(1, nu + 0.5), s])
    # One more function than the space has: g = 1/ν, of infinite range.
    f = np.column_stack([f, -np.log(np.tan(theta / 4))])
    y = np.column_stack([x, 1 / nu])
    i, j = np.triu_indices(dim + 1)
    form = (d * dtheta[:, None]).T @ (f[:, i] * f[:, j]) / np.pi
    form -= (s * weight[:, None]).T @ (y[:, i] * y[:, j]) / 2

    w = np.append(0.0, w)
    candidates = np.unique(np.round(np.geomspace(1, reach, 600)))
    values = (1 + w[:, None] ** 2) / (w[:, None] ** 2 + candidates**2)
    r, pivot = scipy.linalg.qr(values, mode="r", pivoting=True)  # pyright: ignore
    size = np.abs(np.diag(r))
    chosen = np.sort(pivot[: int(np.sum(size > 1e-12 * size[0]))])
    packed = np.linalg.lstsq(values[:, chosen], form, rcond=1e-14)[0]
    tensor = np.empty((len(chosen), dim + 1, dim + 1))
    tensor[:, i, j] = packed
    tensor[:, j, i] = packed
    return MatsubaraBasis(
        reach=reach,
        tolerance=tolerance,
        samples=candidates[chosen],
        tensor=tensor[:, :dim, :dim].copy(),
        border=tensor[:, :dim, dim].copy(),
        corner=tensor[:, dim, dim].copy(),
        node=nu,
        weighted=weight[:, None] * x,
        energy=energy,
        expansion=expansion,
    )


def sum_quadrature(top: float, exact: int = 16, order: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for Σ_{n≥0} f(n+½), exact terms first, then octaves.

    In an octave of M terms it is Gauss's rule of the discrete measure (Gram polynomials),
    whose Jacobi matrix is known: β_k = k²(M²-k²)/[4(4k²-1)]. Nodes are not integers.
    """
    node, weight = [np.arange(exact) + 0.5], [np.ones(exact)]
    count, k = float(exact), np.arange(1, order)
    while count < top:  # an octave that starts at `count` has as many terms
        beta = k**2 * (count**2 - k**2) / (4 * (4.0 * k**2 - 1))
        point, vector = scipy.linalg.eigh_tridiagonal(np.zeros(order), np.sqrt(beta))
        node.append(1.5 * count + point)
        weight.append(count * vector[0] ** 2)
        count *= 2
    return np.concatenate(node), np.concatenate(weight)


def time_quadrature(bottom: float, order: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights in octaves of (0, π]."""
    octaves = int(np.log2(np.pi / bottom))
    edge = np.append(0.0, np.pi * 2.0 ** -np.arange(octaves, -1, -1))
    point, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(edge)[:, None] / 2
    return (edge[:-1, None] + half * (point + 1)).ravel(), (half * weight).ravel()


class Repulsion(NamedTuple):
    """Coulomb repulsion as the kernel takes it, by one of two parametrisations."""

    strength: Scalar  # μ*(ω_c), or without a cutoff μ* at ω_ph
    cutoff: Scalar | None  # ω_c (energy); None is the limit ω_c → ∞
    omega_ph: Scalar  # (energy); of no importance with a cutoff


class PairingForm(NamedTuple):
    """The quadratic form of the pairing at a temperature, before its tail is eliminated."""

    coupling: Float[Array, " sample"]  # λ(l_j)
    kernel: Float[Array, "dim dim"]  # K, with a cutoff K - μ h hᵀ
    border: Float[Array, " dim"]  # k = K g; with a cutoff 0, and so are what follows
    screening: Float[Array, ""]  # 1 + μ*(ℓ + q); with a cutoff 1
    strength: Float[Array, ""]  # μ*


def pairing_form(
    basis: MatsubaraBasis,
    omega: Float[Array, " mode"],
    area: Float[Array, " mode"],
    temperature: Scalar,
    repulsion: Repulsion,
) -> PairingForm:
    """K(T), its border and what screens the repulsion: the parts of `pairing_kernel`.

    Args:
        basis, omega, area, temperature, repulsion: see `pairing_kernel`.
    """
    step = 2 * jnp.pi * temperature
    nu = step * jnp.asarray(basis.samples)
    coupling = jnp.sum(
        2 * (area * omega)[None, :] / (omega[None, :] ** 2 + nu[:, None] ** 2), axis=1
    )
    kernel = jnp.tensordot(coupling, jnp.asarray(basis.tensor), 1)
    if repulsion.cutoff is None:
        k = coupling @ jnp.asarray(basis.border)
        q = coupling @ jnp.asarray(basis.corner)
        growth = jnp.log(repulsion.omega_ph / step) - _DIGAMMA_HALF + q
        # Not positive where μ* would be infinite at the scale of T: no bare μ gives such a μ*.
        screening = jnp.maximum(1 + repulsion.strength * growth, 1e-6)
        return PairingForm(coupling, kernel, k, screening, jnp.asarray(repulsion.strength))
    scale = repulsion.cutoff * np.exp(-_KAPPA) / step * _SCALES
    form = scale[None, :] ** 2 / (scale[None, :] ** 2 + basis.node[:, None] ** 2) @ _WEIGHTS
    h = form @ jnp.asarray(basis.weighted)
    kernel = kernel - repulsion.strength * h[:, None] * h[None, :]
    return PairingForm(coupling, kernel, jnp.zeros_like(h), jnp.ones_like(step), jnp.zeros(()))


def pairing_kernel(
    basis: MatsubaraBasis,
    omega: Float[Array, " mode"],
    area: Float[Array, " mode"],
    temperature: Scalar,
    repulsion: Repulsion,
) -> tuple[Float[Array, "dim dim"], Float[Array, " dim"]]:
    r"""The kernel $K(T) = \sum_j \lambda(l_j) K_j$ less its repulsion, and the tail of x.

    With a cutoff it is $K - \mu\, h h^T$, $h_a = \sum_n c_n x^{(a)}_n$; without one
    $K - kk^T/(1/\mu^* + \ell + q)$, see above.

    Args:
        basis: see `matsubara_basis`.
        omega (array of shape (mode,), energy): mode frequencies ω_k.
        area (array of shape (mode,), energy): λ_k ω_k/2, the area of mode k in α²F.
        temperature (scalar, energy): T.
        repulsion: see `Repulsion`.

    Returns:
        The kernel (array of shape (dim, dim)), and the vector whose product with the
        eigenvector v is a in x_n = Σ_a v_a x⁽ᵃ⁾_n + a/ν_n (array of shape (dim,)).
    """
    form = pairing_form(basis, omega, area, temperature, repulsion)
    tail = -form.border * (form.strength / form.screening)
    return form.kernel + form.border[:, None] * tail[None, :], tail


@jax.custom_jvp
def top_eigenpair(
    matrix: Float[Array, "dim dim"],
) -> tuple[Float[Array, ""], Float[Array, " dim"]]:
    """Largest eigenvalue of a symmetric matrix and its unit eigenvector.

    Its derivative (Hellmann-Feynman for the value, one bordered linear system for the
    vector) needs no other eigenvalue, which `eigh` would divide by differences of.
    """
    vector = lowest_eigenvector(-matrix)
    return vector @ (matrix @ vector), vector


@top_eigenpair.defjvp
def _top_eigenpair_jvp(primals, tangents):
    (matrix,), (change,) = primals, tangents
    value, vector = top_eigenpair(matrix)
    applied = (change @ vector + vector @ change) / 2
    slope = vector @ applied
    dim = matrix.shape[0]
    bordered = jnp.zeros((dim + 1, dim + 1), matrix.dtype)
    bordered = bordered.at[:dim, :dim].set(matrix - value * jnp.eye(dim, dtype=matrix.dtype))
    bordered = bordered.at[:dim, dim].set(vector).at[dim, :dim].set(vector)
    right = jnp.append(slope * vector - applied, 0.0)
    return (value, vector), (slope, solve_symmetric(bordered, right)[:dim])
