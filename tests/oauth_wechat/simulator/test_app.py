"""The simulator over HTTP, with the client it was made for."""

import logging
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
import segno
from litestar import Litestar

from oauth_wechat import (
    Code,
    Identity,
    Refused,
    RestartLogin,
    Secret,
    SnapshotUser,
    UserBlocked,
    WeChatApp,
    WeChatUnavailable,
    authorize_url,
    exchange,
    read_callback,
)
from oauth_wechat.simulator import SimulatedApp, SimulatedUser, create_simulator

HOST = "http://sim.example/wechat"
TOKEN = "admin-token-1"
CALLBACK = "https://site.example/login/callback"
STATE = "0123456789abcdefghijAB"
APP = WeChatApp(
    name="web",
    appid="wxsim1",
    secret=Secret("sim-secret-1"),
    open_base=HOST,
    api_base=HOST,
)
QR_HOOKS = {
    "app-name",
    "requested-scope",
    "qr-image",
    "status",
    "user-select",
    "btn-scan",
    "btn-allow",
    "btn-disallow",
    "btn-cancel",
    "btn-expire",
    "btn-refresh",
    "deny-style",
    "banner",
}
PHONE_HOOKS = {
    "app-name",
    "app-domain",
    "requested-scope",
    "status",
    "user-select",
    "btn-scan",
    "btn-allow",
    "btn-disallow",
    "btn-cancel",
    "banner",
}
Attributes = dict[str, str | None]


class Page(HTMLParser):
    """What a scripted client sees: hooks, the form's fields, the status."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hooks: dict[str, Attributes] = {}
        self.texts: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.tags: list[tuple[str, Attributes]] = []
        self._hook = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect hooks and the fields a form would send."""
        has = dict(attrs)
        self.tags.append((tag, has))
        self._hook = has.get("data-testid") or ""
        self.hooks[self._hook] = has
        if tag == "input":
            self.fields[str(has["name"])] = str(has["value"])
        elif tag == "select":
            self._select = str(has["name"])
        elif tag == "option" and "selected" in has:
            self.fields[self._select] = str(has["value"])

    def handle_data(self, data: str) -> None:
        """Collect the text of each hook."""
        self.texts[self._hook] = self.texts.get(self._hook, "") + data.strip()

    def enabled(self) -> set[str]:
        """Return the buttons that can be pressed."""
        return {
            hook.removeprefix("btn-")
            for hook, has in self.hooks.items()
            if hook.startswith("btn-") and "disabled" not in has
        }


