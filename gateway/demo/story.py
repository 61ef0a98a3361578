"""The story: one person says yes three times and takes two of them back.

Each step is a function; its first line is its title, and what it returns is told
beside it. Steps look at the pages that people see, and at the answers that programs
get, in real processes over real HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import httpx2

from gateway.cli.audit import sentence, verified
from gateway.cli.failure import CommandFailed
from gateway.demo.browser import Browser, NotOnPage, open_browser
from gateway.demo.clients import APP, COURIER
from gateway.demo.interview import Expected, Interviewer, expect
from gateway.demo.stage import Stage

_MOST_MS: Final = 1000  # from a withdrawal's acknowledgement to the first refusal


class Story:
    """What the steps share: the stage, Mei's browser, and what was learned."""

    def __init__(self, stage: Stage, mei: Browser, interviewer: Interviewer) -> None:
        self.stage, self.mei, self.ask = stage, mei, interviewer
        self.subject = stage.people["mei"].subject
        self.grant_set = ""

    def grant(self, client: str, capability: str) -> str:
        """Return the id of Mei's live grant to a client, for a capability."""
        ids = [
            grant["id"]
            for grant in self.ask.grants(self.subject)
            if (grant["client"]["id"], grant["capability"], grant["state"])
            == (self.stage.clients[client].id, capability, "granted")
        ]
        expect(f"grants of {capability} to the {client} in force", 1, len(ids))
        return str(ids[0])


Step = Callable[[Story], str]


def read_notice(story: Story) -> str:
    """Open the privacy centre as Mei, and read the first-use notice."""
    page = story.mei.open(f"{story.stage.gateway}/me")
    expect("page before the log-in", "/notice", page.path)
    expect("check before the notice", "notice_missing", _reason(story))
    page = story.mei.click("notice-continue")
    expect("page after the notice", "/login", page.path)
    return "until then every check is denied: notice_missing"


def log_in_with_wechat(story: Story) -> str:
    """Log in through WeChat, and allow it on the phone."""
    mei, account = story.mei, story.stage.people["mei"].wechat
    _admit(story.stage, account)
    mei.click("wechat-login")
    mei.fill("user-select", account)
    mei.click("btn-scan")
    page = mei.click("btn-allow")
    expect("page after the log-in", ("/me", 200), (page.path, page.status))
    return "signed in, in the privacy centre"


def enter_shop(story: Story) -> str:
    """Enter the shop, which stores what an order needs and no more."""
    mei = story.mei
    mei.open(story.stage.app)
    page = mei.click("person-mei")
    expect("a second notice", set(), page.ending("notice-"))
    known = story.ask.send("POST", "/v1/subjects", {"reference": "mei"})
    expect("who she is", (story.subject, True), (known["id"], known["notice_seen"]))
    refused = page.text("not-kept-email")
    expect("reason for the e-mail address", "element_not_granted", refused)
    return page.text("kept")


def check_asks(story: Story) -> str:
    """Ask the gateway before the camera is used: not yet."""
    decision = story.ask.camera(story.subject)
    expect("decision", ("ask", "not_asked"), _effect(decision))
    return _told(decision)


def allow_camera(story: Story) -> str:
    """Allow the camera on the shop's own screen."""
    page = story.mei.click("scan")
    question = page.text("ask-question")
    page = story.mei.click("ask-allow")
    page.text("camera-open")
    return question


def check_allows(story: Story) -> str:
    """Ask the same question again: yes."""
    decision = story.ask.camera(story.subject)
    expect("decision", ("allow", "granted"), _effect(decision))
    return f"{_told(decision)}, for {decision['valid_for_ms']} ms"


def see_consent_page(story: Story) -> str:
    """Look at what the courier asks for: no box is ticked."""
    story.mei.open(story.stage.partner)
    page = story.mei.click("connect")
    expect("page", "/oauth/consent", page.path.rpartition("/")[0])
    ticked = [box for box in page.boxes if box.is_ticked]
    expect("boxes ticked beforehand", 0, len(ticked))
    expect("boxes", 9, len(page.boxes))
    page.control("consent-deny")
    return f"{len(page.boxes)} boxes, none ticked"


def allow_some(story: Story) -> str:
    """Tick name and address, order numbers and their status; allow that."""
    story.mei.tick(
        *("capability-data.identity", "element-0-name", "element-0-address"),
        *("capability-data.transaction", "element-1-order_no", "element-1-status"),
    )
    page = story.mei.click("consent-allow")
    story.grant_set = page.attribute("parcel", "data-grant-set")
    return story.grant_set


def fetch_what_was_granted(story: Story) -> str:
    """Compare: the courier has exactly that, and a reason for what it has not."""
    page = story.mei.page
    released = {f"identity-{name}" for name in ("name", "address")}
    released |= {f"transaction-{name}" for name in ("order_no", "status")}
    expect("elements released", released, page.ending("value-"))
    missing = {"identity-phone", "transaction-placed_at", "transaction-amount"}
    expect("elements withheld", missing, page.ending("withheld-"))
    for element in sorted(missing):
        got = page.text(f"withheld-{element}")
        expect(f"reason for {element}", "element_not_granted", got)
    return f"released {_list(released)}; withheld {_list(missing)}"


def take_camera_back(story: Story) -> str:
    """Take the camera back with one press: the very next check is refused."""
    grant = story.grant(APP, "device.camera")
    story.mei.open(f"{story.stage.gateway}/me/permissions")
    status = story.mei.press(f"grant-{grant}-withdraw")
    acknowledged_at = story.mei.answered_at
    decision = story.ask.camera(story.subject)
    expect("status of the withdrawal", 303, status)
    expect("first decision after it", ("deny", "withdrawn"), _effect(decision))
    story.mei.follow()
    return f"withdrawn -> refused {_since(acknowledged_at, story.ask.answered_at)}"


