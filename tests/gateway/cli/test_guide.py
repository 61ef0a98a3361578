"""The guide to running a gateway says what its settings and commands are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.oauth.clients import APP_SCOPES
from gateway.settings import Settings, WeChatSettings, load_settings

GUIDE = (Path(__file__).parents[3] / "docs/running.md").read_text("utf-8")
SETTINGS, APP, PARTNER = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)


def test_every_setting_is_described() -> None:
    """What can be set is in the table, by the name under which it is set."""
    names = {*Settings.__struct_fields__} - {"wechat"}
    inner = {f"wechat.{name}" for name in WeChatSettings.__struct_fields__}
    told = set(re.findall(r"^\| `([a-z_.]+)` \|", GUIDE, re.MULTILINE))

    assert told >= names | (inner - {"wechat.apps"}) | {"wechat.apps.web"}


def test_every_scope_is_described() -> None:
    """The scopes of the table are those that can be registered."""
    assert set(re.findall(r"^\| `(gateway\.[a-z]+)` \|", GUIDE, re.MULTILINE)) == (
        APP_SCOPES
    )


def test_the_settings_can_be_pasted(tmp_path: Path) -> None:
    """The example is a whole file of settings."""
    file = tmp_path / "gateway.toml"
    file.write_text(SETTINGS, "utf-8")

    settings = load_settings(file, {})

    assert settings.wechat.apps["web"].channel == "website"


@pytest.mark.parametrize("registration", [APP, PARTNER], ids=["app", "partner"])
def test_the_registrations_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], registration: str
) -> None:
    """Each example is a whole file for ``client add``."""
    file, folder = tmp_path / "client.toml", ("--data-dir", str(tmp_path / "data"))
    file.write_text(registration, "utf-8")

    assert main(["client", "add", str(file), *folder]) == 0

    assert capsys.readouterr().out.startswith("client id     cli_")
