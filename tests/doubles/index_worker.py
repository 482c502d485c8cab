"""
A process of the app that uploads are delivered to, with storage on Azurite and a Computer Vision that answers at once.

    python tests/doubles/index_worker.py CONNECTION_STRING MODE NAME...

It prints a line when it is ready, does the uploads of the images of these names, eight at a time, when a line comes,
and prints what they have cost: `{"operations", "seconds"}`. The modes:

- `index`: as the app is.
- `without`: as it was before there was an index.
- `killed before`, `killed after`: SIGKILL ends it at its first block of lines, before or after storage has it.
"""

import asyncio
import json
import os
import signal
import sys
import time

from doubles.fake_vision import FakeVision
from doubles.parts import ENVIRONMENT, asking

from shared import services
from shared.index.tail import Tail
from shared.services import App
from shared.settings import Settings
from shared.uploads import on_upload

_AT_ONCE = 8


def build(connection_string: str) -> App:
    """An app whose images and whose bookkeeping are both in that account."""
    accounts = dict.fromkeys(("ImagesStorage", "AzureWebJobsStorage"), connection_string)
    # One thumbnail, as the burst is about what comes after the records.
    settings = Settings.from_env({**ENVIRONMENT, **accounts, "THUMBNAIL_SIZES": "50x50"})
    return asking(services.build(settings), FakeVision())


def without_index(app: App) -> App:
    """The same app as it was before there was an index."""
    plain = app._replace(images=app.images.observed)  # type: ignore[attr-defined]
    return asking(plain, app.vision)


def _kill(*given: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arrange(mode: str) -> None:
    add = Tail._add

    def killed_after(tail: Tail, block: bytes) -> None:
        add(tail, block)
        _kill()

    if mode == "killed before":
        Tail._add = _kill  # type: ignore[method-assign,assignment]
    if mode == "killed after":
        Tail._add = killed_after  # type: ignore[method-assign]


async def _deliver(app: App, names: list[str]) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        async with places:
            blob = app.images.read("images", name)
            assert blob
            await on_upload.process(name, blob.data, "the binding")

    await asyncio.gather(*(one(name) for name in names))


def main(connection_string: str, mode: str, *names: str) -> None:
    app = build(connection_string)
    if mode == "without":
        app = without_index(app)
    _arrange(mode)
    app.images.head("images", names[0])  # the SDK is imported before the time is taken
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    with services.replaced(app):
        asyncio.run(_deliver(app, list(names)))
    print(json.dumps({"operations": app.index_writer.operations, "seconds": time.monotonic() - begun}), flush=True)
    # Threads of the app's pools keep no result.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
