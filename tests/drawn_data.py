"""The numbers of a dataset that its figure shows as curves, kind by kind."""

import numpy as np
from matplotlib.collections import LineCollection


def is_drawn(figure, x, y) -> bool:
    """Whether some curve, or what is left of it where it is finite, goes through these points."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    known = np.isfinite(x) & np.isfinite(y)
    points = np.c_[x[known], y[known]]
    for axes in figure.get_axes():
        for line in axes.lines:
            path = np.asarray(line.get_xydata(), float)
            if len(points) and all(_near(path, point) for point in points):
                return True
        for one in axes.collections:
            if isinstance(one, LineCollection):
                ends = np.array([segment[-1] for segment in one.get_segments()])
                if len(points) and all(_near(ends, point) for point in points):
                    return True
    return not len(points)


def _near(path, point):
    return len(path) and bool(np.any(np.all(np.isclose(path, point, rtol=1e-12), axis=1)))


def _rows(data, name, x):
    """Each row of a variable against its last dimension."""
    values = data[name].values
    return [(data[x].values, row) for row in values.reshape(-1, values.shape[-1])]


def _condensed(data, name):
    below = data["temperature"].values < float(data["Tc"])
    return data["temperature"].values[below], data[name].values[below]


def curves(data):
    """(x, y) of every curve that the figure of a dataset has to show."""
    return list(_OF_KIND[data.attrs["kind"]](data))


def _report(d):
    t = d["temperature"].values
    yield t, d["specific_heat_ratio"].values
    for row in d["lambda_c"].values:
        yield t, np.where(np.isfinite(row), row, np.nan)
    shown = np.unique(np.round(np.linspace(0, len(t) - 1, min(6, len(t)))).astype(int))
    for k in shown:
        yield d["energy"].values, d["inverse_weight"].values[k]
    yield d["frequency"].values, d["a2f" if "a2f" in d else "a2f_area"].values
    if "a2f" in d:
        yield d["frequency"].values, d["cumulative_coupling"].values


def _columns(d):
    known = bool(np.all(np.isfinite(d["smearing"].values)))
    for name in ("lambda", "omega_log", "Tc", "margin"):
        yield d["smearing" if known else "column"].values, d[name].values


def _evolution(d):
    yield d["time"].values, d["electron_temperature"].values
    if "model_electrons" in d:
        yield d["time"].values, d["model_electrons"].values
    for k in (0, -1):
        yield d["energy"].values, d["f"].values[k]


def _lattice(d):
    seen = (d["time"].values > 0) & np.all(np.isfinite(d["f"].values), axis=1)
    for name in ("electron_temperature", "lattice_temperature", "electron_energy", "phonon_energy"):
        yield d["time"].values[seen], d[name].values[seen]


def _sensitivities(d):
    for name in d.attrs["quantities"].split(", "):
        key = name.replace("-", "_")
        if np.isfinite(float(d[key])):
            yield d["frequency"].values, d[f"d{key}_da2f"].values


def _fit(d):
    yield d["frequency"].values, d["a2f"].values
    for n in range(1, d.attrs["data_sets"] + 1):
        parts = len(d[f"measured_{n}"].attrs["parts"].split(", "))
        names = ("abscissa", "measured")
        yield from zip(*(np.split(d[f"{x}_{n}"].values, parts) for x in names), strict=True)
        if f"curve_{n}" in d:
            names = ("curve_abscissa", "curve")
            yield from zip(*(np.split(d[f"{x}_{n}"].values, parts) for x in names), strict=True)


def _plan(d):
    yield d["point"].values, 100 * d["share"].values
    for name in ("target_error_equal", "target_error_optimal"):
        yield d["factor"].values, d[name].values


def _design(d):
    yield from _rows(d, "tc", "margin")
    yield from _rows(d, "a2f", "frequency")


def _map(d):
    inside = (d["tc"] >= d["temperature"].min()) & (d["tc"] <= d["temperature"].max())
    if bool(inside.any()):
        yield d["coupling"].values, d["tc"].values


def _superconductor(d):
    for name in ("gap", "heat", "reduced_field", "deviation"):
        yield _condensed(d, name)
    omega = d["frequency"].values
    yield omega, d["a2f" if "a2f" in d else "a2f_area"].values * d["isotope_weight"].values
    for _, row in _rows(d, "density_of_states", "energy"):
        yield d["energy"].values, row


def _transport(d):
    yield d["temperature"].values, d["resistivity"].values
    yield d["temperature"].values, d["lorenz_ratio"].values
    for name in ("optical_rate", "mass"):
        yield from _rows(d, name, "light")
    if np.isfinite(float(d["plasma"])):
        yield from _rows(d, "reflectivity", "light")


def _real_axis(d):
    start = d["energy"].values[: max(2, d.sizes["energy"] // 20)]
    yield start, d["density_of_states"].values[: len(start)]
    yield start, d["gap_real"].values[: len(start)]


_OF_KIND = {
    "report": _report,
    "columns": _columns,
    "evolution": _evolution,
    "relaxation": _evolution,
    "lattice": _lattice,
    "sensitivities": _sensitivities,
    "fit": _fit,
    "plan": _plan,
    "design": _design,
    "map": _map,
    "superconductor": _superconductor,
    "transport": _transport,
    "real axis": _real_axis,
}
