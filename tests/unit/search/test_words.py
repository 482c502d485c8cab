import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from shared.search import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, World_2", ["hello", "world", "2"]),
        ("Straße ŁÓDŹ Œuvre Ærø", ["strasse", "lodz", "oeuvre", "aero"]),
        ("cafe\u0301 caf\u00e9 CAFÉ", ["cafe"] * 3),
        ("ΝΊΚΟΣ νίκος", ["νικοσ", "νικοσ"]),
        ("ё й ї", ["е", "и", "і"]),  # noqa: RUF001
        ("東京駅 A1", ["東", "京", "駅", "a1"]),
        ("ｶﾞｰﾄﾞ ガード", ["ガ", "ー", "ド"] * 2),
        ("ＡＢＣ１２ ﬁn", ["abc12", "fin"]),  # noqa: RUF001
        ("서울역에서", ["서", "울", "역", "에", "서"]),
        ("दिल्ली स्टेशन।", ["दिल्ली", "स्टेशन"]),
        ("مَطْعَم ١٢", ["مطعم", "12"]),
        ("½ m²", ["1", "2", "m2"]),
        ("a-b.c@d", ["a", "b", "c", "d"]),
        ("... ", []),
        ("I\u2764\ufe0f\U0001f436s", ["i", "\u2764", "\U0001f436", "s"]),
        ("x" * 100, ["x" * 64]),
    ],
)
def test_words_are_folded(text: str, found: list[str]) -> None:
    assert words.of(text) == found


@fuzzed
@given(st.text())
def test_spans_tell_the_words_and_where_each_stands(text: str) -> None:
    found = list(words.spans(text))
    assert [word for word, _, _ in found] == words.of(text)
    assert all(0 <= begin < end <= len(text) for _, begin, end in found)
    assert [begin for _, begin, _ in found] == sorted(begin for _, begin, _ in found)


@fuzzed
@given(st.text())
def test_words_that_are_folded_stay_as_they_are(text: str) -> None:
    once = words.of(text)
    assert words.of(" ".join(once)) == once


def test_a_span_is_the_word_as_it_is_written() -> None:
    text = "Zur Straße in 東京"
    assert [text[begin:end] for _, begin, end in words.spans(text)] == ["Zur", "Straße", "in", "東", "京"]


def test_a_word_with_an_umlaut_has_a_spelling_without() -> None:
    assert list(words.spellings("Zürich, Århus und Café")) == [("zuerich", "zurich"), ("aarhus", "arhus")]
    assert list(words.spellings("poet")) == []


@pytest.mark.parametrize(
    ("name", "parted"),
    [
        ("a/SummerParty2019.jpg", ["a", "summer", "party", "2019", "jpg"]),
        ("DSC00007.JPG", ["dsc", "00007", "jpg"]),
        ("cat.jpg", []),
        ("BahnhofÜbersicht.png", ["bahnhof", "ubersicht", "png"]),
    ],
)
def test_a_name_is_parted_at_its_joints(name: str, parted: list[str]) -> None:
    assert words.of_name(name) == (words.of(name), parted)


def test_a_phrase_is_found_where_its_words_follow_each_other() -> None:
    assert words.begin_of(["a", "b", "a", "c"], ["a", "c"]) == 2
    assert words.begin_of(["a", "b", "a", "c"], ["a"], 1) == 2
    assert words.begin_of(["a", "b"], ["b", "a"]) is None
