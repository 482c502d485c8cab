"""An image that comes as base64, as a data: address, as Logic Apps hold it, or in a form: the bytes in it are asked."""

import base64
import hashlib
import json

import pytest
from doubles.http_requests import Hub, parsed, problem_of
from doubles.http_routes import TAKERS, Route
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.wrappings import JSON, MULTIPART, TEXT, WRAPPINGS, closed, content_object, form, part

from shared import services

IMAGE = picture(colour=(10, 120, 200))
PDF = b"%PDF-1.4"
ENCODED = base64.b64encode(IMAGE)
EVERY_TAKER = pytest.mark.parametrize("route", TAKERS, ids=str)


@EVERY_TAKER
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_it_is_the_same_question_as_that_of_the_bytes(app: Parts, task_hub: Hub, route: Route, wrapping: str) -> None:
    wrap, declared = WRAPPINGS[wrapping]
    wrapped = route.answer(wrap(IMAGE), headers={"Content-Type": declared})
    assert wrapped.status_code in (200, 202), wrapped.get_body()
    asked, started = len(app.vision.asked), list(task_hub.started)
    assert asked or started
    plain = route.answer(IMAGE)
    assert (plain.status_code, plain.get_body()) == (wrapped.status_code, wrapped.get_body())
    assert len(app.vision.asked) == asked
    assert {identifier for _, identifier, _ in task_hub.started} == {identifier for _, identifier, _ in started}


def test_it_is_filed_under_the_digest_of_the_bytes(app: Parts) -> None:
    TAKERS[0].answer(ENCODED, headers={"Content-Type": TEXT})
    digest = hashlib.sha256(IMAGE).hexdigest()
    assert any(digest in name for name in app.host.contents("cache"))


# Content-Type, the body, and what the refusal says of it.
BROKEN: dict[str, tuple[str, bytes, str]] = {
    "a character": (TEXT, ENCODED[:60] + b"*" + ENCODED[61:], "'*' as character 61"),
    "a character in lines": (TEXT, b"\n" + ENCODED[:60] + b"\r\n" + b"*" + ENCODED[60:], "'*' as character 63"),
    "no ASCII": (TEXT, ENCODED[:60] + "é".encode() + ENCODED[60:], r"'\xc3' as character 61"),
    "a space": (TEXT, ENCODED[:60] + b" " + ENCODED[60:], "' ' as character 61, which is no digit of base64; a +"),
    "padding in the middle": (TEXT, ENCODED[:60] + b"==" + ENCODED[60:], "'=' as character 61"),
    "two texts": (TEXT, base64.b64encode(IMAGE[:61]) + ENCODED, "'=' as character 83"),
    "too much padding": (TEXT, ENCODED.rstrip(b"=") + b"===", "3 times ="),
    "padding of another length": (TEXT, ENCODED[:60] + b"=", "1 times ="),
    "a character too many": (TEXT, ENCODED[:61], "61 characters"),
    "one quotation mark": (TEXT, b'"' + ENCODED, "does not end with one"),
    "something behind": (JSON, b'"' + ENCODED + b'" x', "goes on behind"),
    "an escape": (JSON, b'"' + ENCODED[:60] + b"\\x" + ENCODED[60:] + b'"', "no escape of JSON"),
    "a percent sign": (TEXT, b"data:image/png;base64," + ENCODED[:60] + b"%2", "two hexadecimal digits"),
    "a data address in JSON": (JSON, json.dumps({"url": "data:;base64,iVB*"}).encode(), "'*' as character 4"),
    "a data address without a comma": (JSON, json.dumps({"url": "data:image/png" * 9000}).encode(), "without a comma"),
    "$content": (JSON, json.dumps({"$content": "iVBO RR"}).encode(), "' ' as character 5"),
    "a form of another boundary": (f"{MULTIPART}x", form(IMAGE), "no end"),
    "a form that is cut": (MULTIPART, form(IMAGE)[:-20], "no end"),
    "a form without anything": (MULTIPART, b"nothing", "no end"),
    "a form without a boundary": ("multipart/form-data", b"nothing", "no boundary"),
    "a form without a part": (MULTIPART, closed(), "no file"),
    "a form with two files": (
        MULTIPART,
        closed(part(IMAGE), part(IMAGE, name="other")),
        "second file, in the part 'other'",
    ),
    "a form with a field": (MULTIPART, closed(part(IMAGE), part(b"x", name="title", filename=None)), "field 'title'"),
    "a form with a field first": (MULTIPART, closed(part(b"x", name="a b", filename=None), part(IMAGE)), "'a b'"),
    "a form with a field alone": (MULTIPART, closed(part(IMAGE, name="image", filename=None)), "field 'image'"),
    "a form in a form": (MULTIPART, closed(part(form(IMAGE), kind=MULTIPART)), "form inside it"),
    "a form as a file": (MULTIPART, closed(part(closed(part(IMAGE, boundary="x"), boundary="x"))), "another form"),
    "a form with JSON": (MULTIPART, form(b'{"name": "a.jpg"}'), "file in the form is JSON"),
    "a form with a page": (MULTIPART, form(b"<!DOCTYPE html>"), "file in the form is a page"),
    "a form with $content": (MULTIPART, form(json.dumps(content_object(IMAGE)).encode()), "file in the form is JSON"),
    "a form with large headers": (MULTIPART, closed(part(IMAGE, filename="x" * 9000)), "8192"),
    "a form with endless headers": (MULTIPART, closed(part(IMAGE, filename="x" * 90_000)), "8192"),
    "a form with a large preamble": (MULTIPART, b"x" * 90_000 + form(IMAGE), "8192"),
    "a form with Latin-1": (MULTIPART, form(IMAGE).replace(b"a.png", b"\xe4.png"), "UTF-8"),
    "a form without a disposition": (MULTIPART, form(IMAGE).replace(b"Content-Disp", b"X-Disp"), "Content-Disposition"),
    "a form with a long boundary": (f"multipart/form-data; boundary={'x' * 201}", form(IMAGE), "201 characters"),
}


