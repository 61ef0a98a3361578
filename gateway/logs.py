"""Structured logs: facts with ids, on standard error, and never personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

# What may be written as it is; every other key keeps its name and loses its value.
ALLOWED: Final = frozenset({
    "event", "level", "timestamp", "request_id", "route", "method", "status",
    "duration_ms", "code", "client", "subject", "shard", "seq", "version", "host",
    "port", "env", "issuer", "catalogue", "policy_version", "error", "reason",
    "count", "attempt", "channel", "app", "data_dir", "where",
})  # fmt: skip

REDACTED: Final = "[redacted]"


def configure_logs(stream: TextIO = sys.stderr, *, level: int = logging.INFO) -> None:
    """Send every log line of this process through the allow-list, as JSON lines."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def keep_allowed(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Redact whatever is not known to be harmless."""
    return {key: value if key in ALLOWED else REDACTED for key, value in event.items()}


def frames(error: BaseException) -> str:
    """Say where an error came from: files and lines, no values, no locals."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno}:{code.co_name}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-8:]))
