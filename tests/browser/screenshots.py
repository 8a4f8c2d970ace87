"""`make screenshots`: pictures of the portal into `.cache/screenshots`, the best into `docs/pictures`."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from exchange.demo import district
from exchange.demo.setup import DEPOSIT, ask_for
from tests.browser.conftest import WAITING
from tests.browser.test_portal_pages import EXAMPLES
from tests.browser.visiting import ARGUMENTS, PHONE, SCREEN, Visiting
from tests.fakes.node import DEPARTMENTS, standing

ROOT = Path(__file__).parents[2]
ALL = ROOT / ".cache" / "screenshots"
BEST = ROOT / "docs" / "pictures"
KEPT = {
    "home-zh-1280",
    "catalogue-zh-1280",
    "catalogue-zh-320",
    "catalogue-code-zh-1280",
    "inbox-id-zh-1280",
    "cases-zh-1280",
    "audit-cases-zh-1280",
    "audit-entries-index-zh-1280",
    "reviews-id-zh-1280",
}


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("no chromium here: apt-get install chromium\n")
        return 1
    for folder in (ALL, BEST):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        standing(Path(scratch) / "home") as place,
        sync_playwright() as playwright,
    ):
        place.ask(DEPARTMENTS)
        place.ask(e=district.STRANGER)
        ask_for(place.place, DEPOSIT)
        place.act("authority", "source.import", rows=[WAITING])
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        visits = Visiting(browser, place)
        for route, (officer, address) in EXAMPLES.items():
            for lang, width in (("zh", SCREEN), ("zh", PHONE), ("en", SCREEN)):
                visit = (
                    visits.as_officer(officer, lang=lang, width=width)
                    if officer
                    else visits.as_stranger(lang=lang, width=width)
                )
                page = visit.go(address(place))
                name = f"{_name(route)}-{lang}-{width}"
                page.screenshot(path=ALL / f"{name}.png", full_page=True)
                if name in KEPT:
                    shutil.copy(ALL / f"{name}.png", BEST / f"{name}.png")
                page.context.close()
        browser.close()
    made = len(list(ALL.glob("*.png")))
    sys.stdout.write(f"{made} pictures in {ALL}, {len(KEPT)} kept in {BEST}\n")
    return 0


def _name(route: str) -> str:
    plain = route.replace(":path", "").strip("/").replace("{", "").replace("}", "")
    return plain.replace("/", "-") or "home"


if __name__ == "__main__":
    sys.exit(main())
