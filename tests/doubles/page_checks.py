"""What holds of every view of the page: no serious finding of axe-core, no jump of the layout, nothing too wide."""

from functools import cache
from typing import Any

from doubles.azurite import PROJECT_ROOT
from playwright.sync_api import Page

AXE = PROJECT_ROOT / "tests/page/tools/node_modules/axe-core/axe.min.js"
SERIOUS = ("serious", "critical")
# The browser tells of each element that has moved by itself; what follows a press of a key or a button is none of it.
_SHIFTS = """
  globalThis.shifts = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue
      const moved = entry.sources.map(({ node, previousRect, currentRect }) => {
        const name = node?.outerHTML?.slice(0, 120) ?? node?.textContent?.slice(0, 60) ?? 'gone'
        return `${name} ${JSON.stringify(previousRect)} -> ${JSON.stringify(currentRect)}`
      })
      globalThis.shifts.push({ value: entry.value, moved })
    }
  }).observe({ type: 'layout-shift', buffered: true })
"""


@cache
def _axe() -> str:
    assert AXE.exists(), "axe-core is not installed: run `make setup-dev`"
    return AXE.read_text()


def serious_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical on the page as it is now: the rule, its help and the elements."""
    # By the debugger, as the page's policy lets in no script of another.
    page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        f"{each['id']}: {each['help']}: {[(node['html'], node['failureSummary']) for node in each['nodes'][:5]]}"
        for each in found
        if each["impact"] in SERIOUS
    ]


def watch_shifts(page: Page) -> None:
    """Note from the next load on what moves by itself."""
    page.add_init_script(_SHIFTS)


def shifts(page: Page) -> list[dict[str, Any]]:
    """What has moved since the load."""
    # Entries of the frames before are delivered in the next ones.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
    found: list[dict[str, Any]] = page.evaluate("globalThis.shifts")
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth"))
