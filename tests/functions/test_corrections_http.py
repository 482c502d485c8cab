"""What people say of an image over HTTP: it is kept, told, and wins; two people undo nothing of each other unseen."""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest
from doubles.documents import several
from doubles.http_requests import answered, parsed, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture

from CorrectionsHttp import main
from shared import names
from shared.api import image_states
from shared.errors import BusyError
from shared.storage.blobs import Blob
from shared.thumbnails import recut
from shared.uploads import steps

ZEBRA = {"caption": "A zebra", "alt": "A zebra at a fence", "tags": {"added": ["zebra"], "removed": []}}


def put(name: str, body: Any, **headers: str) -> func.HttpResponse:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return answered(main, request("PUT", body, route={"name": name}, headers=sent))


def get(name: str) -> func.HttpResponse:
    return answered(main, request("GET", route={"name": name}))


def delete(name: str, **headers: str) -> func.HttpResponse:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return answered(main, request("DELETE", route={"name": name}, headers=sent))


def upload(app: Parts, name: str, data: bytes | None = None) -> None:
    app.images.write(names.IMAGES, name, data or picture(), content_type="image/jpeg")


def record(app: Parts, name: str) -> Blob:
    blob = app.images.read(names.CORRECTIONS, names.correction(name))
    assert blob is not None
    return blob


@pytest.mark.parametrize("name", ["a.jpg", "2026/ä b#c.jpg", "x" * 1000])
def test_what_was_said_is_told_by_the_path_and_by_the_query(app: Parts, name: str) -> None:
    upload(app, name)
    said = parsed(put(name, ZEBRA))
    told = get(name)
    assert parsed(told) == {key: value for key, value in said.items() if key != "recut"}
    assert parsed(told)["name"] == name
    assert {key: said[key] for key in ZEBRA} == ZEBRA
    assert told.headers["ETag"] == f'"{record(app, name).info.etag}"' == f'"{said["etag"]}"'
    by_query = answered(main, request("GET", params={"name": name}))
    assert parsed(by_query) == parsed(told)


def test_a_put_takes_the_place_of_all_that_was_said_before(app: Parts) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    assert "alt" not in parsed(put("a.jpg", {"caption": "Another"}))
    assert {*parsed(get("a.jpg"))} == {"name", "caption", "at", "source", "current", "etag"}


def test_it_tells_for_which_version_it_was_made_and_whether_that_is_the_present_one(app: Parts) -> None:
    upload(app, "a.jpg")
    steps.process(app.services, "a.jpg", None)
    said = parsed(put("a.jpg", ZEBRA))
    assert said["current"] is True
    blob = app.images.read(names.IMAGES, "a.jpg")
    assert blob is not None
    assert said["source"]["etag"] == blob.info.etag
    app.images.write(names.IMAGES, "a.jpg", blob.data, content_type="image/png")
    assert parsed(get("a.jpg"))["current"] is True
    upload(app, "a.jpg", picture(colour=(9, 9, 200)))
    assert parsed(get("a.jpg"))["current"] is False
    assert parsed(get("a.jpg"))["source"] == said["source"]


def test_no_run_of_a_step_touches_it(app: Parts) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    before = record(app, "a.jpg").info.etag
    steps.process(app.services, "a.jpg", None)
    upload(app, "a.jpg", picture(colour=(9, 9, 200)))
    steps.process(app.services, "a.jpg", None)
    assert record(app, "a.jpg").info.etag == before


def test_it_costs_no_call_and_reads_no_bytes_that_a_record_knows(app: Parts) -> None:
    upload(app, "a.jpg")
    steps.process(app.services, "a.jpg", None)
    paid = len(app.vision.asked)
    operations: list[tuple[str, str]] = []
    app.images.before = lambda operation, container, name: operations.append((operation, container))
    put("a.jpg", {"caption": "A zebra"})
    app.images.before = None
    assert len(app.vision.asked) == paid
    assert ("digest", names.IMAGES) not in operations
    assert ("read", names.IMAGES) not in operations


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_image_is_404(app: Parts, method: str) -> None:
    sent = request(method, ZEBRA if method == "PUT" else b"", route={"name": "none.jpg"})
    problem_of(answered(main, sent), 404, "image_not_found")


def test_no_correction_is_404(app: Parts) -> None:
    upload(app, "a.jpg")
    problem_of(get("a.jpg"), 404, "correction_not_found")
    problem_of(delete("a.jpg"), 404, "correction_not_found")


