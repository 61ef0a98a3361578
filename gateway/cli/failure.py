"""A command that cannot do its work says why in one line."""

from __future__ import annotations


class CommandFailed(Exception):
    """What is wrong, and what to do about it; shown without a traceback."""
