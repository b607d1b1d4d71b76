"""`ovsharp completion`: what a shell needs to complete verbs, options and files."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes ovsharp's verbs and options in a shell.

    Append it to ~/.bashrc or ~/.zshrc, or write it to ~/.config/fish/completions/ovsharp.fish.
    """
    from click.shell_completion import get_completion_class

    from ovsharp.cli.main import main

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(found(main, {}, "ovsharp", "_OVSHARP_COMPLETE").source())
