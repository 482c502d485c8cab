"""Find the function folders of an app and check their function.json as the platform's host does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.errors import FunctionLoadError
from local.json_text import read_json

FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
# Python would allow an underscore; Azure does not.
BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")
DIRECTIONS = ("in", "out", "inout")


@dataclass(frozen=True)
class Binding:
    """One member of a function's `bindings`. *type* is spelled as in the file."""

    name: str
    type: str
    direction: str
    data_type: str | None
    properties: Mapping[str, Any]

    @property
    def is_trigger(self) -> bool:
        """Whether this binding starts the function."""
        return self.type.lower().endswith("trigger")

    def text(self, name: str, default: str = "") -> str:
        """Return the text property *name*; anything but text raises FunctionLoadError."""
        value = self.properties.get(name, default)
        if not isinstance(value, str):
            raise FunctionLoadError(f"binding {self.name}: {name} must be text, not {value!r}")
        return value


@dataclass(frozen=True)
class FunctionMetadata:
    """A folder with a valid function.json; *config* is its whole content."""

    name: str
    directory: Path
    script_file: Path
    entry_point: str
    bindings: tuple[Binding, ...]
    disabled: bool
    config: Mapping[str, Any]

    @property
    def trigger(self) -> Binding:
        """The one trigger binding."""
        return next(binding for binding in self.bindings if binding.is_trigger)


@dataclass(frozen=True)
class BrokenFunction:
    """A function that does not run, and why. That is no error of one which a setting has disabled anyway."""

    name: str
    reason: str
    disabled: bool = False


def function_folders(root: Path) -> list[Path]:
    """Return the direct sub-directories of *root* that hold a function.json, in the order of their names."""
    return sorted(path.parent for path in root.glob("*/function.json"))


def read_function(directory: Path, environment: Mapping[str, str]) -> FunctionMetadata:
    """
    Read and check `directory/function.json`.

    Raises FunctionLoadError with the host's own words where it has some.
    """
    name = directory.name
    if not FUNCTION_NAME.fullmatch(name) or name.lower() == "host":
        raise FunctionLoadError(
            f"'{name}' is not a valid function name: a letter, then up to 127 letters, digits, '_', '-'; not 'host'"
        )
    config = _read_config(directory / "function.json")
    bindings = _bindings(config)
    return FunctionMetadata(
        name=name,
        directory=directory,
        script_file=_script_file(directory, config),
        entry_point=_member(config, "entryPoint", "main"),
        bindings=bindings,
        disabled=config.get("disabled") is True or is_disabled(name, environment),
        config=config,
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = read_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise FunctionLoadError(f"Unable to parse function.json: {error}") from None
    if not isinstance(config, dict):
        raise FunctionLoadError("function.json must hold a JSON object")
    return config


def _bindings(config: Mapping[str, Any]) -> tuple[Binding, ...]:
    raw = config.get("bindings")
    if not isinstance(raw, list) or not raw:
        raise FunctionLoadError("At least one binding must be declared.")
    bindings = tuple(_binding(item) for item in raw)
    names = [binding.name for binding in bindings]
    for name in names:
        if names.count(name) > 1:
            raise FunctionLoadError(f"Multiple bindings with name '{name}' discovered. Binding names must be unique.")
    triggers = [binding for binding in bindings if binding.is_trigger]
    if not triggers:
        raise FunctionLoadError("No trigger binding specified. A function must have a trigger input binding.")
    if len(triggers) > 1:
        raise FunctionLoadError(
            "Multiple trigger bindings defined. A function can only have a single trigger input binding."
        )
    return bindings


def _binding(item: object) -> Binding:
    if not isinstance(item, dict):
        raise FunctionLoadError(f"each binding must be an object, not {item!r}")
    name, type_ = item.get("name"), item.get("type")
    if not isinstance(type_, str) or not type_:
        raise FunctionLoadError(f"binding {name!r} has no type")
    if not isinstance(name, str) or not BINDING_NAME.fullmatch(name):
        raise FunctionLoadError(
            f"The binding name {name} is invalid. Please assign a valid name to the binding: "
            "letters and digits only (no underscore), or $return."
        )
    direction = str(item.get("direction", "in")).lower()
    if direction not in DIRECTIONS:
        raise FunctionLoadError(f"binding {name}: direction must be in or out, not {item.get('direction')!r}")
    data_type = item.get("dataType")
    return Binding(name, type_, direction, str(data_type).lower() if data_type else None, item)


def _script_file(directory: Path, config: Mapping[str, Any]) -> Path:
    given = _member(config, "scriptFile", "")
    if given:
        path = (directory / given).resolve()
        if not path.is_file():
            raise FunctionLoadError(
                f"Invalid script file name configuration. The 'scriptFile' property is set to a file that does not "
                f"exist: {given}"
            )
        return path
    files = [path for path in directory.iterdir() if path.is_file() and path.name != "function.json"]
    path = files[0] if len(files) == 1 else directory / "__init__.py"
    if not path.is_file():
        raise FunctionLoadError(
            "Unable to determine the primary function script. Make sure at least one script file is present: "
            "__init__.py, or the one that 'scriptFile' names."
        )
    return path.resolve()


def _member(config: Mapping[str, Any], name: str, default: str) -> str:
    value = config.get(name) or default
    if not isinstance(value, str):
        raise FunctionLoadError(f"{name} must be text, not {value!r}")
    return value


def is_disabled(name: str, environment: Mapping[str, str]) -> bool:
    """Whether a setting disables the function *name*."""
    setting = environment.get(f"AzureWebJobs.{name}.Disabled", environment.get(f"AzureWebJobs_{name}_Disabled", ""))
    return setting.lower() in ("true", "1")
