import json
import random
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from threading import Thread
from typing import Any

import pytest
from doubles import search_images
from doubles.fuzz import fuzzed
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequestError
from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, Entry, Line
from shared.names import MAX_BLOB_NAME_CHARACTERS
from shared.search.engine import Engine
from shared.search.found import Found, Match
from shared.search.order import Sort
from shared.search.query import parse
from shared.settings import Settings
from shared.untrusted.characters import MAX_CHARACTERS

AT = search_images.AT


def made() -> Engine:
    return Engine(Settings.from_env(ENVIRONMENT), state_of=lambda entry, _: search_images.state_of(entry))


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = made()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def full() -> Iterator[Engine]:
    engine = made()
    engine.replace("", None, search_images.entries())
    yield engine
    engine.close()


def found(engine: Engine, asked: str, **given: Any) -> Found:
    return engine.find(parse(asked), **{"limit": 400, **given})


def names(engine: Engine, asked: str, **given: Any) -> list[str]:
    return [hit.entry.name for hit in found(engine, asked, **given).hits]


def line(stem: str, at: float = AT, **parts: Any) -> Line:
    return {"stem": stem, "at": at, "parts": parts}


def lines(entries: list[Entry]) -> list[Line]:
    return [line(entry.stem, entry.at[name], **{name: part}) for entry in entries for name, part in entry.parts.items()]


def told(engine: Engine) -> list[Any]:
    """Everything that some queries tell, so that two engines can be compared."""
    asked = ["", "sign", "invoice", "dog -cat", "tag:dog", '"new release"', "is:failed", "has:text", "folder:camera/1"]
    return [
        [(hit.entry, hit.state, hit.same, hit.tags, hit.matches) for hit in page.hits] + [page.total, page.facets]
        for page in (found(engine, each, sort="name") for each in asked)
    ]


# --- entries and lines


def test_lines_in_any_order_and_twice_make_the_same_as_entries(full: Engine, engine: Engine) -> None:
    changes = lines(search_images.entries())
    random.Random(1).shuffle(changes)
    for at in range(0, len(changes), 97):
        engine.apply(changes[at : at + 97])
        engine.apply(changes[max(0, at - 20) : at + 10])
    assert told(engine) == told(full)


def test_ranges_that_are_replaced_again_and_again_leave_nothing_behind(full: Engine, engine: Engine) -> None:
    entries = search_images.entries()
    half = entries[200].stem
    engine.replace("", None, [Entry(f"{entry.stem}x", entry.parts, entry.at) for entry in entries])
    engine.replace("", half, entries[:200])
    engine.replace(half, None, entries[200:])
    engine.replace(half, None, entries[200:])
    assert told(engine) == told(full)


def test_what_a_range_does_not_hold_is_gone_and_other_ranges_stay(engine: Engine) -> None:
    for stem in ("a", "b", "c", "d"):
        engine.apply([line(stem, analysis={"caption": "a kayak"})])
    engine.replace("b", "d", [Entry("c", {ANALYSIS: {"caption": "a tractor"}}, {ANALYSIS: AT})])
    assert names(engine, "kayak", sort="name") == ["a", "d"]
    assert names(engine, "tractor") == ["c"]


PARTS = st.sampled_from([{ANALYSIS: {"caption": word, "tags": [word]}} for word in ("kayak", "tractor", "windmill")])
CHANGES = st.lists(
    st.builds(
        lambda stem, at, parts, gone: {"stem": stem, "at": at, **({"gone": True} if gone else {"parts": parts})},
        st.sampled_from("abc"),
        st.integers(1, 9).map(float),
        PARTS | st.just({ANALYSIS: None}) | st.just({PLAIN: {"words": "a lagoon"}}),
        st.booleans(),
    ),
    max_size=12,
)


@given(CHANGES, st.integers(0, 12))
def test_the_engine_knows_what_the_lines_merge_to(changes: list[Line], cut: int) -> None:
    entries: dict[str, Entry] = {}
    for change in changes:
        entries.setdefault(change["stem"], Entry(change["stem"])).apply(change)
    one, other = made(), made()
    one.apply(changes[:cut])
    one.apply(changes[cut:])
    other.replace("", None, entries.values())
    for asked in ("", "kayak", "tag:tractor", "lagoon", "-windmill"):
        assert found(one, asked, sort="name") == found(other, asked, sort="name")
    assert names(one, "", sort="name") == sorted(stem for stem, entry in entries.items() if entry.is_there)
    one.close()
    other.close()


