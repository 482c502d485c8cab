"""What a record tells the index, whatever is in it."""

import json
from typing import Any

import pytest

from shared import names
from shared.index import parts

ETAG = "0x1C41C05BB596A60"
E = parts.short(ETAG)
KEY = "analyze-0123456789abcdef0123"


def told(container: str, record: str, content: object, **metadata: str) -> Any:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parts.of_record(container, record, data, metadata, ETAG)


def analysis(**result: Any) -> dict[str, Any]:
    source = {"name": "dir/cat.jpg", "etag": "0x1", "bytes": 30988, "width": 600, "height": 400}
    return {"source": {**source, "contentType": "image/jpeg"}, "result": result, "text": "none"}


def test_an_analysis_tells_of_the_image_and_of_what_was_seen() -> None:
    result = {
        "description": {"captions": [{"text": "a cat", "confidence": 0.6}], "tags": ["indoor"]},
        "tags": [{"name": "grass", "confidence": 0.3}, {"name": "cat", "confidence": 0.9}],
    }
    assert told("analysis", "dir/cat.jpg.json", analysis(**result), textdue="none,always", request=KEY) == (
        "dir/cat.jpg",
        {
            "analysis": {
                "e": E,
                "q": parts.asked(KEY),
                "caption": "a cat",
                "tags": ["cat", "grass"],
                "due": "none,always",
            },
            "image": {"bytes": 30988, "width": 600, "height": 400, "kind": "jpeg"},
        },
    )


@pytest.mark.parametrize(
    ("result", "people"),
    [
        ({"faces": [{"faceRectangle": {"left": 1, "top": 1, "width": 9, "height": 9}}]}, True),
        ({"categories": [{"name": "people_portrait", "score": 0.4}]}, True),
        ({"objects": [{"object": "person", "rectangle": {"x": 1, "y": 1, "w": 9, "h": 9}}]}, True),
        ({"tags": [{"name": "person", "confidence": 0.9}]}, True),
        ({"tags": [{"name": "person", "confidence": 0.2}]}, False),
        ({"tags": [{"name": "personal computer", "confidence": 0.9}]}, False),
    ],
)
def test_people_are_told_by_whatever_saw_them(result: dict[str, Any], people: bool) -> None:
    _, found = told("analysis", "a.jpg.json", analysis(**result))
    assert found["analysis"].get("people", False) is people


def test_a_record_of_the_version_before_is_judged_by_its_content() -> None:
    _, found = told("analysis", "a.jpg.json", analysis(tags=[{"name": "text", "confidence": 0.9}]))
    assert found["analysis"] == {"e": E, "tags": ["text"], "due": "none,auto,always"}


def test_a_long_name_is_told_by_the_head_of_its_record() -> None:
    name = "n" * 950
    content = {**analysis(), "source": {"name": name, "bytes": 3}}
    stem, found = told("analysis", names.analysis(name), content)
    assert stem == names.stem(name) != name
    assert found["image"] == {"name": name, "bytes": 3}


def test_a_text_tells_its_first_words_and_whether_there_are_more() -> None:
    words = [f"word{number}" for number in range(61)]
    assert told("text", "a.jpg.txt", " ".join(words[:60]).encode(), request="read-1") == (
        "a.jpg",
        {"plain": {"e": E, "q": parts.asked("read-1"), "words": " ".join(words[:60])}},
    )
    _, longer = told("text", "a.jpg.txt", "\n".join(words).encode())
    assert longer["plain"] == {"e": E, "words": " ".join(words[:60]), "more": True}
    _, unspaced = told("text", "a.jpg.txt", ("字" * 601).encode())
    assert unspaced["plain"] == {"e": E, "words": "字" * 600, "more": True}
    assert told("text", "a.jpg.txt", b"") == ("a.jpg", {"plain": {"e": E}})


