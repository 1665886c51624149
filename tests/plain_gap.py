"""The isotropic Eliashberg equations as textbooks have them: NumPy, dense sums, mixing.

Nothing here imports jaxelph. ω_n = (2n+1)πT with n < count, both sums written out, Δ ← ZΔ/Z with
Anderson's mixing of the last few iterates. The error of the sums' end falls as count⁻⁴.
"""

import numpy as np


def plain_state(omega, coupling, temperature, count, repulsion=0.0, form=None, tolerance=1e-13):
    """(ω_n, Δ_n, Z_n, (F_S - F_N)/ν0); the repulsion μ c_n c_m has c_n = form."""
    omega, coupling = np.asarray(omega), np.asarray(coupling)
    step = 2 * np.pi * temperature
    lags = np.arange(2 * count + 1.0)
    strength = np.zeros_like(lags)
    for w, c in zip(omega, coupling, strict=True):
        strength += c * w**2 / (w**2 + (step * lags) ** 2)
    i = np.arange(count)
    near, far = strength[abs(i[:, None] - i)], strength[i[:, None] + i + 1]
    attraction, exchange = near + far, near - far
    if form is not None:
        attraction = attraction - 2 * repulsion * np.outer(form, form)
    w = step * (i + 0.5)
    normal = w + step / 2 * (strength[0] + 2 * np.append(0, np.cumsum(strength[1:count])))

    def renormalised(gap):
        return normal - step / 2 * exchange @ (1 - w / np.hypot(w, gap))

    def improved(gap):
        return step / 2 * (attraction @ (gap / np.hypot(w, gap))) * w / renormalised(gap)

    mean = np.dot(omega, coupling) / np.sum(coupling)
    gap = 0.2 * max(omega) / (1 + (w / mean) ** 2)
    given, found = [], []
    for _ in range(500):
        given, found = [*given, gap][-8:], [*found, improved(gap)][-8:]
        rest = np.array(found) - np.array(given)
        if np.max(abs(rest[-1])) < tolerance * np.max(abs(gap)):
            break
        gap = found[-1]
        if len(rest) > 1:
            mix = np.linalg.lstsq(np.diff(rest, axis=0).T, rest[-1], rcond=None)[0]
            mixed = gap - np.diff(found, axis=0).T @ mix
            # Zero is a solution, too, which an extrapolation may fall on.
            if mixed[0] > gap[0] / 2:
                gap = mixed
    gap = found[-1]
    root, total = np.hypot(w, gap), renormalised(gap)
    free_energy = -step * np.sum((root - w) * (total / w - normal / root))
    return w, gap, total / w, free_energy


def extrapolated(omega, coupling, temperature, count, **options):
    """(Δ_0, Z_0, F) with the sums' end taken away by a second run of twice the length."""
    first, second = (
        plain_state(omega, coupling, temperature, n, **options) for n in (count, 2 * count)
    )
    return tuple(
        (16 * b - a) / 15
        for a, b in zip(
            (first[1][0], first[2][0], first[3]),
            (second[1][0], second[2][0], second[3]),
            strict=True,
        )
    )
