"""Rules of the resources' bodies: every property is known and of its type, and every required one is there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from doubles.bicep import Body, Expression, Items, Loop, Parameter, Resource, Template, Value, source
from doubles.infra.project import Deployment
from doubles.infra.properties import RESOURCES

_STEP = re.compile(r"'[^']+'!?|[^.\[\]]+|\[\]")
# Words of the language, which stand in a body and are no properties of the resource.
_BICEP = frozenset({"parent", "scope", "dependsOn"})
_TYPES = {"string": str, "int": int, "bool": bool, "object": Body, "array": Items}
# Calls whose arguments are parts of the object that they make.
_MERGES = ("union", "shallowMerge")


@dataclass
class Shape:
    """
    What a property can be.

    Attributes:
        type: string, int, bool, object, array or any; strings may have *choices*.
        properties: of an object, by name; the name `*` stands for any.
        items: of an array.
    """

    type: str = "object"
    choices: tuple[str, ...] = ()
    required: bool = False
    properties: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the resources' bodies."""
    for template in deployment.templates.values():
        yield from _alone(template)
    used = {path for template in deployment.templates.values() for path in _used(template)}
    for kind, path in sorted(_listed() - used):
        yield f"no template gives {path} of {kind}, which the list of properties has"


@lru_cache(maxsize=1)
def _listed() -> frozenset[tuple[str, str]]:
    """Every property of the list, by the type and the path of its names."""
    return frozenset((kind, path) for kind, shape in shapes().items() for path in _paths(shape, ""))


def _paths(shape: Shape, where: str) -> Iterator[str]:
    for key, each in shape.properties.items():
        yield f"{where}.{key}"
        yield from _paths(each, f"{where}.{key}")
    if shape.items:
        yield from _paths(shape.items, where)


@lru_cache(maxsize=64)
def _used(template: Template) -> frozenset[tuple[str, str]]:
    """Every property that a template gives, by the type and the path of its names."""
    found: set[tuple[str, str]] = set()
    for resource in template.resources:
        kind = f"{resource.type}@{resource.version}"
        if kind in shapes():
            # A resource that is there already is given its name alone.
            given = [".name"] if resource.existing else _given(resource.body, shapes()[kind], "")
            found |= {(kind, path) for path in given}
    return frozenset(found)


def _given(value: Value, shape: Shape, where: str) -> Iterator[str]:
    if isinstance(value, Items | Loop):
        for each in value if isinstance(value, Items) else [value.body]:
            yield from _given(each, shape.items or Shape(), where)
    if isinstance(value, Expression):
        for each in (*value.branches, *value.arguments):
            yield from _given(each, shape, where)
        if "*" in shape.properties and not value.branches:
            yield f"{where}.*"
    for key, each in value.items() if isinstance(value, Body) else ():
        name = key if key in shape.properties else "*"
        if name in shape.properties:
            yield f"{where}.{name}"
            yield from _given(each, shape.properties[name], f"{where}.{name}")


@lru_cache(maxsize=64)
def _alone(template: Template) -> tuple[str, ...]:
    return tuple(problem for resource in template.resources for problem in _resource(template, resource))


def _resource(template: Template, resource: Resource) -> Iterator[str]:
    kind = f"{resource.type}@{resource.version}"
    shape = shapes().get(kind)
    if shape is None:
        yield f"{resource.where}: {kind} is no type that the project uses"
    elif resource.existing:
        yield from _existing(resource.body, resource.where)
    else:
        items = _items_of(template, resource.loop)
        yield from _members(template, resource, items)
        check = _Check(template.parameters, items)
        yield from check.value(_own(resource.body), shape, resource.where)
        yield from _scope(resource.parent, resource.type, resource.where)


def _items_of(template: Template, loop: Loop | None) -> dict[str, list[Body]]:
    """The objects over which a loop goes, by the name that it gives to each of them."""
    if loop is None or not loop.variables:
        return {}
    items = template.value(source(loop.items)) or loop.items
    return {loop.variables[0]: list(_objects(items))}


def _members(template: Template, resource: Resource, items: Mapping[str, list[Body]]) -> Iterator[str]:
    """Whatever a loop reads of its items, within texts too, each of them has."""
    for name, objects in items.items():
        for member in sorted(set(re.findall(rf"\b{name}\.(\w+)", template.text[slice(*resource.place)]))):
            for number, each in enumerate(objects):
                if member not in each:
                    yield f"{resource.where}: item {number} has no {member}"


