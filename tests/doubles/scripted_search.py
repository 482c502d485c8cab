"""One scripted pass over the search, and over the rebuild of its index."""

import io
import json

from doubles.http_requests import parsed
from doubles.scripted_pass import Pass, failing_hub
from doubles.scripted_states import every_state
from PIL import Image

from shared import names
from shared.errors import StorageError
from shared.index import places
from shared.search.search import FRESH_SECONDS

_REBUILD = {"action": "rebuild"}
_DATE_TIME_ORIGINAL = 36867


def searched(run: Pass) -> None:
    """`search`: every member of an answer, the ways to ask, and the faults."""
    _stored(run)
    run.ask("SearchHttp", "GET")
    for q in ("album", "caption", "tag:outdoor", "HELLO", "people", "text:OPEN", "corrected", "has:text -words"):
        run.ask("SearchHttp", "GET", q=q)
    first = parsed(run.ask("SearchHttp", "GET", limit="1"))
    run.ask("SearchHttp", "GET", limit="1", continuation=first["continuation"])
    for sort in ("match", "date", "name"):
        run.ask("SearchHttp", "GET", sort=sort)
    run.ask("SearchHttp", "GET", q="is:lost")
    run.ask("SearchHttp", "GET", other="1")
    for error in (StorageError("down"), RuntimeError("a mistake")):
        _look_anew(run)
        with run.failing_host(error):
            run.ask("SearchHttp", "GET")
    run.app.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    _look_anew(run)
    run.ask("SearchHttp", "GET")


def _stored(run: Pass) -> None:
    """An image in each state, two of one picture, one that people have corrected, and one of which little is known."""
    every_state(run)
    for name in ("album/one.jpg", "album/two.jpg"):
        run.store(name, _photograph())
    correction = {"caption": "a corrected caption", "alt": "a corrected text", "tags": {"added": ["corrected"]}}
    metadata = {names.SOURCE_ETAG: "0x1"}
    run.services.images.write(
        names.CORRECTIONS,
        names.correction("album/one.jpg"),
        json.dumps(correction).encode(),
        content_type=names.JSON,
        metadata=metadata,
    )
    at = run.app.clock.utc().timestamp()
    note = run.services.index_writer.note
    note({"stem": "little.jpg", "at": at, "parts": {"text": {"e": "1"}}})
    dates = {"uploaded": "2026-01-01T00:00:00+00:00", "taken": "2024-06-01T12:30:00"}
    note({"stem": "dated.jpg", "at": at, "parts": {"image": {"bytes": 9, "kind": "jpeg", **dates}}})
    _look_anew(run)


def _photograph() -> bytes:
    """Something to be seen, taken at some time."""
    image = Image.radial_gradient("L").resize((96, 96)).convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[_DATE_TIME_ORIGINAL] = "2024:06:01 12:30:00"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def _look_anew(run: Pass) -> None:
    """Store the lines of the index, and let the next search look."""
    run.services.index_writer.flush()
    run.app.clock.advance(FRESH_SECONDS)


def rebuilt(run: Pass) -> None:
    """`search/rebuild`: before the first, begun, under way, ended, failed, and the faults."""
    hub = run.hub
    run.ask("SearchHttp", "GET", path=_REBUILD)
    for _ in range(2):
        run.ask("SearchHttp", path=_REBUILD)
    run.ask("SearchHttp", "GET", path=_REBUILD)
    hub.set("index", "Completed", name="ReconcileOrchestrator", output={"problem": "OSError: no answer"})
    run.ask("SearchHttp", "GET", path=_REBUILD)
    hub.set("index", "Completed", name="ReconcileOrchestrator", output={"problem": None})
    moments = {"began": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:00:09+00:00"}
    told = json.dumps({"images": 3, "changed": 1, "gone": 0, **moments}).encode()
    run.app.host.write(names.INDEX, places.BUILT, told, content_type=names.JSON)
    run.ask("SearchHttp", "GET", path=_REBUILD)
    run.ask("SearchHttp", "GET", path=_REBUILD, other="1")
    run.ask("SearchHttp", path=_REBUILD, other="1")
    run.ask("SearchHttp", path=_REBUILD, body=b"x")
    run.ask("SearchHttp", path=_REBUILD, headers={"Transfer-Encoding": "chunked"})
    for error in (StorageError("down"), RuntimeError("a mistake")):
        with failing_hub(hub, error):
            run.ask("SearchHttp", path=_REBUILD)
            run.ask("SearchHttp", "GET", path=_REBUILD)
