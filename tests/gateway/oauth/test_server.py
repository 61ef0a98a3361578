"""Where the library would do something else: each sharp default, held down."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import version
from pathlib import Path

import pytest
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge

import gateway
from gateway.oauth import server
from gateway.oauth.server import checked_metadata


class TestTheLibrary:
    """What is overridden is still there: when this changes, look again."""

    def test_is_new_enough(self) -> None:
        """Older ones forge (CVE-2026-28802, -27962, -28498)."""
        found = tuple(int(part) for part in version("authlib").split(".")[:3])

        assert found >= (1, 9, 9)

    def test_would_let_codes_and_tokens_live_for_days(self) -> None:
        """Ours live 300 and 600 seconds."""
        lives = BearerTokenGenerator.GRANT_TYPES_EXPIRES_IN

        assert lives["authorization_code"] == lives["client_credentials"] == 864_000

    def test_would_take_plain_pkce(self) -> None:
        """Ours takes S256 alone."""
        assert "plain" in CodeChallenge.SUPPORTED_CODE_CHALLENGE_METHOD
        assert server.CHALLENGE_METHODS == ("S256",)


def imports_of(module: Path) -> set[str]:
    """Return the names of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
    return found


class TestTheDoor:
    def test_is_the_only_one(self) -> None:
        """One module imports Authlib, and not its deprecated JOSE (oauth.md 8)."""
        root = Path(gateway.__path__[0])
        users = {
            path.relative_to(root).as_posix(): names
            for path in root.rglob("*.py")
            if (names := {n for n in imports_of(path) if n.startswith("authlib")})
        }

        assert set(users) == {"oauth/server.py"}
        assert not any(".jose" in name for name in users["oauth/server.py"])

    def test_registers_no_request_objects_and_no_other_grants(self) -> None:
        """RFC 9101's extension allows ``alg: none``; implicit and password are gone."""
        names = imports_of(Path(inspect.getfile(server)))

        assert not names & {"authlib.oauth2.rfc9101", "authlib.oauth2.rfc9207"}
        assert set(server.GRANT_TYPES) == {"authorization_code", "client_credentials"}
        for grant in ("ImplicitGrant", "ResourceOwnerPasswordCredentialsGrant"):
            assert not hasattr(server, grant)

    def test_checks_metadata(self) -> None:
        """RFC 8414 §2, as the library knows it."""
        with pytest.raises(ValueError, match="token_endpoint"):
            checked_metadata(
                {
                    "issuer": "https://gateway.example",
                    "authorization_endpoint": "https://gateway.example/a",
                    "token_endpoint": "http://gateway.example/t",
                    "response_types_supported": ["code"],
                }
            )
