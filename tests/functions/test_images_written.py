"""Images that callers store and delete over HTTP: the stored bytes, when searches know of them, and refusals."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import azure.functions as func
import pytest
from doubles import index_checks, searched
from doubles.deletions import Killed, Moments, books, deliver, kill, records, upload
from doubles.hosting import PROJECT_ROOT
from doubles.http_requests import answered, parsed, problem_of, request
from doubles.parts import Parts, restarted
from doubles.pictures import picture
from doubles.stored_before import restore

import CorrectionsHttp
from ImagesHttp import main
from shared import names, services
from shared.errors import ConflictError, StorageError, StorageRefusedError
from shared.index import reader, states
from shared.lifecycle import deletion
from shared.records import corrections

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
ZEBRA = {"caption": "A zebra"}


def put(name: str, body: Any = RED, **headers: str) -> func.HttpResponse:
    return _ask("PUT", name, body, headers)


def delete(name: str, **headers: str) -> func.HttpResponse:
    return _ask("DELETE", name, b"", headers)


def _ask(method: str, name: str, body: Any, headers: dict[str, str]) -> func.HttpResponse:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return answered(main, request(method, body, params={"name": name}, headers=sent))


def state(app: Parts, name: str) -> str | None:
    """The image's state by the index, as a search that begins now finds it; None of an image that it does not have."""
    entry = index_checks.entries(app).get(name)
    return states.state_of(entry, app.services.settings) if entry else None


def stored(app: Parts, name: str) -> Any:
    blob = app.images.read(names.IMAGES, name)
    assert blob is not None
    return blob


@pytest.mark.parametrize("name", ["a.jpg", "2026/ä b#c%.jpg", "/odd//name.jpg", "x" * 1000, "long/a.jpg"])
def test_an_image_is_stored_and_is_pending_at_once(app: Parts, name: str) -> None:
    answer = put(name, RED, Content_Type="image/jpeg")
    blob = stored(app, name)
    assert (answer.status_code, blob.data, blob.info.content_type) == (201, RED, "image/jpeg")
    source = {"etag": blob.info.etag, "bytes": len(RED), "contentType": "image/jpeg"}
    assert parsed(answer) == {"name": name, "state": "pending", "source": source}
    assert answer.headers["ETag"] == f'"{blob.info.etag}"'
    assert answer.headers["Location"].endswith("&wait=true")
    assert state(app, name) == "pending"
    told = parsed(answered(main, request("GET", params={"name": name})))
    assert (told["state"], told["source"]) == ("pending", source)


def test_the_index_tells_of_it_what_its_analysis_will_tell(app: Parts) -> None:
    put("a.jpg")
    at_once = dict(index_checks.entries(app)["a.jpg"].part("image"))
    deliver(app, "a.jpg", RED)
    app.services.index_writer.flush()
    later = index_checks.entries(app)["a.jpg"].part("image")
    assert {key: at_once[key] for key in ("bytes", "kind", "width", "height")} == {
        key: later[key] for key in ("bytes", "kind", "width", "height")
    }
    assert state(app, "a.jpg") == "complete"
    index_checks.check(app)


def test_a_search_finds_what_was_stored_and_not_what_was_deleted(app: Parts) -> None:
    put("fjord.jpg")
    app.clock.advance(searched.FRESH_SECONDS)
    assert searched.found(q="fjord is:pending") == ["fjord.jpg"]
    app.clock.advance(1)
    delete("fjord.jpg")
    app.clock.advance(searched.FRESH_SECONDS)
    assert searched.found(q="fjord") == []


