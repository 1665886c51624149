"""The program `jaxelph`: finds its subcommands and puts what goes wrong in a sentence.

Subcommands are the modules of `jaxelph.app.commands`; nothing has to be registered here.
"""

import contextlib
import functools
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from .. import __version__
from ..numerics.errors import ArgumentError
from ..presentation import interruption
from ..presentation.terminal import plain_warnings, say
from . import commands, verbosity
from .compilation_cache import keep_programs


class _Command(typer.core.TyperCommand):
    """A subcommand that refuses an option given twice, of which only the last would count."""

    def parse_args(self, ctx, args):
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            twice = sum(other is option for other in given) > 1
            if twice and isinstance(option, typer.core.TyperOption) and not option.multiple:
                # `--json --json` says one thing, `--figure --no-figure` two.
                if not option.is_flag or option.secondary_opts:
                    told = option.opts[0]
                    ctx.fail(f"{told} is given twice, and holds one value: give it once.")
        return super().parse_args(ctx, args)


class _Commands(typer.core.TyperGroup):
    """A group whose subcommands are imported when they are asked for."""

    def list_commands(self, ctx):
        names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
        names = [name.replace("_", "-") for name in names if not name.startswith("_")]
        return sorted(names, key=lambda name: (name != "report", name))  # the main job first

    def get_command(self, ctx, cmd_name):
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name, cls=_Command)(_with_verbose(module.command))
        return typer.main.get_command(alone)


_VERBOSE = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Tell on standard error what is compiled and which grids are used.",
    ),
]


def _with_verbose(function: Callable) -> Callable:
    """A subcommand's function with an option more, as typer reads it from the signature."""

    @functools.wraps(function)
    def command(*args, verbose=False, **options):
        if verbose:
            verbosity.begin()
        return function(*args, **options)

    signature = inspect.signature(function)
    option = inspect.Parameter(
        "verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_VERBOSE
    )
    command.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[*signature.parameters.values(), option]
    )
    command.__annotations__ = function.__annotations__ | {"verbose": _VERBOSE}
    return command


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool | None) -> None:
    if wanted:
        print(f"jaxelph {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool | None,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = None,
) -> None:
    """Differentiable physics of electrons and phonons in metals."""
    del version


def run(arguments: list[str] | None = None) -> int:
    """The program, without leaving Python: returns the exit code.

    Args:
        arguments: as on the command line after the program's name; sys.argv's by default.

    Returns:
        0; 2 for input that cannot be used, told in one sentence on standard error; 130 if
        interrupted; 1 for a fault of the program's own. `JAXELPH_DEBUG=1` lets exceptions
        through with their traceback.
    """
    interruption.note("")
    try:
        with plain_warnings(), verbosity.ended():
            told = sys.argv[1:] if arguments is None else arguments
            result = app(told or ["--help"], prog_name="jaxelph", standalone_mode=False)
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        say(interruption.farewell())
        return 130
    except typer.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:  # completion, which the shell asks for by a variable
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:  # the reader of a pipe has seen enough
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _USAGE as error:
        return _refuse(error.format_message())
    except Exception as error:
        if os.environ.get("JAXELPH_DEBUG") == "1":
            raise
        return _refuse(*_told(error))
    finally:
        interruption.note("")  # what comes later in this process is not this command


def _told(error: Exception) -> tuple[str, int]:
    """A sentence about an exception, and the exit code."""
    text = str(error) or type(error).__name__
    if isinstance(error, ArgumentError):
        return error.spelled(lambda name: f"--{name.replace('_', '-')}"), 2
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if isinstance(error, OSError) and error.strerror:  # the system's, whose text has a number
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{name}cannot be used ({error.strerror}).", 2
    if isinstance(error, ValueError | OSError | MemoryError):
        return text, 2
    if isinstance(error, RuntimeError) and platforms and "backend" in text:
        return f"JAX cannot start with JAX_PLATFORMS={platforms}: unset it, or set it to cpu.", 2
    return (
        f"{type(error).__name__}: {text} This is a fault of the program; JAXELPH_DEBUG=1 "
        "shows where."
    ), 1


# Wrong options. typer carries click's exceptions, under one name or another.
_USAGE: Any = typer.BadParameter.__bases__[0]


def _refuse(message: str, code: int = 2) -> int:
    say(f"error: {' '.join(message.split())}")
    return code


def main() -> None:
    """The console entry point; it does not return."""
    keep_programs()
    # Not by sys.exit: a signal that comes while Python takes itself down is a crash.
    interruption.leave(run())
