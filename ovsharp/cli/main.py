"""The `ovsharp` command: finds the verb, turns errors into a sentence and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from ovsharp import __version__
from ovsharp.errors import DeviceError, OvsharpError, UsageError

VERBS = {
    "convert": "PyTorch checkpoint, ONNX or foreign IR -> ovsharp IR, with proof of parity.",
    "quantize": "Float IR -> INT8 IR, with the measured drop in quality.",
    "bench": "Compare storage and execution precisions by SSIM and throughput.",
    "image": "Sharpen image files.",
    "info": "Show what a model is and where it comes from.",
    "devices": "Show devices, instruction sets and package versions.",
}

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class Verbs(click.Group):
    """Imports a verb's module only when it is called: --help loads nothing heavy."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Give the verbs in the order that one uses them."""
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import `ovsharp.cli.NAME` and give its command `NAME`."""
        if name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"ovsharp.cli.{name}"), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ovsharp")
def main() -> None:
    """Sharpen video frames in real time on an ordinary CPU.

    Exit codes: 0 all done; 1 an input or the work failed; 2 wrong usage, a missing extra or
    device; 130 interrupted.
    """


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        code = main.main(prog_name="ovsharp", standalone_mode=False) or 0
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except OvsharpError as error:
        click.echo(f"ovsharp: {error}", err=True)
        code = EXIT_USAGE if isinstance(error, UsageError | DeviceError) else EXIT_FAILED
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        click.echo(f"ovsharp: the system refused a file{where}: {error.strerror or error}", err=True)
        code = EXIT_FAILED
    sys.exit(code)
