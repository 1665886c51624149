"""An independent route to the pencil and its thresholds: NumPy, SciPy and mpmath only.

Nothing here imports jaxelph, and the quadrature is written out a second time, with the full
axis where the package folds it and with mpmath's polygammas where it has its own.
"""

import contextlib
import os

import mpmath
import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.special
from scipy.special import expit
from threadpoolctl import threadpool_limits

TABLE1_OMEGA = np.arange(40.0, 61.0)
TABLE1_G = np.sqrt(np.mean(TABLE1_OMEGA**2))  # g at λ = 1


def principal_value_weight(x):
    """(1 - cos πx)/x."""
    x = np.asarray(x, dtype=float)
    return np.pi * np.sin(np.pi * x / 2) * np.sinc(x / 2)


def fermi(energy, temperature):
    return expit(-np.asarray(energy) / temperature)


def minus_fermi_slope(energy, temperature):
    return 0.25 / temperature / np.cosh(np.asarray(energy) / (2 * temperature)) ** 2


def inverse_weight(omega, coupling, temperature, energy):
    """Z0⁻¹(E) from mpmath's complex trigamma, one energy."""
    total = 1.0
    for w, c in zip(omega, coupling, strict=True):
        plus = mpmath.fp.psi(1, 0.5 + 1j * (energy + w) / (2 * np.pi * temperature))
        minus = mpmath.fp.psi(1, 0.5 + 1j * (energy - w) / (2 * np.pi * temperature))
        total += c * w / 2 * (1j * (plus - minus)).real / (2 * np.pi * temperature)
    return total


def heat_ratio(omega, coupling, temperature):
    """C_el over that of bare electrons from mpmath."""
    total = mpmath.mpf(1)
    with mpmath.workdps(40):
        for w, c in zip(omega, coupling, strict=True):
            x = mpmath.mpf(w) / (2 * mpmath.pi * mpmath.mpf(temperature))
            g = 6 * x**2 + 12 * x**3 * mpmath.im(mpmath.psi(1, 1j * x))
            total -= c * (g + 6 * x**4 * mpmath.re(mpmath.psi(2, 1j * x)))
    return float(total)


def exchange_weights(omega, coupling, step, n):
    """w_n of κ*, sinc quadrature."""
    a = np.asarray(omega)[:, None] / step
    weights = principal_value_weight(n + a) - principal_value_weight(n - a)
    return (np.asarray(coupling) * np.asarray(omega) / 2) @ weights


def exchange_weights_pole_dropped(omega, coupling, step, n):
    """w_n of κ* as the Supplement's Eq. (22) has it: the rectangle rule without its pole."""
    a2 = (np.asarray(omega)[:, None] / step) ** 2
    pole = a2 == n**2
    kernel = np.where(pole, 0.0, a2 / np.where(pole, 1.0, a2 - n**2))
    return step * (np.asarray(coupling) @ kernel)


def pencil(omega, coupling, temperature, step, size, *, pole_dropped=False):
    """(A, M) in the symmetric form on odd functions.

    Built on the whole axis and projected. With `pole_dropped` both the Supplement's
    quadrature and its closed form on the diagonal are used, else one quadrature throughout.
    """
    omega, coupling = np.asarray(omega, dtype=float), np.asarray(coupling, dtype=float)
    i = np.arange(-size, size + 1)
    energy = step * i
    n = np.arange(2 * size + 1.0)
    window = np.sqrt(minus_fermi_slope(energy, temperature))
    rule = exchange_weights_pole_dropped if pole_dropped else exchange_weights
    kernel = scipy.linalg.toeplitz(rule(omega, coupling, step, n))
    if pole_dropped:
        positive = [inverse_weight(omega, coupling, temperature, e) for e in energy[size:]]
        weight = np.concatenate([positive[:0:-1], positive])
    else:
        weight = 1 + kernel @ window**2
    A = np.diag(weight) - window[:, None] * kernel * window[None, :]
    rate, transfer = np.zeros_like(energy), np.zeros_like(n)
    for w, c in zip(omega, coupling, strict=True):
        boson = 1 / np.expm1(w / temperature)
        occupation = fermi(energy + w, temperature) - fermi(energy - w, temperature)
        rate += c * w * (2 * boson + 1 + occupation)
        shift = np.sinc(n - w / step) + np.sinc(n + w / step)
        transfer += c * w / (2 * np.sinh(w / (2 * temperature))) * shift
    M = np.diag(rate) - scipy.linalg.toeplitz(transfer)

    def odd(matrix):
        block = matrix[size + 1 :, size + 1 :] - matrix[size + 1 :, size - 1 :: -1]
        return (block + block.T) / 2

    return odd(A), odd(M)


