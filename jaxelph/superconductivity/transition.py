r"""Superconductivity: T_c from formulas and from the linearised Eliashberg equation.

The isotropic equation on the Matsubara axis (Allen & Dynes, PRB 12, 905, 1975) is

    Z_n Δ_n = πT Σ_m [λ(n-m) - μ*(ω_c)] Δ_m / |ω_m|,   Z_n = 1 + (πT/ω_n) Σ_m λ(n-m) sgn ω_m,

with ω_n = (2n+1)πT, λ(l) = Σ_k λ_k ω_k²/(ω_k² + (2πTl)²) and the repulsion cut at ω_c. T_c is
where the largest eigenvalue ρ(T) of its symmetric kernel passes 1; `matsubara` holds the
kernel. μ* is quoted for the phonons' frequency ω_ph, see `phonon_edge`, and at any other

    μ*(ω_c) = μ* / [1 + μ* ln(ω_ph/ω_c)].

What is computed by default is the limit ω_c → ∞, which is closed. A cutoff that is asked for is
smooth and such that ω_c drops out up to O(ω_ph/ω_c)²: T_c is differentiable, which it is not if
Matsubara frequencies leave a sharp cutoff one at a time.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..numerics.checks import checked
from ..numerics.errors import ArgumentError
from ..numerics.kept import kept
from ..numerics.roots import falling_root
from ..spectra.moments import phonon_edge
from ..spectra.spectrum import EliashbergFunction, Scalar
from .coulomb import Quoted, check_coulomb, check_mu_star, concrete_value, nan_of
from .formulas import allen_dynes, mcmillan, temperatures
from .matsubara import MatsubaraBasis, Repulsion, matsubara_basis, pairing_kernel, top_eigenpair

Method = Literal["eliashberg", "allen-dynes", "mcmillan"]


# T_c < 0.18272624… √(λ⟨ω²⟩) for every spectrum and μ* ≥ 0 (Allen & Dynes 1975).
_LARGEST = 0.1828


@checked
def transition_temperature(
    spectrum: EliashbergFunction,
    mu_star: Scalar = 0.1,
    *,
    method: Method | str = "eliashberg",
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Transition temperature, $\rho(T_c) = 1$ for the Eliashberg kernel's largest eigenvalue.

    T_c is where the linearised isotropic equation first has a solution,

    $$Z_n\Delta_n = \pi T\sum_m[\lambda(n-m) - \mu^*(\omega_c)]\frac{\Delta_m}{|\omega_m|},
      \qquad Z_n = 1 + \frac{\pi T}{\omega_n}\sum_m\lambda(n-m)\,\mathrm{sgn}\,\omega_m,$$

    with $\omega_n = (2n+1)\pi T$ and
    $\lambda(l) = \sum_k\lambda_k\omega_k^2/[\omega_k^2 + (2\pi Tl)^2]$. Source: Allen & Dynes,
    PRB 12, 905 (1975).

    Differentiable to any order, in forward and reverse mode, in μ* and every parameter of
    the spectrum. The derivatives are implicit ones of ρ, by Hellmann-Feynman.

    Args:
        spectrum: an Eliashberg function.
        mu_star (scalar): Coulomb pseudopotential μ*, 0 ≤ μ* < 1.
        method: "eliashberg", or the formulas "allen-dynes" and "mcmillan".
        cutoff (scalar, energy): ω_c of the Coulomb repulsion; by default the limit ω_c → ∞
            at the given μ* at ω_ph. At a finite cutoff T_c is off that limit by
            O(ω_c⁻² ln ω_c): for an Einstein mode at μ* = 0.1 and ω_c = 10 ω_ph by 1.4e-3 at
            λ = 1, 1.4e-2 at λ = 10 and 8.7e-2 at λ = 100. Ignored by the formulas.
        omega_ph (scalar, energy): the frequency that μ* refers to, by default that below
            which 99 % of ∫α²F dω lies, `phonon_edge(spectrum)`. Ignored by the formulas.
        mu_star_at: "omega-ph", or "cutoff" where μ* is quoted at `cutoff`, which must then
            be given: as for the μ* of codes that cut their Matsubara sums there, EPW's `muc` at
            `wscut` and IsoME's `muc_ME` at `omega_c`. Such a μ* is the larger, the higher ω_c
            is, and taken for one at ω_ph it gives too low a T_c.
        basis: accuracy of the Matsubara sums, see `matsubara_basis`.

    Returns:
        T_c (scalar, in the spectrum's energy unit). It is 0, and its gradient 0, where the
        metal does not superconduct above about 2·10⁻⁹ of its highest frequency (or of ω_c).

    Raises:
        ValueError: `method` is not known, `mu_star` is not from 0 up to 1 or too large for
            the cutoff, `cutoff` is not above the spectrum, or `omega_ph` is not positive.
            Traced values cannot be seen: NaN gives NaN, and a μ* too large for the cutoff,
            or for a T_c far above ω_ph, counts as infinite repulsion.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{transition_temperature(s, 0.0):.8f}")  # Allen & Dynes: 0.1146
        0.11461951
        >>> print(f"{jax.grad(lambda m: transition_temperature(s, m))(0.1):.6f}")
        -0.397445
    """
    name = method.lower().replace("_", "-")
    check_mu_star(mu_star)
    if name == "mcmillan":
        return mcmillan(spectrum, mu_star)
    if name == "allen-dynes":
        return allen_dynes(spectrum, mu_star)
    if name != "eliashberg":
        raise ValueError(
            f'method {method!r} is not known; use "eliashberg", "allen-dynes" or "mcmillan".'
        )
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return critical_temperature(*areas_of_modes(spectrum), *options)