class Browser:
    """Follow links and forms of the simulator, without JavaScript."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def open(self, **changes: str) -> httpx2.Response:
        """Open the QR page as the site's redirect would."""
        url = httpx2.URL(authorize_url(APP, CALLBACK, STATE))
        return await self.client.get(url.copy_merge_params(changes))

    async def press(
        self, action: str, page: httpx2.Response, **fields: str
    ) -> httpx2.Response:
        """Press a button of the page's form."""
        form = {**Page(page.text).fields, "action": action, **fields}
        return await self.client.post(page.url.copy_with(query=None), data=form)

    async def follow(self, reply: httpx2.Response) -> httpx2.Response:
        """Follow a redirect within the simulator."""
        assert reply.status_code == 303
        return await self.client.get(reply.url.join(reply.headers["location"]))

    async def phone(self, page: httpx2.Response) -> httpx2.Response:
        """Open the phone's page for the attempt shown."""
        query = {"uuid": Page(page.text).fields["uuid"]}
        return await self.client.get(f"{HOST}/connect/confirm", params=query)

    async def poll(self, page: httpx2.Response) -> httpx2.Response:
        """Poll once, as the page's script would."""
        query = {"uuid": Page(page.text).fields["uuid"]}
        return await self.client.get(f"{HOST}/connect/l/qrconnect", params=query)

    async def sim(self, path: str, json: object = None) -> Any:  # noqa: ANN401
        """Use the admin API."""
        method = "GET" if json is None else "POST"
        reply = await self.client.request(
            method,
            f"{HOST}/sim/{path}",
            json=json,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def callback(self, **knobs: object) -> str:
        """Log in as the first user would and return where the browser lands."""
        await self.sim("knobs", {"values": {"user_action": "allow", **knobs}})
        return str((await self.open()).headers["location"])


def make_simulator(*, production: bool = False, admin_token: str = TOKEN) -> Litestar:
    """Make a simulator with two users; time stands still."""
    return create_simulator(
        apps=[
            SimulatedApp(
                appid="wxsim1",
                secret="sim-secret-1",
                name="AseanBiz <Web>",
                domains=("site.example",),
            )
        ],
        users=[
            SimulatedUser(id="li", nickname="李雷"),
            SimulatedUser(id="han", nickname="韩梅梅"),
        ],
        clock=lambda: datetime(2026, 11, 1, 9, tzinfo=UTC),
        random=random.Random(7).randbytes,  # noqa: S311 - repeatable on purpose
        admin_token=admin_token,
        production=production,
    )


def client_of(app: Litestar) -> httpx2.AsyncClient:
    """Return a client of the app, mounted under a path."""
    asgi: Any = app  # Litestar's own ASGI types are narrower than httpx2's
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(asgi, root_path="/wechat"))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Open a browser at a simulator mounted under a path."""
    async with client_of(make_simulator()) as client:
        yield Browser(client)


def code_in(location: str) -> Code:
    """Read a callback that must carry a code."""
    assert location.startswith(CALLBACK)
    answer = read_callback(httpx2.URL(location).params.multi_items())
    assert isinstance(answer, Code)
    assert answer.state == STATE
    return answer


class TestQrPage:
    async def test_has_every_hook(self, browser: Browser) -> None:
        """A scripted client finds what the protocol page promises."""
        page = Page((await browser.open()).text)

        assert set(page.hooks) >= QR_HOOKS
        assert page.texts["app-name"] == "AseanBiz <Web>"
        assert page.hooks["status"]["aria-live"] == "polite"

    async def test_banner_says_what_it_is(self, browser: Browser) -> None:
        """In both languages, on each page."""
        shown = await browser.open()

        for reply in (shown, await browser.phone(shown), await browser.open(appid="x")):
            assert Page(reply.text).texts["banner"] == (
                "Simulator – not WeChat / 模拟器，并非微信"
            )

    @pytest.mark.parametrize(
        ("lang", "tag", "status"),
        [
            ("cn", "zh-CN", "请使用模拟手机扫描二维码登录"),
            ("en", "en", "Scan the QR code with the simulated phone"),
            ("fr", "zh-CN", "请使用模拟手机扫描二维码登录"),
        ],
    )
    async def test_speaks_two_languages(
        self, browser: Browser, lang: str, tag: str, status: str
    ) -> None:
        """Chinese unless English is asked for."""
        page = Page((await browser.open(lang=lang)).text)

        assert ("html", {"lang": tag}) in page.tags
        assert page.texts["status"] == status

    async def test_no_inline_code(self, browser: Browser) -> None:
        """The policy forbids it, and the page has none."""
        reply = await browser.open()
        tags = Page(reply.text).tags

        policy = reply.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert [has for tag, has in tags if tag == "script" and "src" not in has] == []
        assert [tag for tag, _ in tags if tag == "style"] == []
        assert [has for _, has in tags if "style" in has or "onclick" in has] == []

    async def test_redirect_cannot_loosen_the_policy(self, browser: Browser) -> None:
        """Only its host and port are named there."""
        reply = await browser.open(
            redirect_uri="https://x;script-src *;@site.example:8443/cb"
        )

        policy = reply.headers["content-security-policy"]
        assert "connect-src 'self' https://site.example:8443;" in policy
        assert "*" not in policy

    async def test_static_files_are_found_when_mounted(self, browser: Browser) -> None:
        """All links of the page are relative to it."""
        reply = await browser.open()
        links = [
            has.get("src") or has.get("href")
            for tag, has in Page(reply.text).tags
            if tag in {"script", "link", "img"}
        ]

        for link in links:
            if link and not link.startswith("data:"):
                found = await browser.client.get(reply.url.join(link))
                assert found.status_code == 200, link

    async def test_qr_code_leads_to_the_phone(
        self, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It holds the local address of the phone's page, mount included."""
        drawn: list[str] = []
        make = segno.make_qr

        def note(content: str) -> segno.QRCode:
            drawn.append(content)
            return make(content)

        monkeypatch.setattr(segno, "make_qr", note)
        shown = await browser.open()
        source = Page(shown.text).hooks["qr-image"]["src"]
        assert source is not None

        image = await browser.client.get(shown.url.join(source))

        uuid = Page(shown.text).fields["uuid"]
        assert drawn == [f"{HOST}/connect/confirm?uuid={uuid}"]
        assert image.headers["content-type"].startswith("image/svg+xml")

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"appid": "wxnone"}, "appid_unknown"),
            ({"redirect_uri": "https://evil.example/cb"}, "domain_mismatch"),
            ({"redirect_uri": "https://a.site.example/cb"}, "domain_mismatch"),
            ({"redirect_uri": "javascript://site.example/%0a"}, "domain_mismatch"),
            ({"redirect_uri": ""}, "domain_mismatch"),
            ({"redirect_uri": "https://[site.example/cb"}, "domain_mismatch"),
            ({"redirect_uri": "https://site.example:x/cb"}, "domain_mismatch"),
            ({"response_type": "token"}, "response_type_unknown"),
            ({"scope": "snsapi_userinfo"}, "scope_unknown"),
            ({"state": "s" * 129}, "state_too_long"),
        ],
    )
    async def test_bad_link_cannot_be_opened(
        self, browser: Browser, changes: dict[str, str], reason: str
    ) -> None:
        """An error page, no attempt, no redirect."""
        reply = await browser.open(**changes)

        assert reply.status_code == 400
        assert "该链接无法访问" in reply.text
        assert reason in reply.text
        assert await browser.sim("attempts") == []

    async def test_repeated_parameter_cannot_be_opened(self, browser: Browser) -> None:
        """Two readers might believe different ones."""
        url = authorize_url(APP, CALLBACK, STATE).replace(
            "#", "&redirect_uri=https%3A%2F%2Fevil.example#"
        )

        assert "repeated_parameter" in (await browser.client.get(url)).text


