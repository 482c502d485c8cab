"""What a query finds, compared with the definition: each image and each term alone, without any index."""

from collections.abc import Iterator

import pytest
from doubles import search_images
from doubles.fuzz import fuzzed
from doubles.parts import ENVIRONMENT
from hypothesis import given
from hypothesis import strategies as st

from shared.index.entry import Entry
from shared.search import document, words
from shared.search.document import Document
from shared.search.engine import Engine
from shared.search.query import Term, parse
from shared.search.vocabulary import differ_by_one
from shared.settings import Settings

ENTRIES = search_images.entries()
SHOWN = {entry.name: document.of_entry(entry) for entry in ENTRIES}
FIELDS = {
    name: [words.of(name), words.of_name(name)[1], words.of(shown.caption or ""), words.of(shown.alt or "")]
    + [words.of(tag) for tag in shown.tags]
    for name, shown in SHOWN.items()
}
KNOWN = sorted({word for name in SHOWN for field in FIELDS[name] for word in field})
# Both spellings of words with umlauts.
SPELLED = {pair for shown in SHOWN.values() for pair in document.spellings(shown)}
TAGS = sorted({tag for shown in SHOWN.values() for tag in shown.tags})
# Words, with a letter that is another one in some of them, pairs of words, and fields.
WORD = st.sampled_from(KNOWN) | st.builds(
    lambda word, at, letter: word[: at % len(word)] + letter + word[at % len(word) + 1 :],
    st.sampled_from(KNOWN),
    st.integers(0, 9),
    st.sampled_from("aeo7"),
)
TERM = (
    WORD
    | st.builds('"{}"'.format, WORD)
    | st.builds('"{} {}"'.format, WORD, WORD)
    | st.builds("text:{}".format, WORD)
    | st.builds('tag:"{}"'.format, st.sampled_from(TAGS))
    | st.sampled_from(
        ["is:failed", "has:text", "has:people", "before:2024", "after:2025-06", "folder:pets", "kind:heic"]
    )
)
QUERY = st.lists(st.builds("{}{}".format, st.sampled_from(["", "", "-"]), TERM), min_size=1, max_size=4).map(" ".join)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine(Settings.from_env(ENVIRONMENT), state_of=lambda entry, _: search_images.state_of(entry))
    made.replace("", None, ENTRIES)
    yield made
    made.close()


def meets(entry: Entry, shown: Document, term: Term) -> bool:
    if term.field == "tag":
        return term.value in map(words.key, shown.tags)
    if term.field in ("", "text"):
        text = words.of(shown.text)
        fields = [text] if term.field else [*FIELDS[entry.name], text]
        return any(has(field, term) for field in fields)
    date = shown.date or ""
    return {
        "is": search_images.state_of(entry) == term.value,
        "has": bool(shown.text) if term.value == "text" else shown.has_people,
        "before": date < term.value,
        "after": date >= term.value,
        "folder": entry.name.startswith(f"{term.value}/"),
        "kind": shown.kind == term.value,
    }[term.field]


def has(field: list[str], term: Term) -> bool:
    if len(term.words) > 1:
        return words.begin_of(field, term.words) is not None
    (word,) = term.words
    near = not term.exact and len(word) >= 5
    return any(each == word or (near and differ_by_one(each, word)) or (word, each) in SPELLED for each in field)


@fuzzed
@given(QUERY)
def test_a_query_finds_what_the_definition_says(engine: Engine, asked: str) -> None:
    terms = parse(asked).terms
    wanted = [
        entry.name for entry in ENTRIES if all(meets(entry, SHOWN[entry.name], term) != term.negated for term in terms)
    ]
    found = engine.find(parse(asked), sort="name", limit=400)
    assert [hit.entry.name for hit in found.hits] == sorted(wanted)
    assert found.total == len(wanted)
    assert sum(count for _, count in found.facets["state"]) == len(wanted)
