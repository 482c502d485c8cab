"""What must be true of both accounts in memory once all is settled, whatever happened to the images."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from doubles.parts import Parts

from shared import names
from shared.api import image_states

_RECORDS = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED)


def digests(app: Parts) -> dict[str, str]:
    """The SHA-256 of each image, by its name."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in app.images.contents(names.IMAGES).items()}


def owner_marks(app: Parts) -> set[tuple[str, str]]:
    """Each image and the digest that it is said to have, by the marks' contents."""
    marks = app.host.contents(names.OWNERS).items()
    return {(content.decode(), mark.partition("/")[0]) for mark, content in marks if "/" in mark}


def subjects(app: Parts) -> set[str]:
    """The subjects of which there are answers."""
    return {claim.partition("/")[0] for claim in app.host.contents(names.CACHE)}


def record_names(app: Parts) -> dict[str, list[str]]:
    """The records of images in each container; without those of callers over HTTP."""
    return {
        container: [name for name in app.images.contents(container) if not name.startswith("by-sha256/")]
        for container in _RECORDS
    }


def records_of_none(app: Parts) -> list[str]:
    """The records that no image can have, or whose source's bytes are not the image's."""
    of_images = {sha256: name for name, sha256 in digests(app).items()}
    stems = {
        record
        for name in digests(app)
        for record in (names.analysis(name), names.text(name), names.plain_text(name), names.thumbnails(name))
    } | {names.unfinished(step, name) for name in digests(app) for step in ("analysis", "thumbnails", "text")}
    found = []
    for container in _RECORDS:
        for record in record_names(app)[container]:
            info = app.images.head(container, record)
            assert info is not None
            known = f"{record.rpartition('/')[0]}/" if container == names.THUMBNAILS else record
            if known not in stems or info.metadata["sourcesha256"] not in of_images:
                found.append(f"{container}/{record}")
    return found


def paid_twice(app: Parts) -> Counter[tuple[str, str]]:
    """The questions that were asked more than once about the same bytes."""
    asked = Counter((question.text, subject) for question, subject in app.vision.asked)
    return Counter({key: count for key, count in asked.items() if count > 1})


def states(app: Parts) -> Counter[str]:
    """How many images are in each state."""
    return Counter(each["state"] for each in image_states.page(app.services, limit=200)["images"])


def check(app: Parts, *, also_owned: Iterable[tuple[str, str]] = ()) -> None:
    """Assert all of it: everything is complete and true, nothing is left of what is gone, nothing was paid twice."""
    assert set(states(app)) <= {"complete"}, image_states.page(app.services, limit=200)["images"]
    assert records_of_none(app) == []
    assert owner_marks(app) == {*digests(app).items(), *also_owned}
    assert paid_twice(app) == Counter()
    owned = {sha256 for _, sha256 in owner_marks(app)}
    assert subjects(app) - owned <= {*app.host.contents(names.FORGETTING)}
    assert json.loads(app.host.contents(names.RECONCILIATION)[names.LAST_RECONCILIATION])["running"] is None
