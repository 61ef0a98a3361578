"""``client add|list|suspend|resume``: the OAuth clients of this gateway."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from gateway.admin import NewClient
from gateway.cli.failure import CommandFailed
from gateway.cli.officer import call, check_database, officer
from gateway.cli.options import Commands, add_json, add_settings, settings_of
from permissions.ids import is_id


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("client", help="register, list, suspend clients")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    new = verbs.add_parser("add", help="register a client; prints its secret once")
    new.add_argument(
        "file", type=Path, help="the registration as TOML; see docs/running.md"
    )
    new.set_defaults(run=lambda chosen: asyncio.run(_add(chosen)))
    every = verbs.add_parser("list", help="list the clients")
    every.set_defaults(run=lambda chosen: asyncio.run(_list(chosen)))
    for verb, text in (
        ("suspend", "cut a client off; its tokens are dead for good"),
        ("resume", "let a suspended client ask for new tokens"),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("id", help="cli_…")
        one.set_defaults(run=lambda chosen: asyncio.run(_switch(chosen)))
        add_settings(one)
    for inner in (new, every):
        add_settings(inner)
        add_json(inner)


async def _add(chosen: argparse.Namespace) -> int:
    request = _registration(chosen.file)
    async with officer(settings_of(chosen)) as client:
        made = await call(client, "POST", "/v1/admin/clients", request)
    if chosen.json:
        _print_json(made)
    else:
        sys.stdout.write(
            f"client id     {made['id']}\n"
            f"client secret {made['secret']}\n"
            "Keep the secret now: it is not shown again.\n"
        )
    return 0


def _registration(file: Path) -> NewClient:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(values, NewClient)
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandFailed(f"{file}: is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise CommandFailed(f"{file}: {error}") from None


async def _list(chosen: argparse.Namespace) -> int:
    settings = settings_of(chosen)
    check_database(settings)
    async with officer(settings) as client:
        found: list[dict[str, Any]] = await call(client, "GET", "/v1/admin/clients")
    if chosen.json:
        _print_json(found)
        return 0
    if not found:
        sys.stderr.write(f"{settings.data_dir}: no client is registered yet\n")
    for item in found:
        name = item["name"].get("en") or next(iter(item["name"].values()))
        sys.stdout.write(f"{item['id']}  {item['kind']:<8}{item['state']:<12}{name}\n")
    return 0


async def _switch(chosen: argparse.Namespace) -> int:
    settings = settings_of(chosen)
    check_database(settings)
    if not is_id("cli", chosen.id):
        raise CommandFailed(f"{chosen.id}: is not the id of a client (cli_…)")
    async with officer(settings) as client:
        await call(client, "POST", f"/v1/admin/clients/{chosen.id}/{chosen.verb}")
    return 0


def _print_json(value: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")
