"""How an answer travels: the encodings, suffixes and breakages seen so far."""

import codecs
import json
from typing import Final

import msgspec

from oauth_wechat.simulator.knobs import Encoding, Knobs
from oauth_wechat.simulator.tokens import Answer

_TYPES: Final[dict[Encoding, str]] = {
    "utf8": "application/json; charset=utf-8",
    "encoding_param": "application/json; encoding=utf-8",
}
_PLAIN: Final = "text/plain"
# Put into errmsg, which carries no meaning, to show what the encoding does.
_DECORATION: Final[dict[Encoding, str]] = {
    "gbk_bytes": "成功",
    "control_chars": "\x01\x08\n",
    "pua_emoji": "\ue415",
}


class Wired(msgspec.Struct, frozen=True, kw_only=True):
    """A response as bytes; ``broken`` means the line drops half-way."""

    content: bytes
    content_type: str
    status: int = 200
    broken: bool = False


def wire(answer: Answer, knobs: Knobs, rid: str) -> Wired:
    """Return the answer as the knobs want it sent."""
    content = _encode(_dressed(answer, knobs, rid), knobs.encoding)
    content_type = _TYPES.get(knobs.encoding, _PLAIN)
    match knobs.fault:
        case "http_502":
            html = b"<html><h1>502 Bad Gateway</h1></html>"
            return Wired(content=html, content_type="text/html", status=502)
        case "html_body":
            html = b"<html><body>busy</body></html>"
            return Wired(content=html, content_type="text/html")
        case "truncated":
            half = content[: len(content) // 2]
            return Wired(content=half, content_type=content_type)
        case "reset":
            return Wired(content=content, content_type=content_type, broken=True)
        case _:
            return Wired(content=content, content_type=content_type)


def _dressed(answer: Answer, knobs: Knobs, rid: str) -> Answer:
    """Return the answer with errcode, suffix and decoration as asked for."""
    dressed = dict(answer)
    if dressed.get("errcode"):
        dressed["errmsg"] += {
            "none": "",
            "rid": f", rid: {rid}",
            "hints": f", hints: [ req_id: {rid} ]",
        }[knobs.errmsg_suffix]
    elif knobs.errcode_zero_on_success:
        dressed |= {"errcode": 0, "errmsg": "ok"}
    if decoration := _DECORATION.get(knobs.encoding):
        dressed["errmsg"] = dressed.get("errmsg", "ok") + decoration
    return dressed


def _encode(answer: Answer, encoding: Encoding) -> bytes:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    match encoding:
        case "gbk_bytes":
            return text.encode("gb18030")
        case "bom":
            return codecs.BOM_UTF8 + text.encode()
        case "control_chars":
            # JSON would escape them; the point is that they arrive raw.
            for escaped, raw in (("\\u0001", "\x01"), ("\\b", "\x08"), ("\\n", "\n")):
                text = text.replace(escaped, raw)
            return text.encode()
        case _:
            return text.encode()
