"""A browser without a screen: it follows the links and forms that a page really has.

It finds controls by ``data-testid``, submits what a browser would submit, keeps
cookies, and follows redirects one by one. It cannot do what the page does not offer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

_MOST_HOPS: Final = 10
_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
_REDIRECTS: Final = frozenset({301, 302, 303})

Attributes = dict[str, str]


class NotOnPage(Exception):
    """The page has no such control, or one that cannot be used."""

    def __init__(self, what: str, page: Page) -> None:
        super().__init__(what, page)
        self.what, self.page = what, page

    def __str__(self) -> str:
        page = self.page
        return f"{self.what} on {page.path} ({page.status}); it has {page.offers}"


@dataclass
class Control:
    """A link, button, box, field or list, with what the page says about it."""

    tag: str
    attributes: Attributes
    form: Attributes | None
    options: list[str] = field(default_factory=list)
    chosen: str | None = None

    @property
    def is_box(self) -> bool:
        """Whether this is a box to tick."""
        return self.attributes.get("type") in {"checkbox", "radio"}

    @property
    def is_submit(self) -> bool:
        """Whether this sends its form."""
        kind = self.attributes.get("type", "submit")
        return self.tag == "button" and kind == "submit"

    @property
    def is_ticked(self) -> bool:
        """Whether the box is ticked now."""
        return "checked" in self.attributes

    @property
    def value(self) -> str:
        """What the control sends."""
        if self.tag == "select":
            first = self.options[0] if self.options else ""
            return first if self.chosen is None else self.chosen
        return self.attributes.get("value", "on" if self.is_box else "")


class Page(HTMLParser):
    """One page as its reader gets it."""

    def __init__(self, url: str, status: int, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url, self.status = url, status
        self.path = urlsplit(url).path
        self.controls: list[Control] = []
        self._texts: dict[str, list[str]] = {}
        self._attributes: dict[str, Attributes] = {}
        self._open: list[tuple[str, str | None]] = []
        self._form: Attributes | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a control, a form, or a part with a name."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = attributes
        elif tag in {"a", "button", "input", "select", "textarea"}:
            self.controls.append(Control(tag, attributes, self._form))
        elif tag == "option" and self.controls:
            found = self.controls[-1]
            found.options.append(attributes.get("value", ""))
            if "selected" in attributes:
                found.chosen = attributes.get("value", "")
        name = attributes.get("data-testid")
        if name is not None:
            self._texts.setdefault(name, [])
            self._attributes.setdefault(name, attributes)
        if tag not in _VOID:
            self._open.append((tag, name))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost part of this kind."""
        if tag == "form":
            self._form = None
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        """Give the text to every named part around it."""
        for _, name in self._open:
            if name is not None:
                self._texts[name].append(data)

    @property
    def offers(self) -> str:
        """The names on this page, for somebody who looks for another."""
        return ", ".join(sorted(self._texts)) or "nothing with a name"

    @property
    def names(self) -> frozenset[str]:
        """Every ``data-testid`` of this page."""
        return frozenset(self._texts)

    @property
    def boxes(self) -> tuple[Control, ...]:
        """Every box to tick."""
        return tuple(control for control in self.controls if control.is_box)

    def text(self, name: str) -> str:
        """Return the words of one named part; raises NotOnPage."""
        if name not in self._texts:
            raise NotOnPage(f"no {name}", self)
        return " ".join("".join(self._texts[name]).split())

    def attribute(self, name: str, attribute: str) -> str:
        """Return an attribute of one named part; raises NotOnPage."""
        found = self._attributes.get(name, {}).get(attribute)
        if found is None:
            raise NotOnPage(f"no {name} with {attribute}", self)
        return found

    def ending(self, prefix: str) -> set[str]:
        """Return what follows the prefix, in each name that begins with it."""
        return {
            name.removeprefix(prefix) for name in self._texts if name.startswith(prefix)
        }

    def control(self, name: str) -> Control:
        """Return one control by its name; raises NotOnPage."""
        for control in self.controls:
            if control.attributes.get("data-testid") == name:
                if "disabled" in control.attributes:
                    raise NotOnPage(f"{name} is disabled", self)
                return control
        raise NotOnPage(f"no {name}", self)


