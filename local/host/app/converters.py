"""
Between the host's data and a function's Python values: the official converters of `azure.functions`.

Only the converter for what they do not know is written here: the worker has it too, but does not ship it.
"""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from azure.functions import meta

Datum = meta.Datum
Data = Mapping[str, Datum]


class Converter(Protocol):
    """What a converter class of `azure.functions` offers; some have only one direction."""

    def check_input_type_annotation(self, pytype: type) -> bool: ...  # noqa: D102
    def check_output_type_annotation(self, pytype: type) -> bool: ...  # noqa: D102
    def decode(self, data: Datum | None, *, trigger_metadata: Data) -> Any: ...  # noqa: D102
    def encode(self, obj: Any, *, expected_type: type | None) -> Datum: ...  # noqa: D102
    def has_implicit_output(self) -> bool: ...  # noqa: D102
    def has_trigger_support(self) -> bool: ...  # noqa: D102


class GenericConverter:
    """For binding types without an official converter, and for parameters annotated `str` or `bytes`."""

    @staticmethod
    def check_input_type_annotation(pytype: type) -> bool:
        """Raw values are text or bytes."""
        return issubclass(pytype, str | bytes)

    @staticmethod
    def check_output_type_annotation(pytype: type) -> bool:
        """Text or bytes."""
        return issubclass(pytype, str | bytes | bytearray)

    @staticmethod
    def decode(data: Datum | None, *, trigger_metadata: Data) -> Any:
        """Hand the value over as it is."""
        return None if data is None or data.type is None else data.value

    @staticmethod
    def encode(obj: Any, *, expected_type: type | None) -> Datum:
        """Text stays text and bytes stay bytes; dictionaries and lists become JSON."""
        from azure.functions._jsonutils import json

        match obj:
            case None:
                return datum(None, None)
            case str():
                return datum(obj, "string")
            case bytes() | bytearray():
                return datum(bytes(obj), "bytes")
            case dict() | list():
                return datum(json.dumps(obj), "json")
            case int():
                return datum(obj, "int")
            case float():
                return datum(obj, "double")
        raise NotImplementedError(f"a {type(obj).__name__} cannot be written to this binding")

    @staticmethod
    def has_implicit_output() -> bool:
        """A function with such a binding may return a value."""
        return True

    @staticmethod
    def has_trigger_support() -> bool:
        """Take no notice of trigger metadata."""
        return False


def datum(value: Any, type_: str | None) -> Datum:
    """Make the value that converters take and give; *type_* is 'string', 'bytes', 'json', 'http', ..."""
    return meta.Datum(value, type_)


def converter_for(binding_type: str, annotation: object = None) -> Converter:
    """Return the converter of *binding_type* for a parameter with *annotation* (None: not annotated)."""
    if annotation in (str, bytes) and not has_implicit_output(binding_type):
        return cast(Converter, GenericConverter)
    return _registered(binding_type)


def has_implicit_output(binding_type: str) -> bool:
    """Whether a function with this binding may return a value without a `$return` binding."""
    if binding_type == "durableClient":
        return False
    implicit = getattr(_registered(binding_type), "has_implicit_output", None)
    return bool(implicit()) if implicit else False


def accepts_input(converter: Converter, annotation: type) -> bool:
    """Whether a parameter annotated *annotation* can take what *converter* reads."""
    check = getattr(converter, "check_input_type_annotation", None)
    return bool(check(annotation)) if check else False


def accepts_output(converter: Converter, annotation: type) -> bool:
    """Whether a result annotated *annotation* can be written by *converter*."""
    check = getattr(converter, "check_output_type_annotation", None)
    return bool(check(annotation)) if check else False


def decode(converter: Converter, data: Datum | None, trigger_metadata: Data) -> Any:
    """Turn *data* into a function's argument."""
    return converter.decode(data, trigger_metadata=trigger_metadata if converter.has_trigger_support() else {})


def _registered(binding_type: str) -> Converter:
    return cast(Converter, meta.get_binding_registry().get(binding_type) or GenericConverter)  # type: ignore[no-untyped-call]
