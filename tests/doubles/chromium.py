"""
A real Chromium, driven by Playwright, that reaches this machine and nothing else; and what it sees of one visit.

Debian has it as `chromium`; Chrome does as well. Playwright's own download is not needed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "Chromium is not installed (Debian: apt install chromium fonts-dejavu-core)"
# How long a test waits for a change that is certain to come, on a machine that does much else.
PATIENCE_MILLISECONDS = 110_000
WIDE, PHONE = (1440, 900), (390, 844)
LOOPBACK = "127.0.0.1"
# No name has an address, so that no request to another host leaves this machine.
_ALONE = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


def path_or_skip() -> str:
    """The browser's path. Where there is none the test is skipped; not in continuous integration, which installs it."""
    found = next(filter(None, map(shutil.which, COMMANDS)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run it without a window."""
    path = path_or_skip()
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ALONE)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """
    One visit to the page in a profile of its own.

    Attributes:
        page: the tab.
        errors: what the browser has complained of: errors of scripts and on the console, refusals of the policy.
        elsewhere: every request that was for another host.
        expected: parts of complaints that the test brings about.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(f"error of a script: {error.stack or error}"))
        self.page.context.on("request", self._see)
        self.page.on("crash", lambda _: self.errors.append("the tab has crashed"))

    def check(self) -> None:
        """Fail if the browser has complained, or has asked another host for anything."""
        unexpected = [error for error in self.errors if not any(each in error for each in self.expected)]
        assert not unexpected, unexpected
        assert not self.elsewhere, self.elsewhere

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type} on the console: {message.text} ({message.location})")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != LOOPBACK:
            self.elsewhere.append(request.url)


@contextmanager
def visiting(
    browser: Browser,
    *,
    size: tuple[int, int] = WIDE,
    dark: bool = False,
    cookie: tuple[str, str, str] | None = None,
    expected: tuple[str, ...] = (),
) -> Iterator[Visit]:
    """
    Open a tab in a profile of its own; at the end, what the browser has complained of fails the test.

    Args:
        browser: a running one.
        size: of the window; one as narrow as a phone has touch too.
        dark: whether the machine is set to dark colours.
        cookie: the address that it is sent to, its name and its value.
        expected: parts of complaints that the test brings about.
    """
    width, height = size
    is_phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=is_phone,
        is_mobile=is_phone,
        locale="en-GB",
        timezone_id="UTC",
    )
    try:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        if cookie:
            address, name, value = cookie
            context.add_cookies([{"name": name, "value": value, "url": address, "httpOnly": True, "sameSite": "Lax"}])
        visit = Visit(context.new_page(), expected=expected)
        yield visit
        visit.check()
    finally:
        context.close()
