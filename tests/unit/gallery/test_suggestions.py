"""`GET data/suggestions`: over the index, for the box as it is."""

from doubles.gallery_data import ask, told
from doubles.http_requests import problem_of
from doubles.parts import Parts
from doubles.searched import store

from shared.gallery import suggestions


def test_what_uploads_have_is_suggested(app: Parts) -> None:
    store(app, "holidays/beach.png", espresso=0.8)
    store(app, "bill.png", text="TOTAL DUE")
    assert {"text": "red total", "label": "total", "kind": "word", "count": 1} in told(suggestions, q="red tot")[
        "suggestions"
    ]
    assert [each["kind"] for each in told(suggestions, q="esp")["suggestions"]] == ["word", "tag"]
    assert told(suggestions, q="folder:")["suggestions"][0]["text"] in ("folder:/", "folder:holidays")


def test_an_empty_box_and_no_box_are_the_same(app: Parts) -> None:
    store(app, "a.png")
    assert told(suggestions) == told(suggestions, q="")
    assert told(suggestions)["suggestions"]


def test_a_name_of_1024_characters_fits_into_the_box_and_a_longer_query_is_refused(app: Parts) -> None:
    name = "n" * 1020 + ".png"
    store(app, name)
    word, found = told(suggestions, q="nnn")["suggestions"]
    # The beginning of the name is what the index takes for a word.
    assert (word["kind"], word["text"]) == ("word", "n" * 64)
    assert (found["kind"], found["label"], found["text"]) == ("name", name, f'"{name}"')
    # With the words before it, it would be more than a query can have.
    assert [each["kind"] for each in told(suggestions, q="word " * 250 + "nnn")["suggestions"]] == ["word"]
    problem_of(ask(suggestions, q="x" * 2001), 400, "bad_parameter")


def test_texts_that_look_like_markup_come_as_they_are(app: Parts) -> None:
    store(app, "a.png", **{"<img onerror=alert(1)>": 0.9, "\u202eevil": 0.9})
    found = told(suggestions, q="tag:<img")["suggestions"] + told(suggestions, q="tag:")["suggestions"]
    assert {"<img onerror=alert(1)>", "\u202eevil"} <= {each["label"] for each in found}
