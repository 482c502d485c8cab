"""
Schemas in few words, in the subset that importers take: flat, named, closed, without recursion.

A schema is what OpenAPI 3.0.3 has. Each member has a description; one that refers to a named schema has that one's.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shared.json_types import Json

COMPONENTS = "#/components/schemas/"
# A text without what `shared.untrusted.characters` refuses, in the regular expressions of all languages.
PLAIN = r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]+$"


def text(description: str, **rules: Any) -> Json:
    """A text, with rules such as `maxLength`."""
    return {"type": "string", "description": description, **rules}


def word(description: str, words: Iterable[str], **rules: Any) -> Json:
    """One of these words."""
    return {"type": "string", "description": description, "enum": list(words), **rules}


def moment(description: str) -> Json:
    """A moment, ISO 8601 with its zone."""
    return text(description, format="date-time")


def whole(description: str, **rules: Any) -> Json:
    """A whole number."""
    return {"type": "integer", "description": description, **rules}


def number(description: str, **rules: Any) -> Json:
    """A number."""
    return {"type": "number", "description": description, **rules}


def seconds(description: str) -> Json:
    """Seconds, with at most one decimal."""
    return number(description, minimum=0)


def share(description: str) -> Json:
    """A confidence or a score, 0 to 1."""
    return number(description, minimum=0, maximum=1)


def flag(description: str, **rules: Any) -> Json:
    """True or false."""
    return {"type": "boolean", "description": description, **rules}


def many(description: str, item: Json, **rules: Any) -> Json:
    """A list."""
    return {"type": "array", "description": description, "items": item, **rules}


def texts(description: str) -> Json:
    """A list of texts."""
    return many(description, {"type": "string"})


def named(name: str) -> Json:
    """The schema of that name."""
    return {"$ref": f"{COMPONENTS}{name}"}


def or_null(schema: Json) -> Json:
    """The same, or null. 3.0.3 asks for null among the words of an enumeration too."""
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "nullable": True, **words}


def thing(description: str, members: Mapping[str, Json], optional: Collection[str] = (), **rules: Any) -> Json:
    """An object with these members and no others; all but the *optional* ones are always there."""
    required = [name for name in members if name not in optional]
    return {
        "type": "object",
        "description": description,
        "properties": dict(members),
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **rules,
    }


def one_of_words(words: Iterable[str]) -> str:
    """The pattern of a comma-separated choice of words."""
    choice = "|".join(words)
    return f"^({choice})(,({choice}))*$"
