"""
What the version before has written still holds: nothing becomes pending, nothing is paid again.

`tests/fixtures/records/before.json` is what that version (November 28, 2026) has left of eight uploads in both
accounts, claims included; its records tell no more of their source than its ETag.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from doubles.parts import Parts, parts
from doubles.stored_before import restore

from shared import names
from shared.api import image_states, unfinished_entries
from shared.api.unfinished_entries import Filter
from shared.uploads import steps

BEFORE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "fixtures" / "records" / "before.json").read_text())
COMPLETE = ["album/photo.jpg", "letter.pdf", "sign.jpg"]
FAILED = ["failed.jpg", "notes.jpg", "unread.pdf"]
STATES = {
    **dict.fromkeys(COMPLETE, "complete"),
    **dict.fromkeys(FAILED, "failed"),
    "deferred.jpg": "deferred",
    "interrupted.jpg": "deferred",
}


@pytest.fixture
def app() -> Parts:
    app = parts(THUMBNAIL_SIZES="100x50")
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    return app


def edit(app: Parts, **properties: Any) -> None:
    """Edit every image."""
    for name in STATES:
        app.images.edit(names.IMAGES, name, **(properties or {"metadata": {"album": "holiday"}}))


def listed(app: Parts) -> dict[str, str]:
    return {image["name"]: image["state"] for image in image_states.page(app.services, limit=50)["images"]}


def looked_at(app: Parts, *image_names: str) -> dict[str, str]:
    return {name: image_states.of_image(app.services, name)["state"] for name in image_names}


def records(app: Parts) -> dict[str, Any]:
    containers = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED)
    return {container: app.images.page(container).items for container in containers}


def data_of_records(app: Parts) -> dict[str, Any]:
    return {container: app.images.contents(container) for container in records(app)}


def process(app: Parts, name: str) -> set[str]:
    return {outcome.state for outcome in steps.process(app.services, name, app.images.contents(names.IMAGES)[name])}


def test_the_fixture_is_what_that_version_wrote() -> None:
    told = {tuple(each["metadata"]) for each in BEFORE["images"] if each["container"] != names.IMAGES}
    assert told == {
        ("sourceetag", "request"),
        ("sourceetag", "request", "excerpt"),
        ("sourceetag", "request", "excerpt", "textonly"),
        ("sourceetag", "request", "state", "cause", "code"),
        ("sourceetag", "request", "state", "cause", "code", "textonly"),
    }
    (thumbnail,) = (each for each in BEFORE["images"] if each["name"] == "album/photo.jpg/100x50-smart.jpg")
    assert thumbnail["metadata"] == {
        "sourceetag": "0x08DE2E9A00000001",
        "request": "generateThumbnail-49f7c67762b2736125aa",
    }


def test_every_image_has_the_state_that_it_had(app: Parts) -> None:
    assert listed(app) == looked_at(app, *STATES) == STATES


def test_processing_them_again_pays_nothing_and_writes_nothing(app: Parts) -> None:
    before = records(app)
    assert [process(app, name) for name in COMPLETE] == [{"skipped"}] * 3
    assert [process(app, name) for name in FAILED] == [{"failed", "skipped"}, {"failed"}, {"failed"}]
    assert records(app) == before
    assert app.vision.asked == []


@pytest.mark.parametrize("claims", ["kept", "deleted"])
def test_after_an_edit_processing_them_pays_nothing_and_makes_nothing(app: Parts, claims: str) -> None:
    if claims == "deleted":
        for claim in app.host.contents(names.CACHE):
            app.host.delete(names.CACHE, claim)
    before = data_of_records(app)
    edit(app)
    assert [process(app, name) for name in COMPLETE] == [{"skipped"}] * 3
    assert [process(app, name) for name in FAILED] == [{"failed", "skipped"}, {"failed"}, {"failed"}]
    assert data_of_records(app) == before
    assert app.vision.asked == []
    assert {name: listed(app)[name] for name in (*COMPLETE, *FAILED)} == {
        name: STATES[name] for name in (*COMPLETE, *FAILED)
    }


@pytest.mark.parametrize("properties", [{}, {"md5": None}], ids=["metadata", "MD5 removed"])
def test_after_an_edit_a_look_at_each_image_tells_the_list_too(app: Parts, properties: dict[str, Any]) -> None:
    before = data_of_records(app)
    edit(app, **properties)
    known = {name: state for name, state in STATES.items() if name != "interrupted.jpg"}
    assert looked_at(app, *known) == known
    assert {name: listed(app)[name] for name in known} == known
    # Of that one nobody has read the bytes yet; its appointment does.
    assert listed(app)["interrupted.jpg"] == "pending"
    assert data_of_records(app) == before
    assert app.vision.asked == []
    edit(app)
    if not properties:
        assert {name: listed(app)[name] for name in known} == known


def test_after_an_edit_a_retry_finds_what_is_unfinished(app: Parts) -> None:
    edit(app)
    for name, step in (("failed.jpg", "analysis"), ("notes.jpg", "analysis"), ("unread.pdf", "text")):
        assert [entry.step for entry in unfinished_entries.find(app.services, name, None)] == [step]
    found, _ = unfinished_entries.page(app.services, Filter(state="failed"), limit=50)
    assert [entry.document["source"]["name"] for entry in found] == FAILED


def test_after_an_edit_what_waits_is_done_in_its_turn(app: Parts) -> None:
    edit(app)
    for name in ("deferred.jpg", "interrupted.jpg"):
        outcomes = steps.process(app.services, name, None, from_backlog=True)
        assert {outcome.state for outcome in outcomes} == {"done"}
        assert looked_at(app, name) == {name: "complete"}


def test_other_bytes_are_another_version(app: Parts) -> None:
    data = app.images.contents(names.IMAGES)
    app.images.write(names.IMAGES, "sign.jpg", data["interrupted.jpg"], content_type="image/jpeg")
    assert looked_at(app, "sign.jpg") == {"sign.jpg": "pending"}
    assert process(app, "sign.jpg") == {"done"}
    assert sorted(app.images.contents(names.TEXT)) == ["letter.pdf.json", "letter.pdf.txt"]
