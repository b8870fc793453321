"""``python -m latentviz``."""

from .cli import main

main(prog_name="latentviz")
