"""The script with which a shell completes our commands: `completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .group import examples, main

PROGRAM = "latentviz"
VARIABLE = "_LATENTVIZ_COMPLETE"  # click's own name for it
INSTALL = {
    "bash": 'add to ~/.bashrc:  eval "$(latentviz completion bash)"',
    "zsh": 'add to ~/.zshrc, below compinit:  eval "$(latentviz completion zsh)"',
    "fish": "latentviz completion fish > ~/.config/fish/completions/latentviz.fish",
}


@main.command(
    epilog=examples(
        'eval "$(latentviz completion bash)"  # in ~/.bashrc',
        'eval "$(latentviz completion zsh)"  # in ~/.zshrc, below compinit',
        "latentviz completion fish > ~/.config/fish/completions/latentviz.fish",
    )
)
@click.argument("shell", metavar="SHELL", type=click.Choice(list(INSTALL)))
def completion(shell: str) -> None:
    """Print the script with which SHELL (bash, zsh or fish) completes commands, options and runs.

    The second line of the script says how to install it.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # those of INSTALL are click's
    first, rest = kind(main, {}, PROGRAM, VARIABLE).source().strip().split("\n", 1)
    # Not above it: zsh looks at a file's first line to learn what it completes.
    click.echo(f"{first}\n# To install: {INSTALL[shell]}\n{rest}")
