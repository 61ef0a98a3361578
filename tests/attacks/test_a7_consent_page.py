"""A7: nobody but the person, on the page they were shown, makes a yes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.product import FORM, Client, Form, Person, Product, query_of


def tampered(form: Form, **changes: str) -> Form:
    """Return a form with other hidden values."""
    other = Form(form.action)
    other.hidden = form.hidden | changes
    other.boxes = list(form.boxes)
    return other


class TestForgery:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://localhost"},
            {"sec_fetch_site": "cross-site"},
            {"content_type": "text/plain"},
            {"content_type": "multipart/form-data; boundary=x"},
            {"content_type": "application/json"},
        ],
    )
    def test_other_sites_are_refused(
        self, victim: Person, courier: Client, headers: dict[str, str]
    ) -> None:
        """A right form that comes the wrong way does nothing."""
        form = victim.consent(courier)

        told = victim.send(form, [*form.boxes, ("decision", "allow")], **headers)

        assert told.status_code in {400, 403, 415}
        assert victim.grants() == []

    @pytest.mark.parametrize("field", ["csrf", "nonce"])
    def test_values_of_another_session_are_refused(
        self, victim: Person, mallory: Person, courier: Client, field: str
    ) -> None:
        """Mallory's own nonce and token are worth nothing in the victim's browser."""
        form, own = victim.consent(courier), mallory.consent(courier)

        for value in ("", "0" * 64, own.hidden[field]):
            told = victim.allow(tampered(form, **{field: value}))
            assert told.status_code == 403

        assert victim.grants() == mallory.grants() == []

    def test_get_does_nothing(self, victim: Person, courier: Client) -> None:
        """No address makes a yes."""
        form = victim.consent(courier)
        sent = {**form.hidden, **dict(form.boxes), "decision": "allow"}

        victim.browser.get(form.action, params=sent)

        assert victim.grants() == []

    @pytest.mark.parametrize("path", ["/logout", "/locale", "/notice"])
    def test_other_forms_want_their_token_too(self, victim: Person, path: str) -> None:
        """Every form of the pages is bound to its session."""
        for body in ("", "csrf=", "csrf=" + "0" * 64, "locale=en&back=/me&csrf="):
            told = victim.browser.post(
                path, content=body, headers={"content-type": FORM}
            )
            assert told.status_code in {400, 403}

        assert victim.browser.get("/me").status_code == 200

    def test_withdrawal_of_another_person_is_refused(
        self, victim: Person, mallory: Person, courier: Client
    ) -> None:
        """Neither with Mallory's token for the form, nor with the victim's page."""
        victim.grant(courier)
        grant = victim.grants()[0]["id"]
        form = victim.page("/me/partners").form(f"/me/grants/{grant}")

        told = mallory.send(form, [])

        assert told.status_code == 403
        assert victim.grants()[0]["state"] == "granted"


class TestTampering:
    @pytest.mark.parametrize(
        "extra",
        [
            [("item", "1"), ("decision", "allow")],
            [("item", "-1"), ("decision", "allow")],
            [("item", "0"), ("element", "0:address"), ("decision", "allow")],
            [("item", "0"), ("element", "1:order_no"), ("decision", "allow")],
            [("item", "0"), ("element", "order_no"), ("decision", "allow")],
            [("element", "0:order_no"), ("decision", "allow")],
            [("item", "0"), ("decision", "grant")],
            [("item", "0"), ("decision", "allow"), ("decision", "deny")],
            [("item", "0"), ("decision", "allow"), ("granted_by", "me")],
            [("item", "0"), ("decision", "allow"), ("nonce", "x")],
            [("decision", "allow")],
        ],
    )
    def test_what_was_not_offered_is_refused_whole(
        self, victim: Person, courier: Client, extra: list[tuple[str, str]]
    ) -> None:
        """Items and elements that the page did not have, and fields said twice."""
        form = victim.consent(courier)

        told = victim.send(form, extra)

        assert told.status_code in {400, 422}
        assert victim.grants() == []

    def test_request_of_another_browser_does_not_exist(
        self, victim: Person, mallory: Person, courier: Client
    ) -> None:
        """An id that was seen somewhere opens nothing, with any verb."""
        form = victim.consent(courier)
        unknown = "/oauth/consent/req_" + "a" * 26

        shown = [mallory.browser.get(path) for path in (form.action, unknown)]
        sent = mallory.allow(form)

        assert [one.status_code for one in (*shown, sent)] == [404, 404, 404]
        assert victim.grants() == mallory.grants() == []

    def test_next_person_in_the_browser_gets_no_code(
        self, victim: Person, mallory: Person, courier: Client
    ) -> None:
        """An answered request is told again to who answered it, and nobody else."""
        form = victim.consent(courier)
        first = query_of(victim.allow(form))
        again = query_of(victim.browser.get(form.action))
        victim.log_in(mallory)

        shown = victim.browser.get(form.action)
        sent = victim.allow(form)

        assert first == again
        assert [shown.status_code, sent.status_code] == [404, 404]

    def test_page_of_the_account_before_is_dead(
        self, victim: Person, mallory: Person, courier: Client
    ) -> None:
        """Somebody is brought into Mallory's account while a form is open."""
        form = victim.consent(courier)
        victim.log_in(mallory)

        told = victim.allow(form)

        assert told.status_code == 403
        assert victim.grants() == mallory.grants() == []


