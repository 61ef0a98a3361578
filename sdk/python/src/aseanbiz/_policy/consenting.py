"""The arithmetic of the authorization code flow: seal, challenge, callback."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

from aseanbiz._errors import CallbackRejected
from aseanbiz._models import FlowState, Want
from aseanbiz._secret import Secret

VERSION = "1"
LONGEST_FLOW = 30 * 60
"""Seconds; the gateway's own pages give up after 5 and 15 minutes."""
MAC_BYTES = 32


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One flow between `start` and `finish`; nothing in it is secret."""

    v: str = VERSION
    client: str
    issuer: str
    state: str
    nonce: str
    """256 random bits, from which the verifier is derived."""
    redirect_uri: str
    begun_at: float
    """Unix time, in seconds."""


_pending = msgspec.json.Decoder(Pending)


def seal(pending: Pending, secret: Secret) -> FlowState:
    """Return the flow as bytes that cannot be changed without the client secret."""
    body = msgspec.json.encode(pending)
    return FlowState(base64.urlsafe_b64encode(_mac(secret, b"state", body) + body))


def unseal(sealed: bytes, secret: Secret) -> Pending:
    """Return what `seal` was given, or raise `CallbackRejected`."""
    try:
        raw = base64.b64decode(sealed, altchars=b"-_", validate=True)
    except ValueError:
        raise CallbackRejected("state") from None
    mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, b"state", body)):
        raise CallbackRejected("state")
    return _pending.decode(body)


def verifier_of(pending: Pending, secret: Secret) -> Secret:
    """Return the PKCE verifier (RFC 7636 §4.1) of one flow.

    Derived, not stored: so a state that ends up in a browser after all does
    not hand out the verifier. 256 bits, from a fresh nonce of 256 bits.
    """
    mac = _mac(secret, b"verifier", pending.nonce.encode())
    return Secret(_base64url(mac))


def challenge_of(verifier: Secret) -> str:
    """Return the S256 challenge (RFC 7636 §4.2)."""
    return _base64url(hashlib.sha256(verifier.reveal().encode()).digest())


def _mac(secret: Secret, use: bytes, message: bytes) -> bytes:
    # A key of its own per use: a state can then never serve as a verifier.
    label = b"aseanbiz consent " + use
    key = hmac.digest(secret.reveal().encode(), label, "sha256")
    return hmac.digest(key, message, "sha256")


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def details_of(wants: Sequence[Want], purpose: str) -> list[dict[str, object]]:
    """Return the authorization details (RFC 9396) of what is wanted."""
    return [_detail_of(want, purpose) for want in wants]


def _detail_of(want: Want, purpose: str) -> dict[str, object]:
    detail: dict[str, object] = {
        "type": "consented_data",
        "capability": want.capability,
        "purpose": purpose,
    }
    if want.elements or want.required:
        detail["elements"] = {"required": want.required, "optional": want.elements}
    if want.records:
        detail["records"] = want.records
    if want.one_time:
        detail["one_time"] = True
    if want.expires_at is not None:
        detail["expires_at"] = want.expires_at
    return detail


def code_of(callback_url: str, pending: Pending) -> Secret:
    """Return the authorization code of a callback that belongs to this flow.

    The order matters: before state and issuer are proven, nothing else in the
    URL is the gateway's word. Each parameter must be there exactly once; two
    would let two readers see different ones. Raises `CallbackRejected`.

    Source: RFC 6749 §10.12, RFC 9207 §2.4.
    """
    try:
        query = parse_qs(urlsplit(callback_url).query, keep_blank_values=True)
    except ValueError:
        raise CallbackRejected("state") from None
    state, issuer = query.get("state", []), query.get("iss", [])
    if len(state) != 1 or not hmac.compare_digest(
        state[0].encode(errors="replace"), pending.state.encode()
    ):
        raise CallbackRejected("state")
    if issuer != [pending.issuer]:
        raise CallbackRejected("iss")
    if "error" in query:
        denied = query["error"] == ["access_denied"]
        error = "access_denied" if denied else "callback_rejected"
        raise CallbackRejected("denied", error)
    code = query.get("code", [])
    if len(code) != 1 or not code[0]:
        raise CallbackRejected("code")
    return Secret(code[0])