def test_other_bytes_are_pending_at_once_and_the_same_bytes_are_not(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.services.index_writer.flush()
    assert state(app, "a.jpg") == "complete"
    app.clock.advance(1)
    assert put("a.jpg", RED).status_code == 200
    assert state(app, "a.jpg") == "complete"
    app.clock.advance(1)
    assert put("a.jpg", BLUE).status_code == 200
    assert state(app, "a.jpg") == "pending"
    app.clock.advance(1)
    deliver(app, "a.jpg", BLUE)
    app.services.index_writer.flush()
    assert state(app, "a.jpg") == "complete"
    index_checks.check(app)


def test_the_same_bytes_again_are_paid_for_by_nothing_and_keep_records_and_correction(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    answered(CorrectionsHttp.main, request("PUT", ZEBRA, route={"name": "a.jpg"}))
    paid, kept = len(app.vision.asked), records(app)
    app.clock.advance(1)
    put("a.jpg", RED)
    deliver(app, "a.jpg", RED)
    assert (len(app.vision.asked), records(app)) == (paid, kept)
    told = parsed(answered(main, request("GET", route={"name": "a.jpg"})))
    assert (told["state"], told["analysis"]["caption"], told["correction"]["current"]) == ("complete", "A zebra", True)
    app.services.index_writer.flush()
    index_checks.check(app)


def test_other_bytes_leave_the_correction(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    answered(CorrectionsHttp.main, request("PUT", ZEBRA, route={"name": "a.jpg"}))
    app.clock.advance(1)
    put("a.jpg", BLUE)
    deliver(app, "a.jpg", BLUE)
    told = parsed(answered(main, request("GET", route={"name": "a.jpg"})))
    assert (told["state"], told["analysis"]["caption"], told["correction"]["current"]) == ("complete", "A zebra", False)


def test_what_is_no_image_is_stored_and_fails_as_any_upload(app: Parts) -> None:
    assert put("notes.jpg", b"dear diary").status_code == 201
    assert (state(app, "notes.jpg"), stored(app, "notes.jpg").data) == ("pending", b"dear diary")
    app.clock.advance(1)
    deliver(app, "notes.jpg", b"dear diary")
    told = parsed(answered(main, request("GET", route={"name": "notes.jpg"})))
    assert (told["state"], told["analysis"]["problem"]["code"]) == ("failed", "not_an_image")
    app.services.index_writer.flush()
    assert state(app, "notes.jpg") == "failed"


FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + RED + b"\r\n--x--\r\n"
CONTENT = {"$content-type": "image/jpeg", "$content": base64.b64encode(RED).decode()}


@pytest.mark.parametrize(
    ("body", "declared", "content_type", "kept"),
    [
        (RED, "image/jpeg", RED, "image/jpeg"),
        (RED, "image/png; a=b", RED, "image/png; a=b"),
        (RED, "application/octet-stream", RED, "image/jpeg"),
        (RED, "application/x-www-form-urlencoded", RED, "image/jpeg"),
        (RED, "nonsense", RED, "image/jpeg"),
        (RED, "image/\u00e4", RED, "image/jpeg"),
        (RED, "", RED, "image/jpeg"),
        (RED, "application/json", RED, "application/json"),
        (FORM, "multipart/form-data; boundary=x", RED, "image/jpeg"),
        (json.dumps(CONTENT).encode(), "application/json", RED, "image/jpeg"),
        (b"dear diary", "text/plain", b"dear diary", "text/plain"),
        (b"dear diary", "", b"dear diary", "application/octet-stream"),
        (base64.b64encode(RED), "text/plain", base64.b64encode(RED), "text/plain"),
        (FORM, "text/plain", FORM, "text/plain"),
    ],
)
def test_the_file_is_stored_as_it_is_with_its_type(
    app: Parts, body: bytes, declared: str, content_type: bytes, kept: str
) -> None:
    assert put("a.jpg", body, Content_Type=declared).status_code == 201
    assert (stored(app, "a.jpg").data, stored(app, "a.jpg").info.content_type) == (content_type, kept)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "image_missing"),
        (b"", {"Content_Type": "application/json"}, 400, "image_missing"),
        (b"", {"Transfer_Encoding": "chunked"}, 411, "length_required"),
        (FORM.replace(RED, b""), {"Content_Type": "multipart/form-data; boundary=x"}, 400, "image_missing"),
        (b"--x--", {"Content_Type": "multipart/form-data; boundary=x"}, 400, "body_not_an_image"),
        (b'{"url": "https://example.com/a.jpg"}', {"Content_Type": "application/json"}, 400, "body_not_an_image"),
        (b'{"$content": "", "name": 1}', {"Content_Type": "application/json"}, 400, "bad_json"),
        (b'{"$content": "?"}', {"Content_Type": "application/json"}, 400, "body_not_an_image"),
        (RED, {"Content_Encoding": "gzip"}, 400, "bad_header"),
        (RED, {"Content_Range": "bytes 0-9/10"}, 400, "bad_header"),
        (RED, {"If_None_Match": '"0x1"'}, 400, "bad_header"),
        (RED, {"If_None_Match": "*", "If_Match": "*"}, 400, "bad_header"),
        (RED, {"If_Match": "*"}, 412, "image_changed"),
        (RED, {"If_Match": '"0x1"'}, 412, "image_changed"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_stored(
    app: Parts, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    problem_of(put("a.jpg", body, **headers), status, code)
    assert app.images.contents(names.IMAGES) == {}
    assert reader.snapshot(app.host) == {}


@pytest.mark.parametrize(
    "name",
    [
        "a.",
        "a/",
        "a./b",
        "a.jpg\\",
        "a\\b.\\c",
        "../a",
        "a/./b",
        "x" * 1025,
        "https://a.blob.core.windows.net/images/a.jpg?sig=s",
    ],
)
def test_a_name_that_storage_or_clients_would_change_is_refused(app: Parts, name: str) -> None:
    problem_of(put(name), 400, "bad_blob_name")
    assert app.images.contents(names.IMAGES) == {}


def test_an_image_of_such_a_name_can_be_deleted(app: Parts) -> None:
    app.images.write(names.IMAGES, "a.", RED, content_type="image/jpeg")
    assert delete("a.").status_code == 200
    assert app.images.contents(names.IMAGES) == {}


def test_a_name_that_storage_does_not_take_is_the_callers_mistake(app: Parts) -> None:
    app.images.before = failing("write", StorageRefusedError("Blob storage answered 400 (InvalidUri)."))
    problem_of(put("a.jpg"), 400, "bad_blob_name")


def test_more_than_the_limit_is_refused_before_it_is_stored(app: Parts) -> None:
    small = restarted(app, MAX_UPLOAD_MEGABYTES="1")
    most = small.services.settings.max_upload_bytes
    with services.replaced(small.services):
        assert put("a.jpg", RED + bytes(most - len(RED))).status_code == 201
        for body, declared in (
            (RED + bytes(most + 1 - len(RED)), "image/jpeg"),
            (FORM.replace(RED, bytes(most + 1)), "multipart/form-data; boundary=x"),
            (json.dumps({"$content": base64.b64encode(bytes(most + 1)).decode()}).encode(), "application/json"),
        ):
            told = problem_of(put("b.jpg", body, Content_Type=declared), 413, "image_too_large")
            assert f"{most + 1} bytes" in told["detail"]
    assert list(app.images.contents(names.IMAGES)) == ["a.jpg"]


@pytest.mark.parametrize("ask", [put, delete])
def test_nothing_is_stored_or_deleted_where_the_setting_says_so(app: Parts, ask: Callable[..., Any]) -> None:
    upload(app, "a.jpg", BLUE)
    before = app.images.everything()
    with services.replaced(restarted(app, IMAGES_WRITABLE="false").services):
        told = problem_of(ask("a.jpg"), 403, "images_not_writable")
    assert "IMAGES_WRITABLE" in told["action"]
    assert app.images.everything() == before


def failing(failing: str, error: Exception) -> Callable[[str, str, str], None]:
    def fail(operation: str, container: str, name: str) -> None:
        if (operation, container) == (failing, names.IMAGES):
            raise error

    return fail


@pytest.mark.parametrize("has_directories", [False, True])
def test_a_folder_is_not_overwritten_and_is_no_image_to_delete(app: Parts, has_directories: bool) -> None:
    app.images.has_directories = has_directories
    if has_directories:
        app.images.write(names.IMAGES, "2026/a.jpg", RED, content_type="image/jpeg")
    else:
        app.images.write(names.IMAGES, "2026", b"", content_type="x/y", metadata={"hdi_isfolder": "true"})
    problem_of(put("2026"), 409, "name_taken")
    problem_of(delete("2026"), 404, "image_not_found")
    assert app.images.head(names.IMAGES, "2026") is not None


def test_an_image_can_be_no_folder_of_another_one_where_folders_are_real(app: Parts) -> None:
    app.images.has_directories = True
    put("2026")
    problem_of(put("2026/a.jpg"), 409, "name_taken")


def test_an_archived_image_is_not_overwritten_and_can_be_deleted(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.images.tell(names.IMAGES, "a.jpg", tier="Archive")
    assert "Retry-After" not in put("a.jpg", BLUE).headers
    problem_of(put("a.jpg", BLUE), 409, "image_archived")
    app.images.tell(names.IMAGES, "a.jpg", archive_status="rehydrate-pending-to-hot")
    assert put("a.jpg", BLUE).headers["Retry-After"] == "3600"
    assert delete("a.jpg").status_code == 200
    assert records(app) == {}
    assert put("a.jpg", BLUE).status_code == 201


@pytest.mark.parametrize("ask", [put, delete])
def test_an_image_that_another_program_has_leased_stays(app: Parts, ask: Callable[..., Any]) -> None:
    upload(app, "a.jpg", BLUE)
    kept = records(app)
    app.images.acquire(names.IMAGES, "a.jpg", "their-lease", 60)
    problem_of(ask("a.jpg"), 409, "image_locked")
    problem_of(ask("a.jpg", If_Match="*"), 409, "image_locked")
    assert (stored(app, "a.jpg").data, records(app)) == (BLUE, kept)
    app.services.index_writer.flush()
    assert state(app, "a.jpg") == "complete"


def test_conditions_keep_what_the_caller_has_not_seen(app: Parts) -> None:
    first = put("a.jpg", RED, If_None_Match="*")
    assert first.status_code == 201
    problem_of(put("a.jpg", BLUE, If_None_Match="*"), 412, "image_changed")
    second = put("a.jpg", BLUE, If_Match=first.headers["ETag"])
    assert (second.status_code, stored(app, "a.jpg").data) == (200, BLUE)
    problem_of(put("a.jpg", RED, If_Match=first.headers["ETag"]), 412, "image_changed")
    problem_of(delete("a.jpg", If_Match=first.headers["ETag"]), 412, "image_changed")
    problem_of(delete("a.jpg", If_None_Match="*"), 400, "bad_header")
    assert stored(app, "a.jpg").data == BLUE
    assert delete("a.jpg", If_Match=f'"0x1", {second.headers["ETag"]}').status_code == 200
    problem_of(delete("a.jpg", If_Match="*"), 404, "image_not_found")


@pytest.mark.parametrize(
    ("ask", "operation", "headers"),
    [(put, "write", {"If_None_Match": "*"}), (put, "write", {"If_Match": "*"}), (delete, "delete", {"If_Match": "*"})],
)
def test_a_writer_who_comes_between_the_look_and_the_operation_is_seen(
    app: Parts, ask: Callable[..., Any], operation: str, headers: dict[str, str]
) -> None:
    if "If_Match" in headers:
        put("a.jpg", picture(colour=(0, 200, 0)))

    def other_writer(at: str, container: str, name: str) -> None:
        if (at, container) == (operation, names.IMAGES):
            app.images.before = None
            app.images.write(names.IMAGES, "a.jpg", BLUE, content_type="image/jpeg")

    app.images.before = other_writer
    problem_of(ask("a.jpg", **headers), 412, "image_changed")
    assert stored(app, "a.jpg").data == BLUE


@pytest.mark.parametrize("headers", [{"If_None_Match": "*"}, {"If_Match": "*"}])
def test_a_write_whose_answer_was_lost_is_no_conflict_with_itself(app: Parts, headers: dict[str, str]) -> None:
    """The SDK sends it again, with a condition that its own first try has made untrue."""
    if "If_Match" in headers:
        put("a.jpg", BLUE)

    def answer_is_lost(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("write", names.IMAGES):
            app.images.before = None
            app.images.write(names.IMAGES, "a.jpg", RED, content_type="image/jpeg")
            raise ConflictError("Blob storage answered 412 (ConditionNotMet).")

    app.images.before = answer_is_lost
    answer = put("a.jpg", RED, **headers)
    assert answer.status_code in (200, 201)
    assert answer.headers["ETag"] == f'"{stored(app, "a.jpg").info.etag}"'
    assert state(app, "a.jpg") == "pending"


def test_without_a_condition_a_conflict_of_storage_is_told(app: Parts) -> None:
    app.images.before = failing("write", ConflictError("Blob storage answered 409 (PendingCopyOperation)."))
    problem_of(put("a.jpg"), 409, "conflict")


def test_a_deletion_takes_image_records_marks_and_entry_at_once_and_its_event_finds_nothing(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.services.index_writer.flush()
    app.clock.advance(1)
    answer = delete("a.jpg")
    assert (answer.status_code, parsed(answer)) == (200, {"name": "a.jpg", "deleted": True})
    assert (records(app), app.images.contents(names.IMAGES)) == ({}, {})
    assert books(app).keys() == {names.CACHE, names.FORGETTING}
    assert state(app, "a.jpg") is None
    assert deletion.forget(app.services, "a.jpg") == 0
    problem_of(delete("a.jpg"), 404, "image_not_found")


def test_an_image_that_comes_again_is_paid_for_by_nothing(app: Parts) -> None:
    put("a.jpg", RED)
    deliver(app, "a.jpg", RED)
    paid = len(app.vision.asked)
    app.clock.advance(1)
    delete("a.jpg")
    app.clock.advance(1)
    put("a.jpg", RED)
    assert state(app, "a.jpg") == "pending"
    deliver(app, "a.jpg", RED)
    assert len(app.vision.asked) == paid
    app.services.index_writer.flush()
    index_checks.check(app)


def test_the_correction_of_a_deleted_image_is_kept_for_one_of_the_same_bytes(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    answered(CorrectionsHttp.main, request("PUT", {"focal": [0.1, 0.2]}, route={"name": "a.jpg"}))
    upload(app, "b.jpg", RED)
    app.clock.advance(1)
    delete("a.jpg")
    assert corrections.focal_of(app.images, "b.jpg") == (0.1, 0.2)
    cut = app.images.head(names.THUMBNAILS, "b.jpg/100x50-smart.jpg")
    assert cut is not None
    assert cut.metadata["focal"] == "0.1,0.2"


def test_where_storage_fails_after_the_image_is_gone_its_event_deletes_the_rest(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.services.index_writer.flush()
    app.clock.advance(1)

    def down(operation: str, container: str, name: str) -> None:
        if (operation, container) == ("delete", names.IMAGES):
            app.images.before = lambda *_: (_ for _ in ()).throw(StorageError("down"))

    app.images.before = down
    assert delete("a.jpg").status_code == 200
    app.images.before = None
    assert state(app, "a.jpg") is None
    assert records(app)
    deletion.forget(app.services, "a.jpg")
    assert records(app) == {}


def test_a_body_is_no_part_of_a_deletion(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    problem_of(answered(main, request("DELETE", b"x", route={"name": "a.jpg"})), 400, "body_not_expected")
    assert records(app)


def test_a_deletion_at_any_moment_of_an_upload_leaves_nothing_and_says_so(app: Parts) -> None:
    moment = 0
    while True:
        name = f"{moment}.jpg"
        data = picture(colour=(moment, 9, 9))
        app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        with Moments(app, moment, lambda name=name: delete(name)) as moments:  # type: ignore[misc]
            deliver(app, name, data)
        if moments.is_over:
            break
        moment += 1
        app.services.index_writer.flush()
        assert (records(app), index_checks.entries(app)) == ({}, {})
    assert moment > 20


def test_an_upload_at_any_moment_of_a_deletion_ends_with_its_records(app: Parts) -> None:
    moment = 0
    while True:
        name = f"{moment}.jpg"
        upload(app, name, RED)
        app.clock.advance(1)
        with Moments(app, moment, lambda name=name: put(name, BLUE)) as moments:  # type: ignore[misc]
            delete(name)
        is_there = app.images.head(names.IMAGES, name) is not None
        app.clock.advance(1)
        deliver(app, name, BLUE)
        app.services.index_writer.flush()
        assert (state(app, name) == "complete") is is_there
        if moments.is_over:
            break
        moment += 1
    index_checks.check(app)
    assert moment > 10


BEFORE: dict[str, Any] = json.loads((PROJECT_ROOT / "tests/fixtures/records/before.json").read_text())


@pytest.fixture
def before(app: Parts) -> Parts:
    """What a version of long ago has left, of which the index knows nothing."""
    restore(app.images, BEFORE["images"])
    restore(app.host, BEFORE["host"])
    return app


def test_what_the_version_before_has_left_is_neither_paid_again_nor_in_the_way(before: Parts) -> None:
    name = "album/photo.jpg"
    data = stored(before, name).data
    assert put(name, data, If_Match=f'"{stored(before, name).info.etag}"').status_code == 200
    deliver(before, name, data)
    told = parsed(answered(main, request("GET", params={"name": name})))
    assert (told["state"], before.vision.asked) == ("complete", [])
    before.clock.advance(1)
    put(name, BLUE)
    assert state(before, name) == "pending"
    before.clock.advance(1)
    deliver(before, name, BLUE)
    before.services.index_writer.flush()
    assert state(before, name) == "complete"
    before.clock.advance(1)
    assert delete(name).status_code == 200
    assert not [record for held in records(before).values() for record in held if name in record]
    assert state(before, name) is None


def test_bytes_of_before_that_another_program_brings_back_are_not_pending_for_ever(app: Parts) -> None:
    upload(app, "a.jpg", RED)
    app.services.index_writer.flush()
    app.clock.advance(1)
    put("a.jpg", BLUE)
    assert state(app, "a.jpg") == "pending"
    app.clock.advance(1)
    # Before the event of the caller's upload: that finds these bytes, and all their records.
    upload(app, "a.jpg", RED)
    app.services.index_writer.flush()
    assert state(app, "a.jpg") == "complete"
    index_checks.check(app)


def test_an_image_costs_a_look_a_write_and_a_line(app: Parts) -> None:
    # The first of a process also notes when the app first ran, and begins its part of the index.
    put("a.jpg", RED)
    for name, data, headers in (("b.jpg", RED, {}), ("a.jpg", RED, {}), ("c.jpg", BLUE, {"If_None_Match": "*"})):
        with Moments(app, 100, lambda: None) as moments:
            put(name, data, **headers)
        assert moments.passed == ["head images", "write images", "append index"]


@pytest.mark.parametrize("old", [None, BLUE])
def test_a_process_that_is_killed_at_any_moment_of_an_upload_leaves_nothing_pending(
    app: Parts, old: bytes | None
) -> None:
    moment = 0
    while True:
        name = f"{moment}.jpg"
        if old:
            upload(app, name, old)
            answered(CorrectionsHttp.main, request("PUT", ZEBRA, route={"name": name}))
            app.services.index_writer.flush()
            app.clock.advance(1)
        with suppress(Killed), Moments(app, moment, kill) as moments:
            put(name, RED)
        after = restarted(app, THUMBNAIL_SIZES="100x50")
        app.clock.advance(1)
        with services.replaced(after.services):
            blob = app.images.read(names.IMAGES, name)
            if blob:
                deliver(after, name, blob.data)
            after.services.index_writer.flush()
            assert state(after, name) == ("complete" if blob else None)
            assert (app.images.head(names.CORRECTIONS, f"{name}.json") is not None) is (old is not None)
        if moments.is_over:
            break
        moment += 1
    index_checks.check(after)
    assert moment >= 3


def test_a_process_that_is_killed_at_any_moment_of_a_deletion_leaves_the_rest_to_its_event(app: Parts) -> None:
    moment = 0
    while True:
        name = f"{moment}.jpg"
        upload(app, name, picture(colour=(moment, 5, 5)))
        answered(CorrectionsHttp.main, request("PUT", ZEBRA, route={"name": name}))
        app.services.index_writer.flush()
        app.clock.advance(1)
        with suppress(Killed), Moments(app, moment, kill) as moments:
            delete(name)
        after = restarted(app, THUMBNAIL_SIZES="100x50")
        is_there = app.images.head(names.IMAGES, name) is not None
        if not is_there:
            deletion.forget(after.services, name)
            after.services.index_writer.flush()
        assert state(after, name) == ("complete" if is_there else None)
        assert (name in str(records(after))) is is_there
        if moments.is_over:
            break
        moment += 1
    assert moment > 10