@contextmanager
def open_browser(language: str = "en") -> Iterator[Browser]:
    """Give a browser of its own cookies, set to one language."""
    headers = {"Accept": "text/html", "Accept-Language": language}
    with httpx2.Client(timeout=10.0, trust_env=False, headers=headers) as http:
        yield Browser(http)


class Browser:
    """One person's browser; ``page`` is what they look at."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self.page = Page("about:blank", 200, "")
        self._onward: str | None = None
        self.answered_at = 0.0  # `time.perf_counter` of the last first answer

    def tab(self) -> Browser:
        """Return a second tab, which shares the cookies and looks at the same page."""
        tab = Browser(self._http)
        tab.page = self.page
        return tab

    def open(self, url: str) -> Page:
        """Go to an address, as if it were typed in."""
        self._request("GET", url, site="none")
        return self.follow()

    def tick(self, *names: str) -> None:
        """Tick boxes; ticking one that is ticked is a mistake."""
        for name in names:
            box = self.page.control(name)
            if not box.is_box or box.is_ticked:
                raise NotOnPage(f"{name} is no unticked box", self.page)
            box.attributes["checked"] = ""

    def fill(self, name: str, value: str) -> None:
        """Write into a field, or choose from a list."""
        control = self.page.control(name)
        if control.tag == "select":
            if value not in control.options:
                raise NotOnPage(f"{name} has no choice {value}", self.page)
            control.chosen = value
        else:
            control.attributes["value"] = value

    def click(self, name: str) -> Page:
        """Follow a link or press a button, and the redirects after it."""
        self.press(name)
        return self.follow()

    def press(self, name: str) -> int:
        """Follow a link or press a button; return the status of the first answer."""
        control = self.page.control(name)
        here = self.page.url
        if control.tag == "a":
            target = urljoin(here, control.attributes.get("href", ""))
            return self._request("GET", target, site=self._site(target))
        if not control.is_submit or control.form is None:
            raise NotOnPage(f"{name} does nothing", self.page)
        action = control.attributes.get("formaction", control.form.get("action", ""))
        target = urljoin(here, action)
        fields = urlencode(list(self._fields(control)))
        if control.form.get("method", "get").lower() == "get":
            target = f"{target.partition('?')[0]}?{fields}"
            return self._request("GET", target, site=self._site(target))
        return self._request("POST", target, site=self._site(target), body=fields)

    def follow(self) -> Page:
        """Follow redirects until there is a page."""
        for _ in range(_MOST_HOPS):
            if self._onward is None:
                return self.page
            # After a hop elsewhere the chain stays what it has become.
            self._request("GET", self._onward, site="same-site")
        raise NotOnPage("redirects without end", self.page)

    def _fields(self, pressed: Control) -> list[tuple[str, str]]:
        """Return what the form sends: no button but the pressed, no unticked box."""
        sent = []
        for control in self.page.controls:
            name = control.attributes.get("name")
            if control.form is not pressed.form or not name or control.tag == "a":
                continue
            if control.is_box and not control.is_ticked:
                continue
            if control.tag == "button" and control is not pressed:
                continue
            if "disabled" not in control.attributes:
                sent.append((name, control.value))
        return sent

    def _site(self, target: str) -> str:
        return (
            "same-origin" if _origin(target) == _origin(self.page.url) else "same-site"
        )

    def _request(
        self, method: str, url: str, *, site: str, body: str | None = None
    ) -> int:
        headers = {
            "Sec-Fetch-Site": site,
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        if method == "POST":
            headers["Origin"] = _origin(self.page.url)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._http.request(method, url, content=body, headers=headers)
        self.answered_at = time.perf_counter()
        if answer.status_code in _REDIRECTS:
            self._onward = urljoin(url, answer.headers["Location"])
        else:
            self._onward = None
            self.page = Page(url, answer.status_code, answer.text)
        return answer.status_code


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