def test_a_line_that_comes_late_brings_no_image_back(engine: Engine) -> None:
    engine.apply([line("a", analysis={"caption": "a kayak"}), {"stem": "a", "at": AT + 2, "gone": True}])
    engine.apply([line("a", AT + 1, plain={"words": "late"})])
    assert found(engine, "").total == 0
    engine.apply([line("a", AT + 3, analysis={"caption": "a tractor"})])
    assert names(engine, "tractor") == ["a"]
    assert names(engine, "kayak") == []


def test_a_number_that_is_free_again_tells_nothing_of_the_image_before(engine: Engine) -> None:
    engine.apply([line("a", **{IMAGE: {"uploaded": "2020-01-01"}, ANALYSIS: {"caption": "a kayak", "tags": ["boat"]}})])
    engine.apply([{"stem": "a", "at": AT + 1, "gone": True}, line("b", analysis={"caption": "a tractor"})])
    assert names(engine, "kayak") == names(engine, "tag:boat") == names(engine, "before:2021") == []
    assert found(engine, "").facets["tag"] == []
    assert names(engine, "tractor") == ["b"]


def test_a_long_name_is_told_by_the_image(engine: Engine) -> None:
    name = "deep/" * 200 + "kayak.jpg"
    engine.apply([line("long/0123", image={"name": name})])
    assert names(engine, "kayak") == names(engine, f'same:"{name}"') == [name]
    assert found(engine, "").hits[0].entry.stem == "long/0123"


def test_an_image_without_a_date_is_neither_before_nor_after_any(engine: Engine) -> None:
    engine.apply([line("a", image={}), line("b", image={"taken": "2024-05-06T07:08:09"})])
    assert names(engine, "before:2025") == names(engine, "after:2024-05-06") == ["b"]
    assert names(engine, "-before:2025") == names(engine, "-after:2024-05-06") == ["a"]
    assert names(engine, "after:2024-05-07") == names(engine, "before:2024-05-06") == []


# --- corrections


def test_corrections_win_over_the_analysis(engine: Engine) -> None:
    engine.apply([line("a", analysis={"caption": "a dog", "tags": ["dog", "grass"]})])
    engine.apply(
        [line("a", AT + 1, correction={"caption": "a wolf", "alt": "It howls", "added": ["wild"], "removed": ["Dog"]})]
    )
    (hit,) = found(engine, "wolf howls tag:wild tag:grass -tag:dog -dog").hits
    assert (hit.caption, hit.alt, hit.tags) == ("a wolf", "It howls", ["wild", "grass"])
    engine.apply([line("a", AT + 2, **{CORRECTION: None})])
    (hit,) = found(engine, "dog tag:dog -wolf -tag:wild").hits
    assert (hit.caption, hit.alt, hit.tags) == ("a dog", None, ["dog", "grass"])


# --- whole texts


def test_whole_texts_are_wanted_once_and_in_the_version_of_now(engine: Engine) -> None:
    engine.apply(
        [line("a", plain={"e": "1", "words": "the beginning", "more": True}), line("b", plain={"words": "all"})]
    )
    assert engine.texts_wanted(9) == [("a", "1")]
    assert (engine.texts_wanted(0), engine.texts_left()) == ([], 1)
    engine.add_text("a", "0", "of another version: zebra")
    assert names(engine, "zebra") == []
    engine.add_text("a", "1", "the beginning and the zebra")
    engine.add_text("unknown", "1", "zebra")
    assert names(engine, "zebra") == names(engine, '"beginning and the zebra"') == ["a"]
    assert engine.texts_left() == 0


def test_a_whole_text_stays_while_other_parts_change_and_goes_with_its_version(engine: Engine) -> None:
    first = {"e": "1", "words": "the beginning", "more": True}
    engine.apply([line("a", plain=first)])
    engine.add_text("a", "1", "the beginning and the zebra")
    engine.apply([line("a", AT + 1, analysis={"caption": "a kayak"})])
    engine.replace("", None, [Entry("a", {PLAIN: first}, {PLAIN: AT})])
    assert names(engine, "zebra -kayak") == ["a"]
    assert engine.texts_left() == 0
    engine.apply([line("a", AT + 2, plain={"e": "2", "words": "the end", "more": True})])
    assert names(engine, "zebra") == []
    assert engine.texts_wanted(9) == [("a", "2")]
    engine.apply([line("a", AT + 3, plain=None)])
    assert engine.texts_left() == 0


