"""
The files that make a deployment, as one set of texts which rules can judge and mutations can change.

Paths are those of the project. Everything that is parsed is kept by its text, so that a set in which one file differs
from another set costs the reading of that file only.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml
from doubles import bicep
from doubles.bicep import Body, Expression, Items, Module, Resource, Template, Value

ROOT = Path(__file__).resolve().parents[3]
MAIN = "infra/main.bicep"
PARAMETERS = "infra/main.parameters.json"
AZURE_YAML = "azure.yaml"
COMMANDS = "scripts/cloud.py"
_INTERPOLATED = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"(?<![\w.'])[A-Za-z_]\w*")
# A chain of names is longer only where it goes round in a circle.
_MOST_STEPS = 10
_PATTERNS = (
    "azure.yaml",
    "pyproject.toml",
    "host.json",
    "*/function.json",
    "infra/*.bicep",
    "infra/*.json",
    "infra/queries/*.kql",
    "docs/deploying.md",
    "docs/security.md",
    "scripts/*.py",
    "scripts/deployment/*.py",
)


def files() -> dict[str, str]:
    """The project's own files of a deployment: path -> text."""
    found = (path for pattern in _PATTERNS for path in sorted(ROOT.glob(pattern)))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found}


@dataclass(frozen=True)
class Placed:
    """A resource and the template in which it stands."""

    template: Template
    resource: Resource