def test_a_correction_that_is_taken_back_is_gone(app: Parts) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    assert parsed(delete("a.jpg")) == {"name": "a.jpg", "recut": 0}
    problem_of(get("a.jpg"), 404, "correction_not_found")


def test_one_of_an_image_that_is_gone_can_be_taken_back(app: Parts) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    app.images.delete(names.IMAGES, "a.jpg")
    problem_of(get("a.jpg"), 404, "image_not_found")
    assert delete("a.jpg").status_code == 200


def test_an_image_that_is_deleted_meanwhile_leaves_nothing(app: Parts) -> None:
    upload(app, "a.jpg")

    def gone(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.CORRECTIONS):
            app.images.delete(names.IMAGES, "a.jpg")

    app.images.before = gone
    problem_of(put("a.jpg", ZEBRA), 404, "image_not_found")
    app.images.before = None
    assert not app.images.contents(names.CORRECTIONS)


def test_what_another_person_has_said_meanwhile_is_not_undone(app: Parts) -> None:
    upload(app, "a.jpg")
    first = put("a.jpg", ZEBRA).headers["ETag"]
    second = put("a.jpg", {"caption": "Mine"}, If_Match=first).headers["ETag"]
    for refused in (put("a.jpg", ZEBRA, If_Match=first), delete("a.jpg", If_Match=first)):
        problem_of(refused, 412, "correction_changed")
    assert put("a.jpg", ZEBRA, If_Match=f'"0x0", {second}').status_code == 200
    assert put("a.jpg", ZEBRA, If_Match="*").status_code == 200
    assert delete("a.jpg", If_Match=get("a.jpg").headers["ETag"]).status_code == 200
    problem_of(put("a.jpg", ZEBRA, If_Match="*"), 412, "correction_changed")


def test_the_first_one_can_insist_on_being_the_first(app: Parts) -> None:
    upload(app, "a.jpg")
    assert put("a.jpg", ZEBRA, If_None_Match="*").status_code == 200
    problem_of(put("a.jpg", ZEBRA, If_None_Match="*"), 412, "correction_changed")


@pytest.mark.parametrize("condition", ["If-Match", "If-None-Match"])
def test_a_writer_who_comes_between_the_look_and_the_write_is_seen(app: Parts, condition: str) -> None:
    upload(app, "a.jpg")
    etag = put("a.jpg", ZEBRA).headers["ETag"]
    if condition == "If-None-Match":
        delete("a.jpg")

    def another(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.CORRECTIONS):
            app.images.write(container, name, b"{}", content_type=names.JSON)

    app.images.before = another
    value = etag if condition == "If-Match" else "*"
    problem_of(put("a.jpg", ZEBRA, **{condition.replace("-", "_"): value}), 412, "correction_changed")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {"If-None-Match": '"0x1"'}),
        ("PUT", {"If-None-Match": "*", "If-Match": "*"}),
        ("DELETE", {"If-None-Match": "*"}),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(app: Parts, method: str, headers: Mapping[str, str]) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    body = ZEBRA if method == "PUT" else b""
    problem_of(answered(main, request(method, body, route={"name": "a.jpg"}, headers=headers)), 400, "bad_header")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "has no body"),
        (b"{", "is no JSON"),
        ({}, "says nothing"),
        ({"title": "x"}, "title is not known"),
        ({"focal": [2, 0]}, "two fractions"),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused(app: Parts, body: Any, told: str) -> None:
    upload(app, "a.jpg")
    assert told in problem_of(put("a.jpg", body), 400, "bad_json")["detail"]
    assert not app.images.contents(names.CORRECTIONS)


@pytest.mark.parametrize("alt", ["", "  "])
def test_an_empty_alternative_text_says_that_the_image_is_decoration(app: Parts, alt: str) -> None:
    upload(app, "a.jpg")
    steps.process(app.services, "a.jpg", None)
    assert parsed(put("a.jpg", {"alt": alt}))["alt"] == parsed(get("a.jpg"))["alt"] == ""
    assert image_states.of_image(app.services, "a.jpg")["correction"]["alt"] == ""
    app.services.index_writer.flush()
    [hit] = app.services.search.find("a.jpg").found.hits
    assert hit.alt == ""
    assert "'caption' is empty" in problem_of(put("a.jpg", {"caption": alt}), 400, "bad_json")["detail"]