def test_a_misread_word_of_a_whole_text_is_found(engine: Engine) -> None:
    engine.apply([line("a", plain={"e": "1", "words": "", "more": True})])
    engine.add_text("a", "1", "Zürcher Kantonalbamk")
    assert names(engine, "kantonalbank") == names(engine, "zuercher") == ["a"]


# --- order and pages


@pytest.mark.parametrize("sort", ["match", "date", "name"])
@pytest.mark.parametrize("asked", ["", "sign exit", "windmill"])
def test_pages_follow_each_other_and_are_the_whole(full: Engine, sort: Sort, asked: str) -> None:
    whole = found(full, asked, sort=sort)
    pages, after = list[str](), None
    while True:
        page = found(full, asked, sort=sort, limit=7, after=after)
        assert (page.total, page.facets) == (whole.total, whole.facets)
        pages += [hit.entry.name for hit in page.hits]
        after = page.after
        if after is None:
            break
    assert pages == [hit.entry.name for hit in whole.hits]
    assert len(pages) == whole.total


def test_images_come_in_the_order_that_is_asked_for(full: Engine) -> None:
    by_name = names(full, "fireworks OR", sort="name") + names(full, "folder:dates", sort="name")
    assert by_name == sorted(by_name)
    assert [hit.date for hit in found(full, "folder:dates", sort="date").hits] == [
        "2021-01-01T00:00:00",
        "2020-12-31T23:59:59",
        "2020-02-29T12:00:00",
        "2018-03-04T05:06:07+00:00",
        "2017-01-01T00:00:00",
    ]


def test_the_best_matches_come_first(engine: Engine) -> None:
    engine.apply(
        [
            line("read", plain={"words": "an umbrella"}),
            line("misread", plain={"words": "an umbreIla"}),
            line("tagged", analysis={"tags": ["umbrella"]}),
        ]
    )
    assert names(engine, "umbrella") == ["tagged", "read", "misread"]
    assert names(engine, "text:umbrella") == ["read", "misread"]


@pytest.mark.parametrize("after", ["", "x", "bm8", "W10", "WyJuYW1lIiwgMV0", "é", "W" * 5000])
def test_a_continuation_of_no_page_is_refused(full: Engine, after: str) -> None:
    with pytest.raises(BadRequestError, match="was given by no page") as raised:
        found(full, "", after=after, sort="name")
    assert raised.value.code == "bad_parameter"


def test_a_continuation_of_another_order_is_refused(full: Engine) -> None:
    after = found(full, "", sort="date", limit=1).after
    with pytest.raises(BadRequestError, match="sort=name"):
        found(full, "", sort="name", after=after)


def test_a_continuation_of_the_longest_name_is_one_that_is_taken(engine: Engine) -> None:
    engine.apply([line("\u4eac" * (MAX_BLOB_NAME_CHARACTERS - more), image={}) for more in (0, 1)])
    first = found(engine, "", sort="name", limit=1)
    second = found(engine, "", sort="name", limit=1, after=first.after)
    assert first.after
    assert len(first.after) <= MAX_CHARACTERS / 1.5
    assert [len(hit.entry.name) for hit in (*first.hits, *second.hits)] == [1023, 1024]


def test_an_image_that_comes_between_pages_moves_no_other(engine: Engine) -> None:
    engine.apply([line(stem, analysis={"caption": "x"}) for stem in "bdf"])
    first = found(engine, "", sort="name", limit=1)
    engine.apply([line(stem, analysis={"caption": "x"}) for stem in "ac"] + [{"stem": "b", "at": AT + 1, "gone": True}])
    assert names(engine, "", sort="name", after=first.after) == ["c", "d", "f"]


# --- facets


