"""What the printed equations and numbers get wrong, by SciPy and mpmath: no jaxelph code."""

import helpers
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg


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


OMEGA, COUPLING, T = np.array([1.3, 2.1]), np.array([0.5, 0.4]), 0.4


def exchange(u, energy):
    """(κ * u)(E) by SciPy's Cauchy principal values, for u that vanishes beyond ±16."""
    total = 0.0
    for w, c in zip(OMEGA, COUPLING, strict=True):
        below, above = (
            scipy.integrate.quad(u, -16, 16, weight="cauchy", wvar=pole, limit=200)[0]
            for pole in (energy - w, energy + w)
        )
        total += c * w / 2 * (below - above)
    return total


def test_sign_of_the_left_hand_side():
    """δf = -f0'φ e^{-γt} in (29): the left side is -γAφ with ∫φAφ > 0, against the sign of (22).

    For φ = E the form is (π²T²/3) C_el of (13), a closed form that knows nothing of (18).
    """

    def slope(e):
        return -float(helpers.minus_fermi_slope(e, T))

    energies = np.linspace(-14, 14, 113)  # the trapezoidal rule: exact to rounding
    form = 0.0
    for e in energies:
        # What stands before -γ e^{-γt} in (1 - κ*f') ∂f/∂t + f' (κ*∂f/∂t).
        weight = 1 - exchange(slope, e)
        left = weight * -slope(e) * e + slope(e) * exchange(lambda s: -slope(s) * s, e)
        form += (energies[1] - energies[0]) * e * left
    closed = np.pi**2 * T**2 / 3 * helpers.heat_ratio(OMEGA, COUPLING, T)
    assert form == pytest.approx(closed, rel=1e-7)
    assert form > 0


def discrete_form(power, unit, step):
    """E·A·E on the paper's grid with r_k^power in the second term, over (π²T²/3).

    r_k² = (ω_k/ε)² for "r", ω_k² for "omega"; all energies are given in another unit.
    """
    omega, temperature, step = OMEGA * unit, T * unit, step * unit
    i = np.arange(1.0, round(30 * temperature / step) + 1)
    window = helpers.minus_fermi_slope(step * i, temperature)
    weight = [helpers.inverse_weight(omega, COUPLING, temperature, e) for e in step * i]
    direct, mirror = (i[:, None] - i) ** 2, (i[:, None] + i) ** 2
    second = 0.0
    for w, c in zip(omega, COUPLING, strict=True):
        r2 = (w / step) ** 2
        for sign, n2 in ((1, direct), (-1, mirror)):
            pole = np.isclose(r2, n2)
            factor = r2 if power == "r" else w**2
            second = second + sign * np.where(pole, 0, c * factor / np.where(pole, 1, r2 - n2))
    energy = step * i
    local = 2 * step * np.sum(np.array(weight) * window * energy**2)
    pair = 2 * step**2 * (window * energy) @ second @ (window * energy)
    return 3 * (local - pair) / (np.pi * temperature) ** 2


def test_the_second_term_has_r_squared():
    """ω_k² makes the sum of both terms depend on the unit of energy; r_k² makes it C_el."""
    closed = helpers.heat_ratio(OMEGA, COUPLING, T)
    errors = [discrete_form("r", 1.0, step) - closed for step in (0.1, 0.05)]
    assert abs(errors[0]) < 0.06
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.05)  # the dropped pole: O(ε)
    assert discrete_form("r", 20.0, 0.1) == pytest.approx(discrete_form("r", 1.0, 0.1), rel=1e-10)
    printed = [discrete_form("omega", unit, 0.1) for unit in (1.0, 20.0)]
    assert abs(printed[0] - printed[1]) > 0.1
    assert min(abs(value - closed) for value in printed) > 0.1


def test_the_bose_factor_stands_inside_the_sum():
    """M is -∂I/∂f of (30) with N_k(N_k+1) of each mode: no common factor will do for (23)."""
    omega, step, size = np.array([1.0, 3.0]), 0.25, 80
    energy = step * np.arange(-size, size + 1)
    f0 = helpers.fermi(energy, T)
    h = np.sqrt(helpers.minus_fermi_slope(energy, T))

    def collide(f):
        total = 0.0
        for w, c in zip(omega, COUPLING, strict=True):
            r, n = round(w / step), 1 / np.expm1(w / T)
            up = np.append(f[r:], np.zeros(r))
            down = np.append(np.ones(r), f[:-r])
            total = total + c * w * (n * (up + down - 2 * f) - f * (up - down) + up - f)
        return total

    def form(phi, factors):
        total = 0.0
        for w, c, factor in zip(omega, COUPLING, factors, strict=True):
            r = round(w / step)
            rate = f0[:-r] - f0[r:]
            total += c * w * factor / T * step * np.sum(rate * (phi[r:] - phi[:-r]) ** 2)
        return total

    boson = 1 / np.expm1(omega / T)
    own, ones = boson * (boson + 1), np.eye(2)
    forms, parts = [], []
    for phi in (energy, np.tanh(energy), energy**3 / 9, np.sin(2 * energy)):
        # The derivative of a quadratic polynomial: a complex step has no error.
        change = np.imag(collide(f0 + 1j * 1e-20 * h**2 * phi)) / 1e-20
        forms.append(-step * np.sum((phi * change)[20:-20]))
        parts.append([form(phi, one) for one in ones])
        assert forms[-1] == pytest.approx(form(phi, own), rel=1e-9)
    factors = np.linalg.lstsq(np.array(parts), np.array(forms), rcond=None)[0]
    assert factors == pytest.approx(own, rel=1e-7)
    # One N0(N0+1) before the sum, at its best, misses some of the forms by far.
    common = np.sum(parts, axis=1)
    best = (common @ forms) / (common @ common)
    assert np.max(np.abs(best * common / forms - 1)) > 0.3


