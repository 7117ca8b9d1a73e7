"""``make shot``: every page at every width in both themes, as PNG files in ``<data folder>/shots``.

Uses the demo that is running, or starts it for the while. Pages are found by following links from the overview, one of
each kind (``/acme/syncs/1`` stands for all syncs). Prints what axe or a sideways scroll finds on the way.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import (
    HEIGHTS,
    REPOSITORY,
    SCHEMES,
    axe_violations,
    browser,
    context_of,
    executable,
    overflow,
)

DATA = REPOSITORY / ".data"
SHOTS = DATA / "shots"
PUBLIC = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/styleguide/", "/inspector/")
MOST_PAGES = 80
START_SECONDS = 240
STOP_SECONDS = 20


@dataclass(frozen=True)
class Demo:
    """Where the demo is and how to sign in."""

    base_url: str
    email: str
    password: str
    workspace: str

    @classmethod
    def described(cls) -> Demo | None:
        """What the demo wrote about itself, if it did."""
        try:
            said = json.loads((DATA / "demo.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(said["base_url"].rstrip("/"), said["email"], said["password"], said["workspace"])

    def answers(self) -> bool:
        """Whether its web process is up."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=2) as answer:  # noqa: S310  our own http address
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


@contextmanager
def running_demo() -> Iterator[Demo]:
    """The demo that runs already, or one started here and stopped afterwards."""
    demo = Demo.described()
    if demo and demo.answers():
        yield demo
        return
    process = subprocess.Popen([sys.executable, "-m", "config.supervisor", "demo"], cwd=REPOSITORY)
    try:
        yield _wait(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes]) -> Demo:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        demo = Demo.described()
        if demo and demo.answers():
            return demo
        time.sleep(0.5)
    raise SystemExit("The demo did not start; run `make demo` to see why.")


def sign_in(context: BrowserContext, demo: Demo) -> None:
    """Through the form, as a person does."""
    page = context.new_page()
    page.goto(f"{demo.base_url}/accounts/login/")
    page.locator("input[name=login]").fill(demo.email)
    page.locator("input[name=password]").fill(demo.password)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.close()


def kind_of(path: str) -> str:
    """A path with its ids taken out: pages of one kind look alike."""
    return re.sub(r"(?<=[/=])\d+(:\d+)?(?=[/?&]|$)", "N", path)


def find_pages(context: BrowserContext, demo: Demo) -> list[str]:
    """Paths of the workspace, one of each kind, by following links."""
    start = f"/{demo.workspace}/"
    queue, kinds = [start], {kind_of(start)}
    found: list[str] = []
    page = context.new_page()
    while queue and len(found) < MOST_PAGES:
        path = queue.pop(0)
        answer = page.goto(demo.base_url + path)
        if answer is None or not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        found.append(path)
        for href in page.locator("a[href]:not([download])").evaluate_all("links => links.map(link => link.href)"):
            parts = urlsplit(href)
            # Steps of a wizard differ by what was chosen before, pages of a list only by their filters.
            target = f"{parts.path}?{parts.query}" if parts.query.startswith("model=") else parts.path
            kind = kind_of(target)
            if (
                parts.path.startswith(start)
                and f"{parts.scheme}://{parts.netloc}" == demo.base_url
                and kind not in kinds
            ):
                kinds.add(kind)
                queue.append(target)
    page.close()
    return found


def take(page: Page, url: str, name: str) -> Iterator[str]:
    """Photograph one page at every width and in both themes; yield what is wrong with it."""
    page.goto(url)
    page.wait_for_load_state("networkidle")
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
        if wider := overflow(page):
            yield f"{wider} px wider than {width} px"
    yield from axe_violations(page)


def take_all(running: Browser, demo: Demo) -> int:
    """All pages; returns how many complaints there were."""
    signed_in, stranger = context_of(running), context_of(running)
    sign_in(signed_in, demo)
    jobs = [(stranger.new_page(), path) for path in PUBLIC]
    photographed = signed_in.new_page()
    jobs += [(photographed, path) for path in find_pages(signed_in, demo)]
    count = 0
    for page, path in jobs:
        name = re.sub(r"[^\w-]+", "_", path.strip("/"))
        complaints = list(take(page, demo.base_url + path, name))
        count += len(complaints)
        print(f"{path}{''.join(f'{chr(10)}  {words}' for words in complaints)}", flush=True)
    return count


def main() -> None:
    """Take all pictures and say where they are."""
    if executable() is None:
        raise SystemExit("No Chromium on this machine: install the package chromium.")
    SHOTS.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo, browser() as running:
        count = take_all(running, demo)
    print(f"Pictures are in {Path('.data') / SHOTS.name}; {count} complaints.")


if __name__ == "__main__":
    main()
