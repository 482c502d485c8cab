"""
Why an image was found: which words, and in which of its fields.
"""

from collections.abc import Iterator, Sequence

from shared.search import words
from shared.search.document import ALT, CAPTION, FIELDS, NAME, TAGS, Document
from shared.search.document import TEXT as TEXT_FIELD
from shared.search.found import Match
from shared.search.query import TAG, TEXT, Term


def matches(term: Term, phrases: Sequence[str], shown: Document, columns: Sequence[str]) -> Iterator[Match]:
    """
    What a term has found in one image, at most one match for each field.

    Args:
        phrases: what the term looks for, folded, the best first.
        columns: the folded words of each field.
    """
    if term.field == TAG:
        yield from (
            Match(TAGS, term.asked, tag, tuple(words.of(tag))) for tag in shown.tags if words.key(tag) in phrases
        )
        return
    fields = (TEXT_FIELD,) if term.field == TEXT else FIELDS
    for field, column in zip(FIELDS, columns, strict=True):
        found = (
            next((phrase for phrase in phrases if f" {phrase} " in f" {column} "), None) if field in fields else None
        )
        if found is not None:
            yield Match(field, term.asked, _shown(found, _texts(shown, field)), tuple(found.split(" ")))


def _texts(shown: Document, field: str) -> list[str]:
    """The texts of a field, as they stand there."""
    if field == TAGS:
        return shown.tags
    return [{NAME: shown.name, CAPTION: shown.caption, ALT: shown.alt, TEXT_FIELD: shown.text}[field] or ""]


def _shown(phrase: str, texts: Sequence[str]) -> str:
    """The phrase as it is written in one of the texts; folded where that is not known."""
    for text in texts:
        found = list(words.spans(text))
        asked = phrase.split(" ")
        at = words.begin_of([word for word, _, _ in found], asked)
        if at is not None:
            return text[found[at][1] : found[at + len(asked) - 1][2]]
        # A part of `SummerParty2019`.
        folded = words.fold(text)
        if len(folded) == len(text) and phrase in folded:
            at = folded.index(phrase)
            return text[at : at + len(phrase)]
    return phrase
