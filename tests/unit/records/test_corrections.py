"""What people say of an image: how a request means it, how a record keeps it, and how it is applied."""

import json
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from doubles.pictures import picture

from shared import names
from shared.errors import BadRequestError, ConflictError
from shared.images import ImageBytes
from shared.records import corrections
from shared.records.corrections import Correction
from shared.records.versions import SeenVersion, Source
from shared.storage.blobs import IfEtag
from shared.untrusted import json_object

WHOLE = Correction("Ein Zebra", "A zebra at a fence", ("zebra", "Zoo"), ("horse",), (0.25, 1.0))


def meant(text: str) -> Correction:
    return corrections.of_members(json_object.parsed(text.encode(), corrections.EXPECTED))


def source(name: str = "zoo/zebra.jpg") -> Source:
    return Source(name, "0x1", ImageBytes(picture("JPEG", 120, 80)))


def test_a_request_says_any_of_four_things() -> None:
    assert meant('{"caption": " Ein Zebra "}') == Correction(caption="Ein Zebra")
    assert meant('{"alt": "A zebra"}') == Correction(alt="A zebra")
    assert meant('{"tags": {"added": ["zebra", "Zebra", "zoo"]}}') == Correction(added=("zebra", "zoo"))
    assert meant('{"tags": {"removed": ["horse"]}}') == Correction(removed=("horse",))
    assert meant('{"focal": [0, 0.5]}') == Correction(focal=(0.0, 0.5))


def test_what_a_correction_tells_is_taken_back_as_it_was_told() -> None:
    assert corrections.of_members(WHOLE.members()) == WHOLE
    assert meant(json.dumps(WHOLE.members())) == WHOLE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "says nothing"),
        ('{"tags": {}}', "says nothing"),
        ('{"tags": {"added": [], "removed": []}}', "says nothing"),
        ('{"title": "x"}', "title is not known here"),
        ('{"caption": 7}', "'caption' is a number, not a text"),
        ('{"caption": null}', "'caption' is null, not a text"),
        ('{"caption": "  "}', "'caption' is empty"),
        ('{"alt": "a\\u0000b"}', "'alt' has U+0000"),
        (json.dumps({"caption": "x" * 1001}), "'caption' has 1001 characters; at most 1000 are possible"),
        (json.dumps({"alt": "x" * 2001}), "'alt' has 2001 characters; at most 2000 are possible"),
        ('{"tags": ["zebra"]}', "'tags' is a list, not an object"),
        ('{"tags": {"add": ["zebra"]}}', "add is not known in 'tags'"),
        ('{"tags": {"added": "zebra"}}', "'added' of 'tags' is a text, not a list"),
        ('{"tags": {"added": [1]}}', "'added' of 'tags' has a number in it"),
        ('{"tags": {"added": [""]}}', "A tag in the member 'added' of 'tags' is empty"),
        (json.dumps({"tags": {"removed": ["x" * 101]}}), "has 101 characters; at most 100 are possible"),
        (json.dumps({"tags": {"added": [str(n) for n in range(51)]}}), "has 51 tags; at most 50 are possible"),
        ('{"tags": {"added": ["Zebra"], "removed": ["zebra"]}}', "zebra is added and removed"),
        ('{"focal": 0.5}', "'focal' is no list of two fractions"),
        ('{"focal": [0.5]}', "'focal' is no list of two fractions"),
        ('{"focal": [0.5, 1.01]}', "'focal' is no list of two fractions"),
        ('{"focal": [-0.1, 1]}', "'focal' is no list of two fractions"),
        ('{"focal": [true, 1]}', "'focal' is no list of two fractions"),
        ('{"focal": ["0.5", 1]}', "'focal' is no list of two fractions"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_with_its_fault(text: str, told: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        meant(text)
    assert refused.value.code == "bad_json"
    assert told in refused.value.message
    assert "expected one or more of" in refused.value.message


def test_what_people_say_wins_over_what_the_analysis_says() -> None:
    assert WHOLE.caption_of("a horse at a fence") == "Ein Zebra"
    assert Correction(alt="x").caption_of("a horse") == "a horse"
    assert Correction(alt="x").caption_of(None) is None
    assert WHOLE.tags_of(["Horse", "animal", "ZEBRA", "fence"]) == ["zebra", "Zoo", "animal", "fence"]
    assert Correction().tags_of(["animal"]) == ["animal"]


def test_a_record_tells_its_correction_and_for_which_version_it_was_made(clock: FakeClock) -> None:
    images = MemoryBlobs(clock)
    version = source()
    written = corrections.write(images, version, WHOLE, clock)
    found = corrections.read(images, version.name)
    assert found is not None
    assert (found.correction, found.source, found.at) == (WHOLE, version.describe(), clock.utc().isoformat())
    assert found.info.etag == written.info.etag
    assert found.info.metadata == {**version.metadata(), corrections.FOCAL: "0.25,1"}
    blob = images.read(names.CORRECTIONS, "zoo/zebra.jpg.json")
    assert blob is not None
    assert json.loads(blob.data) == {
        "source": version.describe(),
        "caption": "Ein Zebra",
        "alt": "A zebra at a fence",
        "tags": {"added": ["zebra", "Zoo"], "removed": ["horse"]},
        "focal": [0.25, 1.0],
        "at": clock.utc().isoformat(),
    }


def test_a_look_at_the_image_tells_whether_the_correction_is_of_the_present_version(clock: FakeClock) -> None:
    images = MemoryBlobs(clock)
    old = picture("JPEG", 120, 80)
    images.write(names.IMAGES, "a.jpg", old, content_type="image/jpeg")
    info = images.head(names.IMAGES, "a.jpg")
    assert info is not None
    record = corrections.write(images, Source("a.jpg", info.etag, ImageBytes(old)), WHOLE, clock).info
    assert SeenVersion(info).is_source_of(images, record)
    images.write(names.IMAGES, "a.jpg", picture("PNG", 90, 90), content_type="image/png")
    overwritten = images.head(names.IMAGES, "a.jpg")
    assert overwritten is not None
    assert not SeenVersion(overwritten).is_source_of(images, record)


def test_a_condition_keeps_another_persons_correction(clock: FakeClock) -> None:
    images = MemoryBlobs(clock)
    first = corrections.write(images, source(), WHOLE, clock, IfEtag(None))
    with pytest.raises(ConflictError):
        corrections.write(images, source(), Correction("x"), clock, IfEtag(None))
    second = corrections.write(images, source(), Correction("x"), clock, IfEtag(first.info.etag))
    assert not corrections.delete(images, first.info)
    assert corrections.delete(images, second.info)
    assert corrections.read(images, source().name) is None
    assert corrections.find(images, source().name) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"source": {}}', b'{"caption": 1, "source": {}, "at": ""}'])
def test_a_record_that_was_damaged_is_none(clock: FakeClock, data: bytes) -> None:
    images = MemoryBlobs(clock)
    images.write(names.CORRECTIONS, names.correction("a.jpg"), data, content_type=names.JSON)
    assert corrections.read(images, "a.jpg") is None
    assert corrections.focal_of(images, "a.jpg") is None


def test_the_index_has_what_was_said_without_what_was_not() -> None:
    whole: dict[str, Any] = {
        "caption": "Ein Zebra",
        "alt": "A zebra at a fence",
        "added": ["zebra", "Zoo"],
        "removed": ["horse"],
        "focal": [0.25, 1.0],
    }
    assert WHOLE.part() == whole
    assert Correction(removed=("horse",)).part() == {"removed": ["horse"]}
