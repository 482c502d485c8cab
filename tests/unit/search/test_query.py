import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequestError
from shared.search import query
from shared.search.query import Term, parse


def one(asked: str) -> Term:
    (term,) = parse(asked).terms
    return term


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [
        ("Dog", "", "dog"),
        ("12:30", "", "12 30"),
        ("http://example.com/a", "", "http example com a"),
        ("tag:Dog", "tag", "dog"),
        ("TAG:dog", "tag", "dog"),
        ("tag: dog", "tag", "dog"),
        ('tag:"Hot Dog"', "tag", "hot dog"),
        ("text:“hot dog”", "text", "hot dog"),
        ("folder:/Travel/Köln/", "folder", "travel/koln"),
        ("tag:♥", "tag", "♥"),
        ("folder:/", "folder", "/"),
        ("is:FAILED", "is", "failed"),
        ("state:failed", "is", "failed"),
        ("color:Red", "colour", "red"),
        ("colour:Grey", "colour", "gray"),
        ("kind:JPG", "kind", "jpeg"),
        ("kind:tif", "kind", "tiff"),
        ("before:2026/03", "before", "2026-03-01"),
        ("after:2026.3.9", "after", "2026-03-09"),
        ("\U0001f436", "", "\U0001f436"),
        ("has:people", "has", "people"),
        ("same:A/b.jpg", "same", "A/b.jpg"),
        ('same:«a "b" c.jpg»', "same", 'a "b" c.jpg'),
        ("before:2026", "before", "2026-01-01"),
        ("after:2026-2", "after", "2026-02-01"),
        ("after:2024-02-29", "after", "2024-02-29"),
    ],
)
def test_a_term_has_a_field_and_a_value(asked: str, field: str, value: str) -> None:
    term = one(asked)
    assert (term.field, term.value, term.negated) == (field, value, False)
    assert one(f"-{asked}") == Term(
        f"-{asked}", value, field, term.words, exact=True, negated=True, spelled=term.spelled
    )


@pytest.mark.parametrize("asked", ["", " ", "-", "- -", '""', "...", "-...", "\u2013"])
def test_what_has_no_letter_asks_for_nothing(asked: str) -> None:
    assert parse(asked).terms == ()


def test_terms_stand_between_spaces_and_quotes() -> None:
    found = parse('red  "stop sign" -car -"no entry" tag:"a b" „unfinished quote')
    assert [(term.value, term.exact, term.negated) for term in found.terms] == [
        ("red", False, False),
        ("stop sign", True, False),
        ("car", True, True),
        ("no entry", True, True),
        ("a b", True, False),
        ("unfinished quote", True, False),
    ]
    assert [term.asked for term in found.terms][1] == '"stop sign"'


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("is:done", "failed, deferred, pending, complete"),
        ("has:dogs", "text, people"),
        ("before:yesterday", "YYYY-MM-DD"),
        ("after:2025-02-30", "is no date"),
        ("before:0000", "is no date"),
        ("tag:", "names nothing"),
        ("-folder:", "names nothing"),
        ('is:""', "names nothing"),
        ("text:...", "names no word"),
        ("x" * 2001, "2001 characters; at most 2000"),
        ("a " * 33, "33 terms; at most 32"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_allowed(asked: str, says: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        parse(asked)
    assert raised.value.code == "bad_query"
    assert says in raised.value.message
    assert all(f"{field}:" in raised.value.action for field in query.FIELDS)


@fuzzed
@given(st.text(max_size=200) | st.text(alphabet='-":“” \tafgistxhe1', max_size=60))
def test_any_text_is_a_query_or_is_refused_as_one(asked: str) -> None:
    codes = []
    try:
        assert all(term.value for term in parse(asked).terms)
    except BadRequestError as error:
        codes.append(error.code)
    assert codes in ([], ["bad_query"])


def test_a_query_about_words_looks_at_texts() -> None:
    assert parse("tag:a b").looks_at_text
    assert parse("text:b").looks_at_text
    assert not parse("tag:a is:failed folder:x").looks_at_text
