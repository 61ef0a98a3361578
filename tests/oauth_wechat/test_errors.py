"""Every errcode reaches its class, and every error survives a pickle."""

import pickle

import pytest

from oauth_wechat import (
    ROWS,
    Reaction,
    RestartLogin,
    SnapshotUser,
    UserBlocked,
    WeChatError,
    WeChatMisconfigured,
    WeChatRateLimited,
    WeChatUnavailable,
    error_for,
)

CLASSES: dict[str, type[WeChatError]] = {
    "R": WeChatUnavailable,
    "L": RestartLogin,
    "C": WeChatMisconfigured,
    "Q": WeChatRateLimited,
    "U": UserBlocked,
}
# errcode, reaction under /sns, reaction under /cgi-bin: written out a second
# time on purpose, from the protocol and not from the code.
TABLE = """
-1 R R|40001 L R|40002 C C|40003 L L|40013 C C|40014 L R|40029 L L|40030 L L
40125 C C|40163 L L|40164 C C|40226 U U|41001 C C|41002 C C|41003 C C
41004 C C|41008 C C|41009 C C|42001 R R|42002 L L|42003 L L|42007 L L
43001 C C|43002 C C|43003 C C|45009 Q Q|45011 Q Q|47001 C C|48001 C C
50001 L L|50002 U U|87008 C C|87009 L L
"""
EXPECTED = [
    (int(cells[0]), cells[1], cells[2])
    for cells in (row.split() for row in TABLE.replace("|", "\n").strip().split("\n"))
]


class TestErrorFor:
    @pytest.mark.parametrize(("errcode", "sns", "cgi_bin"), EXPECTED)
    def test_row_reaches_its_class(self, errcode: int, sns: str, cgi_bin: str) -> None:
        """The number alone decides, for each family of endpoints."""
        error, app_error = error_for(errcode), error_for(errcode, surface="cgi-bin")

        assert type(error) is CLASSES[sns]
        assert error.reaction == sns
        assert type(app_error) is CLASSES[cgi_bin]

    def test_no_row_is_missing_or_extra(self) -> None:
        """The data holds exactly the documented codes."""
        assert set(ROWS) == {errcode for errcode, _, _ in EXPECTED}

    @pytest.mark.parametrize("errcode", [-1, 42001, 45011])
    def test_what_may_be_called_again(self, errcode: int) -> None:
        """Busy, an expired token, the quota of a minute."""
        assert error_for(errcode).retryable

    def test_nothing_else_may(self) -> None:
        """Retrying a bad code or a bad secret never helps."""
        again = {errcode for errcode in ROWS if error_for(errcode).retryable}

        assert again == {-1, 42001, 45011}

    def test_quotas_say_how_long(self) -> None:
        """A minute, or until the reset whose time WeChat does not tell."""
        minute, day = error_for(45011), error_for(45009)

        assert isinstance(minute, WeChatRateLimited)
        assert isinstance(day, WeChatRateLimited)
        assert (minute.retry_after_s, day.retry_after_s) == (60, None)

    def test_unknown_code_restarts_the_login(self) -> None:
        """Safe whatever it means, and the number is kept for the operator."""
        error = error_for(99999, "new in 2030")

        assert isinstance(error, RestartLogin)
        assert (error.reason, error.errcode) == ("unknown_errcode", 99999)

    def test_zero_is_no_error(self) -> None:
        """Making one would turn a success into a refusal."""
        with pytest.raises(ValueError, match="success"):
            error_for(0)

    @pytest.mark.parametrize(
        "suffix",
        [
            ", rid: 5f62e0dc-3452f1c9",
            " rid: 5f62e0dc-3452f1c9",
            ", hints: [ req_id: 5f62e0dc-3452f1c9 ]",
            " hint: [ req_id: 5f62e0dc-3452f1c9]",
        ],
    )
    def test_message_gives_only_the_request_id(self, suffix: str) -> None:
        """The wording may quote what was sent, so it is not kept."""
        error = error_for(40029, f"invalid code 021Abc{suffix}")

        assert error.rid == "5f62e0dc-3452f1c9"
        assert "021Abc" not in f"{error} {error!r}"

    @pytest.mark.parametrize("errmsg", [None, 5, ["rid: abcdef"], "", "rid: "])
    def test_odd_message_gives_none(self, errmsg: object) -> None:
        """Whatever stands where the message should be."""
        assert error_for(40029, errmsg).rid is None


class TestWeChatError:
    @pytest.mark.parametrize(
        "error",
        [
            *(error_for(errcode, "x, rid: abcd-1234") for errcode in ROWS),
            WeChatUnavailable("ReadTimeout"),
            SnapshotUser(),
        ],
        ids=lambda error: error.reason,
    )
    def test_survives_a_pickle(self, error: WeChatError) -> None:
        """Class, data and text come back the same."""
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

        assert type(copy) is type(error)
        assert copy.__dict__ == error.__dict__
        assert str(copy) == str(error)

    def test_text_says_what_and_what_next(self) -> None:
        """Number, request id and advice; no more is needed."""
        assert str(error_for(40163, "code been used, rid: ab-12")) == (
            "WeChat: code_used (errcode 40163), rid ab-12; start the log-in again"
        )

    def test_codes_are_distinct(self) -> None:
        """A caller can tell the classes apart by their stable code."""
        kinds: list[type[WeChatError]] = [*CLASSES.values(), SnapshotUser]

        assert len({kind.code for kind in kinds}) == len(kinds)

    def test_reactions_are_the_five(self) -> None:
        """Each letter has a class."""
        assert {str(reaction) for reaction in Reaction} == set(CLASSES)
