"""
The app settings as `infra/` gives them, where what only a deployment knows has values that stand for it.

Only the settings are evaluated, and of Bicep only what they need: names, interpolated strings and conditionals.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from doubles import bicep
from doubles.bicep import Expression, Template, Value

INFRA = Path(__file__).resolve().parents[2] / "infra"
_CONDITION = re.compile(
    r"(?P<empty>!?)empty\((?P<name>\w+)\)|(?P<left>\w+) == '(?P<right>[^']*)'|(?P<truth>\w+)",
)


def from_bicep(known: Mapping[str, str], **parameters: str) -> dict[str, str]:
    """
    Return the app settings by name.

    Args:
        known: what Azure tells the template, by parameter of app.bicep or by expression in it.
        parameters: of main.bicep; the others have their defaults.

    Raises:
        AssertionError: for an expression whose value is not given, so that a new one cannot go unseen.
    """
    main, app = (_template(name) for name in ("main.bicep", "app.bicep"))
    defaults = {each.name: each.default for each in main.parameters.values() if each.has_default}
    unknown = set(parameters) - set(main.parameters)
    assert not unknown, f"main.bicep has no parameters {unknown}"
    # A truth is known by its text.
    told = {name: str(value).lower() if isinstance(value, bool) else value for name, value in defaults.items()}
    outer = {name: value for name, value in {**told, **parameters}.items() if isinstance(value, str)}
    given = main.module("app")
    assert given is not None
    inner = {name: _text_of(value, outer) for name, value in given.params.items() if name not in known}
    values = {**{name: value for name, value in inner.items() if value is not None}, **known}
    return {name: _certain(name, _text_of(value, values)) for name, value in _listed(app, values)}


def _template(name: str) -> Template:
    found = bicep.read(f"infra/{name}", (INFRA / name).read_text())
    assert not found.errors, found.errors
    return found


def _listed(app: Template, known: Mapping[str, str]) -> list[tuple[str, Value]]:
    """The name and value of each setting of the one site."""
    (site,) = app.of_type("Microsoft.Web/sites")
    settings = list(_items(bicep.at(site.properties, "siteConfig.appSettings"), known))
    entries = [each for each in settings if isinstance(each, bicep.Body)]
    assert len(entries) == len(settings), "appSettings has to be lists of literal objects"
    return [(bicep.source(each["name"]), each["value"]) for each in entries]


def _items(value: Value, known: Mapping[str, str]) -> Iterator[Value]:
    """The items of an array, of all arrays that `concat` puts together, of the one that a condition chooses."""
    if isinstance(value, bicep.Items):
        yield from value
        return
    assert isinstance(value, Expression), value
    if value.branches:
        chosen = _holds(value.condition, known)
        assert chosen is not None, f"nothing is known of {value.condition}"
        yield from _items(value.branches[0 if chosen else 1], known)
        return
    assert value.function == "concat", value.text
    for each in value.arguments:
        yield from _items(each, known)


def _certain(name: str, value: str | None) -> str:
    assert value is not None, f"nothing is known of the value of {name}: give it one in the test"
    return value


def _text_of(value: Value, known: Mapping[str, str]) -> str | None:
    """The string that it comes to; None where something in it is not known, or it is none."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Expression):
        return None
    if value.text in known:
        return known[value.text]
    if value.branches:
        chosen = _holds(value.text.partition(" ? ")[0], known)
        return None if chosen is None else _text_of(value.branches[0 if chosen else 1], known)
    if value.is_string:
        names = re.findall(r"\$\{([^}]*)\}", value.text)
        if all(name in known for name in names):
            return re.sub(r"\$\{([^}]*)\}", lambda found: known[found[1]], value.text.strip("'"))
    return None


def _holds(condition: str, known: Mapping[str, str]) -> bool | None:
    """Whether a condition of the kinds that are used here is so; None where that is not known."""
    found = _CONDITION.fullmatch(condition)
    if found is None or (found["name"] or found["left"] or found["truth"]) not in known:
        return None
    if found["truth"]:
        return known[found["truth"]] == "true"
    if found["left"]:
        return known[found["left"]] == found["right"]
    return (known[found["name"]] == "") != bool(found["empty"])
