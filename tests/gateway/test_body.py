"""The bounded reader: what it lets through, and the rule that each refusal names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import body
from gateway.problems import Problem


def refusal(content: bytes, *, lines: bool = False) -> str:
    """Screen a body and return the code of its refusal, or an empty text."""
    try:
        body.screen(content, lines=lines)
    except Problem as problem:
        return problem.code
    return ""


def make_receive(*chunks: bytes) -> Any:  # noqa: ANN401 - an ASGI receive
    """Make a receive that hands out chunks, then waits for ever."""
    left: Iterator[tuple[int, bytes]] = iter(enumerate(chunks, 1))

    async def receive() -> Any:  # noqa: ANN401
        for number, chunk in left:
            await asyncio.sleep(0)
            return {
                "type": "http.request",
                "body": chunk,
                "more_body": number < len(chunks),
            }
        await asyncio.Event().wait()
        return None

    return receive


class TestScreen:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b'{"a": "\xff"}', "invalid_utf8"),
            (b'{"a": "\xc3"}', "invalid_utf8"),
            (b"[" * 100_000, "too_deep"),
            (b'{"a":' * 100_000, "too_deep"),
            (b"[" * 33 + b"]" * 33, "too_deep"),
            (b"[" * 33 + b'"' + b'\\"' * 30_000, "too_deep"),
            (b'{"a": 1, "a": 2}', "duplicate_key"),
            (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
            (b'{"x": {"a": 1, "a": 2}}', "duplicate_key"),
            (b'{"a": "\\u0000"}', "control_character"),
            (b'{"\\u0000": 1}', "control_character"),
            (b'{"a": "\\n"}', "control_character"),
            (b'{"a": "\x7f"}', "control_character"),
            ('{"a": "\x85"}'.encode(), "control_character"),
            (b'{"a": "\n"}', "invalid_json"),
            (b'{"a": ', "invalid_json"),
            (b"not json", "invalid_json"),
            (b'{"a": ' + b"9" * 5_000 + b"}", "invalid_json"),
        ],
    )
    def test_names_the_rule_that_is_broken(self, content: bytes, code: str) -> None:
        """Each rule has its own code; none of them is a server error."""
        assert refusal(content) == code

    def test_thirty_two_levels_are_let_through(self) -> None:
        """The limit itself is allowed; one level more is not."""
        assert refusal(b"[" * 32 + b"]" * 32) == ""

    def test_brackets_in_texts_are_no_levels(self) -> None:
        """A text full of brackets is flat, quotes and backslashes included."""
        content = msgspec.json.encode({"a": '["\\' * 50, "b": ["{" * 50]})

        assert refusal(content) == ""

    def test_many_siblings_are_no_levels(self) -> None:
        """A long flat list has more brackets than levels."""
        assert refusal(b"[" + b",".join([b"{}"] * 500) + b"]") == ""

    def test_line_breaks_are_for_data_alone(self) -> None:
        """An address has lines; a name of a purpose has none."""
        assert refusal(b'{"a": "x\\ny"}', lines=True) == ""
        assert refusal(b'{"a\\n": "x"}', lines=True) == "control_character"

    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=20,
        )
    )
    def test_any_value_is_screened_or_refused(self, value: object) -> None:
        """Whatever JSON says, the answer is a rule or silence, never a crash."""
        code = refusal(msgspec.json.encode(value))

        assert code in {"", "too_deep", "control_character"}

    @given(content=st.binary(max_size=200))
    def test_any_bytes_are_screened_or_refused(self, content: bytes) -> None:
        """Whatever bytes arrive, the answer is a rule or silence, never a crash."""
        assert refusal(content) in {
            "",
            "invalid_utf8",
            "invalid_json",
            "duplicate_key",
            "control_character",
        }


class TestReadBody:
    async def test_chunks_become_one_body(self) -> None:
        """A body may arrive in pieces."""
        assert await body.read_body(make_receive(b"ab", b"", b"cd"), limit=4) == b"abcd"

    @pytest.mark.parametrize("chunks", [(b"abcde",), (b"abc", b"de", b"f" * 100)])
    async def test_reading_stops_at_the_limit(self, chunks: tuple[bytes, ...]) -> None:
        """What is declared does not matter: it is counted while it arrives."""
        with pytest.raises(Problem) as caught:
            await body.read_body(make_receive(*chunks), limit=4)

        assert caught.value.status == 413

    async def test_a_body_that_never_comes_is_given_up(self) -> None:
        """A caller that sends headers alone does not hold a connection for ever."""
        with pytest.raises(Problem) as caught:
            await body.read_body(make_receive(), limit=4, seconds=0.0)

        assert caught.value.status == 408

    async def test_a_body_that_stalls_is_given_up(self) -> None:
        """The deadline is for the whole body, not for its first piece."""

        async def receive() -> Any:  # noqa: ANN401
            if not sent:
                sent.append(1)
                return {"type": "http.request", "body": b"a", "more_body": True}
            await asyncio.Event().wait()
            return None

        sent: list[int] = []

        with pytest.raises(Problem) as caught:
            await body.read_body(receive, limit=4, seconds=0.0)

        assert caught.value.status == 408

    async def test_a_caller_that_leaves_is_no_error(self) -> None:
        """Nobody waits for an answer, so there is none."""

        async def receive() -> Any:  # noqa: ANN401
            return {"type": "http.disconnect"}

        with pytest.raises(body.Disconnected):
            await body.read_body(receive, limit=4)

    async def test_cancelling_a_waiting_read_ends_it(self) -> None:
        """A server that shuts down can cancel a read that has begun."""
        task = asyncio.ensure_future(body.read_body(make_receive(), limit=4))
        await asyncio.sleep(0)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    kind: str


class _Outer(msgspec.Struct, forbid_unknown_fields=True):
    inner: _Inner
    tags: list[int] = []


class TestDecode:
    @pytest.mark.parametrize(
        ("content", "code", "said"),
        [
            (b'{"inner": {"kind": "k"}, "extra": 1}', "unknown_field", "extra:"),
            (
                b'{"inner": {"kind": "k", "more": 1}}',
                "unknown_field",
                "inner.more:",
            ),
            (
                b'{"inner": {"kind": "k", "<secret value>": 1}}',
                "unknown_field",
                "inner: holds an unknown field",
            ),
            (b'{"inner": {"kind": 5}}', "invalid_request", "inner.kind: expected"),
            (
                b'{"inner": {"kind": "k"}, "tags": [1, "secret"]}',
                "invalid_request",
                "tags[1]:",
            ),
            (b"{}", "invalid_request", "inner: missing; send it"),
            (b'{"inner": {}}', "invalid_request", "inner.kind: missing; send it"),
            (b"[]", "invalid_request", "the body: expected"),
            (b'{"inner": NaN}', "invalid_json", "JSON"),
            (b'{"inner": "\\ud800"}', "invalid_json", "JSON"),
            (b"", "invalid_json", "takes a JSON body"),
        ],
    )
    def test_names_the_path_and_never_the_value(
        self, content: bytes, code: str, said: str
    ) -> None:
        """A developer reads where it is wrong; a log reader learns nothing."""
        with pytest.raises(Problem) as caught:
            body.decode(msgspec.json.Decoder(_Outer), content)

        assert caught.value.code == code
        assert said in caught.value.detail
        assert "secret" not in str(caught.value.body(""))

    def test_a_long_unknown_name_is_not_repeated(self) -> None:
        """The name of an unknown key is input as well."""
        content = msgspec.json.encode({"inner": {"kind": "k"}, "x" * 65: 1})

        with pytest.raises(Problem) as caught:
            body.decode(msgspec.json.Decoder(_Outer), content)

        assert "xx" not in caught.value.detail


class TestQuery:
    @pytest.mark.parametrize(
        "query",
        [b"a=1&a=2", b"a=%00", b"a=%FF", b"\xff=1", b"&".join([b"a%d=1"] * 60)],
    )
    def test_ambiguous_queries_are_refused(self, query: bytes) -> None:
        """A query that two readers could read differently reaches none."""
        with pytest.raises(Problem) as caught:
            body.check_query(query)

        assert caught.value.status == 400

    def test_an_ordinary_query_passes(self) -> None:
        """Empty values and percent-encoded UTF-8 are ordinary."""
        body.check_query(b"a=&b=%E6%9D%8E&c=x+y")
