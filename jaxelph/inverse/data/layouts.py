"""What each kind of measured data is written as: its columns, their names, its options."""

from .header import Column
from .measured import Layout

_T = Column("T_K", ("T", "temperature", "temp", "Tsample"), "temperature", "K")
_AT = _T._replace(need="may")
_E = Column("E_meV", ("E", "energy", "omega", "ω", "w", "frequency"), "energy", "meV")
#: How the energy of a light or a phonon may be headed.
LIGHT = ("Omega", "Ω", "ω", "omega", "w", "nu", "ν", "E", "energy", "frequency", "wavenumber")
_BIAS = ("V", "bias", "U", "voltage", "E", "energy", "eV")
_TUNNEL = ("dIdV", "dI/dV", "dIdV_norm", "G", "G/GN", "N", "N(V)", "N(E)", "conductance", "sigma_T")


def _layout(values: str, *columns: Column) -> Layout:
    return Layout(columns, tuple(values.split()))


#: What each kind is written as, and under which names.
COLUMNS: dict[str, Layout] = {
    "heat": _layout(
        "C_ratio C_mJ CT_mJ",
        _T,
        Column("C_ratio", ("Cratio", "ratio", "Cel/Cbare"), "number", "1", "any"),
        Column("C_mJ", ("C", "Cp", "heat", "specific heat"), "heat", "mJ/molK", "any"),
        Column("CT_mJ", ("C/T", "C over T", "Cp/T"), "heat over T", "mJ/molK2", "any"),
    ),
    "self-energy": _layout(
        "Re_meV Im_meV",
        _E,
        Column("Re_meV", ("Re", "ReSigma", "Re Σ", "ReΣ"), "energy", "meV", "any"),
        Column("Im_meV", ("Im", "ImSigma", "Im Σ", "ImΣ"), "energy", "meV", "any"),
    ),
    "weight": _layout("Z", _E, Column("Z", ("weight",), "number")),
    "relaxation": _layout(
        "Te_K",
        Column("t_ps", ("t", "time", "delay"), "time", "ps"),
        Column("Te_K", ("Te", "electron temperature"), "temperature", "K"),
        _AT,
        Column("Tstart_K", ("Tstart", "T0"), "temperature", "K", "may"),
    ),
    "gap": _layout("Delta_meV", _T, Column("Delta_meV", ("Delta", "gap"), "energy", "meV")),
    "tc": _layout("Tc_K", Column("Tc_K", ("Tc",), "temperature", "K")),
    "resistivity": _layout(
        "rho_µΩcm",
        _T,
        Column("rho_µΩcm", ("rho", "ρ", "resistivity", "rho_xx", "R"), "resistivity", "µΩcm"),
    ),
    "optical": _layout(
        "rate_meV R",
        Column("Omega_meV", LIGHT, "energy", "meV"),
        Column("rate_meV", ("rate", "1/tau", "1/τ", "tau^-1", "Gamma"), "energy", "meV", "any"),
        Column("R", ("reflectivity", "reflectance"), "number", "1", "any"),
        _AT,
    ),
    "tunnelling": _layout(
        "dIdV", Column("V_mV", _BIAS, "energy", "mV"), Column("dIdV", _TUNNEL, "number"), _AT
    ),
}

#: Which options of `read_data` each kind takes, beside those of reading.
TAKES = {
    "heat": "gamma atoms phonons superconducting mu_star_error",
    "self-energy": "temperature resolution background",
    "weight": "temperature",
    "relaxation": "temperature initial",
    "gap": "matsubara mu_star_error",
    "tc": "mu_star_error",
    "resistivity": "plasma residual saturation ratio ratio_bend",
    "optical": "temperature background plasma ratio ratio_bend",
    "tunnelling": "temperature broadening mu_star_error",
}
