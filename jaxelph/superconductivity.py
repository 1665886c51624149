r"""Superconductivity: T_c from formulas and from the linearised Eliashberg equation.

The isotropic equation on the Matsubara axis (Allen & Dynes, PRB 12, 905, 1975) is

    Z_n Δ_n = πT Σ_m [λ(n-m) - μ*(ω_c)] Δ_m / |ω_m|,   Z_n = 1 + (πT/ω_n) Σ_m λ(n-m) sgn ω_m,

with ω_n = (2n+1)πT, λ(l) = Σ_k λ_k ω_k²/(ω_k² + (2πTl)²) and the repulsion cut at ω_c. T_c is
where the largest eigenvalue ρ(T) of its symmetric kernel passes 1; `matsubara` holds the
kernel. Since μ* is quoted for the top of the phonon spectrum ω_ph,

    μ*(ω_c) = μ* / [1 + μ* ln(ω_ph/ω_c)].

The cutoff here is smooth and such that ω_c drops out up to O(ω_ph/ω_c)²: T_c is differentiable,
which it is not if Matsubara frequencies leave a sharp cutoff one at a time.
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix
from jax.core import Tracer
from jaxtyping import Array, Float, Int, Real
from jaxtyping import ArrayLike as _ArrayLike

from .matsubara import MatsubaraBasis, matsubara_basis, pairing_kernel, top_eigenpair
from .spectrum import EliashbergFunction, maximum_frequency

Scalar = Real[_ArrayLike, ""]
Method = Literal["eliashberg", "allen-dynes", "mcmillan"]

# T_c < 0.18272624… √(λ⟨ω²⟩) for every spectrum and μ* ≥ 0 (Allen & Dynes 1975).
_LARGEST = 0.1828


def mcmillan(spectrum: EliashbergFunction, mu_star: Scalar = 0.1) -> Float[Array, ""]:
    r"""McMillan's T_c with the prefactor of Allen and Dynes:

    $$T_c = \frac{\omega_{\log}}{1.2}\exp\left[-\frac{1.04(1+\lambda)}
        {\lambda-\mu^*(1+0.62\lambda)}\right].$$

    Source: McMillan, Phys. Rev. 167, 331 (1968), whose own prefactor is Θ_D/1.45; Allen &
    Dynes, PRB 12, 905 (1975), Eq. (2).

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ*.

    Returns:
        T_c (scalar, in the spectrum's energy unit); 0 where the denominator is not positive.

    Raises:
        ValueError: `mu_star` is negative.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{mcmillan(EinsteinModes([1.0], [1.0]), 0.1):.6f}")
        0.069640
    """
    _check_mu_star(mu_star)
    return _formula(spectrum, mu_star)[0]


def allen_dynes(spectrum: EliashbergFunction, mu_star: Scalar = 0.1) -> Float[Array, ""]:
    r"""Allen and Dynes' formula for T_c:

    $$T_c = f_1 f_2\, T_c^{\mathrm{McMillan}}, \quad
      f_1 = \left[1+(\lambda/\Lambda_1)^{3/2}\right]^{1/3}, \quad
      f_2 = 1+\frac{(\bar\omega_2/\omega_{\log}-1)\lambda^2}{\lambda^2+\Lambda_2^2},$$

    $\Lambda_1 = 2.46(1+3.8\mu^*)$, $\Lambda_2 = 1.82(1+6.3\mu^*)\,\bar\omega_2/\omega_{\log}$.

    Source: Allen & Dynes, PRB 12, 905 (1975), Eqs. (34)-(38).

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ*.

    Returns:
        T_c (scalar, in the spectrum's energy unit), 0 where there is none.

    Raises:
        ValueError: `mu_star` is negative.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{allen_dynes(EinsteinModes([1.0], [1.0]), 0.1):.6f}")
        0.073169
    """
    _check_mu_star(mu_star)
    return _formula(spectrum, mu_star)[1]


@jax.jit
def _formula(spectrum, mu_star):
    omega, coupling = spectrum.coarse_modes()
    total = jnp.sum(coupling)
    net = total - mu_star * (1 + 0.62 * total)
    # Below this the exponential underflows, and its derivative would be 0 times infinity.
    exists = (total > 0) & (net > 1.04 * (1 + total) / 700)
    # Substitutes where there is no T_c keep both branches of `where` free of NaN.
    total = jnp.where(exists, total, 1.0)
    net = jnp.where(exists, net, 1.0)
    log_frequency = jnp.exp(jnp.sum(coupling * jnp.log(omega)) / total)
    square = jnp.sum(coupling * omega**2) / total
    ratio = jnp.sqrt(jnp.where(exists, square, 1.0)) / log_frequency
    plain = log_frequency / 1.2 * jnp.exp(-1.04 * (1 + total) / net)
    f1 = (1 + (total / (2.46 * (1 + 3.8 * mu_star))) ** 1.5) ** (1 / 3)
    width = 1.82 * (1 + 6.3 * mu_star) * ratio
    f2 = 1 + (ratio - 1) * total**2 / (total**2 + width**2)
    return jnp.where(exists, plain, 0.0), jnp.where(exists, f1 * f2 * plain, 0.0)


def transition_temperature(
    spectrum: EliashbergFunction,
    mu_star: Scalar = 0.1,
    *,
    method: Method | str = "eliashberg",
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Transition temperature, $\rho(T_c) = 1$ for the Eliashberg kernel's largest eigenvalue.

    Differentiable to any order, in forward and reverse mode, in μ* and every parameter of
    the spectrum. The derivatives are implicit ones of ρ, by Hellmann-Feynman.

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ* at the frequency ω_ph.
        method: "eliashberg", or the formulas "allen-dynes" and "mcmillan".
        cutoff (scalar, energy): ω_c of the Coulomb repulsion; by default 10 ω_ph. T_c
            hardly depends on it: by 1 to 4 parts in 10⁴ from there on. Ignored by the
            formulas.
        omega_ph (scalar, energy): the frequency that μ* refers to, by default the top of
            the spectrum, `maximum_frequency(spectrum)`. Ignored by the formulas.
        basis: accuracy of the Matsubara sums, see `matsubara_basis`.

    Returns:
        T_c (scalar, in the spectrum's energy unit). It is 0, and its gradient 0, where the
        metal does not superconduct above about 10⁻⁹ ω_c.

    Raises:
        ValueError: `method` is not known, `mu_star` is negative or too large for the
            cutoff, or `cutoff` is not above the spectrum. Traced values cannot be seen:
            a μ* too large for the cutoff then counts as infinite repulsion.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{transition_temperature(s, 0.0):.8f}")  # Allen & Dynes: 0.1146
        0.11461951
        >>> print(f"{jax.grad(lambda m: transition_temperature(s, m))(0.1):.6f}")
        -0.397505
    """
    name = method.lower().replace("_", "-")
    _check_mu_star(mu_star)
    if name == "mcmillan":
        return mcmillan(spectrum, mu_star)
    if name == "allen-dynes":
        return allen_dynes(spectrum, mu_star)
    if name != "eliashberg":
        raise ValueError(
            f'method {method!r} is not known; use "eliashberg", "allen-dynes" or "mcmillan".'
        )
    options = _options(spectrum, mu_star, cutoff, omega_ph, basis)
    return _temperature(*_modes(spectrum), *options)


def pairing_eigenvalue(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    mu_star: Scalar = 0.1,
    *,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Largest eigenvalue ρ(T) of the symmetric kernel; the metal superconducts if ρ > 1.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T, above `basis.lowest` times the cutoff.
        mu_star, cutoff, omega_ph, basis: see `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{pairing_eigenvalue(s, 0.11461951, 0.0):.6f}")
        1.000000
    """
    _check_mu_star(mu_star)
    repulsion, cutoff, basis = _options(spectrum, mu_star, cutoff, omega_ph, basis)
    known, top = _concrete(temperature), _concrete(cutoff)
    if known is not None and top is not None and known < basis.lowest * top:
        raise ValueError(
            f"temperature {known:g} is below what the basis resolves, "
            f"{basis.lowest * top:g}; pass basis=matsubara_basis(reach=…) with a larger reach."
        )
    return _eigenvalue(*_modes(spectrum), jnp.asarray(temperature), repulsion, cutoff, basis)


class Gap(NamedTuple):
    """The gap function at T_c: `temperature`, Matsubara `omega` and `gap`, Δ_n/Δ_0."""

    temperature: Float[Array, ""]
    omega: Float[Array, " frequency"]
    gap: Float[Array, " frequency"]


def gap_function(
    spectrum: EliashbergFunction,
    mu_star: Scalar = 0.1,
    *,
    index: Int[np.ndarray, " frequency"] | None = None,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    basis: MatsubaraBasis | None = None,
) -> Gap:
    r"""Gap function $\Delta(i\omega_n)/\Delta(i\omega_0)$ at T_c, $\omega_n = (2n+1)\pi T_c$.

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, basis: see `transition_temperature`.
        index (array of shape (frequency,)): the n ≥ 0 wanted, by default 0 to 63.

    Returns:
        `Gap` with T_c, ω_n (energy) and Δ_n/Δ_0; all zero where there is no T_c.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> gap = gap_function(EinsteinModes([1.0], [1.0]), 0.0)
        >>> print(gap.gap[:4])
        [1.         0.79765181 0.5512935  0.37526169]
    """
    _check_mu_star(mu_star)
    n = np.arange(64) if index is None else np.asarray(index)
    if n.ndim != 1 or not np.issubdtype(n.dtype, np.integer) or np.any(n < 0):
        raise ValueError(f"index must be a vector of integers n ≥ 0, got {n!r}.")
    repulsion, cutoff, basis = _options(spectrum, mu_star, cutoff, omega_ph, basis)
    functions = basis.functions(np.append(0, n))
    return _gap(*_modes(spectrum), repulsion, cutoff, basis, n + 0.5, functions)


def tc_functional_derivative(
    spectrum: EliashbergFunction,
    omega: Float[Array, " frequency"],
    mu_star: Scalar = 0.1,
    *,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    basis: MatsubaraBasis | None = None,
) -> Float[Array, " frequency"]:
    r"""Functional derivative $\delta T_c/\delta\alpha^2F(\omega)$, the weight of each phonon.

    The change of T_c for $\alpha^2F \to \alpha^2F + \eta\,\delta(\cdot-\omega)$, per η, at fixed
    μ*, ω_ph and ω_c. It is positive, linear at ω → 0 and largest at about 7 T_c; and
    $\int \alpha^2F\;\delta T_c/\delta\alpha^2F\,d\omega = \partial T_c/\partial\ln g$ for
    $\alpha^2F \to g\,\alpha^2F$. Source: Bergmann & Rainer, Z. Phys. 263, 59 (1973).

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): where to evaluate it.
        mu_star, cutoff, omega_ph, basis: see `transition_temperature`.

    Returns:
        δT_c/δα²F(ω) (array of shape (frequency,), dimensionless); 0 where there is no T_c.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(tc_functional_derivative(s, np.array([0.1, 1.0, 10.0]), 0.0))
        [0.0624561  0.25429238 0.06071749]
    """
    _check_mu_star(mu_star)
    options = _options(spectrum, mu_star, cutoff, omega_ph, basis)
    return _derivative(
        *_modes(spectrum), jnp.asarray(omega, dtype=jnp.result_type(float)), *options
    )


def _concrete(value) -> float | None:
    return None if isinstance(value, Tracer) else float(value)


def _check_mu_star(mu_star) -> None:
    if np.ndim(mu_star) != 0:
        raise ValueError(
            f"mu_star must be a scalar, got shape {np.shape(mu_star)}; map over it with jax.vmap."
        )
    known = _concrete(mu_star)
    if known is not None and not known >= 0:
        raise ValueError(f"mu_star must not be negative, got {known:g}; use 0 for no repulsion.")


def _options(spectrum, mu_star, cutoff, omega_ph, basis):
    """μ*(ω_c), ω_c and the basis, with defaults filled in and concrete values checked."""
    top = maximum_frequency(spectrum)
    omega_ph = top if omega_ph is None else jnp.asarray(omega_ph, dtype=jnp.result_type(float))
    cutoff = 10 * omega_ph if cutoff is None else jnp.asarray(cutoff, dtype=jnp.result_type(float))
    # A spectrum without any coupling has no top; its T_c is 0 for any scale.
    safe = jnp.where(cutoff > 0, cutoff, 1.0)
    ratio = jnp.where(cutoff > 0, omega_ph, 1.0) / safe
    screening = 1 + mu_star * jnp.log(ratio)
    known = [_concrete(x) for x in (cutoff, top, mu_star, ratio)]
    if known[0] is not None and known[1] is not None and known[0] <= known[1] != 0:
        raise ValueError(
            f"cutoff {known[0]:g} must exceed the top of the spectrum, {known[1]:g}; "
            "ten times that is usual."
        )
    if known[2] and known[3] and 1 + known[2] * np.log(known[3]) <= 0:
        raise ValueError(
            f"mu_star {known[2]:g} is too large for this cutoff: it must stay below "
            f"1/ln(cutoff/omega_ph) = {-1 / np.log(known[3]):g}; lower the cutoff."
        )
    repulsion = mu_star / jnp.maximum(screening, 1e-6)
    return repulsion, safe, matsubara_basis() if basis is None else basis


@eqx.filter_jit
def _modes(spectrum) -> tuple[Array, Array]:
    # Areas rather than couplings: δT_c/δα²F(ω) then needs no division by ω.
    omega, coupling = spectrum.coarse_modes()
    return omega, coupling * omega / 2


@eqx.filter_jit
def _eigenvalue(omega, area, temperature, repulsion, cutoff, basis):
    return top_eigenpair(pairing_kernel(basis, omega, area, temperature, repulsion, cutoff))[0]


def _solve(omega, area, repulsion, cutoff, basis):
    """ln T_c (finite in any case), and whether it is one."""

    def residual(log_t, args):
        omega, area, repulsion, cutoff, exists, start = args
        kernel = pairing_kernel(basis, omega, area, jnp.exp(log_t), repulsion, cutoff)
        # Where there is no root a tame substitute has one, so that no NaN can spread.
        kernel = jnp.where(
            exists, kernel, jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype))
        )
        return jnp.where(exists, top_eigenpair(kernel)[0] - 1, log_t - start)

    fixed = jax.lax.stop_gradient((omega, area, repulsion, cutoff))
    low = jnp.log(basis.lowest * fixed[3])
    moment = jnp.sum(2 * fixed[1] * fixed[0])  # λ⟨ω²⟩
    high = jnp.log(jnp.where(moment > 0, _LARGEST * jnp.sqrt(jnp.abs(moment)), 1e-300))
    exists = (high > low) & (residual(low, (*fixed, True, low)) > 0)
    high = jnp.maximum(high, low)

    # optimistix's Bisection insists on a change of sign, which need not exist here. It only
    # has to find Newton's basin: T_c to about 0.1 %.
    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        above = residual(middle, (*fixed, True, low)) < 0
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = jax.lax.fori_loop(0, 14, halve, (low, high))
    start = jax.lax.stop_gradient((low + high) / 2)
    # The implicit rule makes every derivative of the root exact, not only the first.
    args = (omega, area, repulsion, cutoff, exists, start)
    newton = optimistix.Newton(rtol=1e-12, atol=1e-12)
    root = optimistix.root_find(residual, newton, start, args, max_steps=8, throw=False).value
    return root, exists


@eqx.filter_jit
def _temperature(omega, area, repulsion, cutoff, basis):
    root, exists = _solve(omega, area, repulsion, cutoff, basis)
    return jnp.where(exists, jnp.exp(root), 0.0)


@eqx.filter_jit
def _gap(omega, area, repulsion, cutoff, basis, nu, functions):
    root, exists = _solve(omega, area, repulsion, cutoff, basis)
    temperature = jnp.where(exists, jnp.exp(root), 0.0)
    kernel = pairing_kernel(basis, omega, area, jnp.exp(root), repulsion, cutoff)
    kernel = jnp.where(exists, kernel, jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype)))
    vector = top_eigenpair(kernel)[1]
    x = functions @ vector
    gap = jnp.where(exists, nu * x[1:] / (0.5 * x[0]), 0.0)
    return Gap(temperature, 2 * jnp.pi * temperature * nu, gap)


@eqx.filter_jit
def _derivative(omega, area, extra, repulsion, cutoff, basis):
    def temperature(added):
        return _temperature(
            jnp.append(omega, extra), jnp.append(area, added), repulsion, cutoff, basis
        )

    return jax.grad(temperature)(jnp.zeros_like(extra))
