"""Reading a token response, however WeChat wraps it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_wechat import (
    Identity,
    RestartLogin,
    WeChatError,
    WeChatUnavailable,
    read_identity,
)

APPID = "wx0123456789abcdef"
OPENID = "oAbCdEfGhIjKlMnOpQrStUvWxYz1"


def token_response(**changes: object) -> dict[str, object]:
    """Return the fields of a good response; change only what matters."""
    return {
        "access_token": "ACCESS-11",
        "expires_in": 7200,
        "refresh_token": "REFRESH-22",
        "openid": OPENID,
        "scope": "snsapi_login",
        **changes,
    }


def body(**changes: object) -> bytes:
    """Return a good response as bytes."""
    return json.dumps(token_response(**changes), ensure_ascii=False).encode()


class TestReadIdentity:
    def test_identity_is_all_that_is_kept(self) -> None:
        """Both tokens end here."""
        identity = read_identity(body(unionid="uUnion1"), APPID)

        assert identity == Identity(appid=APPID, openid=OPENID, unionid="uUnion1")
        assert identity.__struct_fields__ == (
            "appid",
            "openid",
            "unionid",
            "snapshot",
        )

    def test_repr_shows_no_identifier(self) -> None:
        """An identity in a log is personal data."""
        shown = repr(read_identity(body(unionid="uUnion1"), APPID))

        assert OPENID not in shown
        assert "uUnion1" not in shown

    @pytest.mark.parametrize("unionid", [None, ""])
    def test_unionid_may_be_missing(self, unionid: str | None) -> None:
        """The openid never stands in for it."""
        identity = read_identity(body(unionid=unionid), APPID)

        assert isinstance(identity, Identity)
        assert identity.unionid is None

    @pytest.mark.parametrize(
        "content",
        [
            b"\xef\xbb\xbf" + body(),
            body(nickname="成功").decode().encode("gb18030"),
            # 誠's second GBK byte is a backslash: read as UTF-8 it would
            # swallow the closing quotation mark.
            body(nickname="誠").decode().encode("gbk"),
            body(nickname="X").replace(b"X", b"a\x01\n\tb"),
            body(nickname="X").replace(b"X", b"\xff\xfe\x80"),
            body(nickname="\ue415"),
            body(errcode=0, errmsg="ok"),
            body(errcode="0"),
            b"  " + body() + b"\r\n",
        ],
        ids=[
            "bom",
            "gbk",
            "backslash",
            "control",
            "bytes",
            "pua",
            "zero",
            "0",
            "blank",
        ],
    )
    def test_odd_wrappings_are_read(self, content: bytes) -> None:
        """Every wrapping that was seen in the wild."""
        assert read_identity(content, APPID) == Identity(appid=APPID, openid=OPENID)

    @pytest.mark.parametrize("mark", [1, "1", True, 2, "yes"], ids=repr)
    def test_any_snapshot_mark_counts(self, mark: object) -> None:
        """Better to turn a user away than to keep a made-up identity."""
        identity = read_identity(body(is_snapshotuser=mark), APPID)

        assert isinstance(identity, Identity)
        assert identity.snapshot

    @pytest.mark.parametrize("mark", [0, "0", False, None, ""], ids=repr)
    def test_plain_no_is_no_snapshot(self, mark: object) -> None:
        """Absent is the ordinary case; a plain no means the same."""
        identity = read_identity(body(is_snapshotuser=mark), APPID)

        assert isinstance(identity, Identity)
        assert not identity.snapshot

    def test_errcode_beats_an_identity(self) -> None:
        """A body that says both is an error."""
        outcome = read_identity(body(errcode=40029, errmsg="ok"), APPID)

        assert isinstance(outcome, RestartLogin)

    def test_errcode_may_be_text(self) -> None:
        """Some gateways in between turn numbers into text."""
        outcome = read_identity(b'{"errcode":"40163","errmsg":"code been used"}', APPID)

        assert isinstance(outcome, RestartLogin)
        assert outcome.errcode == 40163

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "unreadable_body"),
            (b"<html>busy</html>", "unreadable_body"),
            (body()[:-9], "unreadable_body"),
            (b"[]", "unreadable_body"),
            (b"null", "unreadable_body"),
            (b"[" * 60_000, "unreadable_body"),
            (body(x="y" * 70_000), "unreadable_body"),
            (b'{"errcode":null}', "unreadable_errcode"),
            (b'{"errcode":true}', "unreadable_errcode"),
            (b'{"errcode":1.5}', "unreadable_errcode"),
            (b'{"errcode":"x"}', "unreadable_errcode"),
            (b"{}", "unreadable_identity"),
            (body(openid=None), "unreadable_identity"),
            (body(openid=""), "unreadable_identity"),
            (body(openid=5), "unreadable_identity"),
            (body(openid="o'; drop"), "unreadable_identity"),
            (body(openid="o" * 129), "unreadable_identity"),
            (body(openid=OPENID + "\n"), "unreadable_identity"),
            (body(unionid=["u"]), "unreadable_identity"),
            (body(is_snapshotuser=[]), "unreadable_identity"),
        ],
    )
    def test_riddles_are_not_guessed(self, content: bytes, reason: str) -> None:
        """Unreadable means unavailable; nobody is logged in on a guess."""
        outcome = read_identity(content, APPID)

        assert isinstance(outcome, WeChatUnavailable)
        assert outcome.reason == reason
        assert not outcome.retryable

    @given(st.binary())
    def test_any_bytes_get_an_answer(self, content: bytes) -> None:
        """Nothing that arrives makes the reader fail."""
        assert isinstance(read_identity(content, APPID), Identity | WeChatError)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
        st.sampled_from(["openid", "unionid", "is_snapshotuser", "errcode", "errmsg"]),
    )
    def test_any_value_in_a_field_gets_an_answer(
        self, value: object, field: str
    ) -> None:
        """Tampering with one field gives an identity of ours or an error."""
        outcome = read_identity(body(**{field: value}), APPID)

        assert isinstance(outcome, Identity | WeChatError)
