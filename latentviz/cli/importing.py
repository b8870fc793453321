"""What was not recorded, made a run: `import`."""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import click

from ..errors import OptionError
from ..projection import split_names
from ..text import counted, printable
from .group import INTERRUPTED, examples, main
from .options import current_folder, decorated, given, progress

TOKENS = ["flatten", "mean", "first", "last", "each"]

_SOURCES = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
_OPTIONS = [
    click.option(
        "-o", "--output", required=True, type=click.Path(path_type=Path),
        help="The run's archive to write, NAME.npz.",
    ),
    click.option(
        "--steps", metavar="0,100,...",
        help="The steps, in the order of the sources (a folder's as people count). Default: the "
        "last number in each name.",
    ),
    click.option(
        "--every", type=click.IntRange(min=1),
        help="Take every so many-th checkpoint, by step, from the first on.",
    ),
    click.option(
        "--key", metavar="NAME",
        help="The item that holds the state in what was saved, such as ema.state_dict. Default: "
        "state_dict, model_state_dict, model or module if there is one of them, else all of it.",
    ),
    click.option(
        "--model", metavar="MODULE:FACTORY",
        help="Make the model with this, and give it each state. Default: store states alone.",
    ),
    click.option(
        "--layer", "layers", metavar="NAME", multiple=True,
        help="The layer of the model whose output is the latent (repeatable).",
    ),
    click.option(
        "--probe", type=click.Path(), metavar="FILE",
        help="The inputs to watch: .npy, .npz (several inputs by name) or .pt.",
    ),
    click.option(
        "--tokens", type=click.Choice(TOKENS),
        help="How tokens become points, where the layer gives (N, S, D). Default: flatten.",
    ),
    click.option(
        "--states", metavar="PATTERN", multiple=True,
        help="Keep only tensors of such names, such as 'encoder.*' (repeatable); all, or none. "
        "Default: all, but none of a large model that is not registered, whose latents are kept.",
    ),
    click.option(
        "--points",
        metavar="SOURCE",
        help="The points to draw: rows:TENSOR or columns:TENSOR of the state, which need no model; "
        "or layer:NAME. Default: the first layer.",
    ),
    click.option(
        "--colors", type=click.Path(), metavar="FILE",
        help="The points' colors: .npy, or text with a line each (r g b, a number, or a name).",
    ),
    click.option(
        "--classes", type=click.Path(), metavar="FILE",
        help="The points' classes: .npy, or text with a line each.",
    ),
    click.option("--class-names", metavar="A,B,...", help="The names of classes 0, 1, ..."),
    click.option(
        "--point-names", type=click.Path(), metavar="FILE",
        help="The points' names: text with a line each.",
    ),
    click.option(
        "--resume", is_flag=True,
        help="Go on with an import that was cut off (NAME.npz.part), or add to a NAME.npz of fewer "
        "checkpoints.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace the archive if it exists."),
    click.option(
        "--skip-damaged", is_flag=True,
        help="Leave out checkpoints that are damaged, with a warning for each.",
    ),
]  # fmt: skip


def _import_options(command: Any) -> Any:
    return decorated(command, [_SOURCES, *_OPTIONS])


@main.command(
    "import",
    epilog=examples(
        "latentviz import checkpoints/ -o run.npz --model nets:make --layer encoder "
        "--probe points.npy",
        "latentviz import out/checkpoint-* -o run.npz --states '*.wte.weight'",
        "latentviz import latents.npz -o run.npz",
    ),
)
@_import_options
def import_command(
    sources: tuple[str, ...],
    output: Path,
    steps: str | None,
    layers: tuple[str, ...],
    states: tuple[str, ...],
    class_names: str | None,
    **options: Any,
) -> None:
    """Make a run's archive of checkpoints, or of arrays.

    SOURCE is a checkpoint (.pt, .pth, .ckpt, .bin, .safetensors), a Hugging Face folder
    (checkpoint-500), a folder of these, or a pattern; or one file of latents, .npy (T, N, D) or
    .npz. A pickle that would run code is refused.
    """
    from ..archive.destination import part_path
    from ..importing.importer import import_run

    chosen: Any = None
    if states:
        chosen = states[0] if states in (("all",), ("none",)) else list(states)
    more = given(
        steps=None if steps is None else _whole_numbers(steps),
        layer=layers[0] if len(layers) == 1 else list(layers) or None,
        states=chosen,
        class_names=None if class_names is None else split_names(class_names),
        **options,
    )
    part = part_path(Path(os.path.expanduser(output)))
    with current_folder() if options["model"] is not None else nullcontext():
        try:
            with progress("Importing", unit="checkpoints") as advance:
                found = import_run(list(sources), output, progress=advance, **more)
        except KeyboardInterrupt:
            if not part.exists():
                raise
            name = printable(str(part))
            with suppress(OSError, ValueError):  # the terminal may have been closed
                click.echo(
                    f"Interrupted; {name} holds what was imported: go on with --resume", err=True
                )
            click.get_current_context().exit(INTERRUPTED)
    n_before = len(found.steps) - found.n_new
    before = f" ({n_before} of them were there)" if n_before else ""
    undrawn = "" if found.to_draw is None else f"; only states were kept: {found.to_draw}"
    click.echo(
        f"{printable(str(output))}: {counted(len(found.steps), 'step')}, {found.steps[0]} to "
        f"{found.steps[-1]}{before}{undrawn}"
    )


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"steps must be whole numbers, such as 0,100,200, got {text!r}") from None
