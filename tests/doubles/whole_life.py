"""What must be true of both accounts in memory once all is settled, whatever happened to the images."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection

from doubles.parts import Parts

from shared import names
from shared.api import image_states
from shared.records import by_step

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
    """The records of images that are not there, and those of other bytes than the image has."""
    sources = {}
    for name, sha256 in digests(app).items():
        steps = (names.unfinished(step, name) for step in by_step.STEPS)
        for place in (names.analysis(name), names.text(name), names.plain_text(name), names.thumbnails(name), *steps):
            sources[place] = sha256
    found = []
    for container in _RECORDS:
        for record in record_names(app)[container]:
            info = app.images.head(container, record)
            assert info is not None
            place = f"{record.rpartition('/')[0]}/" if container == names.THUMBNAILS else record
            if sources.get(place) != info.metadata["sourcesha256"]:
                found.append(f"{container}/{record}")
    return found


def paid_twice(app: Parts) -> Counter[tuple[str, str]]:
    """The questions that were asked more than once about the same bytes."""
    asked = Counter((question.text, subject) for question, subject in app.vision.asked)
    return Counter({key: count for key, count in asked.items() if count > 1})


def states(app: Parts) -> Counter[str]:
    """How many images are in each state."""
    return Counter(each["state"] for each in image_states.page(app.services, limit=200)["images"])


def check(app: Parts, *, failed: Collection[str] = (), in_flight: Collection[str] = ()) -> None:
    """
    Assert all of it: everything is complete and true, nothing is left of what is gone, nothing was paid twice.

    Args:
        app: whose accounts.
        failed: the images that are none.
        in_flight: the subjects of which something was asked when a worker was killed, once for each question.
    """
    listed = {each["name"]: each["state"] for each in image_states.page(app.services, limit=200)["images"]}
    assert listed == {name: "failed" if name in failed else "complete" for name in digests(app)}
    assert records_of_none(app) == []
    assert owner_marks(app) == {*digests(app).items()}
    # A question that was in flight may be asked once more.
    again = Counter[str]()
    for (_, subject), count in paid_twice(app).items():
        again[subject] += count - 1
    assert again - Counter(in_flight) == Counter()
    owned = {sha256 for _, sha256 in owner_marks(app)}
    assert subjects(app) - owned <= {*app.host.contents(names.FORGETTING)}
    assert json.loads(app.host.contents(names.RECONCILIATION)[names.LAST_RECONCILIATION])["running"] is None
