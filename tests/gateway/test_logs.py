"""Logs: what may be written, and what an error may tell."""

from __future__ import annotations

import io
import json

import structlog

from gateway.logs import REDACTED, configure_logs, frames

CANARY = "13800138000"


class TestLogs:
    def test_unknown_keys_lose_their_values(self) -> None:
        """Only the allow-list is written; a phone number under any other key is not."""
        stream = io.StringIO()
        configure_logs(stream)

        structlog.get_logger("x").info("request", status=200, phone=CANARY)

        line = json.loads(stream.getvalue())
        assert line["status"] == 200
        assert line["phone"] == REDACTED
        assert CANARY not in stream.getvalue()


class TestFrames:
    def test_error_tells_its_place_and_no_value(self) -> None:
        """Files and lines are told; messages and locals are not."""
        try:
            int(CANARY + "x")
        except ValueError as error:
            told = frames(error)

        assert "test_logs.py" in told
        assert CANARY not in told
