"""The program `jaxelph`: finds its subcommands and puts what goes wrong in a sentence.

Subcommands are the modules of `jaxelph.commands`; nothing has to be registered here.
"""

import importlib
import os
import pkgutil
import sys
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from . import __version__, commands
from .compilation_cache import keep_compiled_functions
from .terminal import plain_warnings, say


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
        alone.command(cmd_name)(module.command)
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
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
        interrupted. `JAXELPH_DEBUG=1` lets exceptions through with their traceback.
    """
    try:
        with plain_warnings():
            result = app(arguments, prog_name="jaxelph", standalone_mode=False)
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return 130
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _USAGE as error:
        return _refuse(error.format_message())
    except (ValueError, OSError, MemoryError) as error:
        if os.environ.get("JAXELPH_DEBUG") == "1":
            raise
        return _refuse(str(error) or type(error).__name__)


# Wrong options. typer carries click's exceptions, under one name or another.
_USAGE: Any = typer.BadParameter.__bases__[0]


def _refuse(message: str) -> int:
    say(f"error: {' '.join(message.split())}")
    return 2


def main() -> None:
    """The console entry point."""
    keep_compiled_functions()
    sys.exit(run())
