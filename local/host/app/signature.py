"""
Check a function's Python signature against its function.json, with the rules and the words of the Python worker.

A function that passes here loads in Azure, and one that fails here fails there.
"""

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.host.app.converters import Converter, accepts_input, accepts_output, converter_for, has_implicit_output
from local.host.app.metadata import Binding
from local.host.errors import FunctionLoadError

RETURN = "$return"


@dataclass(frozen=True)
class Parameter:
    """One bound parameter: its binding, its converter and the type inside its annotation (None: not annotated)."""

    binding: Binding
    converter: Converter
    annotation: Any

    @property
    def is_out(self) -> bool:
        """Whether the function writes it."""
        return self.binding.direction == "out"


@dataclass(frozen=True)
class Signature:
    """How a function is called and what becomes of its result; *returns* is None if it may return nothing."""

    parameters: Mapping[str, Parameter]
    returns: Parameter | None
    wants_context: bool


def check_signature(function: Callable[..., object], bindings: tuple[Binding, ...]) -> Signature:
    """Match *function* with *bindings*; raises FunctionLoadError where they disagree."""
    names = dict(inspect.signature(function).parameters)
    annotations = typing.get_type_hints(function)
    _check_directions(bindings)
    bound = {binding.name: binding for binding in bindings if binding.name != RETURN}
    wants_context = _takes_context(names, bound, annotations)
    _check_names(set(names), set(bound))
    parameters = {name: _parameter(bound[name], name in annotations, annotations.get(name)) for name in names}
    return Signature(parameters, _return(bindings, annotations), wants_context)


def _check_directions(bindings: tuple[Binding, ...]) -> None:
    for binding in bindings:
        if binding.direction == "inout":
            raise FunctionLoadError('"inout" bindings are not supported')
        if binding.name == RETURN and binding.direction != "out":
            raise FunctionLoadError('"$return" binding must have direction set to "out"')


def _takes_context(names: dict[str, Any], bound: Mapping[str, Binding], annotations: Mapping[str, Any]) -> bool:
    if "context" not in names or "context" in bound:
        return False
    del names["context"]
    annotation = annotations.get("context")
    if annotation is not None and not (isinstance(annotation, type) and annotation.__name__ == "Context"):
        raise FunctionLoadError(
            f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}'
        )
    return True


def _check_names(in_python: set[str], in_json: set[str]) -> None:
    if in_python - in_json:
        raise FunctionLoadError(
            f"the following parameters are declared in Python but not in function.json: {in_python - in_json!r}"
        )
    if in_json - in_python:
        raise FunctionLoadError(
            f"the following parameters are declared in function.json but not in Python: {in_json - in_python!r}"
        )


def _parameter(binding: Binding, annotated: bool, annotation: Any) -> Parameter:
    name, is_out = binding.name, binding.direction == "out"
    if not annotated:
        return Parameter(binding, converter_for(binding.type), None)
    annotated_out = getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"
    whole = annotation
    if annotated_out:
        arguments = typing.get_args(annotation)
        if len(arguments) != 1:
            raise FunctionLoadError(f"binding {name} has invalid Out annotation {whole!r}")
        annotation = arguments[0]
    if not isinstance(annotation, type) and not _is_generic(annotation):
        raise FunctionLoadError(f"binding {name} has invalid non-type annotation {whole!r}")
    if is_out and not annotated_out:
        raise FunctionLoadError(
            f'binding {name} is declared to have the "out" direction, but its annotation in Python is not a subclass '
            "of azure.functions.Out"
        )
    if annotated_out and not is_out:
        raise FunctionLoadError(
            f'binding {name} is declared to have the "in" direction in function.json, but its annotation is '
            "azure.functions.Out in Python"
        )
    return Parameter(binding, _checked_converter(binding, annotation), annotation)


def _is_generic(annotation: Any) -> bool:
    """Whether it is one of typing's own `List[str]` and the like; the worker does not count `list[str]` among them."""
    if isinstance(annotation, types.GenericAlias | types.UnionType):
        return False
    return typing.get_origin(annotation) not in (None, typing.Union, typing.ClassVar, tuple, collections.abc.Callable)


def _checked_converter(binding: Binding, annotation: Any) -> Converter:
    converter = converter_for(binding.type, annotation)
    accepts = accepts_output if binding.direction == "out" else accepts_input
    if accepts(converter, annotation):
        return converter
    type_name = getattr(annotation, "__name__", repr(annotation))
    if binding.data_type is not None:
        raise FunctionLoadError(
            f'{binding.name!r} binding type "{binding.type}" and dataType "{binding.data_type}" in function.json do '
            f'not match the corresponding function parameter\'s Python type annotation "{type_name}"'
        )
    raise FunctionLoadError(
        f'type of {binding.name} binding in function.json "{binding.type}" does not match its Python annotation '
        f'"{type_name}"'
    )


def _return(bindings: tuple[Binding, ...], annotations: Mapping[str, Any]) -> Parameter | None:
    annotation = annotations.get("return")
    for binding in bindings:
        if binding.name == RETURN:
            return _explicit_return(binding, "return" in annotations, annotation)
    for binding in bindings:
        if has_implicit_output(binding.type):
            return Parameter(binding, converter_for(binding.type), annotation)
    return None


def _explicit_return(binding: Binding, annotated: bool, annotation: Any) -> Parameter:
    converter = converter_for(binding.type)
    if annotated:
        if getattr(typing.get_origin(annotation), "__name__", "") == "Out":
            raise FunctionLoadError("return annotation should not be azure.functions.Out")
        if not isinstance(annotation, type):
            raise FunctionLoadError(f"has invalid non-type return annotation {annotation!r}")
        if not accepts_output(converter, annotation):
            raise FunctionLoadError(
                f'Python return annotation "{annotation.__name__}" does not match binding type "{binding.type}"'
            )
    return Parameter(binding, converter, annotation)
