"""Rules of the names that templates, programs and the app share: containers, queues, functions, roles."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from doubles.infra.accounts import containers
from doubles.infra.project import Deployment, parsed_json, parsed_python
from doubles.infra.roles import ROLES

from shared import names

_RECORDS = (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED, names.CORRECTIONS, names.SEARCH)
_IMAGES_CONTAINERS = sorted([names.IMAGES, *_RECORDS])
# Of the host's account, beside those that the host and the app make themselves.
DEAD_LETTERS = "deadletters"
PACKAGES = "app-package"
_ROLE = re.compile(r"Role\(\s*\"([^\"]+)\",\s*\"([^\"]+)\"")
# Ids that the registration of the page has: its own roles, and of Microsoft Graph the application and the permissions
# openid, profile and email (learn.microsoft.com, "Microsoft Graph permissions reference").
DIRECTORY_IDS = frozenset(
    {
        "0c9f3b5e-8f0a-4d0f-9a55-5b1e6c0f7a11",
        "5d2c7e14-36b1-4a7e-8c1d-93f2a4de8b22",
        "00000003-0000-0000-c000-000000000000",
        "37f7f235-527c-4136-accd-4a02d197296e",
        "14dad69e-099b-42c9-810b-d002981feec1",
        "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
    }
)
# A misspelt one too.
_GUID = re.compile(r"[0-9a-fA-F]{6,}(?:-[0-9a-fA-F]+){3,}")


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the names that are not the same on both sides."""
    yield from _containers(deployment)
    yield from _functions(deployment)
    yield from _roles(deployment)


def _containers(deployment: Deployment) -> Iterator[str]:
    if containers(deployment, "images") != _IMAGES_CONTAINERS:
        yield f"infra/images.bicep makes {containers(deployment, 'images')}; shared/names.py has {_IMAGES_CONTAINERS}"
    if containers(deployment, "host-storage") != sorted([DEAD_LETTERS, PACKAGES]):
        yield f"infra/host-storage.bicep makes {containers(deployment, 'host-storage')}"
    lists = [found for text in deployment.scripts.values() for found in _lists(text) if names.IMAGES in found]
    if [sorted(found) for found in lists] != [_IMAGES_CONTAINERS]:
        yield f"scripts/ makes {lists} in an existing account; shared/names.py has {_IMAGES_CONTAINERS}"
    for name, wanted in (("CONTAINER", names.IMAGES), ("DEAD_LETTERS", DEAD_LETTERS)):
        yield from _constant(deployment, name, {wanted})


def _constant(deployment: Deployment, name: str, wanted: set[str]) -> Iterator[str]:
    """Whatever module of the programs has that constant, it has the same value, and one module at least has it."""
    found = {value for text in deployment.scripts.values() for key, value in _constants(text) if key == name}
    if found != wanted:
        yield f"{name} of scripts/ is {sorted(found)}, and not {sorted(wanted)}"


@lru_cache(maxsize=64)
def _constants(text: str) -> tuple[tuple[str, str], ...]:
    """The texts that a program gives to names outside of functions and classes."""
    tree = parsed_python(text) or ast.Module([], [])
    return tuple(
        (target.id, node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    )


@lru_cache(maxsize=64)
def _lists(text: str) -> tuple[tuple[str, ...], ...]:
    """The tuples and lists of a program, each with the texts in it."""
    nodes = ast.walk(parsed_python(text) or ast.Module([], []))
    listed = [node.elts for node in nodes if isinstance(node, ast.Tuple | ast.List)]
    return tuple(tuple(str(each.value) for each in elts if isinstance(each, ast.Constant)) for elts in listed)


def _functions(deployment: Deployment) -> Iterator[str]:
    triggers, queues, others = {}, set(), set()
    for path, text in deployment.files.items():
        if path.endswith("/function.json"):
            for binding in (parsed_json(text) or {}).get("bindings", []):
                if binding.get("type") == "blobTrigger" and binding.get("source") == "EventGrid":
                    triggers[path.partition("/")[0]] = binding.get("path")
                if binding.get("type") == "eventGridTrigger":
                    others.add(path.partition("/")[0])
                if binding.get("type") == "queueTrigger":
                    queues.add(binding.get("queueName"))
    if list(triggers.values()) != [f"{names.IMAGES}/{{name}}"]:
        yield f"more or less than one function is started by uploads to {names.IMAGES}: {triggers}"
    yield from _constant(deployment, "FUNCTION", set(triggers))
    yield from _constant(deployment, "EVENTS_FUNCTION", others)
    made = {
        placed.resource.body.get("name")
        for placed in deployment.of_type("Microsoft.Storage/storageAccounts/queueServices/queues")
    }
    if made != queues:
        yield f"the template makes the queues {made}, and functions listen to {queues}"


def _roles(deployment: Deployment) -> Iterator[str]:
    for path, text in deployment.scripts.items():
        for name, guid in _ROLE.findall(text):
            if ROLES.get(guid) != name:
                yield f"{path}: {guid} is {ROLES.get(guid, 'no role of the templates')}, and not {name}"
    guids = {word for word in deployment.words if _GUID.fullmatch(word)}
    unknown = guids - set(ROLES) - DIRECTORY_IDS
    if not guids & set(ROLES) or unknown:
        yield f"scripts/ gives other roles than the templates: {sorted(unknown) or 'none'}"
    for missing in sorted(DIRECTORY_IDS - guids):
        yield f"scripts/ makes no registration with {missing}"
