"""What comes back from WeChat, row by row of the truth table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_wechat import (
    Code,
    Malformed,
    MalformedReason,
    Refusal,
    Refused,
    Secret,
    read_callback,
)

STATE = "0123456789abcdefghijAB"
Pairs = list[tuple[str, str]]


def callback(*pairs: tuple[str, str], state: str = STATE) -> Pairs:
    """Return the parameters of a callback with a good state."""
    return [*pairs, ("state", state)]


class TestReadCallback:
    def test_code_and_state_are_a_code(self) -> None:
        """The one row that leads to an exchange."""
        answer = read_callback(callback(("code", "021Abc")))

        assert answer == Code(code=Secret("021Abc"), state=STATE)

    @pytest.mark.parametrize(
        ("pairs", "shape"),
        [
            (callback(), "state_only"),
            (callback(("code", "")), "empty_code"),
            (callback(("code", "  ")), "empty_code"),
            (callback(("code", "authdeny")), "authdeny"),
            (callback(("code", "AuthDeny ")), "authdeny"),
            (callback(("error", "access_denied")), "state_only"),
            (callback(("code", "authdeny"), ("errcode", "-4")), "authdeny"),
        ],
    )
    def test_refusal_in_each_shape(self, pairs: Pairs, shape: Refusal) -> None:
        """No code, an empty one, or the word in its place."""
        assert read_callback(pairs) == Refused(state=STATE, shape=shape)

    @pytest.mark.parametrize(
        "denial",
        [
            ("error", "access_denied"),
            ("errcode", "-4"),
            ("errCode", "-2"),
            ("errmsg", "authdeny"),
            ("deny", "1"),
            ("deny", ""),
            ("authdeny", "true"),
        ],
    )
    def test_code_beside_a_denial_is_refused(self, denial: tuple[str, str]) -> None:
        """The code is dropped, not merely ignored (R38)."""
        answer = read_callback(callback(("code", "021Abc"), denial))

        assert answer == Refused(state=STATE, shape="deny_and_code")
        assert "021Abc" not in repr(answer)

    def test_harmless_errcode_is_no_denial(self) -> None:
        """An errcode of 0 means success at WeChat."""
        pairs = callback(("code", "021Abc"), ("errcode", "0"), ("errmsg", "ok"))

        assert isinstance(read_callback(pairs), Code)

    @pytest.mark.parametrize(
        ("pairs", "reason"),
        [
            ([], "state_missing"),
            ([("code", "021Abc")], "state_missing"),
            ([("code", "authdeny")], "state_missing"),
            (callback(("code", "021Abc"), state=""), "state_missing"),
            (callback(("code", "021Abc"), state="short"), "state_unreadable"),
            (callback(("code", "021Abc"), state="é" * 22), "state_unreadable"),
            (callback(("code", "021Abc"), state="a" * 65), "state_unreadable"),
            (callback(("code", "021Abc"), state=STATE + "\n"), "state_unreadable"),
            (callback(("code", "a b")), "code_unreadable"),
            (callback(("code", "a\r\nb")), "code_unreadable"),
            (callback(("code", "a" * 513)), "code_unreadable"),
            (callback(("code", "a"), ("code", "b")), "repeated"),
            (callback(("code", "a"), ("code", "authdeny")), "repeated"),
            (callback(("code", "a"), ("state", STATE)), "repeated"),
            (callback(("code", "a"), ("x", "1"), ("x", "1")), "repeated"),
        ],
    )
    def test_malformed(self, pairs: Pairs, reason: MalformedReason) -> None:
        """Not of WeChat's making, or open to two readings."""
        assert read_callback(pairs) == Malformed(reason=reason)

    def test_repr_hides_the_code(self) -> None:
        """A code in a log could be exchanged by whoever reads it first."""
        assert "021Abc" not in repr(read_callback(callback(("code", "021Abc"))))

    @given(st.lists(st.tuples(st.text(), st.text())))
    def test_any_parameters_get_an_answer(self, pairs: Pairs) -> None:
        """A browser can send anything; only a good state leads anywhere."""
        answer = read_callback(pairs)

        assert isinstance(answer, Malformed) or ("state", answer.state) in pairs

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["code", "error", "errcode", "deny", "x"]),
                st.sampled_from(["", "0", "1", "ok", "authdeny", "021Abc"]),
            ),
            unique_by=lambda pair: pair[0],
        )
    )
    def test_a_code_comes_only_without_any_denial(self, pairs: Pairs) -> None:
        """Whatever surrounds it, a denial wins."""
        answer = read_callback(callback(*pairs))
        values = dict(pairs)

        denied = any(
            values.get(name, "0") not in {"0", "ok"}
            for name in ("error", "errcode", "deny")
        )
        wanted = values.get("code", "") not in {"", "authdeny"} and not denied
        assert isinstance(answer, Code) == wanted
