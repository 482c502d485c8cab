"""English nouns as captions need them: with an article, counted, and in the plural."""

NUMBERS = ("no", "one", "two", "three", "four")
PAIRS = frozenset(("binoculars", "glasses", "jeans", "pajamas", "scissors", "skis", "sunglasses"))
WITHOUT_ARTICLE = frozenset(
    (
        "bread",
        "broccoli",
        "cauliflower",
        "clothing",
        "coffee",
        "coral",
        "corn",
        "espresso",
        "food",
        "fruit",
        "furniture",
        "guacamole",
        "hay",
        "ice cream",
        "mashed potato",
        "nature",
        "parallel bars",
        "pasta",
        "red wine",
        "soup",
        "sports equipment",
        "squash",
        "toilet paper",
        "wine",
    )
)
IRREGULAR = {
    "fish": "fish",
    "goose": "geese",
    "knife": "knives",
    "loaf": "loaves",
    "mouse": "mice",
    "ox": "oxen",
    "person": "people",
    "sheep": "sheep",
    "wolf": "wolves",
}
# Written with a vowel, spoken with a consonant.
SPOKEN_WITH_CONSONANT = ("euro", "uku", "uni", "use")


def with_article(noun: str) -> str:
    """Return one of *noun*: "a cat", "an orange", "a pair of scissors", "broccoli"."""
    if noun in WITHOUT_ARTICLE:
        return noun
    if noun in PAIRS:
        return f"a pair of {noun}"
    has_vowel = noun[:1] in "aeiou" and not noun.startswith(SPOKEN_WITH_CONSONANT)
    return f"{'an' if has_vowel or noun.startswith('hour') else 'a'} {noun}"


def counted(noun: str, count: int) -> str:
    """Return *count* of *noun*: "a car", "three cars", from five "a group of cars"."""
    if count == 1 or noun in WITHOUT_ARTICLE or noun in PAIRS:
        return with_article(noun)
    return f"{NUMBERS[count] if count < len(NUMBERS) else 'a group of'} {plural(noun)}"


def plural(noun: str) -> str:
    """Return several of *noun*; of several words the last one changes."""
    before, space, last = noun.rpartition(" ")
    return before + space + (IRREGULAR.get(last) or _regular(last))


def _regular(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"
