"""One scripted pass over receipts: calls that ended in each way, decisions of each kind."""

import json
from typing import Any

from doubles.pictures import picture
from doubles.scripted_pass import Pass
from doubles.scripted_states import every_state

from shared import names
from shared.answers.held import LEASE_SECONDS
from shared.images import ImageBlob, ImageBytes
from shared.records import analysis
from shared.storage.blobs import Blobs
from shared.vision import questions

BEGUN, ENDED = "2026-11-30T12:00:00+00:00", "2026-11-30T12:00:01.5+00:00"
ODD_CALLS = [
    {"count": 7, "usage": {"Transaction": 3}, "begun": "2026-11-29T12:00:00+00:00"},
    {"id": "1", "begun": BEGUN, "lost": True},
    {"id": "2", "begun": BEGUN, "ended": ENDED, "status": 503, "problem": "vision_unavailable", "requestId": "r2"},
    {"id": "3", "begun": BEGUN, "ended": ENDED, "problem": "vision_too_slow"},
    {"id": "4", "begun": BEGUN},
]


def receipts(run: Pass) -> None:
    """`images` with `explain`."""
    every_state(run)
    run.store("turned.jpg", picture("WEBP", 80, 60))
    run.app.services.answers.ask(questions.describe(), ImageBlob("well.jpg"))
    run.store("odd.jpg", picture("JPEG", 90, 61))
    run.store("of-before.jpg", picture("JPEG", 90, 62))
    run.app.clock.advance(LEASE_SECONDS)
    rewrite(run.app.host, run.app.images, "odd.jpg", run.app.services.settings, calls=ODD_CALLS)
    rewrite(run.app.host, run.app.images, "of-before.jpg", run.app.services.settings)
    for name in (
        "well.jpg",
        "words.jpg",
        "turned.jpg",
        "uncut.jpg",
        "odd.jpg",
        "of-before.jpg",
        "waits.jpg",
        "pending.jpg",
    ):
        run.ask("ImagesHttp", "GET", path={"name": name}, explain="true")
        run.ask("ImagesHttp", "GET", name=name, explain="true", wait="true")
    run.ask("ImagesHttp", "GET", path={"name": "well.jpg"}, explain="false")
    run.ask("ImagesHttp", "GET", name="well.jpg", explain="false")
    run.ask("ImagesHttp", "GET", name="well.jpg", explain="perhaps")
    run.store("away.jpg", picture("JPEG", 90, 63), process=False)
    run.app.images.tell(names.IMAGES, "away.jpg", tier="Archive")
    run.ask("ImagesHttp", "GET", path={"name": "away.jpg"}, explain="true")


def rewrite(host: Blobs, images: Blobs, name: str, settings: Any, **members: object) -> None:
    """Let the claim of an image's analysis have these members, and no calls where none are given."""
    blob = images.read(names.IMAGES, name)
    assert blob is not None
    claim = names.claim(ImageBytes(blob.data).subject, analysis.question(settings).key)
    stored = host.read(names.CACHE, claim)
    assert stored is not None
    document = json.loads(stored.data)
    document.pop("calls", None)
    data = json.dumps({**document, **members}).encode()
    host.write(names.CACHE, claim, data, content_type=names.JSON, metadata=stored.info.metadata)
