"""What a fit warns of and refuses."""


class FitWarning(UserWarning):
    """Data that look odd, or a fit to be read with care."""


class FitError(ValueError):
    """A fit that did not converge, or that the data do not decide."""
