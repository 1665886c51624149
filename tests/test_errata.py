"""What the printed equations and numbers get wrong, by SciPy and mpmath: no jaxelph code."""

import helpers
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize


def digammas(omega, temperature, energy):
    unit = 2 * np.pi * temperature
    plus, minus = (mpmath.psi(0, mpmath.mpc(0.5, (energy + s * omega) / unit)) for s in (1, -1))
    return float(mpmath.re(plus - minus))


@pytest.mark.parametrize("energy", [0.02, 0.4, 1.7])
def test_sign_of_the_self_energy(energy):
    """Σ = κ * f0 by quadrature: (λΩ/2) Re(ψ₋ - ψ₊), against the sign of (15)."""
    temperature = 0.3

    # κ is even: ∫κ(s)[f0(E-s) - ½] = ½∫₀^∞... of the odd part vanishes; keep the even part.
    def even(s):
        both = helpers.fermi(energy - s, temperature) + helpers.fermi(energy + s, temperature)
        return both - 1

    near = scipy.integrate.quad(lambda s: -even(s) / (s + 1), 0, 2, weight="cauchy", wvar=1.0)[0]
    far = scipy.integrate.quad(lambda s: even(s) / (1 - s**2), 2, 60)[0]
    right = -0.5 * digammas(1.0, temperature, energy)
    assert near + far == pytest.approx(right, abs=1e-9)
    assert right < 0


def test_the_slope_of_the_self_energy_is_the_coupling():
    slope = -0.5 * digammas(1.0, 1e-4, 1e-3) / 1e-3
    assert slope == pytest.approx(-1.0, abs=1e-4)  # -λ


def rates(coupling, exchange_factor, *, drop_product):
    """πγ/g, ascending in 1/γ, on the paper's grid with the second term of (18) as told."""
    size, omega = 1000, helpers.TABLE1_OMEGA
    shape = np.full(21, coupling / 21)
    g = helpers.TABLE1_G * np.sqrt(coupling)
    temperature = 0.2 * g
    A, M = helpers.pencil(omega, shape, temperature, 1.0, size, pole_dropped=True)
    i = np.arange(1.0, size + 1)
    h = np.sqrt(helpers.minus_fermi_slope(i, temperature))
    n = np.arange(2 * size + 1.0)
    kernel = helpers.exchange_weights_pole_dropped(omega, shape, 1.0, n)
    k = i.astype(int)
    second = kernel[abs(k[:, None] - k)] - kernel[k[:, None] + k]
    first = np.diag(np.diag(A) + h**2 * np.diag(second))
    if drop_product:
        direct, mirror = (i[:, None] - i) ** 2, (i[:, None] + i) ** 2
        second = np.zeros_like(second)
        for w, c in zip(omega, shape, strict=True):
            product = (w**2 - direct) * (w**2 - mirror)
            hit = product == 0
            part = c * w**2 * (direct - mirror) / np.where(hit, 1.0, product)
            second += np.where(hit, 0.0, part)
    A = first - exchange_factor * h[:, None] * second * h[None, :]
    inverse = scipy.linalg.eigh(A, M, eigvals_only=True)
    return np.pi / inverse / g


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coupling", "published", "whole"),
    [(0.9788, 0.0227490294726, 0.02254745), (1.4588, 0.0476909876483, 0.04713761)],
)
def test_unit_slip_in_the_published_rates(coupling, published, whole):
    """ω_k² where r_k² = (ω_k/ε)² is meant: the second term is 400 times too small."""
    slipped = rates(coupling, 0.05**2, drop_product=True)
    assert slipped.min() == pytest.approx(published, abs=2e-13)
    right = rates(coupling, 1.0, drop_product=False)
    assert right[right > 0].min() == pytest.approx(whole, abs=6e-9)


def first_sign_change(scaled, energies):
    """The λ at which min Z0⁻¹ over these energies vanishes, T = scaled·g(λ)."""

    def least(coupling):
        shape = np.full(21, coupling / 21)
        temperature = scaled * helpers.TABLE1_G * np.sqrt(coupling)
        return min(
            helpers.inverse_weight(helpers.TABLE1_OMEGA, shape, temperature, e)
            for e in energies(temperature)
        )

    return least


@pytest.mark.parametrize(
    ("scaled", "linear"), [(0.180, 1.1335), (0.204, 1.5644), (0.229, 2.3096), (0.253, 3.7427)]
)
def test_linear_column_is_a_sign_change_on_the_grid(scaled, linear):
    middle = {0.180: 60, 0.204: 63, 0.229: 68, 0.253: 85}[scaled]

    def energies(temperature):
        del temperature
        return np.arange(middle - 14, middle + 30)

    least = first_sign_change(scaled, energies)
    found = scipy.optimize.brentq(least, 0.98 * linear, 1.02 * linear, xtol=1e-7)
    assert found == pytest.approx(linear, abs=1.1e-4)


def test_negative_heat_forbids_the_last_printed_row():
    """C_el < 0 at T0 = 0.278 g long before the printed λ_c = 8.65."""
    for coupling, sign in ((3.96, 1), (3.975, -1), (8.65, -1)):
        temperature = 0.278 * helpers.TABLE1_G * np.sqrt(coupling)
        ratio = helpers.heat_ratio(helpers.TABLE1_OMEGA, np.full(21, coupling / 21), temperature)
        assert np.sign(ratio) == sign
