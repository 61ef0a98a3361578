"""Redirect URIs: exactly those registered, and answers that leave them as they are."""

from __future__ import annotations

import pytest

from gateway.oauth.redirects import is_allowed, is_registered, response_url
from gateway.services import Services
from tests.factories import make_client

LOOPBACK = "http://127.0.0.1/cb"


class TestRegistered:
    @pytest.mark.parametrize(
        "uri",
        [
            "https://a.example/cb/",
            "https://a.example/CB",
            "https://A.example/cb",
            "https://a.example:443/cb",
            "https://a.example/cb?",
            "https://a.example/cb#",
            " https://a.example/cb",
            "",
            "http://[::1",
        ],
    )
    def test_is_a_matter_of_characters(self, services: Services, uri: str) -> None:
        """No normalisation: the registered string or nothing (RFC 9700 §4.1.3)."""
        client = make_client(services, redirect_uris=("https://a.example/cb",))

        assert is_registered(client, "https://a.example/cb")
        assert not is_registered(client, uri)

    @pytest.mark.parametrize(
        ("uri", "expected"),
        [
            ("http://127.0.0.1:1/cb", True),
            ("http://127.0.0.1:65535/cb", True),
            ("http://127.0.0.1:99999/cb", False),
            ("http://127.0.0.1:80/cb?x=1", False),
            ("http://user@127.0.0.1:80/cb", False),
            ("https://127.0.0.1:80/cb", False),
            ("http://localhost:80/cb", False),
            ("http://127.0.0.1.evil.example/cb", False),
            ("http://127.0.0.1:80/cb#", False),
            ("http://127.0.0.1:80/cb?", False),
            ("http://127.0.0.1:80/c\nb", False),
            ("http://127.0.0.1:80/cb\t", False),
            (" http://127.0.0.1:80/cb", False),
            ("HTTP://127.0.0.1:80/cb", False),
            ("http://127.0.0.1:80\\@evil.example/cb", False),
        ],
    )
    def test_port_of_an_apps_loopback_is_free(
        self,
        services: Services,
        uri: str,
        expected: bool,  # noqa: FBT001 - a parameter of the table
    ) -> None:
        """RFC 8252 §7.3, and nothing but the port."""
        client = make_client(services, redirect_uris=(LOOPBACK,))

        assert is_registered(client, uri) is expected


class TestAllowed:
    @pytest.mark.parametrize(
        ("uri", "app", "partner"),
        [
            ("https://a.example/cb", True, True),
            ("https://a.example/cb?x=1", True, True),
            ("http://127.0.0.1:8500/cb", True, True),
            ("com.example.app:/cb", True, False),
            ("http://a.example/cb", False, False),
            ("https://*.example/cb", False, False),
            ("https://a.example/cb#x", False, False),
            ("https://user@a.example/cb", False, False),
            ("https:///cb", False, False),
            ("https://a.example;script-src/cb", False, False),
            ("https://a.example,b.example/cb", False, False),
            ("https://a.example'/cb", False, False),
            ("https://a.example./cb", False, False),
            ("javascript:alert(1)", False, False),
            ("data:text/html,x", False, False),
            ("https://a.example/c b", False, False),
            ('https://a.example/"', False, False),
            ("https://a.example/{x}", False, False),
            ("https://a.example/\\evil", False, False),
            ("https://a.example/\r\nx", False, False),
            ("https://a.example/\u202e", False, False),
            ("https://a.example:x/", False, False),
            ("", False, False),
        ],
    )
    def test_what_may_be_registered(
        self,
        services: Services,
        uri: str,
        app: bool,  # noqa: FBT001 - a column of the table
        partner: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        """https, this machine, and for apps a scheme of their own."""
        assert is_allowed(make_client(services), uri) is app
        assert is_allowed(make_client(services, kind="partner"), uri) is partner


def test_response_keeps_the_registered_query() -> None:
    """Nothing in the registered address is written anew."""
    uri = "https://a.example/cb?x=%2Fa+b"

    assert response_url(uri, {"code": "c&d"}) == uri + "&code=c%26d"
    assert response_url("https://a.example/cb", {"a": "1"}).endswith("/cb?a=1")