class TestAllow:
    async def test_by_forms_on_the_qr_page(self, browser: Browser) -> None:
        """Scan, allow, and the browser is at the site with code and state."""
        shown = await browser.open()
        assert Page(shown.text).enabled() == {
            "scan",
            "disallow",
            "cancel",
            "expire",
            "refresh",
        }

        scanned = await browser.follow(await browser.press("scan", shown))
        assert "allow" in Page(scanned.text).enabled()
        reply = await browser.press("allow", scanned)

        assert reply.status_code == 303
        code = code_in(reply.headers["location"])
        identity = await exchange(APP, code.code, client=browser.client)
        assert isinstance(identity, Identity)

    async def test_by_the_phone(self, browser: Browser) -> None:
        """The phone acknowledges; the QR page moves by its poll."""
        shown = await browser.open(lang="en")
        phone = await browser.phone(shown)
        assert set(Page(phone.text).hooks) >= PHONE_HOOKS
        assert Page(phone.text).texts["app-domain"] == "site.example"
        assert "wx_errcode=408;" in (await browser.poll(shown)).text

        phone = await browser.follow(await browser.press("scan", phone))
        assert (await browser.poll(shown)).text == (
            "window.wx_errcode=404;window.wx_code='';"
        )
        phone = await browser.follow(await browser.press("allow", phone))
        assert "Log-in allowed" in Page(phone.text).texts["status"]
        assert Page(phone.text).enabled() == set()

        polled = await browser.poll(shown)
        landed = await browser.client.get(
            f"{HOST}/connect/landing", params=shown_uuid(shown)
        )
        code = code_in(landed.headers["location"]).code.reveal()
        assert polled.text == f"window.wx_errcode=405;window.wx_code='{code}';"

    async def test_looking_at_the_phone_scans_nothing(self, browser: Browser) -> None:
        """A page that is fetched twice, or ahead, changes nothing."""
        shown = await browser.open()
        phone = await browser.phone(shown)

        assert "allow" not in Page(phone.text).enabled()
        assert "wx_errcode=408;" in (await browser.poll(shown)).text

    async def test_allow_before_scan_is_refused(self, browser: Browser) -> None:
        """Also for a client that ignores the disabled button."""
        shown = await browser.open()

        reply = await browser.press("allow", shown)

        assert reply.status_code == 409
        assert "wx_errcode=408;" in (await browser.poll(shown)).text

    async def test_chosen_user_logs_in(self, browser: Browser) -> None:
        """The identifiers are the chosen user's, not the first one's."""
        shown = await browser.open()
        scanned = await browser.follow(await browser.press("scan", shown, user="han"))
        assert Page(scanned.text).fields["user"] == "han"

        reply = await browser.press("allow", scanned)

        code = code_in(reply.headers["location"])
        identity = await exchange(APP, code.code, client=browser.client)
        users = {each["user"]["id"]: each for each in await browser.sim("users")}
        assert identity.openid == users["han"]["openids"]["wxsim1"]
        assert identity.unionid == users["han"]["unionids"]["platform"]
        assert identity.openid != users["li"]["openids"]["wxsim1"]

    async def test_added_user_can_be_chosen(self, browser: Browser) -> None:
        """And a risky one is turned away at the exchange."""
        await browser.sim("users", {"id": "z", "nickname": "Z", "risk": True})
        shown = await browser.open()
        scanned = await browser.follow(await browser.press("scan", shown, user="z"))

        reply = await browser.press("allow", scanned)

        code = code_in(reply.headers["location"])
        with pytest.raises(UserBlocked):
            await exchange(APP, code.code, client=browser.client)

    async def test_second_allow_is_refused(self, browser: Browser) -> None:
        """A double click makes no second code."""
        shown = await browser.open()
        scanned = await browser.follow(await browser.press("scan", shown))
        await browser.press("allow", scanned)

        assert (await browser.press("allow", scanned)).status_code == 409


