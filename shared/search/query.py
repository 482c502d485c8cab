"""
What people type into the box of the search, as terms that an image has to meet, all of them.

    red "stop sign" -car tag:night text:invoice folder:travel/2024 before:2025 after:2024-06 is:failed has:text
"""

from dataclasses import dataclass
from typing import NoReturn

from shared.errors import BadRequestError
from shared.search import words
from shared.untrusted.characters import shown

# The name of an image has up to 1,024 characters.
MOST_CHARACTERS, MOST_TERMS = 2000, 32
# The fields of a term; without one it is about all words of an image.
TAG, TEXT, FOLDER, BEFORE, AFTER = "tag", "text", "folder", "before", "after"
IS, HAS, SAME, KIND, COLOUR = "is", "has", "same", "kind", "colour"
FIELDS = (TAG, TEXT, FOLDER, BEFORE, AFTER, IS, HAS, SAME, KIND, COLOUR)
STATES = ("failed", "deferred", "pending", "complete")
THINGS = ("text", "people")
ALLOWED = (
    'Allowed are words, "phrases", -word, tag:WORD, text:WORD, folder:NAME, kind:NAME, colour:NAME, same:IMAGE, '
    "before: and after: with YYYY, YYYY-MM or YYYY-MM-DD, is:failed, is:deferred, is:pending, is:complete, "
    'has:text and has:people; what has spaces stands in quotes, as in tag:"hot dog".'
)
_OTHER_NAMES = {"color": COLOUR, "tags": TAG, "state": IS}
_OTHER_VALUES = {(KIND, "jpg"): "jpeg", (KIND, "tif"): "tiff", (COLOUR, "grey"): "gray"}
# What opens a phrase, and what closes it: keyboards and word processors mix them, and two of them enclose the others.
_ROUND = '"\u201c\u201d'
_QUOTES = {
    '"': _ROUND,
    "\u201c": _ROUND,
    "\u201d": _ROUND,
    "\u201e": _ROUND,
    "\u201f": _ROUND,
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
}
_MINUS = "-\u2212\u2013"
# What is no date yet, and can become one.
_BEGUN_DATE = r"\d{0,3}|\d{4}[-/.]|\d{4}[-/.]0|\d{4}[-/.]\d{1,2}[-/.]|\d{4}[-/.]\d{1,2}[-/.]0"
_DATE = r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?"


@dataclass(frozen=True)
class Term:
    """
    One thing that an image has to meet, or must not if it is *negated*.

    Attributes:
        asked: what was typed, to tell why an image was found.
        field: one of `FIELDS`, or empty for all words of an image.
        value: what stands behind the field, folded where case does not count. Of `before` and `after` it is the
            beginning of the year, month or day as YYYY-MM-DD.
        words: the folded words of the value, which have to follow each other.
        exact: it stands in quotes: no letter may differ.
        spelled: the word with its umlauts written out, if it has any.
    """

    asked: str
    value: str
    field: str = ""
    words: tuple[str, ...] = ()
    exact: bool = False
    negated: bool = False
    spelled: str | None = None


@dataclass(frozen=True)
class Query:
    """All terms of a query; none finds every image."""

    terms: tuple[Term, ...]

    @property
    def looks_at_text(self) -> bool:
        """Whether any term is about words that a text can have."""
        return any(term.field in ("", TEXT) for term in self.terms)


@dataclass(frozen=True)
class Typed:
    """
    A piece of what was typed: between spaces, or in quotes.

    Attributes:
        asked: the piece.
        begin: where in the query it begins.
        is_open: whether it goes on at the end of the query: more letters there would be a part of it.
    """

    asked: str
    field: str
    value: str
    quoted: bool
    negated: bool
    begin: int
    is_open: bool


def parse(asked: str) -> Query:
    """
    The terms of a typed query.

    An unknown prefix is a word (`12:30`), and a quote that does not end ends with the query. A term without a letter
    and a digit asks for nothing.

    Raises:
        BadRequestError: `bad_query`: it is too long, or a known field has a value that it cannot have.
    """
    if len(asked) > MOST_CHARACTERS:
        _refuse(f"The query has {len(asked)} characters; at most {MOST_CHARACTERS} are taken.")
    terms = [term for typed in _typed(asked) if (term := _term(typed))]
    if len(terms) > MOST_TERMS:
        _refuse(f"The query has {len(terms)} terms; at most {MOST_TERMS} are taken.")
    return Query(tuple(terms))


def open_piece(asked: str) -> Typed | None:
    """The piece that is being typed at the end of a query; None where a new one would begin."""
    found = _typed(asked)
    return found[-1] if found and found[-1].is_open else None


def without_begun(asked: str) -> str:
    """The query without its last piece where that cannot be asked yet and more letters make it a term: `is:fai`."""
    piece = open_piece(asked)
    return asked[: piece.begin] if piece and piece.field and _is_begun(piece.field, piece.value.strip()) else asked


