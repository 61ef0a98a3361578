"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

import msgspec

from gateway.settings import Settings, load_settings

# What `ArgumentParser.add_subparsers` returns; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Let a command read settings: a file, the environment, a data folder."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings as TOML (docs/running.md); GATEWAY_… variables win over it",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="the folder of the database (default: data)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let a command print data as JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings_of(chosen: argparse.Namespace) -> Settings:
    """Return the settings that the options, environment and file give together."""
    settings = load_settings(chosen.config, os.environ)
    if chosen.data_dir is not None:
        settings = msgspec.structs.replace(settings, data_dir=chosen.data_dir)
    return settings
