"""`jaxelph.explore`: the page as an object of a notebook, and as a server's."""

from typing import Any

from ..numerics.checks import checked
from ..spectra.moments import maximum_frequency
from ..spectra.spectrum import EliashbergFunction
from ..superconductivity.transition import check_repulsion, transition_temperature
from ..units import KELVIN, check_kelvin
from .state import State, rounded, state_of

#: What is to be installed where there is no page.
MISSING = (
    "explore draws its page with Panel, which is not installed: pip install 'jaxelph[explore]'."
)


def start_of(
    spectrum: EliashbergFunction,
    temperature: float | None = None,
    mu_star: float = 0.1,
    **options: Any,
) -> State:
    """The state that a page begins with.

    Args:
        spectrum: an Eliashberg function in meV.
        temperature (K): T, by default T_c, but a hundredth of the top of the spectrum at least.
        mu_star: μ*.
        options: omega_ph, cutoff and mu_star_at, see `transition_temperature`.

    Raises:
        ValueError: no coupling, a temperature that is not positive, or options that cannot be
            meant.

    Example:
        >>> from jaxelph import example
        >>> print(start_of(example("lead")).temperature)
        7.353
    """
    check_repulsion(spectrum, mu_star, **options)
    top = float(maximum_frequency(spectrum))
    if not top > 0:
        raise ValueError("spectrum: it has no coupling.")
    if temperature is None:
        tc = float(transition_temperature(spectrum.sampled(), mu_star, **options))
        temperature = float(f"{max(tc, top / 100) / KELVIN:.4g}")
    check_kelvin(temperature, "temperature")
    return state_of(spectrum, rounded(temperature), mu_star)


@checked
def explore(
    spectrum: EliashbergFunction,
    temperature: float | None = None,
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    name: str = "",
) -> Any:
    """A page on which α²F is moved by hand while λ, T_c, the margin and λ_c follow.

    The peaks of `GaussianPeaks` are dragged one by one, any other spectrum is scaled and stretched
    as a whole. Shown as the last line of a notebook's cell it is a widget; `jaxelph explore` serves
    the same page. It needs Panel: pip install 'jaxelph[explore]'.

    Args:
        spectrum: an Eliashberg function in meV.
        temperature (K): T of the margin, by default T_c.
        mu_star: Coulomb pseudopotential μ*.
        omega_ph, cutoff, mu_star_at: what μ* refers to, see `transition_temperature`.
        name: of the metal, for titles.

    Returns:
        Explorer: a Panel object; `.spectrum` is what is shown, `.numbers` what is said of it, and
        `.report()` its `jaxelph.report`.

    Raises:
        ImportError: Panel is not installed.
        ValueError: no coupling, a temperature that is not positive, or an option of T_c that
            cannot be meant.

    Example:
        >>> from jaxelph import example
        >>> page = explore(example("niobium"), 12.0)  # doctest: +SKIP
        >>> print(f"{page.numbers.coupling:.3f}")  # doctest: +SKIP
        0.940
    """
    from .numbers import Model

    options = {"omega_ph": omega_ph, "cutoff": cutoff, "mu_star_at": mu_star_at}
    state = start_of(spectrum, temperature, mu_star, **options)
    try:
        import panel
    except ImportError:
        raise ImportError(MISSING) from None
    from .page import Explorer

    panel.extension()
    return Explorer(Model(spectrum, **options), state, name)