def test_a_correction_of_all_letters_that_it_may_have_is_taken_and_a_longer_body_says_what_helps(app: Parts) -> None:
    upload(app, "a.jpg")
    tags = {kind: [f"{kind}{number:02}".ljust(100, "ж") for number in range(50)] for kind in ("added", "removed")}
    most = {"caption": "ж" * 1000, "alt": "ж" * 2000, "tags": tags}
    assert (
        put("a.jpg", json.dumps(most, ensure_ascii=False).encode(), Content_Type="application/json").status_code == 200
    )
    problem = problem_of(put("a.jpg", json.dumps(most).encode()), 400, "bad_json")
    assert "at most 65536" in problem["detail"]
    assert "letters as they are" in problem["action"]


@pytest.mark.parametrize("focal", ["NaN", "Infinity", "-Infinity", "1e400", "true", "1e-7", "9007199254740993123"])
def test_a_fraction_is_a_number_from_0_to_1(app: Parts, focal: str) -> None:
    upload(app, "a.jpg")
    answer = put("a.jpg", f'{{"focal": [0.5, {focal}]}}'.encode(), Content_Type="application/json")
    if focal == "1e-7":
        assert parsed(answer)["focal"] == [0.5, 1e-7]
    else:
        problem_of(answer, 400, "bad_json")
        assert not app.images.contents(names.CORRECTIONS)


@pytest.mark.parametrize("name", ["a//b.jpg", "/a.jpg", "a.jpg.json", "by-sha256/a.jpg", "%2e%2e%2fa.jpg", "a?b=1.jpg"])
def test_a_name_that_is_odd_has_a_correction_of_its_own(app: Parts, name: str) -> None:
    for each in (name, "a.jpg", "a/b.jpg"):
        upload(app, each)
    assert answered(main, request("PUT", ZEBRA, params={"name": name})).status_code == 200
    assert len(app.images.contents(names.CORRECTIONS)) == 1
    assert parsed(answered(main, request("GET", params={"name": name})))["caption"] == "A zebra"
    for other in ("a.jpg", "a/b.jpg"):
        problem_of(get(other), 404, "correction_not_found")
    assert image_states.of_image(app.services, name)["correction"]["caption"] == "A zebra"
    assert answered(main, request("DELETE", params={"name": name})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_there_is_none_to_bring_is_refused(app: Parts, method: str) -> None:
    upload(app, "a.jpg")
    put("a.jpg", ZEBRA)
    problem_of(answered(main, request(method, ZEBRA, route={"name": "a.jpg"})), 400, "body_not_expected")


def test_a_name_is_needed_and_only_one(app: Parts) -> None:
    problem_of(answered(main, request("GET")), 400, "bad_blob_name")
    both = request("GET", route={"name": "a.jpg"}, params={"name": "a.jpg"})
    problem_of(answered(main, both), 400, "bad_parameter")
    problem_of(get("../a.jpg"), 400, "bad_blob_name")


@pytest.mark.parametrize("processed", [False, True])
def test_a_document_has_no_focal_point(app: Parts, processed: bool) -> None:
    upload(app, "a.tif", several("TIFF", 3))
    if processed:
        steps.process(app.services, "a.tif", None)
    assert "is a document" in problem_of(put("a.tif", {"focal": [0.5, 0.5]}), 400, "bad_json")["detail"]
    assert put("a.tif", {"caption": "A contract"}).status_code == 200


def test_an_archived_image_is_corrected_without_its_bytes(app: Parts) -> None:
    upload(app, "a.jpg")
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    said = parsed(put("a.jpg", ZEBRA))
    assert "sha256" not in said["source"]
    assert parsed(get("a.jpg"))["current"] is True


def test_that_its_thumbnails_could_not_be_cut_is_told_with_the_cure(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(app, "a.jpg")

    def busy(*_: object) -> int:
        raise BusyError("Too many pictures are being decoded.", retry_after_seconds=3)

    monkeypatch.setattr(recut, "recut", busy)
    problem = problem_of(put("a.jpg", {"focal": [0.5, 0.5]}), 503, "busy")
    assert "without If-Match" in problem["action"]
    assert parsed(get("a.jpg"))["focal"] == [0.5, 0.5]


def test_of_a_hierarchical_account_the_directories_above_go_with_it(app: Parts) -> None:
    app.images.has_directories = True
    upload(app, "2026/a.jpg")
    put("2026/a.jpg", ZEBRA)
    delete("2026/a.jpg")
    assert not app.images.contents(names.CORRECTIONS)
