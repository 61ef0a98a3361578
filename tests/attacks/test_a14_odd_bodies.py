"""A14: odd bodies get a 4xx, on every route, however its path is spelt."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Final
from urllib.parse import urlencode

import pytest

from tests.attacks.product import FORM, Client, Person, Product

JSON_ROUTES: Final = (
    ("POST", "/v1/check"),
    ("POST", "/v1/subjects"),
    ("POST", "/v1/subjects/{subject}/sessions"),
    ("POST", "/v1/asks"),
    ("PUT", "/v1/subjects/{subject}/data/transaction?purpose=order_fulfilment"),
    ("POST", "/v1/notice"),
    ("POST", "/v1/me/asks/ask_aaaaaaaaaaaaaaaaaaaaaaaaaa/answer"),
)
FORM_ROUTES: Final = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/authorize",
    "/oauth/consent/req_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "/locale",
    "/notice",
    "/logout",
    "/login/wechat/web",
)
ODD: Final = {
    "deep": b'{"a":' + b"[" * 30_000,
    "deep in an ignored field": b'{"subject":"x","zz":' + b'{"a":' * 10_000,
    "NaN": b'{"subject":NaN}',
    "Infinity": b'{"subject":-Infinity}',
    "long number": b'{"subject":' + b"9" * 30_000 + b"}",
    "large exponent": b'{"subject":1e999999999}',
    "lone surrogate": b'{"subject":"\\ud800"}',
    "lone surrogate key": b'{"\\udfff":1}',
    "NUL": b'{"reference":"a\\u0000b","subject":"\\u0000"}',
    "bad UTF-8": b'{"reference":"\xff\xfe"}',
    "bad UTF-8 in an ignored field": b'{"zz":"\xc3\x28"}',
    "overlong UTF-8": b'{"reference":"\xc0\xaf"}',
    "UTF-16": '{"reference":"a"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "twice the same key": b'{"reference":"a","reference":"b"}',
    "twice by escape": b'{"reference":"a","\\u0072eference":"b"}',
    "a list": b"[]",
    "a number": b"1",
    "nothing": b"",
    "half": b'{"reference":"a',
    "gzip": gzip.compress(b'{"reference":"a"}'),
    "too large": b'{"reference":"' + b"a" * 1_100_000 + b'"}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_json_routes_refuse_it(product: Product, victim: Person, body: bytes) -> None:
    """Never a 500, and nothing of the body comes back."""
    for method, template in JSON_ROUTES:
        path = template.format(subject=victim.id)
        is_users = "/me/" in path or "notice" in path
        told = product.call(
            method,
            path,
            body,
            token=victim.token if is_users else None,
            idempotency_key="odd",
        )
        assert 400 <= told.status_code < 500, (path, told.status_code, told.text)
        assert "code" in told.json()
        assert "aaaaaaaa" not in told.text


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": FORM},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": "application/jsonx"},
        {"content_encoding": "gzip"},
        {"content_encoding": "identity, gzip"},
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_body_of_another_kind_is_refused(
    product: Product, headers: dict[str, str], slash: str
) -> None:
    """What a form of another site can send is no JSON, with two slashes either."""
    body = json.dumps({"reference": "a"}).encode()

    told = product.call("POST", f"{slash}/v1/subjects", body, **headers)

    assert told.status_code in {404, 415}


@pytest.mark.parametrize("path", FORM_ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        b"a=%ff&csrf=%fe",
        b"\xff\xfe=\xff",
        b"token=%00&csrf=%00",
        b"&" * 60_000,
        b"a=1&" * 15_000,
        b"csrf=a&csrf=b&grant_type=x&grant_type=y",
        b"=" * 1000,
        b"a=" + b"b" * 1_000_000,
        b"a=b\r\nSet-Cookie: gateway-session=x",
    ],
)
def test_form_routes_refuse_it(victim: Person, path: str, body: bytes) -> None:
    """Forms are read as strictly; a line break never becomes a header."""
    told = victim.browser.post(path, content=body, headers={"content-type": FORM})

    assert told.status_code < 500
    assert "gateway-session=x" not in str(told.headers.get("set-cookie"))


def test_stranger_is_not_read_a_megabyte(product: Product, victim: Person) -> None:
    """Screening much costs much, so only who holds a token may send it."""
    path = f"/v1/subjects/{victim.id}/data/transaction?purpose=order_fulfilment"
    large = b'{"records":[' + b'{"a":[]},' * 20_000 + b"1]}"

    told = [
        product.call("PUT", path, large, token=token).status_code
        for token in ("stranger", None)
    ]
    small = product.call("PUT", path, {"records": []}, token="stranger").status_code

    assert told == [413, 400]
    assert small == 401


def test_endless_body_costs_no_memory(product: Product) -> None:
    """A gigabyte in pieces is cut off, or thrown away as it comes."""
    before = product.resident_mb()
    head = (
        b"POST /v1/check HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    piece = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"

    told = product.raw(head + piece * 256)

    assert not told or told.startswith(b"HTTP/1.1 413")
    assert product.resident_mb() < before + 40


@pytest.mark.parametrize(
    "head",
    [
        b"x: " + b"a" * 20_000_000,
        b"x: 1\r\n" * 1_000_000,
        b"a" * 20_000_000,
    ],
)
def test_endless_head_costs_no_memory(product: Product, head: bytes) -> None:
    """Nor does a head that does not end."""
    before = product.resident_mb()

    told = product.raw(b"GET /healthz HTTP/1.1\r\n" + head)

    assert not told or told.startswith(b"HTTP/1.1 400")
    assert product.resident_mb() < before + 40
    assert product.http.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00",
        "-1",
        "1e9",
        "9" * 400,
    ],
)
def test_odd_instants_are_answered(
    product: Product, victim: Person, courier: Client, at: str
) -> None:
    """A time at or past the edge of the calendar is a 4xx, wherever it is sent."""
    newcomer = product.person()
    token = victim.grant(courier)["access_token"]
    place = base64.urlsafe_b64encode(json.dumps([at, "o1"]).encode()).decode()
    details = {
        "type": "consented_data",
        "capability": "data.transaction",
        "purpose": "delivery",
        "expires_at": at,
    }
    data = "/v1/data/transaction?purpose=delivery&"
    kept = f"/v1/subjects/{victim.id}/data/transaction?purpose=order_fulfilment"
    record = {"id": "o1", "at": at, "order_no": "1"}
    control = {"id": "x", "initial": "button", "action": "tap"}
    seen = {"text": "0" * 64, "locale": "en", "shown_at": at, "control": control}

    answers = [
        product.call("GET", data + urlencode({"since": at}), token=token),
        product.call("GET", data + urlencode({"cursor": place}), token=token),
        product.call("PUT", kept, {"records": [record]}),
        product.call("GET", data, token=token),
        product.call("POST", "/v1/notice", seen, token=newcomer.token),
        victim.browser.get(
            courier.url(scope=None, authorization_details=json.dumps([details]))
        ),
        victim.browser.get(courier.url(max_age=at)),
    ]

    assert not [one.text for one in answers if one.status_code >= 500]