@EVERY_TAKER
@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_refused_with_the_place(app: Parts, task_hub: Hub, route: Route, case: str) -> None:
    declared, body, told = BROKEN[case]
    document = problem_of(route.answer(body, headers={"Content-Type": declared}), 400, "body_not_an_image")
    assert told in document["detail"]
    assert app.vision.asked == []
    assert task_hub.started == []


ENCODED_TEXT = ENCODED.decode()
CONTENT: dict[str, object] = {**content_object(IMAGE)}
OBJECTS: dict[str, tuple[bytes, str]] = {
    "another member": (
        json.dumps({**content_object(IMAGE), "name": "a.jpg"}).encode(),
        "has '$content', '$content-type', name",
    ),
    "another member before": (json.dumps({"a": 1, "$content": ENCODED_TEXT}).encode(), "has '$content', a"),
    "twice": (f'{{"$content": "{ENCODED_TEXT}", "$content": ""}}'.encode(), "'$content' is there twice"),
    "a type that is none": (
        json.dumps({"$content": ENCODED_TEXT, "$content-type": 1}).encode(),
        "is a number, not a text",
    ),
    "no end": (b'{"$content": "' + ENCODED, "byte 15 has no end"),
    "no end of the object": (b'{"$content": "' + ENCODED + b'"', "no JSON"),
    "too much beside": (json.dumps({"$content": "", "x": "x" * 70_000}).encode(), "at most 65536"),
    "no text": (b'{"$content": null}', "has '$content'"),
    "a url with a member": (json.dumps({"url": "data:,x", "name": "a.jpg"}).encode(), "has name, url"),
    "a url twice": (b'{"url": "data:,x", "url": "data:,x"}', "'url' is there twice"),
}


@EVERY_TAKER
@pytest.mark.parametrize("case", OBJECTS)
def test_an_object_has_nothing_else(app: Parts, task_hub: Hub, route: Route, case: str) -> None:
    body, told = OBJECTS[case]
    document = problem_of(route.answer(body, headers={"Content-Type": JSON}), 400, "bad_json")
    assert told in document["detail"]
    assert app.vision.asked == []


@EVERY_TAKER
@pytest.mark.parametrize(
    ("declared", "body"),
    [
        (MULTIPART, b""),
        (MULTIPART, form(b"")),
        (JSON, b'{"$content": ""}'),
        (JSON, b'{"url": "data:,"}'),
        (TEXT, b"data:image/png;base64,"),
    ],
)
def test_nothing_is_no_image(app: Parts, task_hub: Hub, route: Route, declared: str, body: bytes) -> None:
    problem_of(route.answer(body, headers={"Content-Type": declared}), 400, "image_missing")


@EVERY_TAKER
def test_what_is_in_it_is_judged_as_if_it_came_alone(app: Parts, task_hub: Hub, route: Route) -> None:
    for name, (wrap, declared) in WRAPPINGS.items():
        if not name.startswith(("base64", "form with base64", "form with a data")):  # they are known by their content
            answer = route.answer(wrap(b"dear diary, this is no image"), headers={"Content-Type": declared})
            problem_of(answer, 400, "not_an_image")


@pytest.mark.parametrize(
    "name", ["$content", "base64", "base64 of $content", "url with a data address", "data address, percent-encoded"]
)
def test_no_more_is_decoded_than_the_route_takes(task_hub: Hub, name: str) -> None:
    wrap, declared = WRAPPINGS[name]
    large = IMAGE + bytes(1024**2)
    with services.replaced(parts(MAX_UPLOAD_MEGABYTES="1").services):
        for route in TAKERS:
            answer = route.answer(wrap(large), headers={"Content-Type": declared})
            if route.folder == "OcrHttp":
                assert answer.status_code == 202
            else:
                document = problem_of(answer, 413, "image_too_large")
                # Told before it is decoded: what is in it is the same as if it came alone, but for these words.
                assert f"The image in the body has {len(large)} bytes; at most 1048576" in document["detail"]


@pytest.mark.parametrize("name", WRAPPINGS)
def test_as_much_is_decoded_as_the_route_takes(name: str) -> None:
    """More than that has the body itself, most of all where base64 is inside base64."""
    wrap, declared = WRAPPINGS[name]
    with services.replaced(parts(MAX_UPLOAD_MEGABYTES="1").services):
        answer = TAKERS[0].answer(wrap(IMAGE.ljust(1024**2, b"\xfb")), headers={"Content-Type": declared})
    assert answer.status_code == 200


def test_a_text_of_64_kb_and_more_is_no_limit_for_an_image(app: Parts) -> None:
    answer = TAKERS[0].answer(
        json.dumps(content_object(IMAGE + bytes(200_000))).encode(), headers={"Content-Type": JSON}
    )
    assert answer.status_code == 200
    assert parsed(answer)