def _is_begun(field: str, value: str) -> bool:
    import re

    if field in (BEFORE, AFTER):
        return re.fullmatch(_BEGUN_DATE, value) is not None
    allowed = {IS: STATES, HAS: THINGS}.get(field, ())
    folded = words.fold(value)
    return not value or (folded not in allowed and any(each.startswith(folded) for each in allowed))


def written(field: str, value: str) -> str | None:
    """A term of a field as it is typed, in quotes where it needs them; None if it cannot be typed."""
    is_plain = value and value[0] not in _QUOTES and not any(letter.isspace() for letter in value)
    told = value if is_plain else quoted(value)
    return told and f"{field}:{told}"


def quoted(value: str) -> str | None:
    """A value in quotes that it does not have itself; None if it has all of them."""
    if not any(quote in value for quote in _ROUND):
        return f'"{value}"'
    return None if "\u00bb" in value else f"\u00ab{value}\u00bb"


def _typed(asked: str) -> list[Typed]:
    """The pieces; a field takes the next piece if a space stands behind its colon."""
    found: list[Typed] = []
    at = 0
    while (at := _behind_spaces(asked, at)) < len(asked):
        begin = at
        negated = asked[at] in _MINUS
        at += negated
        field, at = _field(asked, at)
        if field:
            at = _behind_spaces(asked, at)
        quoted = at < len(asked) and asked[at] in _QUOTES
        value, at = _in_quotes(asked, at) if quoted else _to_space(asked, at)
        # A quote that does not end ends behind the query.
        is_open = at > len(asked) if quoted else at == len(asked)
        found.append(Typed(asked[begin:at].strip(), field, value, quoted, negated, begin, is_open))
    return found


def _behind_spaces(asked: str, at: int) -> int:
    while at < len(asked) and asked[at].isspace():
        at += 1
    return at


def _field(asked: str, at: int) -> tuple[str, int]:
    """The field that is named here, and where its value begins; none, and the same place, where none is."""
    name, colon, _ = asked[at : at + 12].partition(":")
    field = _OTHER_NAMES.get(name.lower(), name.lower())
    return (field, at + len(name) + 1) if colon and field in FIELDS else ("", at)


def _in_quotes(asked: str, at: int) -> tuple[str, int]:
    end, closing = at + 1, _QUOTES[asked[at]]
    while end < len(asked) and asked[end] not in closing:
        end += 1
    return asked[at + 1 : end], end + 1


def _to_space(asked: str, at: int) -> tuple[str, int]:
    end = at
    while end < len(asked) and not asked[end].isspace():
        end += 1
    return asked[at:end], end


def _term(typed: Typed) -> Term | None:
    """The term; None of what asks for nothing."""
    if not typed.field:
        found = tuple(words.of(typed.value))
        return _of_words(typed, found) if found else None
    if not typed.value.strip():
        _refuse(f"{shown(typed.asked)} names nothing behind its colon.")
    if typed.field in (TAG, TEXT):
        found = tuple(words.of(typed.value))
        if not found and typed.field == TEXT:
            _refuse(f"{shown(typed.asked)} names no word.")
        return _of_words(typed, found)
    return Term(typed.asked, _value(typed), typed.field, negated=typed.negated, exact=True)


def _of_words(typed: Typed, found: tuple[str, ...]) -> Term:
    spelled = {word: other for other, word in words.spellings(typed.value)}
    return Term(
        typed.asked,
        words.key(typed.value),
        typed.field,
        found,
        # `-word` takes away what has the word, and not what has another one.
        exact=typed.quoted or typed.negated,
        negated=typed.negated,
        spelled=spelled.get(found[0]) if len(found) == 1 else None,
    )


def _value(typed: Typed) -> str:
    if typed.field in (BEFORE, AFTER):
        return _date(typed)
    value = typed.value.strip()
    if typed.field == SAME:
        return value
    folded = words.fold(value)
    for field, allowed in ((IS, STATES), (HAS, THINGS)):
        if typed.field == field and folded not in allowed:
            _refuse(f"{shown(typed.asked)}: {field}: takes {', '.join(allowed)}.")
    if typed.field == FOLDER:
        return folded.strip("/") or "/"
    return _OTHER_VALUES.get((typed.field, folded), folded)


def _date(typed: Typed) -> str:
    import re
    from datetime import date

    found = re.fullmatch(_DATE, typed.value.strip())
    if found:
        year, month, day = (int(part or 1) for part in found.groups())
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            pass
    _refuse(f"{shown(typed.asked)} is no date: write YYYY, YYYY-MM or YYYY-MM-DD, as in {typed.field}:2026-11.")


def _refuse(message: str) -> NoReturn:
    raise BadRequestError(message, code="bad_query", action=ALLOWED)
