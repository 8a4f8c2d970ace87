"""Visits of the portal: as whom, in which language, how wide, with scripts or not, and what went wrong."""

from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from exchange.portal.session import COOKIE
from tests.fakes.node import Standing

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = 320
SCREEN = 1280


@dataclass(slots=True)
class Visit:
    """One visitor's window."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """Errors on the console, breaches of the content security policy among them, and errors of scripts."""

    def go(self, path: str) -> Page:
        """Open a page of the portal; returns it loaded."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def is_wider_than_its_window(self) -> bool:
        measured = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return bool(measured)

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})

    def inaccessible(self) -> str:
        """Return what axe finds wrong, empty for nothing. Needs a visit with `axe=True`."""
        found = Axe().run(self.page)
        return str(found.generate_report()) if found.violations_count else ""


class Visiting:
    """Opens visits, each in its own browser profile, and closes them."""

    def __init__(self, browser: Browser, place: Standing) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.place = place

    def as_officer(
        self,
        officer: str,
        *,
        lang: str = "zh",
        width: int = SCREEN,
        scripts: bool = True,
        axe: bool = False,
    ) -> Visit:
        """Visit as an officer of the story, signed in."""
        visit = self.as_stranger(lang=lang, width=width, scripts=scripts, axe=axe)
        visit.page.context.add_cookies(
            [{"name": COOKIE, "value": self.session(officer), "url": self.place.url}]
        )
        return visit

    def as_stranger(
        self, *, lang: str = "zh", width: int = SCREEN, scripts: bool = True, axe: bool = False
    ) -> Visit:
        """Visit as nobody in particular."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            # axe is put into the page, which its policy forbids.
            bypass_csp=axe,
        )
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        context.add_cookies([{"name": "exchange_language", "value": lang, "url": self.place.url}])
        visit = Visit(page=context.new_page(), url=self.place.url)
        visit.page.on("console", lambda said: _note(visit, said))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        return visit

    def session(self, officer: str) -> str:
        """Sign an officer of the story in; returns the cookie's secret."""
        node = self.place.node
        officers = node.live.load().officers
        link = node.sign_in.offer_link(officers[self.place.place.ids[officer]], by=None)
        return node.sign_in.redeem_link(link, officers=officers).secret

    def end(self) -> None:
        for context in self._contexts:
            context.close()


def _note(visit: Visit, said: ConsoleMessage) -> None:
    if said.type in {"error", "warning"}:
        visit.complaints.append(said.text)
