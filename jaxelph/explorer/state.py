r"""What is set on the page: peaks or a scaled spectrum, T, μ*, and the same in a link.

A state is numbers of six digits, so that what is shown, what a link says and what is computed are
one and the same.
"""

import dataclasses
import math
from typing import Any
from urllib.parse import parse_qs, urlencode

import equinox as eqx
import jax
import numpy as np

from ..inverse.data.table import parse_peaks
from ..numerics.checks import refuse
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import DebyeSpectrum, EinsteinModes, EliashbergFunction
from ..spectra.table import TabulatedSpectrum

#: The largest number of peaks, to which all are padded.
MOST = 8
#: Width over frequency of a peak, least and most; a narrower one has a kinetic margin of its grid.
WIDTHS = (0.02, 0.4)
#: Of a spectrum that is scaled: factors of α²F and of ω, least and most.
FACTORS, STRETCHES = (0.05, 20.0), (0.25, 4.0)


def rounded(value: float) -> float:
    """To the six digits of a link.

    Example:
        >>> rounded(1 / 3)
        0.333333
    """
    return float(f"{value:.6g}")


@dataclasses.dataclass(frozen=True)
class Peak:
    """A Gaussian peak of α²F, see `GaussianPeaks`.

    Args:
        omega (meV): centre.
        width (meV): standard deviation.
        coupling: λ of it.
    """

    omega: float
    width: float
    coupling: float

    @property
    def height(self) -> float:
        """Its own α²F at its centre, which is where it is taken hold of."""
        return self.coupling * _unit_height(self.omega, self.width)

    def kept(self, top: float) -> "Peak":
        """The nearest peak that the page can hold, of six digits; `top` (meV) ends its axis."""
        omega = rounded(min(max(self.omega, 0.01 * top), top))
        width = rounded(min(max(self.width, WIDTHS[0] * omega), WIDTHS[1] * omega))
        return Peak(omega, width, rounded(min(max(self.coupling, 0.0), 100.0)))


def _unit_height(omega: float, width: float) -> float:
    """α²F at the centre of a peak of λ = 1."""
    one = GaussianPeaks(np.array([omega]), np.array([width]), np.array([1.0]))
    return float(_at_centre(one, np.array([omega]))[0])


@jax.jit
def _at_centre(peaks, omega):
    return peaks.a2f(omega)


def peak_of_height(omega: float, width: float, height: float) -> Peak:
    """The peak whose own α²F at its centre is `height`.

    Example:
        >>> one = peak_of_height(13.0, 2.0, 0.8)
        >>> print(f"{one.height:.4f} {one.coupling:.4f}")
        0.8000 0.6328
    """
    return Peak(omega, width, max(height, 0.0) / _unit_height(omega, width))


@dataclasses.dataclass(frozen=True)
class State:
    """All that a person sets. Of `peaks` or `factor` and `stretch` the page has one.

    Args:
        temperature (K): T.
        mu_star: Coulomb pseudopotential μ*.
        peaks: of α²F; None where a spectrum is scaled.
        factor: by which α²F of that spectrum is multiplied.
        stretch: by which its frequencies are.
        least: the margin that the buttons keep.

    Example:
        >>> state = State(10.0, 0.1, (Peak(13.2, 3.0, 0.76),))
        >>> print(state.query())
        peaks=13.2:3:0.76&T=10&mu_star=0.1&least=0
        >>> state.of_query(state.query(), top=40.0) == state
        True
    """

    temperature: float
    mu_star: float
    peaks: tuple[Peak, ...] | None = None
    factor: float = 1.0
    stretch: float = 1.0
    least: float = 0.0

    def query(self) -> str:
        """The state as the part of a link behind the question mark."""
        parts: dict[str, str] = {}
        if self.peaks is None:
            parts |= {"factor": f"{self.factor:.6g}", "stretch": f"{self.stretch:.6g}"}
        else:
            parts["peaks"] = ",".join(
                f"{p.omega:.6g}:{p.width:.6g}:{p.coupling:.6g}" for p in self.peaks
            )
        for name, value in self._conditions():
            parts[name] = f"{value:.6g}"
        return urlencode(parts, safe=":,")

    def _conditions(self):
        yield from (("T", self.temperature), ("mu_star", self.mu_star), ("least", self.least))

    def of_query(self, query: str, top: float) -> "State":
        """The state of a link, from this one where the link says nothing.

        Args:
            query: of the link, with its question mark or without.
            top (meV): the end of the axis, which keeps the peaks.

        Raises:
            ValueError: one sentence; a part of the link is no number or out of its range.
        """
        told = {name: values[-1] for name, values in parse_qs(query.lstrip("?")).items()}
        changes: dict[str, Any] = {}
        if self.peaks is not None and "peaks" in told:
            found = parse_peaks(told["peaks"])
            rows = zip(found.omega, found.width, found.coupling, strict=True)
            peaks = tuple(Peak(*map(float, row)).kept(top) for row in rows)
            if len(peaks) > MOST:
                raise ValueError(f"the link has {len(peaks)} peaks, and {MOST} are the limit.")
            changes["peaks"] = peaks
        ranges = {
            "T": ("temperature", 1e-3, 1e5),
            "mu_star": ("mu_star", 0.0, 0.999),
            "least": ("least", 0.0, 0.99),
        }
        if self.peaks is None:
            ranges |= {"factor": ("factor", *FACTORS), "stretch": ("stretch", *STRETCHES)}
        for name, (field, low, high) in ranges.items():
            if name in told:
                changes[field] = _number(name, told[name], low, high)
        return dataclasses.replace(self, **changes)

    def with_peak(self, index: int, peak: Peak) -> "State":
        """The state with one peak in the place of another; its index may be one more."""
        assert self.peaks is not None
        peaks = (*self.peaks[:index], peak, *self.peaks[index + 1 :])
        return dataclasses.replace(self, peaks=peaks)

    def without_peak(self, index: int) -> "State":
        """The state with a peak less."""
        assert self.peaks is not None
        return dataclasses.replace(self, peaks=self.peaks[:index] + self.peaks[index + 1 :])


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ValueError(f"the link has {name} = {text!r}; it must be from {low:g} to {high:g}.")
    return rounded(value)


