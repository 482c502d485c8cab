"""What the box suggests while a query is being typed."""

from collections.abc import Iterator

import pytest
from doubles import search_images
from doubles.fuzz import fuzzed
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, Entry
from shared.search import query
from shared.search.engine import Engine
from shared.search.query import parse
from shared.search.suggestions import MOST
from shared.settings import Settings


def made(*entries: Entry) -> Engine:
    engine = Engine(Settings.from_env(ENVIRONMENT), state_of=lambda entry, _: search_images.state_of(entry))
    engine.replace("", None, entries)
    return engine


def entry(name: str, caption: str = "", tags: str = "", text: str = "", **correction: object) -> Entry:
    parts = {
        IMAGE: {"kind": "jpeg", "uploaded": "2026-11-30T10:00:00+00:00"},
        ANALYSIS: {"caption": caption, "tags": tags.split(",") if tags else []},
        PLAIN: {"words": text},
        CORRECTION: correction,
    }
    return Entry(name, dict(parts), dict.fromkeys(parts, 1.0))


@pytest.fixture(scope="module")
def full() -> Iterator[Engine]:
    engine = made(*search_images.entries())
    yield engine
    engine.close()


def texts(engine: Engine, asked: str) -> list[str]:
    return [each.text for each in engine.suggest(asked)]


def test_words_come_by_how_many_images_have_them() -> None:
    engine = made(entry("1", "a dog"), entry("2", "a door"), entry("3", "a dog", text="dog dog"), entry("4", "dots"))
    assert [(each.text, each.kind, each.count) for each in engine.suggest("do")] == [
        ("dog", "word", 2),
        ("door", "word", 1),
        ("dots", "word", 1),
    ]


def test_only_the_last_word_changes_and_what_stands_before_it_stays() -> None:
    engine = made(entry("1", "a red espresso"))
    assert texts(engine, "  red  -es") == ["  red  -espresso"]
    assert texts(engine, 'tag:"x y" es') == ['tag:"x y" espresso']
    assert texts(engine, '"red es') == ['"red espresso']
    assert texts(engine, "red ") == []
    assert texts(engine, '"red es"') == []


def test_a_word_with_a_wrong_letter_is_forgiven() -> None:
    engine = made(entry("1", "an espresso", "hot drink"))
    assert texts(engine, "esspresso") == ["espresso"]
    assert texts(engine, "text:esprosso") == ["text:espresso"]


def test_an_image_that_is_gone_or_corrected_counts_no_longer() -> None:
    engine = made(entry("1", "a dog", "dog"), entry("2", "a dog"))
    engine.apply([{"stem": "1", "at": 9.0, "gone": True}])
    assert [(each.text, each.count) for each in engine.suggest("do")] == [("dog", 1)]
    engine.apply([{"stem": "2", "at": 9.0, "parts": {CORRECTION: {"caption": "a cat"}}}])
    assert engine.suggest("do") == []
    assert texts(engine, "ca") == ["cat"]


def test_what_has_spaces_or_quotes_is_written_so_that_it_finds_the_same() -> None:
    names = ['my pictures/a "b".jpg', '\u00abodd\u00bb "both".jpg', "plain.jpg", "-minus.jpg"]
    engine = made(*(entry(name, tags='hot dog,15" screen') for name in names))
    assert texts(engine, "tag:ho") == ['tag:"hot dog"']
    assert texts(engine, "tag:15") == ['tag:\u00ab15" screen\u00bb']
    assert texts(engine, "folder:my") == ['folder:"my pictures"']
    for begun, name in (("pla", "plain.jpg"), ("a", None), ("-m", None)):
        found = [each for each in engine.suggest(begun) if each.kind == "name"]
        assert [each.label for each in found] == ([name] if name else [])
    (found,) = (each for each in engine.suggest("same:a") if each.kind == "name")
    assert engine.find(parse(found.text)).hits[0].entry.name == 'my pictures/a "b".jpg'


def test_states_things_kinds_and_dates_are_those_that_there_are(full: Engine) -> None:
    assert set(texts(full, "is:")) <= {f"is:{state}" for state in query.STATES}
    assert "is:failed" in texts(full, "fai")
    assert texts(full, "has:t") == ["has:text"]
    assert all(text.startswith("before:20") for text in texts(full, "before:"))
    assert texts(full, "before:")
    months = texts(full, "after:2024")
    assert months
    assert all(text.startswith("after:2024-") for text in months)
    assert "folder:" in texts(full, "fold")


def test_an_empty_box_suggests_where_to_begin(full: Engine) -> None:
    found = full.suggest("")
    assert len(found) == MOST
    assert {each.kind for each in found} == {"operator", "tag"}
    assert all(each.count for each in found)


def test_an_index_without_images_suggests_fields_alone() -> None:
    engine = made()
    assert engine.suggest("") == []
    assert texts(engine, "ta") == ["tag:"]
    assert texts(engine, "tag:a") == []


@fuzzed
@given(asked=st.text(max_size=40) | st.text('ad:"\u00ab\u00bb-tag is2/. ', max_size=20))
def test_any_text_has_its_suggestions_each_once(full: Engine, asked: str) -> None:
    found = full.suggest(asked)
    assert len(found) <= MOST
    assert len({each.text for each in found}) == len(found)
    for each in found:
        assert each.text != asked
        assert each.label


def test_what_is_suggested_with_a_count_finds_as_many(full: Engine) -> None:
    for asked in ("a", "in", "tag:", "folder:", "kind:", "colour:", "is:", "has:", "same:", "z", "2024", "m\u00fc"):
        for each in full.suggest(asked):
            if each.count is not None:
                total = full.find(parse(each.text)).total
                # A word finds what is one letter or a plural away too.
                assert total >= each.count, each
                assert total == each.count or each.kind in ("word", "tag", "name", "folder"), each
