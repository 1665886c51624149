"""What a figure shows, as plain data that can be compared."""

import numpy as np
from matplotlib.colors import to_hex


def drawn(figure) -> list:
    """Every curve, area, mesh, text, label, limit and tick of all axes, in their order."""
    figure.draw_without_rendering()
    told: list = []
    for axes in figure.get_axes():
        labels = axes.get_xlabel(), axes.get_ylabel(), axes.get_title(), axes.get_title("left")
        told.append((*labels, axes.get_xscale(), axes.get_yscale()))
        told.append((*axes.get_xlim(), *axes.get_ylim()))
        for line in axes.lines:
            told.append(
                (str(line.get_label()).lstrip("_"), to_hex(line.get_color()), line.get_marker())
            )
            told += [np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)]
        for one in axes.collections:
            told += [one.get_label(), *(path.vertices for path in one.get_paths())]
            if one.get_array() is not None:
                told += [np.asarray(one.get_array()), np.asarray(one.get_facecolor())]
        told += [patch.get_path().vertices for patch in axes.patches]
        told += [(text.get_text(), *text.get_position()) for text in axes.texts]
        if axes.get_legend() is not None:
            told.append([text.get_text() for text in axes.get_legend().get_texts()])
    return told


def assert_same(one, other) -> None:
    """Two drawings are equal to the last bit, undefined numbers at the same places."""
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right