def state_of(spectrum: EliashbergFunction, temperature: float, mu_star: float) -> State:
    """Where the page begins: with the peaks of `GaussianPeaks`, else with the spectrum as it is.

    More peaks than the page holds are one spectrum that is scaled.
    """
    conditions = rounded(temperature), rounded(mu_star)
    if not isinstance(spectrum, GaussianPeaks) or spectrum.omega.shape[0] > MOST:
        return State(*conditions)
    rows = np.stack([spectrum.omega, spectrum.width, spectrum.coupling], axis=1).tolist()
    return State(*conditions, tuple(Peak(*map(rounded, row)) for row in rows))


def spectrum_of(state: State, base: EliashbergFunction) -> EliashbergFunction:
    """The Eliashberg function (meV) of a state: what every function of the package takes.

    Args:
        state: with peaks, or with what is done to
        base: the spectrum that is scaled.

    Raises:
        ValueError: there is no peak.

    Example:
        >>> s = EinsteinModes([10.0, 20.0], [0.5, 0.5])
        >>> print(spectrum_of(State(10.0, 0.1, factor=2.0, stretch=1.5), s).modes())
        (Array([15., 30.], dtype=float64), Array([1., 1.], dtype=float64))
    """
    if state.peaks is not None:
        if not any(peak.coupling > 0 for peak in state.peaks):
            raise ValueError("there is no peak with a coupling: add one.")
        rows = np.array([dataclasses.astuple(peak) for peak in state.peaks])
        return GaussianPeaks(*rows.T)
    if state.factor == state.stretch == 1:
        return base  # which knows where it came from
    return stretched(base, state.stretch).scaled(state.factor)


def stretched(spectrum: EliashbergFunction, stretch: float) -> EliashbergFunction:
    """α²F(ω/x): the same λ at frequencies that are x times as high.

    Args:
        spectrum: an Eliashberg function.
        stretch: x > 0.

    Example:
        >>> print(stretched(DebyeSpectrum(10.0, 0.5), 2.0).cutoff)
        20.0
    """
    refuse("stretch", stretch, positive=True)
    if isinstance(spectrum, TabulatedSpectrum):
        # Panels are fractions of the range, which may be another at another T: as from a file.
        return TabulatedSpectrum(spectrum.omega * stretch, spectrum.a2f)
    if isinstance(spectrum, EinsteinModes):
        return EinsteinModes(spectrum.omega * stretch, spectrum.coupling)
    if isinstance(spectrum, DebyeSpectrum):
        return DebyeSpectrum(spectrum.cutoff * stretch, spectrum.coupling, spectrum.order)
    if isinstance(spectrum, GaussianPeaks):
        return eqx.tree_at(
            lambda s: (s.omega, s.width),
            spectrum,
            (spectrum.omega * stretch, spectrum.width * stretch),
        )
    raise ValueError(
        f"spectrum: of type {type(spectrum).__name__}; give GaussianPeaks, a TabulatedSpectrum, "
        "a DebyeSpectrum or EinsteinModes."
    )