def _objects(value: Value) -> Iterator[Body]:
    """The objects of an array, of both arrays of a conditional, and of all arrays that a call puts together."""
    for each in value if isinstance(value, Items) else ():
        if isinstance(each, Body):
            yield each
    for each in (*value.branches, *value.arguments) if isinstance(value, Expression) else ():
        yield from _objects(each)


def _own(body: Body) -> Body:
    """The properties of the resource itself."""
    own = Body()
    own.update((key, value) for key, value in body.items() if key not in _BICEP)
    return own


def _existing(body: Body, where: str) -> Iterator[str]:
    if "name" not in body:
        yield f"{where}: name is missing"
    for key in set(body) - {"name", "parent", "scope"}:
        yield f"{where}: {key} says nothing of a resource that is only referred to"


def _scope(parent: str, kind: str, where: str) -> Iterator[str]:
    # Of a type with a slash more than `Provider/type`, the name alone does not say whose it is.
    if kind.count("/") > 1 and not parent:
        yield f"{where}: parent is missing"
    if kind.count("/") == 1 and parent:
        yield f"{where}: parent is no property of it"


@lru_cache(maxsize=1)
def shapes() -> dict[str, Shape]:
    """The shape of every resource type, by `type@version`."""
    return {kind: _shape(paths) for kind, paths in RESOURCES.items()}


def _shape(paths: Mapping[str, str]) -> Shape:
    root = Shape(properties={"name": Shape("string", required=True)})
    for path, kind in paths.items():
        current = root
        for step in _STEP.findall(path):
            current = _below(current, step)
        known = kind in _TYPES or kind == "any"
        current.type = kind if known else "string"
        current.choices = () if known else tuple(kind.split("|"))
    return root


def _below(shape: Shape, step: str) -> Shape:
    if step == "[]":
        shape.type = "array"
        shape.items = shape.items or Shape()
        return shape.items
    found = shape.properties.setdefault(step.rstrip("!").strip("'"), Shape())
    found.required = found.required or step.endswith("!")
    return found


class _Check:
    """Compares values with shapes, in a file with those *parameters* and within loops over those *items*."""

    def __init__(self, parameters: Mapping[str, Parameter], items: Mapping[str, list[Body]]) -> None:
        self._parameters = parameters
        self._items = items

    def value(self, value: Value, shape: Shape, where: str, *, part: bool = False) -> Iterator[str]:
        """Yield the problems of a value; a *part* of an object may lack required properties."""
        if isinstance(value, Expression):
            yield from self._expression(value, shape, where)
        elif isinstance(value, Loop):
            if shape.type != "array":
                yield f"{where} is no {shape.type}"
            elif shape.items:
                yield from self.value(value.body, shape.items, f"{where}[]")
        elif shape.type == "any":
            return
        elif not isinstance(value, _TYPES[shape.type]) or (shape.type == "int" and isinstance(value, bool)):
            yield f"{where} is no {shape.type}"
        elif isinstance(value, Body):
            yield from self._object(value, shape, where, part)
        elif isinstance(value, Items) and shape.items:
            for number, each in enumerate(value):
                yield from self.value(each, shape.items, f"{where}[{number}]")
        elif shape.choices and value not in shape.choices:
            yield f"{where} is {value!r}, none of {', '.join(shape.choices)}"

    def _expression(self, value: Expression, shape: Shape, where: str) -> Iterator[str]:
        for each in value.branches:
            # A conditional may leave a property out by null.
            if each is not None:
                yield from self.value(each, shape, where)
        if value.is_string and shape.type not in ("string", "any"):
            yield f"{where} is a string, no {shape.type}"
        if value.function in _MERGES and shape.type == "object":
            for each in value.arguments:
                yield from self.value(each, shape, where, part=True)
        if value.function == "concat" and shape.type == "array":
            for each in value.arguments:
                yield from self.value(each, shape, where)
        name, _, member = value.text.partition(".")
        for each in self._items.get(name, ()):
            if member in each:
                yield from self.value(each[member], shape, f"{where} ({member})")
        parameter = self._parameters.get(value.text)
        if parameter and shape.type != "any" and parameter.type.rstrip("?") != shape.type:
            yield f"{where} is the {parameter.type} {parameter.name}, no {shape.type}"

    def _object(self, value: Body, shape: Shape, where: str, part: bool) -> Iterator[str]:
        free = shape.properties.get("*")
        for key, each in value.items():
            known = shape.properties.get(key) or free
            if known is None:
                if shape.properties:
                    yield f"{where}.{key} is no property that the project knows"
                continue
            yield from self.value(each, known, f"{where}.{key}")
        for key, known in shape.properties.items():
            if known.required and key != "*" and key not in value and not part:
                yield f"{where}.{key} is missing"
