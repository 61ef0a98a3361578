"""Settings: a TOML file, then the environment with the prefix ``GATEWAY_``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

PREFIX: Final = "GATEWAY_"
_OF_TESTS: Final = "GATEWAY_TEST_"  # what a test run is told, such as its browser
_UNKNOWN: Final = re.compile("Object contains unknown field `(.+)`")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(Exception):
    """A setting is wrong: which one, and what was expected."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(path, expected)
        self.path, self.expected = path, expected

    def __str__(self) -> str:
        return f"setting {self.path}: {self.expected}"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of settings that refuses names it does not know."""


class WeChatAppSettings(_Part, frozen=True, kw_only=True):
    """One app registered with WeChat; ``secret`` never leaves the server."""

    channel: Literal["website"]
    appid: str
    secret: str

    def __repr__(self) -> str:
        return f"WeChatAppSettings(channel={self.channel!r}, appid=…, secret=…)"


class WeChatSettings(_Part, frozen=True, kw_only=True):
    """Where WeChat is, and the apps by the name that appears in paths."""

    open_base: str = "https://open.weixin.qq.com"
    api_base: str = "https://api.weixin.qq.com"
    apps: dict[str, WeChatAppSettings] = {}


class Settings(_Part, frozen=True, kw_only=True):
    """Everything that a deployment chooses.

    ``issuer`` is the public origin of the gateway, without a path; every address
    that the gateway hands out begins with it.
    """

    env: Literal["development", "production"] = "development"
    data_dir: Path = Path("data")
    issuer: str = "http://127.0.0.1:8400"
    catalogue: Path | None = None
    keyring: Path | None = None  # default: keyring.json in the data folder
    wechat: WeChatSettings = WeChatSettings()

    @property
    def is_secure(self) -> bool:
        """Whether pages are served over TLS, so that cookies may demand it."""
        return self.issuer.startswith("https:")


def load_settings(file: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it, and check the whole.

    ``GATEWAY_WECHAT__OPEN_BASE`` sets ``wechat.open_base``. Raises SettingsError
    that names the setting and what was expected.
    """
    values: dict[str, Any] = {} if file is None else _read(file)
    for name, value in environ.items():
        if name.startswith(PREFIX) and not name.startswith(_OF_TESTS):
            _lay(values, name, name.removeprefix(PREFIX).lower().split("__"), value)
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise _named(error) from None
    _check(settings)
    return settings


def _named(error: msgspec.ValidationError) -> SettingsError:
    reason, _, place = str(error).partition(" - at `$")
    path = place.strip("`.")
    unknown = _UNKNOWN.fullmatch(reason)
    if unknown is None:
        return SettingsError(path or "(top level)", _lower_first(reason))
    table = {"": Settings, "wechat": WeChatSettings}.get(path, WeChatAppSettings)
    return SettingsError(
        ".".join(filter(None, (path, unknown[1]))),
        "there is no such setting; there are " + ", ".join(table.__struct_fields__),
    )


def _path(kind: type, value: object) -> Path:
    """Read the one type that msgspec does not know."""
    if kind is not Path or not isinstance(value, str):
        raise ValueError("Expected a path")
    return Path(value)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(str(file), str(error.strerror).lower()) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(str(file), f"is not TOML: {error}") from None


def _lay(values: dict[str, Any], name: str, path: list[str], value: str) -> None:
    *parents, last = path
    for parent in parents:
        inner = values.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise SettingsError(name, f"{parent} has a value already")
        values = inner
    values[last] = value


def _check(settings: Settings) -> None:
    issuer = urlsplit(settings.issuer)
    if issuer.scheme not in {"http", "https"} or not issuer.hostname:
        raise SettingsError("issuer", "expected an http(s) origin")
    if issuer.path or issuer.query or issuer.fragment or issuer.username:
        raise SettingsError(
            "issuer", "expected an origin alone, such as https://consent.example"
        )
    local = issuer.hostname in _LOOPBACK
    if issuer.scheme == "http" and (settings.env == "production" or not local):
        raise SettingsError(
            "issuer", "expected https; http is for development on this machine only"
        )
    for name in ("open_base", "api_base"):
        base = urlsplit(getattr(settings.wechat, name))
        if base.scheme not in {"http", "https"} or not base.hostname:
            raise SettingsError(f"wechat.{name}", "expected an http(s) address")
        if base.scheme == "http" and settings.env == "production":
            raise SettingsError(f"wechat.{name}", "expected https in production")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