class Deployment:
    """One set of files, read; `files` is path -> text."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(files)
        self.templates = bicep.read_all(self.files)

    @property
    def main(self) -> Template:
        """The template that azd deploys; an empty one if it is not there."""
        return self.templates.get(MAIN) or Template(MAIN, "")

    @property
    def resources(self) -> list[Placed]:
        """Every resource of every template, with those that are only referred to."""
        return [Placed(template, each) for template in self.templates.values() for each in template.resources]

    @property
    def modules(self) -> list[tuple[Template, Module]]:
        """Every use of a module, with the template that uses it."""
        return [(template, each) for template in self.templates.values() for each in template.modules]

    def of_type(self, kind: str) -> list[Placed]:
        """The resources of that type that are deployed."""
        return [each for each in self.resources if each.resource.type == kind and not each.resource.existing]

    @property
    def site(self) -> Placed | None:
        """The function app."""
        return next(iter(self.of_type("Microsoft.Web/sites")), None)

    @property
    def app_settings(self) -> list[tuple[Value, Value]]:
        """The name and the value of every app setting, in order; empty if they are no array of objects."""
        value = bicep.at(self.site.resource.properties, "siteConfig.appSettings") if self.site else None
        items = [each for listed in lists_of(value) for each in listed if isinstance(each, Body)]
        return [(each.get("name"), each.get("value")) for each in items]

    def module_file(self, template: Template, module: Module) -> str:
        """The path of the file that a module is made of."""
        folder = template.name.rpartition("/")[0]
        return f"{folder}/{module.path}"

    def users(self, template: Template) -> list[tuple[Template, Module]]:
        """Where a template is used as a module."""
        return self._users.get(template.name, [])

    @cached_property
    def _users(self) -> dict[str, list[tuple[Template, Module]]]:
        found: dict[str, list[tuple[Template, Module]]] = {}
        for user, module in self.modules:
            found.setdefault(self.module_file(user, module), []).append((user, module))
        return found

    def origins(self, template: Template, value: Value) -> set[str]:
        """
        Where a value comes from, behind the names of variables, of parameters of modules and of modules' outputs.

        Returns:
            A literal in quotes, or the file and the expression that stands at the end of the way, such as
            `images.bicep account.id`; of a conditional all that it can be, but for an empty string and null.
        """
        return {text for each in bicep.possible(value) for text in self._origins(template, each, _MOST_STEPS)}

    def _origins(self, template: Template, value: Value, steps: int) -> set[str]:
        if value is None or value == "":
            return set()
        if not isinstance(value, Expression):
            return {repr(value)}
        step = self._step(template, value)
        if step and steps:
            return {text for each in bicep.possible(step[1]) for text in self._origins(step[0], each, steps - 1)}
        text = value.text.replace("!", "")
        if value.is_string and steps:
            return {_INTERPOLATED.sub(lambda found: self._interpolated(template, found[1], steps - 1), text)}
        return {f"{_file(template)} {text}"}

    def _interpolated(self, template: Template, text: str, steps: int) -> str:
        found = sorted(self._origins(template, Expression(text), steps))
        if len(found) == 1 and found[0].startswith("'"):
            return found[0].strip("'")
        return f"${{{' or '.join(found)}}}"

    def _step(self, template: Template, value: Expression) -> tuple[Template, Value] | None:
        name, _, path = value.text.replace("!", "").partition(".")
        if name in template.variables:
            known = template.variables[name].value
            found = bicep.at(known, path) if path else known
            return None if found is None else (template, found)
        if name in template.parameters and not path:
            users = self.users(template)
            given = users[0][1].params.get(name) if users else None
            return None if given is None else (users[0][0], given)
        resource = template.resource(name)
        if resource and path == "name" and isinstance(resource.body.get("name"), str):
            return template, resource.body["name"]
        module = template.module(name)
        if module and path.startswith("outputs."):
            made_of = self.templates.get(self.module_file(template, module))
            output = made_of.outputs.get(path.removeprefix("outputs.")) if made_of else None
            return None if made_of is None or output is None else (made_of, output.value)
        return None

    def modules_before(self, module: Module) -> set[str]:
        """The symbols of the modules of main.bicep that are there before one of them, because of what it is given."""
        found: set[str] = set()
        waiting = [_NAME.findall(self.main.text[slice(*module.place)])]
        while waiting:
            for name in waiting.pop():
                variable, other = self.main.variables.get(name), self.main.module(name)
                if name not in found and other is not None and other is not module:
                    waiting.append(_NAME.findall(self.main.text[slice(*other.place)]))
                elif name not in found and variable is not None:
                    waiting.append(_NAME.findall(self.main.text[slice(*variable.place)]))
                else:
                    continue
                found.add(name)
        return found & {each.symbol for each in self.main.modules}

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The `parameters` of main.parameters.json; empty if it is no such file, which `language` reports."""
        document = parsed_json(self.files.get(PARAMETERS, ""))
        found = document.get("parameters") if isinstance(document, dict) else None
        return found if isinstance(found, dict) else {}

    @cached_property
    def azure(self) -> dict[str, Any]:
        """azure.yaml; empty if it is no such file, which `azd` reports."""
        document = parsed_yaml(self.files.get(AZURE_YAML, ""))
        return document if isinstance(document, dict) else {}

    @cached_property
    def scripts(self) -> dict[str, str]:
        """The programs of the hooks: path -> text."""
        return {name: text for name, text in self.files.items() if name.startswith("scripts/")}

    @cached_property
    def words(self) -> set[str]:
        """Every text that stands between quotes in the programs of the hooks, but for docstrings."""
        return {word for text in self.scripts.values() for word in _words(text)}


def lists_of(value: Value) -> Iterator[Items]:
    """Every literal array of a value: itself, those that `concat` puts together, both of a conditional."""
    if isinstance(value, Items):
        yield value
    elif isinstance(value, Expression) and (value.branches or value.function == "concat"):
        for each in (*value.branches, *value.arguments):
            yield from lists_of(each)


def _file(template: Template) -> str:
    return template.name.rpartition("/")[2]


@lru_cache(maxsize=32)
def parsed_json(text: str) -> Any:
    """The document, or None if the text is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


@lru_cache(maxsize=128)
def parsed_yaml(text: str) -> Any:
    """The document, or None if the text is no YAML."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None


@lru_cache(maxsize=64)
def parsed_python(text: str) -> ast.Module | None:
    """The program, or None if the text is none."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    tree = parsed_python(text)
    nodes = list(ast.walk(tree)) if tree else []
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return frozenset(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    )
