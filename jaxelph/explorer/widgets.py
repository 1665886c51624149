"""What Panel calls the arguments of its widgets, which its versions do not agree on."""

import panel as pn


def label(text: str) -> dict[str, str]:
    """What a widget is called, in the argument that this Panel takes: since 1.9 not `name`.

    Args:
        text: that is shown.
    """
    return {"label" if "label" in pn.widgets.Widget.param else "name": text}


def colour(kind: str) -> dict[str, str]:
    """What a button looks like, in the argument that this Panel takes, likewise.

    Args:
        kind: primary, success or warning.
    """
    return {"color" if "color" in pn.widgets.Button.param else "button_type": kind}