def shown_uuid(shown: httpx2.Response) -> dict[str, str]:
    """Return the query that names the attempt on a page."""
    return {"uuid": Page(shown.text).fields["uuid"]}


class TestRefuse:
    @pytest.mark.parametrize("action", ["cancel", "disallow"])
    async def test_without_callback_the_user_stays(
        self, browser: Browser, action: str
    ) -> None:
        """A status and a new code are offered, but no way back to the site."""
        shown = await browser.open()

        stays = await browser.follow(await browser.press(action, shown))

        page = Page(stays.text)
        assert page.texts["status"] == "你已取消此次登录"
        assert page.enabled() == {"refresh"}
        assert "https://site.example" not in stays.text
        assert "wx_errcode=403;" in (await browser.poll(shown)).text

    @pytest.mark.parametrize(
        ("style", "shape"), [("state_only", "state_only"), ("authdeny", "authdeny")]
    )
    @pytest.mark.parametrize("chosen", ["knob", "page"])
    async def test_with_callback(
        self, browser: Browser, style: str, shape: str, chosen: str
    ) -> None:
        """Each style reads as a refusal, chosen by lever or on the page."""
        if chosen == "knob":
            await browser.sim("knobs", {"values": {"deny_style": style}})
        shown = await browser.open()
        fields = {"deny_style": style} if chosen == "page" else {}

        reply = await browser.press("disallow", shown, **fields)

        location = httpx2.URL(reply.headers["location"])
        answer = read_callback(location.params.multi_items())
        assert isinstance(answer, Refused)
        assert (answer.state, answer.shape) == (STATE, shape)

    async def test_on_the_phone_the_page_is_moved(self, browser: Browser) -> None:
        """The phone only acknowledges; the poll says that a callback waits."""
        await browser.sim("knobs", {"values": {"deny_style": "authdeny"}})
        shown = await browser.open()
        phone = await browser.phone(shown)

        told = await browser.follow(await browser.press("cancel", phone))

        assert Page(told.text).texts["status"] == "你已取消此次登录"
        polled = await browser.poll(shown)
        assert "wx_errcode=403;" in polled.text
        assert polled.headers["simulator-callbacks"] == "1"


class TestExpiry:
    async def test_by_time(self, browser: Browser) -> None:
        """After five minutes there is nothing left to scan."""
        shown = await browser.open()
        await browser.sim("clock/advance", {"seconds": 300})

        assert "wx_errcode=402;" in (await browser.poll(shown)).text
        assert (await browser.press("scan", shown)).status_code == 409

    async def test_by_button_and_refresh(self, browser: Browser) -> None:
        """A new code for the same state; the old one stays dead."""
        shown = await browser.open(lang="en")
        expired = await browser.follow(await browser.press("expire", shown))
        assert Page(expired.text).texts["status"].startswith("The QR code has expired")

        again = await browser.follow(await browser.press("refresh", expired))

        assert shown_uuid(again) != shown_uuid(shown)
        scanned = await browser.follow(await browser.press("scan", again))
        assert "Scanned" in Page(scanned.text).texts["status"]
        reply = await browser.press("allow", scanned)
        code_in(reply.headers["location"])
        assert "wx_errcode=402;" in (await browser.poll(shown)).text

    async def test_code_expires(self, browser: Browser) -> None:
        """Ten minutes after the yes."""
        code = code_in(await browser.callback())
        await browser.sim("clock/advance", {"seconds": 600})

        with pytest.raises(RestartLogin):
            await exchange(APP, code.code, client=browser.client)