def shop_goes_on(story: Story) -> str:
    """Go on without the camera: the shop says why, and finds the parcel by number."""
    mei = story.mei
    mei.open(story.stage.app)
    page = mei.click("scan")
    expect("reason on the shop's screen", "withdrawn", page.text("reason"))
    mei.fill("code-number", "SO-20261")
    page = mei.click("code-find")
    return page.text("code-result")


def take_orders_back(story: Story) -> str:
    """Take the orders back: the courier's live token gets them no more."""
    mei = story.mei
    grant = story.grant(COURIER, "data.transaction")
    mei.open(story.stage.partner)
    courier = mei.tab()  # with the courier's page in it, to fetch at once
    mei.open(f"{story.stage.gateway}/me/partners")
    status = mei.press(f"grant-{grant}-withdraw")
    acknowledged_at = mei.answered_at
    courier.press("fetch-again")
    took = _since(acknowledged_at, courier.answered_at)
    page = courier.follow()
    expect("status of the withdrawal", 303, status)
    expect("grant set", story.grant_set, page.attribute("parcel", "data-grant-set"))
    expect("reason for the orders", "withdrawn", page.text("reason-transaction"))
    kept = {"identity-name", "identity-address"}
    expect("elements still released", kept, page.ending("value-"))
    mei.follow()
    return f"withdrawn -> refused {took}; name and address still arrive"


def cancel_in_wechat(story: Story) -> str:
    """Cancel in WeChat as somebody else: nothing is left behind."""
    stage = story.stage
    before = verified(stage.data_dir).entries, _exchanges(stage)
    _admit(stage, "passer-by")
    with open_browser("zh-CN") as other:
        other.open(f"{stage.gateway}/login")
        other.click("notice-continue")
        other.click("wechat-login")
        other.fill("user-select", "passer-by")
        other.fill("deny-style", "authdeny")
        other.click("btn-scan")
        page = other.click("btn-disallow")
        expect("page after cancelling", "/login", page.path)
        page = other.open(f"{stage.gateway}/me")
        expect("page without a log-in", "/login", page.path)
    after = verified(stage.data_dir).entries, _exchanges(stage)
    expect("ledger entries and codes exchanged", before, after)
    return f"{after[0]} entries in the ledger before and after, no code exchanged"


def verify_ledger(story: Story) -> str:
    """Verify the ledger, hash by hash, while the gateway runs."""
    return sentence(verified(story.stage.data_dir))


STEPS: Final[tuple[Step, ...]] = (
    read_notice,
    log_in_with_wechat,
    enter_shop,
    check_asks,
    allow_camera,
    check_allows,
    see_consent_page,
    allow_some,
    fetch_what_was_granted,
    take_camera_back,
    shop_goes_on,
    take_orders_back,
    cancel_in_wechat,
    verify_ledger,
)


def play(stage: Stage, say: Callable[[str], None]) -> bool:
    """Play every step and tell it with its time; False at the first that fails."""
    begun = time.perf_counter()
    step: Step = STEPS[0]
    try:
        with ExitStack() as open_now:
            mei = open_now.enter_context(open_browser())
            interviewer = open_now.enter_context(
                Interviewer(stage.gateway, stage.clients[APP])
            )
            story = Story(stage, mei, interviewer)
            for step in STEPS:
                step_begun = time.perf_counter()
                told = step(story)
                took = (time.perf_counter() - step_begun) * 1000
                say(f"{took:7.0f} ms  {_title(step)}\n{'':12}{told}")
    except (Expected, NotOnPage, CommandFailed, httpx2.HTTPError) as error:
        _tell_failure(stage, step, str(error), say)
        return False
    except (LookupError, ValueError) as error:  # an answer of another shape
        _tell_failure(stage, step, repr(error), say)
        return False
    say(f"{(time.perf_counter() - begun) * 1000:7.0f} ms  in all")
    say("demo: ok")
    return True


def _tell_failure(
    stage: Stage, step: Step, why: str, say: Callable[[str], None]
) -> None:
    for child in stage.children:
        say(f"{child.program.name}: {child.state}{child.last_words()}")
    say(f"demo: failed at {step.__name__}: {why}")


def _title(step: Step) -> str:
    return (step.__doc__ or step.__name__).partition("\n")[0]


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _effect(decision: dict[str, Any]) -> tuple[str, str]:
    return decision["effect"], decision["reason"]


def _reason(story: Story) -> str:
    return str(story.ask.camera(story.subject)["reason"])


def _told(decision: dict[str, Any]) -> str:
    return f"{decision['effect']}, {decision['reason']}, version {decision['version']}"


def _since(acknowledged_at: float, refused_at: float) -> str:
    took = (refused_at - acknowledged_at) * 1000
    if took > _MOST_MS:
        raise Expected("ms from withdrawal to refusal", f"at most {_MOST_MS}", took)
    return f"in {took:.1f} ms"


def _admit(stage: Stage, account: str) -> None:
    """Let an account into the simulated WeChat; one that is there stays."""
    user = {"id": account, "nickname": account.partition("-")[0].capitalize()}
    _simulator(stage, "POST", "/sim/users", user)


def _exchanges(stage: Stage) -> int:
    """Return how often the simulated WeChat was asked to exchange a code."""
    log = _simulator(stage, "GET", "/sim/request-log")
    return sum(line["path"].startswith("/sns/") for line in log)


def _simulator(stage: Stage, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever it answers
    answer = httpx2.request(
        method,
        stage.wechat + path,
        json=body,
        headers={"Authorization": f"Bearer {stage.wechat_token}"},
        trust_env=False,
    )
    answer.raise_for_status()
    return answer.json()