class TestTwice:
    def test_parallel_submits_are_one_act(
        self, victim: Person, courier: Client
    ) -> None:
        """Sixteen presses at once: one act, one code, the same answer for all."""
        form = victim.consent(courier)

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(lambda _: victim.allow(form), range(16)))

        codes = {query_of(one)["code"] for one in told}
        assert len(codes) == 1
        assert len(victim.grants()) == 1

    def test_yes_and_no_at_once_is_one_of_them(
        self, victim: Person, courier: Client
    ) -> None:
        """Whichever came first is what everybody is told."""
        form = victim.consent(courier)
        presses = [[*form.boxes, ("decision", word)] for word in ("allow", "deny")] * 4

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda extra: victim.send(form, extra), presses))

        answers = {tuple(sorted(query_of(one))) for one in told}
        assert len(answers) == 1
        assert len(victim.grants()) == 1


class TestFixation:
    def test_planted_id_is_not_adopted(self, product: Product) -> None:
        """A cookie that the server did not make is replaced, not used."""
        person = product.person()
        person.cookie = planted = "A" * 43

        person.browser.get("/login")

        assert person.cookie not in {"", planted}

    def test_id_changes_at_log_in_and_before_consent(
        self, product: Product, courier: Client
    ) -> None:
        """Whoever knew the id before knows nothing afterwards."""
        person = product.person()
        person.browser.get("/login")
        seen = [person.cookie]
        person.log_in()
        seen.append(person.cookie)
        person.consent(courier)
        seen.append(person.cookie)

        assert len(set(seen)) == 3
        for old in seen[:2]:
            thief = product.person()
            thief.cookie = old
            assert thief.browser.get("/me").headers["location"] == "/login"

    def test_frame_is_refused(self, victim: Person, courier: Client) -> None:
        """The page cannot be put into another one, nor run anything foreign."""
        form = victim.consent(courier)

        policy = victim.browser.get(form.action).headers["content-security-policy"]

        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


class TestHandover:
    def test_link_works_once_among_many(self, product: Product) -> None:
        """Parallel visits: one is signed in, the others are told why not."""
        link = product.person().session()["handover_url"]

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda _: product.http.get(link), range(8)))

        assert sorted(one.status_code for one in told) == [303] + [410] * 7

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-dest": "iframe"},
            {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"},
            {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
            {"sec-purpose": "prefetch"},
        ],
    )
    def test_only_a_visit_signs_in(
        self, product: Product, headers: dict[str, str]
    ) -> None:
        """A page that loads the link as a part of itself signs nobody in."""
        link = product.person().session()["handover_url"]

        hidden = product.http.get(link, headers=headers)
        open_visit = product.http.get(link)

        assert hidden.status_code in {403, 503}
        assert "set-cookie" not in hidden.headers
        assert open_visit.status_code == 303

    def test_who_is_brought_into_another_account_is_told(
        self, victim: Person, mallory: Person
    ) -> None:
        """Log-in CSRF by a link cannot be silent: the page says whose app it was."""
        landed = victim.browser.get(mallory.session()["handover_url"])

        page = victim.page(landed.headers["location"])

        assert "If that was not you, log out" in page.html
