"""Starting the machine's own Chromium, and what every page is held to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.support.grids import one_of

REPOSITORY = Path(__file__).resolve().parents[2]
AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# The first is Chromium without its window's own pages: it starts faster, and opens pages with less work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    # Each page's scripts run once: making them faster for the thousandth time, and threads that help with that and
    # with drawing, took a fifth of the browser's work.
    "--js-flags=--no-opt --no-maglev --single-threaded",
    "--in-process-gpu",
    "--num-raster-threads=1",
)
# Height of the window for each width we care about: desktop, tablet, phone.
HEIGHTS = {1440: 900, 768: 1024, 375: 812}

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# Pages are made of components, which the style guide's test holds to every look; these two find what a page adds.
LOOKS: tuple[tuple[int, Scheme], ...] = ((1440, "light"), (375, "dark"))
EVERY_LOOK: tuple[tuple[int, Scheme], ...] = tuple(product(HEIGHTS, SCHEMES))


@lru_cache(maxsize=1)
def executable() -> str | None:
    """Where Chromium is, or nothing where the machine has none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), headless=True, args=list(FLAGS))
        yield running
        running.close()


def context_of(running: Browser, width: int = 1440, scheme: Scheme = "light", **options: Any) -> BrowserContext:
    """A fresh profile with a window of one of the checked widths."""
    return running.new_context(
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        color_scheme=scheme,
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
        locale="en-GB",
        **options,
    )


@dataclass
class Complaints:
    """What a page should never do: script errors, refused styles and scripts, failed requests."""

    seen: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Collect from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"script error: {error}"))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        # A search under way is given up when the person moves on: no fault of the page.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"failed: {request.url} {request.failure}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _own_editing(message) and not _refused_form(message):
            self.seen.append(f"console: {message.text}")


def _refused_form(message: ConsoleMessage) -> bool:
    """A form with errors answers 422, which Chromium reports when a script sent it."""
    return "status of 422" in message.text


def _own_editing(message: ConsoleMessage) -> bool:
    """Chromium styles what it moves when one types over a selection of an editor, and refuses that itself.

    It comes from no script and no line; an inline style of ours is reported with the line that holds it.
    """
    return message.text.startswith("Applying inline style") and message.location["lineNumber"] == 0


# What passed is most of what axe tells, and stays in the page.
_VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`));
}"""


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong on the page as it stands, one line a rule and element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_VIOLATIONS)
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window; nothing should scroll sideways as a whole."""
    wider: int = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def assert_sound(page: Page, looks: Sequence[tuple[int, Scheme]] = ()) -> None:
    """What every page is held to: no sideways scrolling at any width, and no axe violation in ``looks``.

    These are the two of :data:`LOOKS`, of which a run that is not whole takes one.
    """
    looks = looks or one_of(LOOKS, re.sub(r"\d+", "", urlsplit(page.url).path))
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        assert overflow(page) == 0, f"{page.url} is wider than {width} px"
        for scheme in (scheme for scheme in SCHEMES if (width, scheme) in looks):
            page.emulate_media(color_scheme=scheme)
            found = axe_violations(page)
            assert not found, f"{page.url} at {width} px, {scheme}: {found}"
