"""Design: the known strong-coupling law without the bound, and the bound where it acts."""

import numpy as np
import pytest

from jaxelph import GaussianPeaks, coupling_constant, margin, transition_temperature
from jaxelph.inverse.design import DesignError, StabilityBound, maximise
from jaxelph.inverse.sensitivities import coupling_moment

START = GaussianPeaks([10.0], [0.2], [1.0])


@pytest.mark.slow
def test_without_the_bound_tc_grows_as_the_root_of_the_moment():
    """Allen and Dynes: Tc → 0.1827 √(λ⟨ω²⟩), from below, with corrections of order 1/λ."""
    ratios = []
    for largest in (20.0, 80.0):
        best = maximise(START, coupling=(0.1, largest), omega=(5.0, 20.0), mu_star=0.0)
        assert best.active == ("largest coupling", "largest omega 1")
        assert float(coupling_constant(best.spectrum)) == pytest.approx(largest, rel=1e-6)
        ratios.append(best.value / float(np.sqrt(coupling_moment(best.spectrum))))
    short = 1 - np.array(ratios) / 0.18273
    assert 0 < short[1] < 0.01
    assert short[0] / short[1] == pytest.approx(4, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["heat", "weight"])
def test_the_bound_cuts_it(criterion):
    """λ is where the margin says: for one peak of fixed shape 1 - margin is linear in λ."""
    bound = StabilityBound(criterion, 12.0, 0.2)
    best = maximise(START, stability=bound, omega=(5.0, 20.0))
    assert f"stability ({criterion})" in best.active
    assert best.margin == pytest.approx(0.2, abs=1e-7)
    assert float(margin(best.spectrum, 12.0, criterion=criterion)) == pytest.approx(0.2, abs=1e-6)
    # A scan of frequencies, each with the λ at which the margin is reached, finds none better.
    for frequency in np.linspace(5.0, 20.0, 7):
        unit = GaussianPeaks([frequency], [0.02 * frequency], [1.0])
        gain = 1 - float(margin(unit, 12.0, criterion=criterion))
        if gain > 0:
            tc = float(transition_temperature(unit.scaled(0.8 / gain), 0.1))
            assert tc <= best.value * (1 + 1e-6)


def test_what_cannot_be_designed():
    with pytest.raises(ValueError, match="coupling must be a pair"):
        maximise(START, coupling=(2.0, 1.0))
    with pytest.raises(ValueError, match="needs grid="):
        StabilityBound("kinetic", 4.0)
    with pytest.raises(DesignError, match="does every direction have a bound"):
        maximise(START, objective=coupling_constant)
