"""Log-in through WeChat: one state, one browser, one exchange, and nothing on a no."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from gateway.services import Services
from gateway.tokens import digest
from gateway.web.attempts import Attempt, find
from permissions.acts import SeeNotice
from permissions.ledger import decode
from permissions.store import rows, tables
from permissions.texts import sentence_sha256
from tests.conftest import ISSUER, FakeClock
from tests.gateway.web.browser import Browser, Page
from tests.gateway.web.conftest import FakeWeChat

CALLBACK = "/login/wechat/web/callback"


async def start(browser: Browser, path: str = "/login") -> str:
    """Go to WeChat and return the state that has to come back."""
    login = await browser.read_notice(path)
    answer = await browser.press(login.form("wechat-login"))
    assert answer.status_code == 303, answer.text
    url = urlsplit(answer.headers["location"])
    assert url.geturl().startswith("http://wechat.test/connect/qrconnect?appid=")
    query = parse_qs(url.query)
    assert query["redirect_uri"] == [ISSUER + CALLBACK]
    return query["state"][0]


def count(services: Services, *names: str) -> int:
    """Count the rows of tables."""

    def query(near: Any) -> int:  # noqa: ANN401
        return sum(
            near.scalar(select(func.count()).select_from(tables.metadata.tables[name]))
            for name in names
        )

    return services.store.near(query)


def about_people(services: Services) -> int:
    """Count every row that says something about anybody."""
    return count(
        services, "ledger", "subjects", "directory", "grants", "tokens", "data"
    )


def attempt_of(services: Services, state: str) -> Attempt:
    """Return the stored attempt of a state."""
    found = services.store.near(lambda near: find(near, digest(state)))
    assert found is not None
    return found


class TestYes:
    async def test_a_new_person_is_registered_and_signed_in(
        self, browser: Browser, wechat: FakeWeChat
    ) -> None:
        """One exchange, one subject, under a keyed hash of the openid alone."""
        state = await start(browser)

        answer = await browser.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.headers["location"] == "/me"
        assert wechat.codes == ["C1"]
        page = await browser.follow(answer)
        assert "You logged in for the first time" in page.text
        stored = browser.services.store.near(
            lambda near: near.execute(select(tables.directory)).one()
        )
        assert wechat.answer["openid"] not in str(stored)

    async def test_the_notice_read_before_becomes_their_act(
        self, browser: Browser
    ) -> None:
        """With what was really shown: screen, text, language, control, time (R01)."""
        state = await start(browser)

        await browser.get(f"{CALLBACK}?code=C1&state={state}")

        subject = attempt_of(browser.services, state).subject
        assert subject is not None
        entries = browser.services.store.near(
            lambda near: rows.entries_of(near, subject, before=None, limit=9)
        )
        act = decode(entries[0].body).act
        assert isinstance(act, SeeNotice)
        notice = browser.services.catalogue.policy.notice["en"]
        assert act.evidence.text_sha256 == sentence_sha256(notice)
        assert (act.evidence.kind, act.evidence.screen) == ("gateway_page", "notice")
        assert (act.evidence.locale, act.evidence.channel) == ("en", "web")
        assert act.evidence.authentication == "wechat"
        assert act.evidence.control == "notice-continue"
        assert act.evidence.shown_at == browser.services.clock()

    async def test_the_same_person_comes_back_as_themselves(
        self, browser: Browser, stranger: Browser, wechat: FakeWeChat
    ) -> None:
        """The same account elsewhere is the same subject; another one is not."""
        states = [await start(browser), await start(stranger)]
        for each, state in zip((browser, stranger), states, strict=True):
            await each.get(f"{CALLBACK}?code=C&state={state}")
        assert count(browser.services, "subjects") == 1
        page = await browser.page("/me")
        await browser.press(page.form("logout"))
        wechat.answer = {"openid": "oSomebody-else"}

        state = await start(browser)
        await browser.get(f"{CALLBACK}?code=C&state={state}")

        assert count(browser.services, "subjects") == 2


class TestNo:
    @pytest.mark.parametrize(
        "query",
        [
            "state={state}",
            "code=&state={state}",
            "code=authdeny&state={state}",
            "code=C1&state={state}&errcode=-4",
            "code=C1&state={state}&error=access_denied",
        ],
    )
    async def test_it_leaves_nothing_about_anybody(
        self, browser: Browser, wechat: FakeWeChat, query: str
    ) -> None:
        """No exchange, no row, and back to the choice with a word about it (R38)."""
        state = await start(browser)

        answer = await browser.get(f"{CALLBACK}?{query.format(state=state)}")
        page = await browser.follow(answer)

        assert wechat.codes == []
        assert about_people(browser.services) == 0
        assert {"flash-wechat_cancelled", "wechat-login"} <= page.hooks
        assert "Nothing was stored" in page.text

    async def test_no_callback_at_all_leaves_nothing_either(
        self, browser: Browser, clock: FakeClock, wechat: FakeWeChat
    ) -> None:
        """Time ends the attempt: a state of ten minutes ago is worth nothing."""
        state = await start(browser)
        clock.advance(timedelta(minutes=10))

        answer = await browser.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.status_code == 400
        assert wechat.codes == []
        assert about_people(browser.services) == 0

    async def test_a_no_cannot_be_turned_into_a_yes(
        self, browser: Browser, wechat: FakeWeChat
    ) -> None:
        """The state is used up by the refusal: a code that comes later is not sent."""
        state = await start(browser)
        await browser.get(f"{CALLBACK}?state={state}")

        answer = await browser.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.headers["location"].startswith("/login?done=wechat_cancelled")
        assert wechat.codes == []
        assert about_people(browser.services) == 0


class TestTwice:
    async def test_a_second_callback_gets_the_first_outcome(
        self, browser: Browser, wechat: FakeWeChat
    ) -> None:
        """Reload, back button, another code: one exchange, the same way on."""
        state = await start(browser)
        first = await browser.get(f"{CALLBACK}?code=C1&state={state}")
        cookie = browser.cookie

        again = await browser.get(f"{CALLBACK}?code=C1&state={state}")
        other = await browser.get(f"{CALLBACK}?code=C2&state={state}")

        assert first.headers["location"] == again.headers["location"] == "/me"
        assert other.headers["location"] == "/me"
        assert wechat.codes == ["C1"]
        assert browser.cookie == cookie

    async def test_a_second_one_while_the_first_is_under_way_waits_for_it(
        self, browser: Browser, stranger: Browser, wechat: FakeWeChat
    ) -> None:
        """The browser drops the first answer then, so the second signs in as well."""
        state = await start(browser)
        stranger.cookie = browser.cookie  # the same browser, its second request
        wechat.gate = asyncio.Event()
        url = f"{CALLBACK}?code=C1&state={state}"
        first = asyncio.create_task(browser.get(url))
        await wechat.asked.wait()
        second = asyncio.create_task(stranger.get(url))
        await stranger.get("/policy")  # the second callback is under way now
        wechat.gate.set()

        answers = [await first, await second]

        assert [answer.headers["location"] for answer in answers] == ["/me", "/me"]
        assert wechat.codes == ["C1"]
        assert (await stranger.get("/me")).status_code == 200
        assert count(browser.services, "subjects") == 1

    async def test_after_logging_out_the_history_logs_nobody_in(
        self, browser: Browser, wechat: FakeWeChat
    ) -> None:
        """Going back on a shared computer shows a stranger nothing."""
        state = await start(browser)
        url = f"{CALLBACK}?code=C1&state={state}"
        page = await browser.follow(await browser.get(url))
        await browser.press(page.form("logout"))

        answer = await browser.get(url)

        assert answer.status_code == 403
        assert (await browser.get("/me")).headers["location"] == "/login"
        assert wechat.codes == ["C1"]


class TestForeign:
    @pytest.mark.parametrize(
        "query",
        [
            "",
            "code=C1",
            "code=C1&state=",
            "code=C1&state=AAAAAAAAAAAAAAAAAAAAAA",
            "code=C1&state={state}&state={state}",
            "code=C1&code=C2&state={state}",
            "code=C1&state=' OR 1=1 --",
            "code=%00&state={state}",
            "code=%ff&state={state}",
        ],
    )
    async def test_what_we_did_not_start_ends_on_a_friendly_page(
        self, browser: Browser, wechat: FakeWeChat, query: str
    ) -> None:
        """Unknown, missing, repeated, unreadable: no exchange, never a 500."""
        state = await start(browser)

        answer = await browser.get(f"{CALLBACK}?{query.format(state=state)}")

        assert answer.status_code == 400
        assert "message-stale" in Page(answer.text).hooks
        assert wechat.codes == []
        assert about_people(browser.services) == 0

    async def test_another_browser_is_refused_and_uses_nothing_up(
        self, browser: Browser, stranger: Browser, wechat: FakeWeChat
    ) -> None:
        """A code relayed to somebody else logs nobody in (log-in CSRF, QR relay)."""
        state = await start(browser)
        await stranger.get("/notice")

        answer = await stranger.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.status_code == 403
        assert "message-other_browser" in Page(answer.text).hooks
        assert wechat.codes == []
        mine = await browser.get(f"{CALLBACK}?code=C1&state={state}")
        assert mine.headers["location"] == "/me"

    async def test_an_unknown_app_does_not_exist(self, browser: Browser) -> None:
        """Neither its start nor its callback."""
        login = await browser.read_notice()
        form = login.form("wechat-login")
        form.action = "/login/wechat/other"

        assert (await browser.press(form)).status_code == 404
        assert (await browser.get("/login/wechat/other/callback")).status_code == 404


class TestTrouble:
    @pytest.mark.parametrize(
        ("answer", "hook", "status"),
        [
            ({"errcode": 40029, "errmsg": "invalid code"}, "message-stale", 400),
            ({"errcode": 40163, "errmsg": "code been used"}, "message-stale", 400),
            ({"errcode": 40125, "errmsg": "secret"}, "message-unavailable", 503),
            ({"errcode": 45011, "errmsg": "slower"}, "message-unavailable", 503),
            ({"errcode": 40226, "errmsg": "blocked"}, "message-held_back", 403),
            ({"openid": "oMade-up", "is_snapshotuser": 1}, "message-stale", 400),
            ({"nothing": "here"}, "message-unavailable", 503),
        ],
    )
    async def test_each_error_says_what_to_do_and_stores_nobody(
        self,
        browser: Browser,
        wechat: FakeWeChat,
        answer: dict[str, Any],
        hook: str,
        status: int,
    ) -> None:
        """A page with a way on; the same page when it is loaded again."""
        wechat.answer = answer
        state = await start(browser)
        url = f"{CALLBACK}?code=C1&state={state}"

        first, again = await browser.get(url), await browser.get(url)

        for page in (first, again):
            assert page.status_code == status
            assert hook in Page(page.text).hooks
            assert "/login" in page.text
        assert wechat.codes == ["C1"]
        assert about_people(browser.services) == 0


class TestWaiting:
    async def test_the_request_that_waits_is_found_again(
        self, browser: Browser
    ) -> None:
        """Through notice and log-in, only its id is carried."""
        waiting = "req_" + "a" * 26
        state = await start(browser, f"/login?request={waiting}")

        answer = await browser.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.headers["location"] == f"/oauth/consent/{waiting}"

    @pytest.mark.parametrize(
        "waiting", ["https://evil.example", "//evil.example", "req_x", "../../evil"]
    )
    async def test_nothing_but_an_id_is_carried(
        self, browser: Browser, waiting: str
    ) -> None:
        """No address in the query survives: a log-in leads to our own pages."""
        state = await start(browser, f"/login?request={waiting}")

        answer = await browser.get(f"{CALLBACK}?code=C1&state={state}")

        assert answer.headers["location"] == "/me"

    async def test_without_the_notice_there_is_no_log_in(
        self, browser: Browser
    ) -> None:
        """It comes first, whoever asks for the log-in (R01)."""
        answer = await browser.get("/login")

        assert answer.headers["location"] == "/notice"
