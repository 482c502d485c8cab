"""
What a query in KQL names, and which of it there is not: a table, a column, an event of the app, a field of it.

No compiler: it reads names, and knows the words of the language that the project's queries use. A query that needs
another word adds it here.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from doubles import log_events
from doubles.log_events import Event

PROJECT = Path(__file__).resolve().parents[2]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# learn.microsoft.com, Application Insights telemetry data model: the tables and columns that the queries may use.
EVERYWHERE = _words(
    "timestamp itemCount customDimensions operation_Name operation_Id cloud_RoleName cloud_RoleInstance"
)
TABLES = {
    "traces": _words("message severityLevel"),
    "requests": _words("id name success resultCode duration url"),
    "exceptions": _words("type problemId outerMessage innermostMessage severityLevel"),
}
OPERATORS = _words("union where extend summarize by project parse parse-kv as with sort asc desc take")
# Those in which `name = ...` makes a column.
NAMING = _words("extend summarize project")
WORDS = _words(
    "isfuzzy true false and or in pair_delimiter kv_delimiter quote escape string real long "
    "startswith has contains ago bin iff case isempty isnotnull isnull prev extract strcat "
    "sum sumif max dcount percentile arg_max"
)
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)|(?P<text>@'[^']*'|@"[^"]*"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<number>\d[\w.]*)|(?P<name>parse-kv|[A-Za-z_]\w*)|(?P<sign>==|!=|>=|<=|=~|!(?=[a-z])|.)""",
    re.DOTALL,
)
_EVENT = re.compile(r"^([a-z]+\.[a-z_]*) ?$")
_FIELD = re.compile(r"(\w+)=")
_CODE = re.compile(r"^[a-z]+(?:_[a-z]+)+$")
_FUNCTION = re.compile(r"^(?:[A-Z][a-z]+){2,}$")


class Token(NamedTuple):
    """A piece of a query: its kind (a group of the pattern), and its text."""

    kind: str
    text: str


def problems(query: str, events: Mapping[str, Event] | None = None) -> list[str]:
    """What the query names that there is not, in the order of its text."""
    tokens = list(_tokens(query))
    return [*_unknown_names(tokens), *_unknown_texts(tokens, log_events.logged() if events is None else events)]


def _tokens(query: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(query):
        if found.lastgroup and found.lastgroup != "space":
            yield Token(found.lastgroup, found[0])


def _unknown_names(tokens: list[Token]) -> Iterator[str]:
    tables = {token.text for token, following in _pairs(tokens) if token.text in TABLES and following.text in ("|", "")}
    columns = EVERYWHERE.union(*(TABLES[table] for table in tables))
    known, operator = {*columns, *tables, *OPERATORS, *WORDS}, ""
    if not tables:
        yield "it asks no table that is known"
    for token, following in _pairs(tokens):
        if token.kind != "name":
            continue
        operator = token.text if token.text in OPERATORS - {"by", "as", "with"} else operator
        # Names of its own: `name = ...`, the keys of parse-kv, and what parse finds.
        own = (following.text == "=" and operator in NAMING) or (following.text == ":" and operator == "parse-kv")
        if own or (operator == "parse" and token.text not in columns):
            known.add(token.text)
        elif token.text not in known:
            yield f"{token.text} is no table, column or word that is known"


def _unknown_texts(tokens: list[Token], events: Mapping[str, Event]) -> Iterator[str]:
    texts = [_value(token.text) for token in tokens if token.kind == "text"]
    prefixes = [found[1] for text in texts if (found := _EVENT.match(text))]
    named = [event for name, event in events.items() if name in prefixes or name.partition(".")[0] + "." in prefixes]
    fields = frozenset().union(*(event.fields for event in named))
    for prefix in prefixes:
        if prefix not in events and not (prefix.endswith(".") and any(name.startswith(prefix) for name in events)):
            yield f"{prefix} is no event"
    asked = [token.text for token, following in _pairs(tokens) if token.kind == "name" and following.text == ":"]
    for field in [*asked, *(field for text in texts for field in _FIELD.findall(text))]:
        if field not in (fields or {log_events.ADDED}):
            yield f"{field} is no field of the events"
    for text in texts:
        if _FUNCTION.match(text) and not (PROJECT / text / "function.json").exists():
            yield f"{text} is no function"
        if _CODE.match(text) and text not in _constants():
            yield f"{text} is no code or reason of the app"


def _pairs(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    yield from zip(tokens, [*tokens[1:], Token("sign", "")], strict=True)


def _value(text: str) -> str:
    return text[2:-1] if text.startswith("@") else str(ast.literal_eval(text))


@cache
def _constants() -> frozenset[str]:
    """Every text in the app's code."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in log_events.SOURCES)
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(node.value for node in nodes if isinstance(node.value, str))
