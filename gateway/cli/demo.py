"""``demo``: the whole product on this machine."""

from __future__ import annotations

from gateway.cli.options import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="run the whole product on this machine")
    parser.set_defaults(run=lambda _: 1)