def published_exchange(coupling, size):
    """κ on odd functions with both poles in one fraction, dropped where either is hit; ε = 1."""
    i = np.arange(1.0, size + 1)
    direct, mirror = (i[:, None] - i) ** 2, (i[:, None] + i) ** 2
    total = np.zeros((size, size))
    for w, c in zip(helpers.TABLE1_OMEGA, coupling, strict=True):
        product = (w**2 - direct) * (w**2 - mirror)
        hit = product == 0
        part = c * w**2 * (direct - mirror) / np.where(hit, 1.0, product)
        total += np.where(hit, 0.0, part)
    return total


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
        second = published_exchange(shape, size)
    A = first - exchange_factor * h[:, None] * second * h[None, :]
    inverse = scipy.linalg.eigh(A, M, eigvals_only=True)
    return np.pi / inverse / g


@pytest.mark.slow
def test_numbers_of_growing_modes():
    """1, 3 and 21 as published, and as many with (18) whole."""
    for coupling, count in ((1.4788, 1), (1.4888, 3), (1.9788, 21)):
        for factor, drop in ((0.05**2, True), (1.0, False)):
            found = rates(coupling, factor, drop_product=drop)
            assert np.sum(found < 0) == count


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


@pytest.mark.parametrize(
    ("scaled", "linear"),
    [(0.180, 1.1335), (0.204, 1.5644), (0.229, 2.3096), (0.253, 3.7427), (0.278, 8.6508)],
)
def test_linear_column_has_the_unit_slip(scaled, linear):
    """The form with its second term 400 times too small: the first negative λ of a scan by 1e-4.

    Without the second term the last row would be 8.6521, with all of it 3.1398.
    """
    i = np.arange(1.0, 301)
    exchange = published_exchange(np.full(21, 1 / 21), 300)

    def least(coupling, factor):
        shape = np.full(21, coupling / 21)
        temperature = scaled * helpers.TABLE1_G * np.sqrt(coupling)
        weight = [helpers.inverse_weight(helpers.TABLE1_OMEGA, shape, temperature, e) for e in i]
        h = np.sqrt(helpers.minus_fermi_slope(i, temperature))
        form = np.diag(weight) - factor * coupling * h[:, None] * exchange * h[None, :]
        return scipy.linalg.eigh(form, eigvals_only=True, subset_by_index=[0, 0])[0]

    assert least(linear, 0.05**2) < 0 < least(linear - 1e-4, 0.05**2)
    if scaled == 0.278:
        assert least(linear, 0.0) > 0 > least(linear, 1.0)


@pytest.mark.parametrize(
    ("scaled", "weight", "linear"),
    [(0.180, 1.1333, 1.1335), (0.204, 1.5644, 1.5644), (0.229, 2.3094, 2.3096),
     (0.253, 3.7416, 3.7427), (0.278, 8.6517, 8.6508)],
)  # fmt: skip
def test_weight_column_is_rounded_up(scaled, weight, linear):
    """The continuous minimum of Z0⁻¹ vanishes in the last 1e-4 below the printed number."""

    def least(coupling):
        shape = np.full(21, coupling / 21)
        temperature = scaled * helpers.TABLE1_G * np.sqrt(coupling)
        return helpers.margin(helpers.TABLE1_OMEGA, shape, temperature, "weight")

    assert least(weight) < 0 < least(weight - 1e-4)
    # The linear column lies on the grid's side of it, but for its last number.
    assert (linear < weight) == (scaled == 0.278)


def test_negative_heat_forbids_the_last_printed_row():
    """C_el < 0 at T0 = 0.278 g long before the printed λ_c = 8.65."""
    for coupling, sign in ((3.96, 1), (3.975, -1), (8.65, -1)):
        temperature = 0.278 * helpers.TABLE1_G * np.sqrt(coupling)
        ratio = helpers.heat_ratio(helpers.TABLE1_OMEGA, np.full(21, coupling / 21), temperature)
        assert np.sign(ratio) == sign