class TestLevers:
    async def test_user_can_be_played(self, browser: Browser) -> None:
        """Allow and refusals with callback redirect at once."""
        code_in(await browser.callback())

        await browser.sim(
            "knobs", {"values": {"user_action": "cancel", "deny_style": "state_only"}}
        )
        reply = await browser.open()
        assert reply.headers["location"] == f"{CALLBACK}?state={STATE}"

        await browser.sim(
            "knobs", {"values": {"user_action": "disallow", "deny_style": "none"}}
        )
        assert Page((await browser.open()).text).hooks["status"]["data-poll"] == "403"

    async def test_user_can_ignore_it(self, browser: Browser) -> None:
        """No button works but time's."""
        await browser.sim("knobs", {"values": {"user_action": "ignore"}})
        shown = await browser.open()

        assert Page(shown.text).enabled() == {"expire", "refresh"}
        assert (await browser.press("scan", shown)).status_code == 409

    @pytest.mark.parametrize(
        ("duplicate", "codes"), [("off", 1), ("same_code", 1), ("second_code", 2)]
    )
    async def test_double_callback(
        self, browser: Browser, duplicate: str, codes: int
    ) -> None:
        """Both URLs are listed, so that a test can deliver the second."""
        await browser.callback(duplicate_callback=duplicate)

        (attempt,) = await browser.sim("attempts")

        urls = attempt["callbacks"]
        assert len(urls) == (1 if duplicate == "off" else 2)
        assert len({code_in(url).code.reveal() for url in urls}) == codes

    @pytest.mark.parametrize("fault", ["http_502", "truncated", "html_body"])
    async def test_broken_answers(self, browser: Browser, fault: str) -> None:
        """Each is unavailable, and is not called twice."""
        code = code_in(await browser.callback())
        await browser.sim("knobs", {"values": {"fault": fault}})

        with pytest.raises(WeChatUnavailable):
            await exchange(APP, code.code, client=browser.client)
        log = await browser.sim("request-log")
        assert [each["outcome"] for each in log if "/sns" in each["path"]] == [fault]

    async def test_snapshot_user(self, browser: Browser) -> None:
        """The client refuses the made-up identity."""
        code = code_in(await browser.callback(snapshot=True))

        with pytest.raises(SnapshotUser):
            await exchange(APP, code.code, client=browser.client)

    async def test_busy_then_well(self, browser: Browser) -> None:
        """The client's one retry is enough for one busy answer."""
        code = code_in(await browser.callback(busy_times=1))
        paused: list[float] = []

        async def sleep(seconds: float) -> None:
            paused.append(seconds)

        await exchange(APP, code.code, client=browser.client, sleep=sleep)

        log = await browser.sim("request-log")
        outcomes = [each["outcome"] for each in log if "/sns" in each["path"]]
        assert outcomes == ["-1", "0"]
        assert len(paused) == 1

    async def test_latency_is_slept(self) -> None:
        """Through the injected sleep, in seconds."""
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        app = create_simulator(
            apps=[SimulatedApp(appid="a", secret="s", name="A", domains=("a",))],
            users=[SimulatedUser(id="u", nickname="U")],
            clock=lambda: datetime(2026, 11, 1, tzinfo=UTC),
            random=random.Random(7).randbytes,  # noqa: S311 - repeatable
            admin_token=TOKEN,
            sleep=sleep,
        )
        async with client_of(app) as client:
            browser = Browser(client)
            await browser.sim("knobs", {"values": {"latency_ms": 1500}})
            await client.get(f"{HOST}/sns/auth")

        assert slept == [1.5]

    async def test_default_content_type_has_no_charset(self, browser: Browser) -> None:
        """As seen at WeChat."""
        reply = await browser.client.get(f"{HOST}/sns/auth")

        assert reply.headers["content-type"] == "text/plain"
        assert reply.json()["errcode"] == 41001

    async def test_reset_forgets(self, browser: Browser) -> None:
        """Attempts, codes, knobs, log, and the advance of the clock."""
        code = code_in(await browser.callback())
        await browser.sim("users", {"id": "z", "nickname": "Z"})
        await browser.sim("clock/advance", {"seconds": 5})

        await browser.sim("reset", {})

        assert await browser.sim("attempts") == []
        assert await browser.sim("request-log") == []
        assert (await browser.sim("knobs"))["user_action"] == "manual"
        assert len(await browser.sim("users")) == 2
        with pytest.raises(RestartLogin):
            await exchange(APP, code.code, client=browser.client)

    @pytest.mark.parametrize(
        ("path", "json"),
        [
            ("knobs", {"values": {"fault": "odd"}}),
            ("knobs", {"values": {"odd": 1}}),
            ("knobs", {"values": {}, "appid": "wxnone"}),
            ("knobs", {"values": {}, "next": 0}),
            ("clock/advance", {"seconds": -1}),
            ("users", {"id": "z"}),
        ],
    )
    async def test_bad_levers_are_refused(
        self, browser: Browser, path: str, json: object
    ) -> None:
        """A mistyped lever must not look like a passed test."""
        reply = await browser.client.post(
            f"{HOST}/sim/{path}",
            json=json,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

        assert reply.status_code == 400

    @pytest.mark.parametrize("header", ["", "Bearer wrong", TOKEN, "Bearer "])
    @pytest.mark.parametrize(
        "path", ["knobs", "users", "attempts", "request-log", "reset", "clock/advance"]
    )
    async def test_levers_need_the_token(
        self, browser: Browser, path: str, header: str
    ) -> None:
        """Each of them, for reading and for turning."""
        method = "POST" if path in {"reset", "clock/advance"} else "GET"
        reply = await browser.client.request(
            method, f"{HOST}/sim/{path}", headers={"Authorization": header}
        )

        assert reply.status_code == 401


class TestBoundaries:
    @pytest.mark.parametrize(
        ("form", "status"),
        [
            ({"uuid": "unknown", "action": "allow"}, 404),
            ({"action": "allow"}, 400),
            ({"uuid": "?", "action": "explode"}, 400),
            ({"uuid": "?", "action": "scan", "user": "nobody"}, 400),
            ({"uuid": "?", "action": "cancel", "deny_style": "loud"}, 400),
            ({"uuid": "?", "action": "redeem"}, 400),
        ],
    )
    @pytest.mark.parametrize("page", ["qrconnect", "confirm"])
    async def test_bad_forms_change_nothing(
        self, browser: Browser, page: str, form: dict[str, str], status: int
    ) -> None:
        """Unknown attempts, buttons, users and styles."""
        shown = await browser.open()
        if form.get("uuid") == "?":
            form = {**form, **shown_uuid(shown)}

        reply = await browser.client.post(f"{HOST}/connect/{page}", data=form)

        assert reply.status_code == status
        assert "wx_errcode=408;" in (await browser.poll(shown)).text

    async def test_phone_cannot_refresh(self, browser: Browser) -> None:
        """That button belongs to the other screen."""
        phone = await browser.phone(await browser.open())

        assert (await browser.press("refresh", phone)).status_code == 400

    async def test_unknown_attempt_polls_as_expired(self, browser: Browser) -> None:
        """The page then asks to be refreshed."""
        reply = await browser.client.get(
            f"{HOST}/connect/l/qrconnect", params={"uuid": "x"}
        )

        assert reply.text == "window.wx_errcode=402;window.wx_code='';"

    async def test_allow_calls_no_profile_and_logs_no_secret(
        self, browser: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One exchange, and nothing confidential in either log."""
        caplog.set_level(logging.DEBUG)
        code = code_in(await browser.callback())
        caplog.clear()  # the browser's own calls are the test's, not ours

        identity = await exchange(APP, code.code, client=browser.client)

        log = await browser.sim("request-log")
        paths = [each["path"] for each in log if each["path"].startswith("/sns")]
        assert paths == ["/sns/oauth2/access_token"]
        confidential = ("sim-secret-1", code.code.reveal(), identity.openid)
        assert [each for each in confidential if each in caplog.text + str(log)] == []

    def test_production_is_refused(self) -> None:
        """It would log anybody in as anybody."""
        with pytest.raises(RuntimeError, match="production"):
            make_simulator(production=True)

    def test_empty_admin_token_is_refused(self) -> None:
        """An empty token is a forgotten setting."""
        with pytest.raises(ValueError, match="admin_token"):
            make_simulator(admin_token="")
