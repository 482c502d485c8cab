"""
Bicep as plain Python data: what a file declares, without a compiler and without a disk.

`read(name, text)` gives a `Template`. Literals become Python's own; whatever only a deployment knows becomes an
`Expression`, which keeps its source, and the values of which a conditional or a call is made. The grammar is that of
tree-sitter-bicep. It takes `a ? b : c.d` for `(a ? b : c).d`, which is mended here; of other expressions only the
source is kept, because their trees cannot be trusted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser, Query, QueryCursor

_LANGUAGE = Language(tree_sitter_bicep.language())
_PARSER = Parser(_LANGUAGE)
_NAMES = Query(
    _LANGUAGE,
    "(identifier) @name [(member_expression) (subscript_expression)] @member"
    " [(for_statement) (lambda_expression)] @binding",
)
_COMMENTS = ("comment", "diagnostic_comment")
_DECLARATIONS = (
    "parameter_declaration",
    "variable_declaration",
    "resource_declaration",
    "module_declaration",
    "output_declaration",
)
# Nodes whose first child names what they are or declare, and reads nothing.
_NAMING = (*_DECLARATIONS, "metadata_declaration", "object_property", "call_expression", "parameter")
_NAMESPACES = ("az", "sys")
_OUTPUT_READ = re.compile(r"\b(\w+)(?:\[[^\]]*\])?!?\.\??outputs\.\??(\w+)")


class Span(NamedTuple):
    """A piece of a file's text: text[start:end]."""

    start: int
    end: int


@dataclass(frozen=True)
class Expression:
    """
    A value that only a deployment knows.

    Attributes:
        text: its source.
        condition: the source of what a conditional depends on, or an empty string.
        branches: the two values of a conditional, of which the deployment takes one.
        function: the name of the function that is called, or an empty string.
        arguments: what the function is called with.
        is_string: whether it can be nothing but a string, because it is an interpolated one.
    """

    text: str
    condition: str = ""
    branches: tuple["Value", ...] = ()
    function: str = ""
    arguments: tuple["Value", ...] = ()
    is_string: bool = False


@dataclass(frozen=True)
class Loop:
    """`[for variables in items: body]`."""

    variables: tuple[str, ...]
    items: "Value"
    body: "Value"


class Body(dict[str, "Value"]):
    """An object: key -> value, with the places of each property and of its value in the text."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Span] = {}
        self.value_places: dict[str, Span] = {}


class Items(list["Value"]):
    """An array, with the places of its items in the text."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Span] = []


Value = None | bool | int | str | Items | Body | Expression | Loop


@dataclass(frozen=True)
class Parameter:
    """
    A parameter.

    Attributes:
        type: as it is written, such as string or object?.
        default: its value if none is given; only if *has_default*.
        allowed: the values of @allowed, or None if any is taken.
        decorators: their names and arguments.
    """

    name: str
    type: str
    line: int
    place: Span
    has_default: bool
    default: Value
    decorators: dict[str, tuple[Value, ...]]

    @property
    def description(self) -> str:
        """What @description says of it, or an empty string."""
        told = self.decorators.get("description", ("",))[0]
        return told if isinstance(told, str) else ""

    @property
    def allowed(self) -> list[Value] | None:
        """The values that @allowed lists, or None if any value is taken."""
        values = self.decorators.get("allowed", (None,))[0]
        return list(values) if isinstance(values, Items) else None

    @property
    def is_optional(self) -> bool:
        """Whether it may be left out."""
        return self.has_default or self.type.endswith("?")


@dataclass(frozen=True)
class Variable:
    """A variable."""

    name: str
    line: int
    place: Span
    value: Value


@dataclass(frozen=True)
class Output:
    """An output; *type* as it is written."""

    name: str
    type: str
    line: int
    place: Span
    value: Value


@dataclass(frozen=True)
class Deployed:
    """
    A resource or a module.

    Attributes:
        symbol: its name inside the file.
        condition: the source of its `if`, or an empty string.
        loop: the loop that makes it, or None.
    """

    file: str
    symbol: str
    line: int
    place: Span
    condition: str
    loop: Loop | None
    body: Body

    @property
    def where(self) -> str:
        """The file, the line and the symbol, for messages."""
        return f"{self.file}:{self.line} {self.symbol}"

    @property
    def scope(self) -> str:
        """The source of its `scope`, or an empty string."""
        return source(self.body.get("scope"))


