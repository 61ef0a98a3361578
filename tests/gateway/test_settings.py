"""Settings: what is read, and how a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load_settings

SECRET = "a-secret-that-must-not-show"


class TestLoadSettings:
    def test_defaults_are_for_this_machine(self) -> None:
        """Without a file and variables the gateway is a development one."""
        settings = load_settings(None, {})

        assert settings.env == "development"
        assert settings.issuer.startswith("http://127.0.0.1")

    def test_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        """A variable overrides the same setting of the file."""
        file = tmp_path / "gateway.toml"
        file.write_text('issuer = "https://file.example"\ndata_dir = "here"\n')

        settings = load_settings(file, {"GATEWAY_ISSUER": "https://env.example"})

        assert settings.issuer == "https://env.example"
        assert settings.data_dir == Path("here")

    def test_what_a_test_run_is_told_is_no_setting(self) -> None:
        """A run that names its browser can still try every command."""
        told = {"GATEWAY_TEST_CHROMIUM": "/usr/bin/chromium"}

        assert load_settings(None, told) == load_settings(None, {})

    def test_nested_names_reach_tables(self) -> None:
        """Two underscores step into a table, down to one WeChat app."""
        settings = load_settings(
            None,
            {
                "GATEWAY_WECHAT__OPEN_BASE": "http://127.0.0.1:1",
                "GATEWAY_WECHAT__APPS__WEB__CHANNEL": "website",
                "GATEWAY_WECHAT__APPS__WEB__APPID": "wx1",
                "GATEWAY_WECHAT__APPS__WEB__SECRET": SECRET,
                "PATH": "/bin",
            },
        )

        assert settings.wechat.open_base == "http://127.0.0.1:1"
        assert settings.wechat.apps["web"].appid == "wx1"
        assert SECRET not in repr(settings)

    @pytest.mark.parametrize(
        ("environ", "path"),
        [
            ({"GATEWAY_ENV": "staging"}, "env"),
            ({"GATEWAY_ISUER": "https://x.example"}, "isuer"),
            ({"GATEWAY_WECHAT__OPEN": "https://x.example"}, "wechat.open"),
            ({"GATEWAY_WECHAT__APPS__WEB__ID": "wx1"}, "wechat.apps[...].id"),
            ({"GATEWAY_ISSUER": "https://x.example/path"}, "issuer"),
            ({"GATEWAY_ISSUER": "http://x.example"}, "issuer"),
            ({"GATEWAY_ISSUER": "ftp://x.example"}, "issuer"),
            (
                {"GATEWAY_ENV": "production", "GATEWAY_ISSUER": "http://127.0.0.1"},
                "issuer",
            ),
            ({"GATEWAY_WECHAT__OPEN_BASE": "nonsense"}, "wechat.open_base"),
            ({"GATEWAY_WECHAT__APPS__WEB__CHANNEL": "fax"}, "wechat.apps[...].channel"),
            ({"GATEWAY_WECHAT__APPS__WEB": "flat"}, "wechat.apps[...]"),
        ],
    )
    def test_wrong_setting_is_named(self, environ: dict[str, str], path: str) -> None:
        """A wrong value stops the start with its path and what was expected."""
        with pytest.raises(SettingsError) as caught:
            load_settings(None, environ)

        assert caught.value.path == path
        assert caught.value.expected

    def test_unknown_setting_names_the_known_ones(self) -> None:
        """A slip of the finger is mended by the message alone."""
        with pytest.raises(SettingsError, match="env, data_dir, issuer"):
            load_settings(None, {"GATEWAY_ISUER": "https://x.example"})

    @pytest.mark.parametrize("text", [b"\xff", b"issuer = ", b"[a]\n[a]\n"])
    def test_broken_file_is_named(self, tmp_path: Path, text: bytes) -> None:
        """A file that is no TOML is named; no traceback."""
        file = tmp_path / "gateway.toml"
        file.write_bytes(text)

        with pytest.raises(SettingsError, match=r"gateway\.toml"):
            load_settings(file, {})

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        """A file that is not there is named."""
        with pytest.raises(SettingsError, match="no such file"):
            load_settings(tmp_path / "none.toml", {})
