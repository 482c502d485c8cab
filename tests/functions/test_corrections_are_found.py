"""What people say of images over HTTP is found by a search, wherever the image goes."""

from typing import Any

import pytest
from doubles.http_requests import answered, parsed, request
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.searched import found, noted, page, store

import CorrectionsHttp
from shared import names
from shared.index import derive
from shared.lifecycle import deletion
from shared.storage.blobs import Blob


def ask(method: str, name: str, body: Any = b"") -> dict[str, Any]:
    response = answered(CorrectionsHttp.main, request(method, body, route={"name": name}))
    assert response.status_code == 200, response.get_body()
    return parsed(response)


def blob_of(app: Parts, name: str) -> Blob:
    blob = app.images.read(names.IMAGES, name)
    assert blob is not None
    return blob


def tags(app: Parts) -> list[str]:
    [image] = page(q="a.png")["images"]
    return list(image["tags"])


def test_an_image_is_found_by_what_people_say_and_not_by_what_they_took_away(app: Parts) -> None:
    store(app, "a.png", beach=0.8, horse=0.8)
    assert (found(q="zebra"), found(q="tag:horse")) == ([], ["a.png"])
    said = {"caption": "Zwei Zebras", "alt": "Fence", "tags": {"added": ["zebra"], "removed": ["horse"]}}
    ask("PUT", "a.png", said)
    noted(app)
    for query in ("zebra", "tag:zebra", "zebras", "fence", '"zwei zebras"'):
        assert found(q=query) == ["a.png"], query
    assert found(q="tag:horse") == []
    [image] = page(q="zebra")["images"]
    assert (image["caption"], image["alt"]) == ("Zwei Zebras", "Fence")
    assert {"zebra", "beach"} <= {*image["tags"]}
    assert "horse" not in image["tags"]


def test_when_it_is_taken_back_the_image_is_found_as_before(app: Parts) -> None:
    store(app, "a.png", horse=0.8)
    before = tags(app)
    ask("PUT", "a.png", {"tags": {"added": ["zebra"], "removed": ["horse"]}})
    noted(app)
    assert tags(app) != before
    ask("DELETE", "a.png")
    noted(app)
    assert (found(q="zebra"), found(q="tag:horse"), tags(app)) == ([], ["a.png"], before)


def test_an_image_that_is_overwritten_is_found_by_it_still(app: Parts) -> None:
    store(app, "a.png")
    ask("PUT", "a.png", {"tags": {"added": ["zebra"]}})
    store(app, "a.png", picture("PNG", colour=(9, 200, 9)))
    assert found(q="zebra") == ["a.png"]


@pytest.mark.parametrize("first", ["copy", "deletion"])
def test_a_renamed_image_is_found_under_its_new_name_alone(app: Parts, first: str) -> None:
    store(app, "a.png")
    ask("PUT", "a.png", {"caption": "Zebras"})
    data = blob_of(app, "a.png").data
    if first == "copy":
        store(app, "b.png", data)
    app.images.delete(names.IMAGES, "a.png")
    deletion.forget(app.services, "a.png")
    if first == "deletion":
        noted(app)
        assert found(q="zebras") == []
        store(app, "b.png", data)
    noted(app)
    assert found(q="zebras") == ["b.png"]


def test_the_index_made_from_records_says_the_same(app: Parts) -> None:
    store(app, "a.png", horse=0.8)
    ask("PUT", "a.png", {"caption": "Zebras", "tags": {"added": ["zebra"], "removed": []}, "focal": [0.5, 0.25]})
    line = derive.line_of(app.services.images, app.services.settings, app.clock, "a.png")
    told = line["parts"]["correction"]
    assert told is not None
    assert {key: told[key] for key in ("caption", "added", "focal")} == {
        "caption": "Zebras",
        "added": ["zebra"],
        "focal": [0.5, 0.25],
    }