def test_facets_count_all_that_match(full: Engine) -> None:
    page = found(full, "", limit=1)
    entries = search_images.entries()
    tags = Counter(tag for hit in found(full, "").hits for tag in hit.tags)
    assert page.total == 400
    assert dict(page.facets["tag"]).items() <= tags.items()
    assert page.facets["tag"][0] == ("outdoor", 300)
    assert dict(page.facets["state"]) == Counter(search_images.state_of(entry) for entry in entries)
    assert dict(page.facets["colour"])["pink"] == 60
    assert dict(page.facets["folder"])["camera"] == dict(page.facets["folder"])["camera/0"] * 2 == 300
    assert dict(page.facets["kind"])["heic"] == 30
    assert sum(count for _, count in page.facets["year"]) == 400
    assert [year for year, _ in page.facets["year"]] == sorted(dict(page.facets["year"]), reverse=True)
    assert dict(page.facets["month"])["2022-06"] == 3
    assert page.facets["same"] == [("copies/sunset-bright.jpg", 3)]


def test_each_value_of_a_facet_asked_for_finds_as_many_as_it_tells(full: Engine) -> None:
    fields = {"state": "is", "tag": "tag", "folder": "folder", "kind": "kind", "colour": "colour", "same": "same"}
    for facet, field in fields.items():
        for value, count in found(full, "").facets[facet]:
            assert found(full, f'{field}:"{value}"').total == count, (facet, value)


def test_facets_are_those_of_the_query(full: Engine) -> None:
    facets = found(full, "folder:camera/1 windmill").facets
    assert facets["folder"] == facets["tag"] == []
    facets = found(full, "tag:sunset -water").facets
    assert facets["same"] == [("copies/sunset-bright.jpg", 3)]
    assert dict(facets["tag"]) == {"sunset": 3, "hill": 2}


def test_an_image_in_no_folder_is_found_by_a_slash(engine: Engine) -> None:
    engine.apply([line("a.jpg", analysis={}), line("b/a.jpg", analysis={})])
    assert names(engine, "folder:/") == ["a.jpg"]
    assert dict(found(engine, "").facets["folder"]) == {"/": 1, "b": 1}


def test_how_many_others_show_the_same_picture(full: Engine) -> None:
    same = {hit.entry.name: hit.same for hit in found(full, "folder:copies").hits}
    assert same["copies/sunset.jpg"] == 2
    assert same["copies/sunset-other.jpg"] == same["copies/white.jpg"] == same["copies/black.jpg"] == 0


# --- why


def matches(engine: Engine, asked: str, name: str) -> list[Match]:
    (hit,) = [hit for hit in found(engine, asked).hits if hit.entry.name == name]
    return hit.matches


def test_a_match_tells_the_field_and_what_stands_there(full: Engine) -> None:
    assert matches(full, "goethestrasse", "signs/strasse.jpg") == [
        Match("text", "goethestrasse", "Goethestraße", ("goethestrasse",))
    ]
    assert matches(full, "text:invoice", "invoices/2026/acme-0118.png") == [
        Match("text", "text:invoice", "lNVOICE", ("lnvoice",))
    ]
    assert matches(full, '"stop sign" -car', "signs/stop.jpg") == [
        Match("caption", '"stop sign"', "stop sign", ("stop", "sign")),
        Match("tags", '"stop sign"', "stop sign", ("stop", "sign")),
    ]
    assert matches(full, "tag:reciept", "invoices/2025/receipt.png") == [
        Match("tags", "tag:reciept", "receipt", ("receipt",))
    ]
    assert matches(full, "stove", "pets/bruno.jpg") == [Match("alt", "stove", "stove", ("stove",))]
    assert matches(full, "party", "family/SummerParty2019.jpg") == [Match("name", "party", "Party", ("party",))]
    assert matches(full, "東京", "日本/東京駅.jpg") == [
        Match("name", "東京", "東京", ("東", "京")),
        Match("text", "東京", "東京", ("東", "京")),
    ]


def test_a_match_in_a_whole_text_tells_folded_words(engine: Engine) -> None:
    engine.apply([line("a", plain={"e": "1", "words": "Begin", "more": True})])
    engine.add_text("a", "1", "Begin and Ende")
    assert matches(engine, "ende begin", "a") == [
        Match("text", "ende", "ende", ("ende",)),
        Match("text", "begin", "Begin", ("begin",)),
    ]


def test_terms_that_are_not_about_words_tell_no_match(full: Engine) -> None:
    assert matches(full, "folder:pets after:2026 is:complete -cat", "pets/rex.jpg") == []


# --- what comes from records of any kind


