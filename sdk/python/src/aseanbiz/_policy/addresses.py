"""Where requests go; nothing that a caller passes may change the place."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from aseanbiz._errors import ConfigError

HTTPS = "an https URL without user, query and fragment (http only for loopback)"


def checked_base(url: str, setting: str) -> str:
    """Return the URL without a trailing slash, or raise `ConfigError`."""
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        # Without the cause: it repeats the URL, which may hold a password.
        raise ConfigError(setting, HTTPS) from None
    plain = url.isascii() and url.isprintable() and not set(url) & set(" \\?#@")
    secure = parts.scheme == "https" or (
        parts.scheme == "http" and _is_loopback(parts.hostname or "")
    )
    if not (plain and secure and parts.hostname and port_is_good):
        raise ConfigError(setting, HTTPS)
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def path_of(*segments: str) -> str:
    """Join path segments, each encoded whole.

    An id of ``../admin`` or ``x/withdraw`` would otherwise reach another
    route with this client's rights; dots alone survive encoding, so they and
    an empty id are a ValueError.
    """
    for segment in segments:
        if segment in {"", ".", ".."}:
            raise ValueError(f"{segment!r} cannot be part of a path")
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def checked_path(path: str) -> str:
    """Return a caller's own path for `raw`, or raise ValueError.

    It must stay on the gateway: one leading slash, no dot segments, nothing
    that a server or a proxy could read as another place.
    """
    place = path.partition("?")[0]
    segments = place.split("/")
    if (
        not path.startswith("/")
        or path.startswith("//")
        or not (path.isascii() and path.isprintable())
        or set(path) & set(" \\#")
        or {".", ".."} & {one.lower().replace("%2e", ".") for one in segments}
    ):
        raise ValueError("a path begins with one slash and has no dot segments")
    return path


def query_of(values: Mapping[str, str | None]) -> str:
    """Return ``?a=b&…`` for the values that are set, else nothing."""
    present = [(name, value) for name, value in values.items() if value is not None]
    return f"?{urlencode(present)}" if present else ""
