"""Subcommands of the program: each module here is one, found by its name.

A module `fit.py` with a function `command` becomes `jaxelph fit`: typer reads options and help
from the function's signature and docstring. Heavy imports belong inside the function, since
`jaxelph --help` imports every module. An underscore in the name becomes a hyphen;
a leading one hides a module that is no subcommand.
"""