def sum_of_squares(omega, coupling, temperature, step, size):
    """M̃ from (ψ, M̃ψ) = Σ c [√r ψ(E+ω) - ψ(E)/√r]², row by row on the whole axis, then odd."""
    j = np.arange(-size, size + 1)
    total = np.zeros((len(j), len(j)))
    for w, c in zip(omega, coupling, strict=True):
        i = np.arange(-size - 61 - int(w / step), size + 62 + int(w / step))
        root = np.sqrt(np.cosh((i * step + w) / (2 * temperature)))
        root /= np.sqrt(np.cosh(i * step / (2 * temperature)))
        distance = i[:, None] + w / step - j[None, :]
        window = np.exp(28 * (np.sqrt(np.clip(1 - (distance / 60) ** 2, 0, 1)) - 1))
        shift = np.sinc(distance) * window * (np.abs(distance) < 60)
        rows = root[:, None] * shift - (i[:, None] == j[None, :]) / root[:, None]
        total += c * w / (2 * np.sinh(w / (2 * temperature))) * rows.T @ rows
    # An odd function's half axis carries half of the form.
    odd = total[:, size + 1 :] - total[:, size - 1 :: -1]
    return 0.5 * (odd[size + 1 :] - odd[size - 1 :: -1])


def margin(omega, coupling, temperature, criterion, step=None, size=None):
    """The smallest value of the quadratic form, by criterion."""
    if criterion == "heat":
        return heat_ratio(omega, coupling, temperature)
    if criterion == "kinetic":
        A, _ = pencil(omega, coupling, temperature, step, size)
        return scipy.linalg.eigh(A, eigvals_only=True, subset_by_index=[0, 0])[0]
    energies = np.linspace(0, max(omega) + 8 * temperature, 60)
    step = energies[1]
    values = [inverse_weight(omega, coupling, temperature, e) for e in energies]
    best = energies[int(np.argmin(values))]
    found = scipy.optimize.minimize_scalar(
        lambda e: inverse_weight(omega, coupling, temperature, e),
        bounds=(max(best - step, 0), best + step),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return found.fun


def critical_coupling_scaled(omega, shape, scaled_temperature, criterion, near, step, size):
    """λ_c at fixed T/g by bisection-like search within 1 % of `near`."""
    omega, shape = np.asarray(omega), np.asarray(shape) / np.sum(shape)
    g = np.sqrt(shape @ omega**2)

    def distance(coupling):
        temperature = scaled_temperature * g * np.sqrt(coupling)
        return margin(omega, coupling * shape, temperature, criterion, step, size)

    return scipy.optimize.brentq(distance, 0.99 * near, 1.01 * near, xtol=1e-11, rtol=1e-12)


def deflated_rates(A, M, tolerance=1e-10):
    """Rates of M ψ = γ A ψ with semidefinite M: restricted to what A couples it to.

    Solutions with γ ≠ 0 are A-orthogonal to the null space N of M. Eliminating N by its own
    QR basis leaves a definite pencil for 1/γ. A route apart from the package's Schur
    complement in the eigenbasis of M.
    """
    m, basis = scipy.linalg.eigh(M)
    null = basis[:, m < tolerance * m[-1]]
    if null.shape[1] == 0:
        return 1 / scipy.linalg.eigh(A, M, eigvals_only=True), 0
    # The A-orthogonal complement of N is the null space of (A N)ᵀ.
    complement = scipy.linalg.null_space((A @ null).T)
    a, m = complement.T @ A @ complement, complement.T @ M @ complement
    return 1 / scipy.linalg.eigh(a, m, eigvals_only=True), null.shape[1]


def _gauss_panels(edges, points):
    node, weight = np.polynomial.legendre.leggauss(points)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (node + 1)).ravel(), (half * weight).ravel()


def _wave_panels(edges, fastest):
    """Panels that resolve sin² of `fastest` times the variable, none longer than a phase of 48."""
    long = np.diff(edges) * fastest > 8
    parts = []
    for points, chosen in ((16, ~long), (48, long)):
        node, weight = np.polynomial.legendre.leggauss(points)
        half = np.diff(edges)[chosen][:, None] / 2
        parts.append((edges[:-1][chosen][:, None] + half * (node + 1), half * weight))
    x, weight = (np.concatenate([part[k].ravel() for part in parts]) for k in (0, 1))
    return x, weight


