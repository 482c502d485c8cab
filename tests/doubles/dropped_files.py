"""Files that a person drags from a folder of the machine onto the page, as the browser itself tells of it."""

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

_COPY = 1


def drop(page: Page, files: Sequence[Path], *, at: tuple[int, int] | None = None) -> None:
    """Drag them over the page and let them go, in the middle of the window unless *at* names another point."""
    size = page.viewport_size
    assert size is not None
    x, y = at or (size["width"] // 2, size["height"] // 2)
    data = {"items": [], "files": [str(path) for path in files], "dragOperationsMask": _COPY}
    debugger = page.context.new_cdp_session(page)
    try:
        for kind in ("dragEnter", "dragOver", "drop"):
            debugger.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})
    finally:
        debugger.detach()
