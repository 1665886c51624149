"""What goes wrong with a file, in words for the person who has to mend it."""


class SpectrumFileError(ValueError):
    """A file cannot be read as α²F(ω); the message is one sentence with the way out."""


class SpectrumWarning(UserWarning):
    """A file was read, but something in it deserves a look before its α²F is used."""