def gaussian_symbol(centres, widths, couplings):
    """q → κ̂(q) = 2π ∫ α²F sin ωq dω of Gaussian peaks that end well above ω = 0."""
    centres, widths = (np.asarray(x, dtype=float)[:, None] for x in (centres, widths))
    x, weight = _gauss_panels(np.linspace(-9, 9, 19), 16)
    density = np.exp(-(x**2) / 2) / (centres + widths * x)
    height = np.asarray(couplings)[:, None] / (2 * np.sum(weight * density, 1, keepdims=True))

    def symbol(q):
        each = np.sin(centres * q) * np.exp(-((widths * q) ** 2) / 2) * height
        return 2 * np.pi * np.sqrt(2 * np.pi) * np.sum(each, 0)

    return symbol


def modes_symbol(omega, coupling):
    """q → κ̂(q) = π Σ λω sin ωq."""
    strength = np.pi * np.asarray(omega) * np.asarray(coupling)

    def symbol(q):
        parts = np.array_split(q, len(q) // 400 + 1)
        return np.concatenate([np.sin(part[:, None] * omega) @ strength for part in parts])

    return symbol


def table_symbol(omega, a2f):
    """q → κ̂(q) = 2π ∫ α²F sin ωq dω with 2α²F/ω linear between rows: no quadrature nodes.

    On each interval ω·(2α²F/ω) is a parabola, a sum of Legendre polynomials, and the Fourier
    transform of these are the spherical Bessel functions.
    """
    omega = np.asarray(omega)
    density = 2 * np.asarray(a2f) / omega
    centre, half = (omega[1:] + omega[:-1]) / 2, np.diff(omega) / 2
    mean, rise = (density[1:] + density[:-1]) / 2, np.diff(density) / 2
    # (centre + half x)(mean + rise x), x from -1 to 1; x² = (1 + 2 P₂)/3.
    flat = half * (centre * mean + half * rise / 3)
    tilt = half * (centre * rise + half * mean)
    bend = half * (half * rise * 2 / 3)

    def part(q):
        z, phase = q[:, None] * half, q[:, None] * centre
        j = [scipy.special.spherical_jn(k, z) for k in range(3)]
        even = np.sin(phase) * (flat * j[0] - bend * j[2])
        return 2 * np.pi * np.sum(even + np.cos(phase) * tilt * j[1], axis=1)

    def symbol(q):
        return np.concatenate([part(each) for each in np.array_split(q, len(q) // 400 + 1)])

    return symbol


def critical_coupling_by_fourier(symbol, coupling, temperature, top, last):
    r"""λ_c(kinetic) by Gauss-Legendre panels in E and in q: no sinc functions, no pole.

    With f̂0' known, Z0⁻¹ - 1 = ∫ κ̂(q) cos qE (qT/sinh πqT) dq, and hκh is the sum over q of the
    products (2/π) κ̂ h sin qE h' sin qE'. The panels in E are graded about the least Z0⁻¹.

    Args:
        symbol: q → κ̂(q).
        coupling: its λ.
        top: of α²F.
        last: the largest q.
    """
    reach = max(26 * temperature, top + 22 * temperature)
    phase = 44.0

    def panels(end):
        return _wave_panels(np.linspace(0, end, int(end * reach / phase) + 2), reach)

    # BLAS's threads cost more than they save here, many times where others are at work.
    with threadpool_limits(1, user_api="blas"):
        q, dq = panels(last)
        strength = 2 / np.pi * dq * symbol(q)
        thermal, thermal_dq = panels(14 / temperature)
        x = np.pi * thermal * temperature
        damped = thermal_dq * symbol(thermal) * x / np.pi / np.sinh(x)

        def weight(energy):
            parts = np.array_split(np.atleast_1d(energy), np.size(energy) // 500 + 1)
            return np.concatenate([np.cos(part[:, None] * thermal) @ damped for part in parts])

        coarse = np.linspace(0, min(reach, top + 12 * temperature), 400)
        best = int(np.argmin(weight(coarse)))
        low = scipy.optimize.minimize_scalar(
            lambda e: weight(e)[0],
            bounds=(coarse[max(best - 1, 0)], coarse[min(best + 1, 399)]),
            method="bounded",
            options={"xatol": 1e-9 * top},
        ).x
        graded = low * np.geomspace(1e-6, 1, 14)
        even = np.linspace(0, reach, int(last * reach / phase) + 2)
        edges = np.unique(np.clip(np.r_[low - graded, low, low + graded, even], 0, reach))
        edges = edges[np.append(True, np.diff(edges) > 1e-12 * reach)]
        e, de = _wave_panels(edges, last)
        root = np.sqrt(de * minus_fermi_slope(e, temperature))
        rows = np.multiply.outer(q, e)
        np.sin(rows, out=rows)
        rows *= root
        return -coupling / _least_eigenvalue(weight(e), rows, strength, root)


def _least_eigenvalue(diagonal, rows, strength, root):
    """Of diagonal - rowsᵀ strength rows, by Davidson's method: products alone.

    It starts from waves and from spikes of all widths at the least of the diagonal.
    """

    def product(v):
        return diagonal[:, None] * v - rows.T @ (strength[:, None] * (rows @ v))

    waves = np.unique(
        np.r_[np.linspace(0, len(rows) - 1, 24).astype(int), np.argsort(-strength)[:4]]
    )
    above = diagonal[:, None] - np.min(diagonal)
    start = np.concatenate([rows[waves].T, root[:, None] / (above + 10.0 ** np.arange(-9, 0))], 1)
    basis = np.linalg.qr(start / np.linalg.norm(start, axis=0))[0]
    image = product(basis)
    for _ in range(100):
        value, vector = (x[..., :3] for x in np.linalg.eigh(basis.T @ image))
        residual = image @ vector - value * (basis @ vector)
        left = np.linalg.norm(residual[:, 0])
        # The eigenvalue's error is below both, and rounding keeps a residual.
        if min(left, left**2 / (value[1] - value[0])) < 1e-12:
            return value[0]
        gap = diagonal[:, None] - value
        more = residual / np.where(np.abs(gap) > 1e-6, gap, 1e-6)
        for _ in range(2):
            more = np.linalg.qr(more - basis @ (basis.T @ more))[0]
        basis, image = np.append(basis, more, 1), np.append(image, product(more), 1)
    # At the end of a continuous spectrum eigenvalues lie too close for more.
    if left < 3e-10 * abs(value[0]):
        return value[0]
    raise RuntimeError(f"a residual of {left:.1e} is left")


def slowest_rate_by_mpmath(omega, coupling, temperature, step, size, digits=50):
    """The slowest γ of M ψ = γ A ψ on the odd functions of a grid, by inverse iteration in mpmath.

    Give frequencies and step as strings, ω/ε whole numbers without a common divisor but 2: then M
    is the graph of the ladders, positive definite, and its least eigenvalues are exact. Off the
    lattice the tails of sinc make it indefinite at low T.
    """
    with mpmath.workdps(digits):
        modes = [(mpmath.mpf(w), mpmath.mpf(c)) for w, c in zip(omega, coupling, strict=True)]
        t, step = mpmath.mpf(temperature), mpmath.mpf(step)
        reach = range(-size, size + 1)
        window = [1 / (2 * mpmath.cosh(step * i / (2 * t)) * mpmath.sqrt(t)) for i in reach]

        def pole(x):
            return (1 - mpmath.cospi(x)) / x if x else mpmath.mpf(0)

        exchange, transfer = [], []
        for n in range(2 * size + 1):
            exchange.append(
                sum(c * w / 2 * (pole(n + w / step) - pole(n - w / step)) for w, c in modes)
            )
            transfer.append(
                sum(
                    c
                    * w
                    / (2 * mpmath.sinh(w / (2 * t)))
                    * (mpmath.sincpi(n - w / step) + mpmath.sincpi(n + w / step))
                    for w, c in modes
                )
            )

        def occupation(energy):
            return 1 / (mpmath.exp(energy / t) + 1)

        A, M = mpmath.zeros(size), mpmath.zeros(size)
        for i in range(1, size + 1):
            energy = step * i
            for j in range(1, size + 1):
                both = window[i + size] * window[j + size]
                A[i - 1, j - 1] = -both * (exchange[abs(i - j)] - exchange[i + j])
                M[i - 1, j - 1] = transfer[i + j] - transfer[abs(i - j)]
            A[i - 1, i - 1] += 1 + sum(exchange[abs(i - j)] * window[j + size] ** 2 for j in reach)
            M[i - 1, i - 1] += sum(
                c
                * w
                * (2 / mpmath.expm1(w / t) + 1 + occupation(energy + w) - occupation(energy - w))
                for w, c in modes
            )
        inverse = M**-1
        vector = mpmath.matrix([step * i * window[i + size] for i in range(1, size + 1)])
        for _ in range(20):
            vector = inverse * (A * vector)
            vector /= max(abs(x) for x in vector)
        return float((vector.T * M * vector)[0] / (vector.T * A * vector)[0])


@contextlib.contextmanager
def unprivileged():
    """As the user `nobody` where the tests run as root, who may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
