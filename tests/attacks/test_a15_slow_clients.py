"""A15: slow and half requests hold nothing for long; others are served meanwhile."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.attacks.product import Product

BEGUN = [
    b"",
    b"GET /heal",
    b"GET /healthz HTTP/1.1\r\nx: ",
    (
        b"POST /v1/check HTTP/1.1\r\ncontent-type: application/json\r\n"
        b"content-length: 10\r\n\r\n{"
    ),
    (
        b"POST /oauth/token HTTP/1.1\r\ncontent-length: 10\r\n"
        b"content-type: application/x-www-form-urlencoded\r\n\r\na"
    ),
]


def test_half_requests_are_cut(product: Product) -> None:
    """Two hundred of five kinds are gone within the deadline, and nobody waited."""
    address = urlsplit(product.origin)
    lines = []
    for begun in BEGUN:
        for _ in range(40):
            line = socket.create_connection((address.hostname, address.port))
            line.settimeout(20)
            line.sendall(begun)
            lines.append(line)

    began = time.monotonic()
    assert product.http.get("/healthz").status_code == 200
    served_after = time.monotonic() - began
    for line in lines:
        while line.recv(65536):
            pass
        line.close()

    assert served_after < 2
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "data",
    [
        (
            b"POST /oauth/token HTTP/1.1\r\ncontent-length: 4\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
        ),
        (
            b"POST /oauth/token HTTP/1.1\r\ncontent-length: 4\r\n"
            b"content-length: 5\r\n\r\nabcde"
        ),
        (
            b"POST /oauth/token HTTP/1.1\r\ntransfer-encoding: xchunked\r\n"
            b"content-length: 3\r\n\r\nabc"
        ),
        b"POST /oauth/token HTTP/1.1\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\nhost: a\n\n",
        b"GET /healthz HTTP/1.1\r\nhost: a\r\n folded: b\r\nx\r\n\r\n",
        (
            b"POST /v1/check HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
            b"0\r\nauthorization: Bearer x\r\n\r\n"
        ),
    ],
)
def test_ambiguous_framing_is_refused(product: Product, data: bytes) -> None:
    """Whatever two readers would cut differently is one 400, and the line closes."""
    told = product.raw(data)

    assert told.count(b"HTTP/1.1 ") == 1
    assert told.startswith(b"HTTP/1.1 400")