@dataclass(frozen=True)
class Resource(Deployed):
    """
    A resource.

    Attributes:
        type: the whole type, those of its parents included.
        version: the API version, its parent's if it has none of its own.
        existing: whether it is only referred to.
        parent: the symbol of the resource in which it is written, or what `parent` says, or an empty string.
    """

    type: str
    version: str
    existing: bool
    parent: str

    @property
    def depends_on(self) -> list[str]:
        """The sources of what its `dependsOn` lists."""
        listed = self.body.get("dependsOn")
        return [source(each) for each in listed] if isinstance(listed, Items) else []

    @property
    def properties(self) -> Body:
        """Its `properties`, empty if it has none."""
        return inner(self.body, "properties")


@dataclass(frozen=True)
class Module(Deployed):
    """A module: another file, and what it is given."""

    path: str

    @property
    def params(self) -> Body:
        """What it is given, by the name of the parameter."""
        return inner(self.body, "params")


@dataclass(eq=False)
class Template:
    """
    What one file declares.

    Attributes:
        errors: syntax errors, each with its file and line.
        target_scope: as the file says it; resourceGroup if it says nothing.
        read: every name that is read, with the line, but for those of loops and functions.
        calls: the names of the functions that are called, with the line.
        outputs_read: (symbol of a module, name of an output) wherever one is read.
    """

    name: str
    text: str
    errors: list[str] = field(default_factory=list)
    target_scope: str = "resourceGroup"
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    outputs: dict[str, Output] = field(default_factory=dict)
    read: list[tuple[str, int]] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    outputs_read: set[tuple[str, str]] = field(default_factory=set)
    redeclared: list[str] = field(default_factory=list)

    @property
    def symbols(self) -> set[str]:
        """Every name that the file declares and an expression can read."""
        own = {*self.parameters, *self.variables, *(module.symbol for module in self.modules)}
        return own | {resource.symbol for resource in self.resources}

    def value(self, name: str) -> Value:
        """The value of the variable of that name, or None."""
        return self.variables[name].value if name in self.variables else None

    def resource(self, symbol: str) -> Resource | None:
        """The resource of that name, or None."""
        return next((each for each in self.resources if each.symbol == symbol), None)

    def module(self, symbol: str) -> Module | None:
        """The module of that name, or None."""
        return next((each for each in self.modules if each.symbol == symbol), None)

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of that type that are deployed, not only referred to."""
        return [each for each in self.resources if each.type == kind and not each.existing]


def read_all(files: dict[str, str]) -> dict[str, Template]:
    """The templates among *files* (path -> text): those whose name ends with .bicep, by their path."""
    return {name: read(name, text) for name, text in sorted(files.items()) if name.endswith(".bicep")}


@lru_cache(maxsize=64)
def read(name: str, text: str) -> Template:
    """
    Read one file. What it gives is shared between callers: do not change it.

    Args:
        name: its path, for messages.
        text: its content.
    """
    data = text.encode()
    root = _PARSER.parse(data).root_node
    template = Template(name, text)
    reader = _Reader(template, data)
    template.errors += [f"{name}:{node.start_point[0] + 1} is no Bicep: {_text(node)[:60]!r}" for node in _broken(root)]
    decorators: dict[str, tuple[Value, ...]] = {}
    for node in _children(root):
        if node.type == "decorators":
            decorators = dict(reader.decorator(each) for each in _children(node))
            continue
        reader.declaration(node, decorators)
        decorators = {}
    reader.names(root)
    return template


def source(value: Value) -> str:
    """The source of an expression, a string as it is, and an empty string for anything else."""
    if isinstance(value, Expression):
        return value.text
    return value if isinstance(value, str) else ""


def inner(body: Value, *keys: str) -> Body:
    """The object below *keys*; empty if there is none."""
    for key in keys:
        body = body.get(key) if isinstance(body, Body) else None
    return body if isinstance(body, Body) else Body()


def at(body: Value, path: str) -> Value:
    """The value at a dotted *path* of nested objects and items of arrays (`rules.0.name`), or None."""
    for step in path.split("."):
        if isinstance(body, Items) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            body = body.get(step) if isinstance(body, Body) else None
    return body


def walk(value: Value) -> Iterator[Value]:
    """The value and every value within it: of objects, arrays, loops, conditionals and calls."""
    yield value
    for each in _parts(value):
        yield from walk(each)


def _parts(value: Value) -> list[Value]:
    if isinstance(value, Body):
        return list(value.values())
    if isinstance(value, Items):
        return list(value)
    if isinstance(value, Loop):
        return [value.items, value.body]
    if isinstance(value, Expression):
        return [*value.branches, *value.arguments]
    return []


def possible(value: Value) -> list[Value]:
    """The values of which it can be one: the branches of a conditional, else itself."""
    if isinstance(value, Expression) and value.branches:
        return [each for branch in value.branches for each in possible(branch)]
    return [value]


@lru_cache(maxsize=64)
def conditionals(template: Template) -> tuple[Expression, ...]:
    """Every conditional in the values of a template, those within others included."""
    roots: list[Value] = [variable.value for variable in template.variables.values()]
    roots += [output.value for output in template.outputs.values()]
    roots += [resource.body for resource in template.resources]
    roots += [module.body for module in template.modules]
    found = (each for root in roots for each in walk(root))
    return tuple(each for each in found if isinstance(each, Expression) and each.condition)


class _Reader:
    """Puts the nodes of one file into its template."""

    def __init__(self, template: Template, data: bytes) -> None:
        self._template = template
        # Places are of characters; nodes count bytes. They differ only where the file is not ASCII.
        self._offset = (lambda at: at) if data.isascii() else (lambda at: len(data[:at].decode()))

    def decorator(self, node: Node) -> tuple[str, tuple[Value, ...]]:
        call = _children(node)[0]
        name, *arguments = _children(call)
        return _text(name).removeprefix("sys."), tuple(self._value(each) for each in _arguments(arguments))

    def declaration(self, node: Node, decorators: dict[str, tuple[Value, ...]]) -> None:
        if node.type == "target_scope_assignment":
            self._template.target_scope = source(self._value(_children(node)[-1]))
        if node.type not in _DECLARATIONS or not _children(node):
            return
        name = _text(_children(node)[0])
        if name in self._template.symbols and node.type != "output_declaration":
            self._template.redeclared.append(f"{self._template.name}:{_line(node)} {name} is declared twice")
        if node.type == "parameter_declaration":
            self._parameter(node, decorators)
        elif node.type == "variable_declaration":
            value = self._value(_children(node)[-1])
            self._template.variables[name] = Variable(name, _line(node), self._span(node), value)
        elif node.type == "output_declaration":
            self._output(node)
        elif node.type == "resource_declaration":
            self._resource(node, None)
        else:
            self._module(node)

    def _parameter(self, node: Node, decorators: dict[str, tuple[Value, ...]]) -> None:
        name, *rest = _children(node)
        kind = "".join(_text(each) for each in rest if each.type == "type")
        values = [each for each in rest if each.type != "type"]
        default = self._value(values[0]) if values else None
        self._template.parameters[_text(name)] = Parameter(
            _text(name), kind, _line(node), self._span(node), bool(values), default, decorators
        )

    def _output(self, node: Node) -> None:
        name, *rest = _children(node)
        kind = "".join(_text(each) for each in rest if each.type == "type")
        self._template.outputs[_text(name)] = Output(
            _text(name), kind, _line(node), self._span(node), self._value(rest[-1])
        )

    def _resource(self, node: Node, outer: Resource | None) -> None:
        symbol, kind = _children(node)[:2]
        path, _, version = source(self._value(kind)).partition("@")
        condition, loop, body, object_node = self._made(node)
        found = Resource(
            self._template.name,
            _text(symbol),
            _line(node),
            self._span(node),
            condition,
            loop,
            body,
            type=f"{outer.type}/{path}" if outer else path,
            version=version or (outer.version if outer else ""),
            existing=any(child.type == "existing" for child in node.children),
            parent=outer.symbol if outer else source(body.get("parent")),
        )
        self._template.resources.append(found)
        for each in _children(object_node) if object_node else []:
            within = _children(each)
            if len(within) == 1 and within[0].type == "resource_declaration":
                self._resource(within[0], found)

    def _module(self, node: Node) -> None:
        symbol, path = _children(node)[:2]
        condition, loop, body, _ = self._made(node)
        self._template.modules.append(
            Module(
                self._template.name,
                _text(symbol),
                _line(node),
                self._span(node),
                condition,
                loop,
                body,
                path=source(self._value(path)),
            )
        )

    def _made(self, node: Node) -> tuple[str, Loop | None, Body, Node | None]:
        """The condition, the loop, the body and the body's node of a resource or a module."""
        condition, loop = "", None
        current = _children(node)[-1]
        while current.type in ("for_statement", "if_statement"):
            if current.type == "if_statement":
                condition = _text(_children(current)[0])
            else:
                variables, items, _ = self._loop_parts(current)
                loop = Loop(variables, self._value(items), None)
            current = _children(current)[-1]
        value = self._value(current)
        return (condition, loop, value, current) if isinstance(value, Body) else (condition, loop, Body(), None)

    def _loop_parts(self, node: Node) -> tuple[tuple[str, ...], Node, Node]:
        first, items, body = _children(node)[0], _children(node)[-2], _children(node)[-1]
        variables = (first,) if first.type == "identifier" else tuple(_children(first))
        return tuple(_text(each) for each in variables), items, body

    def _value(self, node: Node) -> Value:
        if node.type == "string":
            return self._string(node)
        if node.type == "number":
            return int(_text(node))
        if node.type == "boolean":
            return _text(node) == "true"
        if node.type == "null":
            return None
        if node.type == "array":
            return self._array(node)
        if node.type == "object":
            return self._object(node)
        if node.type == "parenthesized_expression" and len(_children(node)) == 1:
            return self._value(_children(node)[0])
        if node.type == "for_statement":
            variables, items, body = self._loop_parts(node)
            return Loop(variables, self._value(items), self._value(body))
        return self._expression(node)

    def _expression(self, node: Node) -> Expression:
        parts = _children(node)
        choice = _choice(node)
        if choice is not None:
            condition, taken, other = _children(choice)
            rest = _text(node)[len(_text(choice)) :]
            last = Expression(_text(other) + rest) if rest else self._value(other)
            return Expression(_text(node), _text(condition), (self._value(taken), last))
        if node.type == "call_expression":
            arguments = tuple(self._value(each) for each in _arguments(parts[1:]))
            return Expression(_text(node), function=_text(parts[0]), arguments=arguments)
        return Expression(_text(node))

    def _string(self, node: Node) -> Value:
        if any(child.type == "interpolation" for child in node.children):
            return Expression(_text(node), is_string=True)
        text = _text(node)
        if text.startswith("'''"):
            return text[3:-3].removeprefix("\n")
        return re.sub(r"\\(u\{([0-9A-Fa-f]+)\}|.)", _unescaped, text[1:-1])

    def _array(self, node: Node) -> Items:
        items = Items()
        for each in _children(node):
            items.append(self._value(each))
            items.places.append(self._span(each))
        return items

    def _object(self, node: Node) -> Body:
        body = Body()
        for each in _children(node):
            parts = _children(each)
            if each.type != "object_property" or len(parts) < 2:
                continue
            # An interpolated key stands as it is written.
            key = source(self._value(parts[0])) if parts[0].type == "string" else _text(parts[0])
            if key in body:
                self._template.redeclared.append(f"{self._template.name}:{_line(each)} {key} is given twice")
            body[key] = self._value(parts[-1])
            body.places[key] = self._span(each)
            body.value_places[key] = self._span(parts[-1])
        return body

    def names(self, root: Node) -> None:
        """Put every name that is read, and every function that is called, into the template."""
        found = QueryCursor(_NAMES).captures(root)
        bound = [(node, _bound(node)) for node in found.get("binding", [])]
        for node in found.get("name", []):
            if not any(_is_within(node, outer) and _text(node) in names for outer, names in bound):
                self._name(node)
        for node in found.get("member", []):
            self._template.outputs_read |= set(_OUTPUT_READ.findall(_text(node)))

    def _name(self, node: Node) -> None:
        parent = node.parent
        if parent is None or parent.type == "loop_variable":
            return
        is_first = parent.named_children[0] == node
        if parent.type == "call_expression" and is_first:
            self._template.calls.append((_text(node), _line(node)))
        elif not (parent.type in _NAMING and is_first) and _text(node) not in _NAMESPACES:
            self._template.read.append((_text(node), _line(node)))

    def _span(self, node: Node) -> Span:
        return Span(self._offset(node.start_byte), self._offset(node.end_byte))


def _choice(node: Node) -> Node | None:
    """The conditional at the beginning of a node that the grammar takes for a member or an item of it."""
    while node.type in ("member_expression", "subscript_expression") and node.children:
        node = node.children[0]
    return node if node.type == "ternary_expression" and len(_children(node)) == 3 else None


def _bound(node: Node) -> frozenset[str]:
    """The names that a loop or a lambda defines for its body."""
    heads = _children(node)[:1] if node.type == "for_statement" else _children(node)[:-1]
    return frozenset(_text(each) for head in heads for each in (_children(head) or [head]))


def _is_within(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def _broken(root: Node) -> list[Node]:
    if not root.has_error:
        return []
    stack, found = [root], []
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(node)
        else:
            stack.extend(child for child in node.children if child.has_error or child.is_missing)
    return found


def _arguments(nodes: list[Node]) -> list[Node]:
    return [each for node in nodes if node.type == "arguments" for each in _children(node)]


def _unescaped(found: re.Match[str]) -> str:
    if found[2]:
        return chr(int(found[2], 16))
    return {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1])


def _children(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type not in _COMMENTS]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _line(node: Node) -> int:
    return node.start_point[0] + 1
