"""Marks where a curve leaves its panel stand where the drawn line does, in pixels."""

import itertools

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

from jaxelph.presentation.finishing import finish, heading, mark_exits
from jaxelph.presentation.plotting import STYLE, canvas, plain_ticks

SCALES = list(itertools.product(("linear", "log", "symlog"), repeat=2))


@pytest.mark.parametrize("across, up", SCALES)
def test_exits_are_marked_where_the_line_is_drawn(across, up):
    axes = Figure().subplots()
    axes.set(xscale=across, yscale=up, xlim=(5, 400), ylim=(0.5, 40))
    axes.plot([10.0, 100.0, 300.0], [1.0, 300.0, 8.0])
    mark_exits(axes)
    x, y = axes.transData.transform([(10, 1), (100, 300), (300, 8)]).T
    top = axes.transAxes.transform((0, 1))[1]
    ways = [(top - y[k]) / (y[k + 1] - y[k]) for k in range(2)]
    drawn = [x[k] + ways[k] * (x[k + 1] - x[k]) for k in range(2)]
    (marks,) = axes.collections
    marked = marks.get_offset_transform().transform(marks.get_offsets())
    np.testing.assert_allclose(marked[:, 0], drawn, atol=1e-6)
    np.testing.assert_allclose(marked[:, 1], top, atol=1e-6)


@pytest.mark.parametrize("name", ["a$_$b.dat", "$", r"\$x\$", "$$", r"a\$_b.dat", "_^{", "Nb.a2F"])
def test_any_name_is_drawn_as_it_is(name):
    """No width differs from that of the name without mathematics."""
    with rc_context(STYLE):
        plain, told = canvas(None, 1, 1, (4.0, 2.0)), canvas(None, 1, 1, (4.0, 2.0))
        plain.figure.suptitle(name, fontsize=9.5, parse_math=False)
        heading(told, name, ", $T$")
        alone = canvas(None, 1, 1, (4.0, 2.0))
        heading(alone, "", ", $T$")
        widths = []
        for drawn in (plain, told, alone):
            drawn.figure.draw_without_rendering()
            widths.append(drawn.figure._suptitle.get_window_extent().width)
    assert abs(widths[0] + widths[2] - widths[1]) < 4.0


def test_no_line_shines_through_a_legend():
    with rc_context(STYLE):
        drawn = canvas(None, 1, 2, (7.0, 3.0))
        for axes in drawn.panels:
            axes.plot([0, 1], [0, 1], label="a curve with a long name")
            axes.legend()
        for at in np.linspace(0.05, 0.95, 10):
            drawn.panels[1].axvline(at)
        finish(drawn)
    alphas = [axes.get_legend().get_frame().get_alpha() for axes in drawn.panels]
    assert alphas == [STYLE["legend.framealpha"], 1.0]


SPANS = [(0.02, 0.1), (0.0225, 0.09999), (0.0011, 0.09), (3.0, 40.0), (2.2, 4.5), (1e-3, 1.0)]


@pytest.mark.parametrize("low, high", SPANS)
def test_numbers_below_a_logarithmic_axis_do_not_touch(low, high):
    """As wide as a panel of two; over two decades and more powers of ten stay."""
    with rc_context(STYLE):
        drawn = canvas(None, 1, 2, (7.2, 2.6))
        for axes in drawn.panels:
            axes.plot([low, high], [1.0, 2.0])
            axes.set(xscale="log", xlim=(low, high), xlabel="x", ylabel="y")
        finish(drawn)
        drawn.figure.draw_without_rendering()
        for axes in drawn.panels:
            labels = [*axes.get_xticklabels(), *axes.get_xticklabels(minor=True)]
            spans = [t.get_window_extent() for t in labels if t.get_text()]
            spans = sorted(
                (b.x0, b.x1) for b in spans if axes.bbox.x0 <= b.x1 and b.x0 <= axes.bbox.x1
            )
            assert len(spans) > 1
            assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_numbers_of_a_logarithmic_axis_follow_its_limits():
    """Asked for when it is drawn: a panel may be stretched, or narrowed, after the style is set."""
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=(0.45, 1.4))
    plain_ticks(axes.yaxis)
    for limits, told in (
        ((0.45, 1.4), {"0.5", "1"}),
        ((0.59, 1.4), {"0.6", "0.8", "1"}),
        ((0.3, 30.0), {"0.5", "1", "2", "5", "10", "20"}),
    ):
        axes.set_ylim(limits)
        axes.figure.draw_without_rendering()
        ticks = (*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks())
        seen = [tick for tick in ticks if limits[0] < tick.get_loc() < limits[1]]
        assert {tick.label1.get_text() for tick in seen} - {""} == told


def test_panels_stand_where_files_have_them():
    """Files are written as `finish` leaves a figure: laid out once more, nothing would move."""
    drawn = canvas(None, 1, 2, (7.0, 3.0))
    x = np.linspace(0, 1, 200)
    for axes, scale in zip(drawn.panels, (1.0, 9.6e4), strict=True):
        for k in range(6):  # curves everywhere: the panel is stretched, and its numbers longer
            axes.plot(x, scale * (0.5 + 0.5 * np.sin(40 * x + k)), label=f"curve {k}")
        axes.legend()
    before = [axes.get_ylim()[1] for axes in drawn.panels]
    finish(drawn)
    after = [axes.get_ylim()[1] for axes in drawn.panels]
    assert np.all(np.array(after) > before)
    stands = [axes.get_position().bounds for axes in drawn.panels]
    drawn.figure.set_dpi(200)
    drawn.figure.get_layout_engine().execute(drawn.figure)
    moved = [axes.get_position().bounds for axes in drawn.panels]
    np.testing.assert_allclose(moved, stands, atol=1e-3)


def test_panels_that_are_stretched_to_the_end_are_laid_out_once_more(monkeypatch):
    """The last stretch changes the numbers of an axis, and with their width where panels stand."""

    def stretch(axes):
        axes.set_ylim(0, 1e6 * axes.get_ylim()[1] + 0.123)
        return True

    monkeypatch.setattr("jaxelph.presentation.finishing.clear_legend", stretch)
    drawn = canvas(None, 1, 2, (7.0, 3.0))
    for axes in drawn.panels:
        axes.plot([0, 1], [0, 1])
        axes.ticklabel_format(style="plain")
    finish(drawn)
    stands = [axes.get_position().bounds for axes in drawn.panels]
    drawn.figure.set_dpi(STYLE["savefig.dpi"])
    drawn.figure.get_layout_engine().execute(drawn.figure)
    moved = [axes.get_position().bounds for axes in drawn.panels]
    np.testing.assert_allclose(moved, stands, atol=1e-3)