@pytest.mark.parametrize(
    "parts",
    [
        {IMAGE: {}},
        {IMAGE: {"uploaded": "yesterday", "taken": "0000"}},
        {ANALYSIS: {"caption": None, "tags": []}},
        {PLAIN: {"words": ""}},
        {ANALYSIS: {"caption": 'a "quoted" * OR NOT (x) \x00 \n word', "tags": ["", "♥", "a\nb"]}},
        {"thumbnail:1x1-plain.jpg": {"colour": "red"}},
        {"thumbnail:1x1-plain.jpg": {"look": "f" * 17}, "thumbnail:2x2-plain.jpg": {"look": "-000000000000001"}},
        {"unknown": {"x": 1}},
        {ANALYSIS: {"tags": ["\ud800"]}},
    ],
)
def test_an_entry_that_says_little_or_odd_things_is_found(engine: Engine, parts: dict[str, Any]) -> None:
    engine.apply([{"stem": "a", "at": AT, "parts": parts}])
    assert names(engine, "") == ["a"]
    engine.apply([{"stem": "a", "at": AT + 1, "gone": True}])
    assert names(engine, "") == []


def test_a_tag_without_letters_is_found_by_itself(engine: Engine) -> None:
    engine.apply([line("a", analysis={"tags": ["♥"]}), line("b", analysis={"tags": ["x"]})])
    assert names(engine, "tag:♥") == ["a"]


def test_words_of_any_length_are_found_in_both_numbers(engine: Engine) -> None:
    engine.apply(
        [line("a", analysis={"caption": "two dogs", "tags": ["buses"]}), line("b", analysis={"caption": "dog"})]
    )
    assert names(engine, "dog") == ["b", "a"]
    assert names(engine, "dogs") == ["a", "b"]
    assert names(engine, "tag:bus") == ["a"]
    assert (names(engine, '"dog"'), names(engine, 'tag:"bus"'), names(engine, "-dog")) == (["b"], [], ["a"])
    assert [match.matched for match in found(engine, "dog").hits[1].matches] == ["dogs"]


def test_emoji_are_words(engine: Engine) -> None:
    engine.apply(
        [line("\U0001f436.jpg", image={}), line("b", analysis={"caption": "x"}, plain={"words": "ok \u2764\ufe0f"})]
    )
    assert names(engine, "\U0001f436") == ["\U0001f436.jpg"]
    assert names(engine, "\u2764") == ["b"]
    assert names(engine, "-\U0001f436") == ["b"]


@fuzzed
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_caption_is_found_by_its_own_words(caption: str, tag: str) -> None:
    engine = made()
    engine.apply([line("a", analysis={"caption": caption, "tags": [tag]}), line("b", analysis={"caption": "other"})])
    quoted = "".join(" " if letter in '"“”„‟«»' else letter for letter in caption)
    assert "a" in names(engine, f'"{quoted}"')
    engine.apply([{"stem": "a", "at": AT + 1, "gone": True}])
    assert names(engine, "") == ["b"]
    engine.close()


def test_threads_search_while_others_change(engine: Engine) -> None:
    """Each search sees whole changes: two images are renamed to one word together."""
    words, wrong = ["kayak", "tractor", "windmill", "balloon"] * 10, list[int]()

    def change() -> None:
        for at, word in enumerate(words, 1):
            engine.apply([line(stem, AT + at, analysis={"caption": word}) for stem in "ab"])

    def search() -> None:
        for word in words:
            total = found(engine, word).total
            if total not in (0, 2):
                wrong.append(total)

    threads = [Thread(target=each) for each in (change, search, search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_entries_of_the_caller_stay_as_they_are(engine: Engine) -> None:
    entries = search_images.entries()[:3]
    before = deepcopy(entries)
    engine.replace("", None, entries)
    engine.apply([line(entries[0].stem, AT + 5, analysis={"caption": "another"})])
    assert entries == before
    json.dumps(found(engine, "").facets)


@pytest.mark.parametrize("sort", ["match", "date", "name"])
def test_a_window_is_a_part_of_the_order_of_all(full: Engine, sort: Sort) -> None:
    for asked in ("", "sign", "invoice", "has:text", "folder:camera/1", "nothing-of-that"):
        every = names(full, asked, sort=sort)
        for offset in (0, 1, 7, len(every) // 2, max(0, len(every) - 3), len(every), 10**9):
            for limit in (1, 5, 60):
                window = found(full, asked, sort=sort, offset=offset, limit=limit)
                assert [hit.entry.name for hit in window.hits] == every[offset : offset + limit]
                assert (window.total, window.after) == (len(every), None)