def test_only_a_document_is_told_by_its_text() -> None:
    content = {
        "source": {"name": "a.pdf", "bytes": 7},
        "analyzeResult": {"readResults": [{"unit": "inch"}]},
    }
    assert told("text", "a.pdf.json", content, textonly="true") == (
        "a.pdf",
        {"text": {"e": E}, "image": {"bytes": 7, "kind": "pdf"}},
    )
    content["analyzeResult"] = {"readResults": [{"unit": "pixel"}]}
    assert told("text", "a.tif.json", content, textonly="true")[1]["image"]["kind"] == "tiff"
    assert told("text", "a.jpg.json", content) == ("a.jpg", {"text": {"e": E}})
    assert told("text", "a.pdf.txt", b"one", textonly="true")[1] == {"plain": {"e": E, "words": "one", "only": True}}


def test_a_thumbnail_tells_its_look() -> None:
    assert told("thumbnails", "dir/cat.jpg/200x200-smart.jpg", b"\xff\xd8", look="00ff" * 4, colour="red") == (
        "dir/cat.jpg",
        {"thumbnail:200x200-smart.jpg": {"e": E, "look": "00ff" * 4, "colour": "red"}},
    )


def test_a_note_tells_why_its_step_is_missing() -> None:
    content = {"source": {"name": "a.jpg", "bytes": 9}, "until": "2026-11-26T14:21:01+00:00"}
    metadata = {"state": "deferred", "code": "vision_unavailable", "cause": "other", "request": f"{KEY},crop-1"}
    metadata |= {"textstilldue": "true", "sourcesha256": "0123456789abcdef" * 4}
    stem, found = told("unfinished", "analysis/a.jpg.json", content, **metadata)
    note = {"e": E, "q": parts.asked(f"{KEY},crop-1"), "v": "01234567", "still": True}
    note |= {"state": "deferred", "code": "vision_unavailable"}
    assert (stem, found) == (
        "a.jpg",
        {"unfinished:analysis": {**note, "until": "2026-11-26T14:21:01+00:00"}, "image": {"bytes": 9}},
    )
    _, blamed = told("unfinished", "text/a.jpg.json", content, state="failed", code="not_an_image", cause="image")
    assert blamed["unfinished:text"]["blames"] is True
    # A deferred text has an image whose analysis tells more.
    assert "image" not in blamed


def test_a_correction_tells_what_people_say() -> None:
    content = {"caption": "Oma", "alt": "Old", "tags": {"added": ["oma"], "removed": []}, "focal": [0.25, 0.5]}
    assert told("corrections", "a.jpg.json", content) == (
        "a.jpg",
        {"correction": {"e": E, "caption": "Oma", "alt": "Old", "focal": [0.25, 0.5], "added": ["oma"]}},
    )


@pytest.mark.parametrize(
    ("container", "record"),
    [
        ("images", "a.jpg"),
        ("cache", "a/b.json"),
        ("analysis", "dir"),
        ("text", "by-sha256/0123/read-1.json"),
        ("thumbnails", "by-sha256/0123/1x1-smart.jpg"),
    ],
)
def test_what_is_no_record_of_an_image_tells_nothing(container: str, record: str) -> None:
    assert told(container, record, b"{}") is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"null", b"{}", b'{"source": 1, "result": {"tags": 7}}'])
@pytest.mark.parametrize("container", ["analysis", "text", "unfinished", "corrections"])
def test_a_record_that_cannot_be_read_is_told_all_the_same(container: str, data: bytes) -> None:
    stem, found = told(container, "x/a.jpg.json", data)
    assert stem == ("a.jpg" if container == "unfinished" else "x/a.jpg")
    assert [part["e"] for part in found.values()] == [E]


def test_different_questions_and_etags_are_told_apart() -> None:
    assert parts.short("0x1") != parts.short("0x2")
    # Keys of one operation begin alike.
    assert parts.asked("generateThumbnail-0123") != parts.asked("generateThumbnail-4567")
    assert parts.asked("a-1,b-2") == f"{parts.asked('a-1')},{parts.asked('b-2')}"
