"""``demo``: the whole product on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gateway.cli.failure import CommandFailed
from gateway.cli.options import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="run the whole product on this machine")
    parser.add_argument(
        "--port",
        type=int,
        help="the gateway's port; the next three are used, too (default: free ones)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="keep everything here, and take it up again the next time",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--scripted", action="store_true", help="play the story by itself, with times"
    )
    what.add_argument(
        "--json", action="store_true", help="print addresses and clients as JSON"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or until its story is told."""
    if os.environ.get("GATEWAY_ENV") == "production":
        raise CommandFailed("the demo does not run in production; unset GATEWAY_ENV")
    # Not at import: the other commands need none of this.
    from gateway.demo.folder import demo_folder  # noqa: PLC0415
    from gateway.demo.processes import orderly_end, watch  # noqa: PLC0415
    from gateway.demo.programme import as_json, as_text  # noqa: PLC0415
    from gateway.demo.stage import set_stage  # noqa: PLC0415
    from gateway.demo.story import play  # noqa: PLC0415

    def say(line: str) -> None:
        stream = sys.stderr if chosen.json else sys.stdout
        stream.write(line + "\n")
        stream.flush()

    try:
        with (
            orderly_end(),
            demo_folder(chosen.data_dir) as folder,
            set_stage(
                folder, chosen.port, os.environ, say, strangers=chosen.scripted
            ) as stage,
        ):
            if chosen.scripted:
                return 0 if play(stage, say) else 1
            sys.stdout.write(as_json(stage) if chosen.json else as_text(stage))
            sys.stdout.flush()
            watch(stage.children)
    except KeyboardInterrupt:
        if chosen.scripted:
            raise  # the story was not told to its end
        say("\nthe demo has ended")
        return 0
