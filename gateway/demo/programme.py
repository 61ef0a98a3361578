"""What the demo tells its reader: where to click, and a client to try."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec

from gateway.demo.clients import APP, READER
from gateway.demo.stage import Stage

# RFC 7636, appendix B: for a reader with nothing but a browser and curl. A client
# makes a new one each time.
_VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
_CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def as_text(stage: Stage) -> str:
    """Return the addresses to click, one check by hand, and a ready client."""
    app, reader = stage.clients[APP], stage.clients[READER]
    mei = stage.people["mei"].subject
    example = urlencode(
        {
            "response_type": "code",
            "client_id": reader.id,
            "redirect_uri": reader.redirect_uri,
            "scope": "data.identity",
            "state": "by-hand",
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
    )
    return f"""
Click through it
  a shop with its own screens   {stage.app}/
  a courier that wants data     {stage.partner}/
  the privacy centre            {stage.gateway}/me
  (log in with WeChat there: the simulator asks who you are)

Ask it one question
  export GATEWAY={stage.gateway}
  export CLIENT_ID={app.id}
  export CLIENT_SECRET={app.secret}
  export SUBJECT={mei}
  and see "One check" in the README; the answer is no until Mei, whom SUBJECT names,
  has read the first-use notice: in the shop, or at her log-in

Bring your own OAuth client (authorization code, PKCE S256)
  issuer         {stage.gateway}
  client id      {reader.id}
  client secret  {reader.secret}
  redirect URI   {reader.redirect_uri}
  and then       GET {stage.gateway}/v1/data/identity?purpose=sign_in
  or by hand, as docs/getting-started.md shows: open
  {stage.gateway}/oauth/authorize?{example}
  and redeem the code with the verifier {_VERIFIER}

Everything is in {stage.data_dir}
Ctrl-C ends it.
"""


def as_json(stage: Stage) -> str:
    """Return the same for programs, as one JSON object."""
    told = {
        "gateway": stage.gateway,
        "wechat": stage.wechat,
        "wechat_admin_token": stage.wechat_token,
        "app": stage.app,
        "partner": stage.partner,
        "data_dir": str(stage.data_dir),
        "clients": stage.clients,
        "people": stage.people,
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"
