"""The index beside the records that it is to tell of."""

from doubles.parts import Parts

from shared import names
from shared.index import derive, reader, states
from shared.index.entry import IMAGE, Entry
from shared.records import by_step
from shared.storage.blobs import BlobInfo

RECORDS = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED, names.CORRECTIONS)


def entries(app: Parts) -> dict[str, Entry]:
    """What the index knows of images that are there, by the images' names."""
    return {entry.name: entry for entry in reader.snapshot(app.host).values() if entry.is_there}


def images(app: Parts) -> dict[str, BlobInfo]:
    """The images, by their names."""
    return {info.name: info for container, _, info, _ in app.images.everything() if container == names.IMAGES}


def records_of(app: Parts, name: str) -> dict[tuple[str, str], BlobInfo]:
    """The records of an image, by container and name."""
    places = [*by_step.places(app.services.settings, name), (names.CORRECTIONS, names.correction(name))]
    return {
        (container, info.name): info
        for container, _, info, _ in app.images.everything()
        if (container, info.name) in places
        or (container == names.THUMBNAILS and names.is_thumbnail_of(info.name, name))
    }


def check(app: Parts) -> None:
    """
    The index tells of each image what its records tell, and of nothing else.

    Each entry is compared with a derivation of its own, but for the time of a thumbnail's look.
    """
    known, there = entries(app), images(app)
    assert known.keys() == there.keys()
    services = app.services
    for name, entry in known.items():
        assert entry.stem == names.stem(name)
        assert not derive.differs(entry, app.images, services.settings, there[name], records_of(app, name)), name
        derived = Entry(entry.stem)
        derived.apply(derive.line_of(app.images, services.settings, services.clock, name))
        assert _told(entry) == _told(derived), name
        assert states.state_of(entry, services.settings) == states.state_of(derived, services.settings)


def _told(entry: Entry) -> dict[str, object]:
    """Its parts; of the image, without what only a listing or only a record tells."""
    told = {name: dict(content) for name, content in entry.parts.items() if content is not None}
    image = told.pop(IMAGE, {})
    return {**told, IMAGE: {key: image.get(key) for key in ("name", "bytes", "width", "height", "taken")}}


def lose(app: Parts) -> None:
    """Empty the index, as it was before there was one."""
    for name in app.host.contents(names.INDEX):
        app.host.delete(names.INDEX, name)