@checked
def pairing_eigenvalue(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    mu_star: Scalar = 0.1,
    *,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Float[Array, ""]:
    r"""Largest eigenvalue ρ(T) of the symmetric kernel; the metal superconducts if ρ > 1.

    $$\rho(T) = \max_x\Bigl\{\tfrac12\sum_{nm}[\lambda(n-m) + \lambda(n+m+1)]x_nx_m
      - \tfrac12\sum_n s_nx_n^2 - \mu\Bigl(\sum_n c_nx_n\Bigr)^2\Bigr\}\Big/\sum_n\nu_nx_n^2,$$

    with $x_n = \Delta_n/\nu_n$, $\nu_n = n + \tfrac12$, c_n the cutoff of the repulsion, and
    $s_n = \lambda(0) + 2\sum_{l=1}^n\lambda(l)$. Source: the isotropic equation of Allen & Dynes,
    PRB 12, 905 (1975), see `transition_temperature`, where λ(0) drops out by Anderson's theorem.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T, above `basis.lowest_of_modes` times the highest
            frequency, or with a cutoff `basis.lowest` times that.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        ρ (scalar), decreasing with T.

    Raises:
        ValueError: `mu_star` is not from 0 up to 1, or another option cannot be meant, see
            `transition_temperature`; or T is below what the basis resolves.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(f"{pairing_eigenvalue(s, 0.11461951, 0.0):.6f}")
        1.000000
    """
    check_mu_star(mu_star)
    repulsion, basis = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    omega, area = areas_of_modes(spectrum)
    check_resolved(temperature, omega, area, repulsion, basis)
    return _eigenvalue(omega, area, jnp.asarray(temperature), repulsion, basis)


class Gap(NamedTuple):
    """The gap function at T_c: `temperature`, Matsubara `omega` and `gap`, Δ_n/Δ_0."""

    temperature: Float[Array, ""]
    omega: Float[Array, " frequency"]
    gap: Float[Array, " frequency"]


@checked
def gap_function(
    spectrum: EliashbergFunction,
    mu_star: Scalar = 0.1,
    *,
    index: Int[np.ndarray, " frequency"] | None = None,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
    basis: MatsubaraBasis | None = None,
) -> Gap:
    r"""Gap function $\Delta(i\omega_n)/\Delta(i\omega_0)$ at T_c, $\omega_n = (2n+1)\pi T_c$.

    The solution of the linearised equation at T_c, see `transition_temperature`; at T_c the gap
    has a shape and no size. Source: Allen & Dynes, PRB 12, 905 (1975).

    Args:
        spectrum: an Eliashberg function.
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.
        index (array of shape (frequency,)): the n ≥ 0 wanted, by default 0 to 63.

    Returns:
        `Gap` with T_c, ω_n (energy) and Δ_n/Δ_0; all zero where there is no T_c.

    Raises:
        ValueError: `mu_star` is not from 0 up to 1, or another option cannot be meant, see
            `transition_temperature`; or the index is no vector of n ≥ 0.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> gap = gap_function(EinsteinModes([1.0], [1.0]), 0.0)
        >>> print(gap.gap[:4])
        [1.         0.79765181 0.5512935  0.37526169]
    """
    check_mu_star(mu_star)
    n = np.arange(64) if index is None else np.asarray(index)
    if n.ndim != 1 or not np.issubdtype(n.dtype, np.integer) or np.any(n < 0):
        raise ValueError(f"index must be a vector of integers n ≥ 0, got {n!r}.")
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    functions = options[1].functions(np.append(0, n))
    return _gap(*areas_of_modes(spectrum), *options, n + 0.5, functions)


@checked
def tc_functional_derivative(
    spectrum: EliashbergFunction,
    omega: Float[Array, " frequency"],
    mu_star: Scalar = 0.1,
    *,
    cutoff: Scalar | None = None,
    omega_ph: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
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
        mu_star, cutoff, omega_ph, mu_star_at, basis: see `transition_temperature`.

    Returns:
        δT_c/δα²F(ω) (array of shape (frequency,), dimensionless); 0 where there is no T_c.

    Raises:
        ValueError: `mu_star` is not from 0 up to 1, or another option cannot be meant, see
            `transition_temperature`.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> print(tc_functional_derivative(s, np.array([0.1, 1.0, 10.0]), 0.0))
        [0.0624561  0.25429238 0.06071749]
    """
    check_mu_star(mu_star)
    options = coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis)
    return _derivative(
        *areas_of_modes(spectrum), jnp.asarray(omega, dtype=jnp.result_type(float)), *options
    )


def transition_under(
    mu_star: Scalar = 0.1,
    *,
    omega_ph: Scalar | None = None,
    cutoff: Scalar | None = None,
    mu_star_at: Quoted | str = "omega-ph",
) -> Callable[..., Float[Array, ""]]:
    """T_c as a function of the spectrum, and of another μ* if need be, with the options checked.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{transition_under(0.0)(EinsteinModes([1.0], [1.0])):.8f}")
        0.11461951
    """
    check_coulomb(mu_star, omega_ph, cutoff, mu_star_at)

    def transition(spectrum, mu_star=mu_star):
        return transition_temperature(
            spectrum, mu_star, cutoff=cutoff, omega_ph=omega_ph, mu_star_at=mu_star_at
        )

    return transition


def check_resolved(temperature, omega, area, repulsion, basis) -> None:
    """What the compact basis can say of a temperature, where both are known.

    Raises:
        ValueError: the temperature is below what the basis resolves.
    """
    known, low = (
        concrete_value(temperature),
        concrete_value(lowest_resolved(omega, area, repulsion, basis)),
    )
    if known is not None and low is not None and not known >= low:
        raise ValueError(
            f"temperature {known:g} is below what the basis resolves, {low:g}; "
            "pass basis=matsubara_basis(reach=…) with a larger reach."
        )


def check_repulsion(spectrum, mu_star, cutoff=None, omega_ph=None, mu_star_at="omega-ph") -> None:
    """Tc's options beside the spectrum that they are for, where both are known.

    Raises:
        ValueError: the cutoff is not above the top of the spectrum, or μ* has no Coulomb
            repulsion at the cutoff that it could come from.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> check_repulsion(EinsteinModes([1.0], [1.0]), 0.1, 0.5)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        jaxelph.numerics.errors.ArgumentError: cutoff 0.5 must exceed the top of the spectrum, ...
    """
    check_coulomb(mu_star, omega_ph, cutoff, mu_star_at)
    limit = None if cutoff is None else concrete_value(cutoff)
    if limit is None:
        return
    edge = concrete_value(phonon_edge(spectrum))
    if edge is not None and not limit > edge:
        raise ArgumentError(
            "{cutoff} {given:g} must exceed the top of the spectrum, {top:g}; ten times that is "
            "usual.",
            given=limit,
            top=edge,
        )
    place, strength = (
        edge if omega_ph is None else concrete_value(omega_ph),
        concrete_value(mu_star),
    )
    if mu_star_at == "omega-ph" and strength and place and strength * np.log(limit / place) >= 1:
        raise ArgumentError(
            "{mu_star} {given:g} is too large for this cutoff: it must stay below "
            "1/ln(ω_c/ω_ph) = {most:g}; lower {cutoff} or leave it out.",
            given=strength,
            most=1 / np.log(limit / place),
        )


def coulomb_options(spectrum, mu_star, cutoff, omega_ph, mu_star_at, basis):
    """The repulsion and the basis: defaults filled in, concrete values checked, others NaN."""
    check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
    basis = matsubara_basis() if basis is None else basis
    # Only where it is asked for: for a number that is given nothing is compiled.
    if omega_ph is None:
        edge = phonon_edge(spectrum)
        # A spectrum without any coupling has no top; its T_c is 0 for any scale.
        omega_ph = jnp.where(edge == 0, 1.0, edge)
    mu_star, omega_ph = (jnp.asarray(x, dtype=jnp.result_type(float)) for x in (mu_star, omega_ph))
    if cutoff is None:
        return Repulsion(mu_star, None, omega_ph), basis
    cutoff = jnp.asarray(cutoff, dtype=jnp.result_type(float))
    screening = jnp.ones(())
    if mu_star_at == "omega-ph":
        screening = 1 + mu_star * jnp.log(omega_ph / cutoff)
    # What is traced `check_repulsion` cannot see.
    meant = (screening > 0) & (cutoff > phonon_edge(spectrum))
    strength = jnp.where(meant, mu_star / jnp.where(meant, screening, 1.0), jnp.nan)
    return Repulsion(strength, cutoff, omega_ph), basis


@kept
@eqx.filter_jit
def areas_of_modes(spectrum) -> tuple[Array, Array]:
    # Areas rather than couplings: δT_c/δα²F(ω) then needs no division by ω.
    omega, coupling = spectrum.coarse_modes()
    return omega, coupling * omega / 2


@kept
@eqx.filter_jit
def lowest_resolved(omega, area, repulsion, basis):
    """The lowest temperature at which the kernel is what it should be."""
    if repulsion.cutoff is not None:
        return basis.lowest * repulsion.cutoff
    top = jnp.max(jnp.where(area != 0, omega, 0.0))
    return basis.lowest_of_modes * jnp.where(top == 0, 1.0, top)


@eqx.filter_jit
def _eigenvalue(omega, area, temperature, repulsion, basis):
    return top_eigenpair(pairing_kernel(basis, omega, area, temperature, repulsion)[0])[0]


def critical_point(omega, area, repulsion, basis):
    """ln T_c (finite in any case), and whether there is one."""

    def excess(log_t, omega, area, repulsion, exists):
        kernel = pairing_kernel(basis, omega, area, jnp.exp(log_t), repulsion)[0]
        # Where there is no root a tame substitute has one, so that no NaN can spread.
        tame = jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype))
        return top_eigenpair(jnp.where(exists, kernel, tame))[0] - 1

    fixed = jax.lax.stop_gradient((omega, area, repulsion))
    low = jnp.log(lowest_resolved(*fixed, basis))
    moment = jnp.sum(2 * fixed[1] * fixed[0])  # λ⟨ω²⟩
    high = jnp.log(jnp.where(moment > 0, _LARGEST * jnp.sqrt(jnp.abs(moment)), 1e-300))
    exists = (high > low) & (excess(low, *fixed, True) > 0)
    high = jnp.maximum(high, low)

    def residual(log_t):
        value = excess(log_t, omega, area, repulsion, exists)
        return jnp.where(exists, value, low - log_t)

    # Newton's method begins at what Allen and Dynes' formula gives, or where that gives nothing
    # at the lowest temperature: the eigenvalue falls with ln T as -ln T and then as 1/T², it is
    # convex, and from below Newton's steps never go too far.
    formula = temperatures(fixed[0], 2 * fixed[1] / fixed[0], fixed[2].strength)[1]
    start = jnp.where(formula > 0, jnp.log(jnp.where(formula > 0, formula, 1.0)), low)
    root = falling_root(residual, low, high, jnp.clip(start, low, high))
    return root, exists


@kept
@eqx.filter_jit
def critical_temperature(omega, area, repulsion, basis):
    root, exists = critical_point(omega, area, repulsion, basis)
    return jnp.where(exists, jnp.exp(root), 0.0) + nan_of(omega, area, *repulsion)


@eqx.filter_jit
def _gap(omega, area, repulsion, basis, nu, functions):
    root, exists = critical_point(omega, area, repulsion, basis)
    temperature = jnp.where(exists, jnp.exp(root), 0.0) + nan_of(omega, area, *repulsion)
    kernel, tail = pairing_kernel(basis, omega, area, jnp.exp(root), repulsion)
    kernel = jnp.where(exists, kernel, jnp.diag(jnp.arange(kernel.shape[0], dtype=kernel.dtype)))
    vector = top_eigenpair(kernel)[1]
    x = functions @ vector + (tail @ vector) / jnp.append(0.5, nu)
    gap = jnp.where(exists, nu * x[1:] / (0.5 * x[0]), 0.0)
    return Gap(temperature, 2 * jnp.pi * temperature * nu, gap)


@eqx.filter_jit
def _derivative(omega, area, extra, repulsion, basis):
    def temperature(added):
        return critical_temperature(
            jnp.append(omega, extra), jnp.append(area, added), repulsion, basis
        )

    return jax.grad(temperature)(jnp.zeros_like(extra))
