"""
The words of a text, folded: without case, accents and width, so that what people type finds what images show.

Some scripts put no space between words: Chinese, Japanese, Korean, Thai and their neighbours. Each of their characters
is a word, and a question with them is a phrase. Points of Hebrew and Arabic go; marks of Indian scripts, vowels, stay.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

# Longer ones are no words; what lies behind is not looked at.
MOST_CHARACTERS = 64
# Each character here is a word: kana, ideographs, Hangul; Thai, Lao, Burmese, Khmer with their marks; pictures.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\u2600-\u27bf\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
# Marks of Latin, Greek, Cyrillic, Hebrew and Arabic, which no search is to depend on; U+0640 stretches Arabic words.
_MARKS = "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
# Indian scripts, whose vowels are marks that Python takes for no part of a word; without their full stops.
_INDIAN = "\u0900-\u0963\u0966-\u0dff"
_RUN = rf"[{_SINGLE}]+|(?:[^\W_{_SINGLE}]|[{_MARKS}{_INDIAN}])+"
_ASCII = r"[0-9a-z]+"
# What has no accent that could be taken off, and what case folding leaves. German ß becomes ss by it.
_LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h", "ŧ": "t"}
# How these are written where a keyboard, or a typeface, lacks them.
_SPELLED = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
# Where a name like `SummerParty2019` has its joints.
_JOINTS = r"(?<=[a-zß-öø-ÿа-яё])(?=[A-ZÀ-ÖØ-ÞА-ЯЁ])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"


def of(text: str) -> list[str]:
    """The folded words of a text, in its order."""
    import re

    if text.isascii():
        return [word[:MOST_CHARACTERS] for word in re.findall(_ASCII, text.lower())]
    return [word for run in re.findall(_RUN, text) for word in _words_of_run(run)]


# The same tags come again and again.
@lru_cache(maxsize=8192)
def key(tag: str) -> str:
    """A tag as others are compared with it: its folded words; where it has none, the tag itself."""
    return " ".join(of(tag)) or " ".join(tag.encode(errors="replace").decode().casefold().split())


def spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word as `of` gives it, with where in *text* it begins and ends; to mark what was found."""
    import re

    for run in re.finditer(_ASCII if text.isascii() else _RUN, text.lower() if text.isascii() else text):
        begin, end = run.span()
        found = _words_of_run(run[0])
        each = len(found) == end - begin > 1
        for at, word in enumerate(found):
            yield (word, begin + at, begin + at + 1) if each else (word, begin, end)


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """Of each word with an umlaut or a stroke, how it is written without: (`zuerich`, `zurich`)."""
    import re

    lower = text.lower()
    if lower.isascii():
        return
    lower = _composed(lower)
    if not any(letter in lower for letter in _SPELLED):
        return
    for run in re.findall(_RUN, lower):
        spelled = "".join(_SPELLED.get(letter, letter) for letter in run)
        if spelled != run:
            yield from ((a, b) for a, b in zip(_words_of_run(spelled), _words_of_run(run), strict=False) if a != b)


def of_name(name: str) -> tuple[list[str], list[str]]:
    """The words of an image's name, and those that `SummerParty2019` hides, if any."""
    import re

    plain = of(name)
    parted = of(re.sub(_JOINTS, " ", name))
    return plain, parted if parted != plain else []


def begin_of(words: Sequence[str], phrase: Sequence[str], beginning: int = 0) -> int | None:
    """Where the words of *phrase* follow each other in *words*, at *beginning* or later."""
    first, size = phrase[0], len(phrase)
    for at in range(beginning, len(words) - size + 1):
        if words[at] == first and list(words[at : at + size]) == list(phrase):
            return at
    return None


def _words_of_run(run: str) -> list[str]:
    import re

    folded = fold(run)
    if folded.isascii():
        return [word[:MOST_CHARACTERS] for word in re.findall(_ASCII, folded)]
    found: list[str] = []
    for part in re.findall(_RUN, folded):
        if re.match(f"[{_SINGLE}]", part):
            found += part
        else:
            found.append(part[:MOST_CHARACTERS])
    return found


def fold(text: str) -> str:
    """The text without case, width, accents and strokes."""
    import re
    import unicodedata

    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    bare = unicodedata.normalize("NFC", re.sub(f"[{_MARKS}]", "", unicodedata.normalize("NFKD", apart)))
    # A final sigma is one at a word's end only by its form; digits of all scripts are the same.
    return "".join(_LETTERS.get(letter) or _digit(letter) for letter in bare)


def _digit(letter: str) -> str:
    return str(int(letter)) if letter.isdecimal() else letter


def _composed(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)
