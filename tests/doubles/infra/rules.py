"""All rules of a deployment at once."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from doubles.infra import (
    accounts,
    alerts,
    azd,
    choices,
    flex,
    inventory,
    language,
    pages,
    roles,
    settings,
    shapes,
    shared_names,
    sign_in,
)
from doubles.infra.project import Deployment

Rule = Callable[[Deployment], Iterator[str]]
TOPICS: Mapping[str, Rule] = MappingProxyType(
    {
        "language": language.problems,
        "properties": shapes.problems,
        "inventory": inventory.problems,
        "accounts": accounts.problems,
        "choices": choices.problems,
        "alerts": alerts.problems,
        "azd": azd.problems,
        "shared names": shared_names.problems,
        "settings": settings.problems,
        "Flex Consumption": flex.problems,
        "sign-in": sign_in.problems,
        "roles": roles.problems,
        "pages": pages.problems,
    }
)


def problems(files: Mapping[str, str]) -> list[str]:
    """
    Every problem of a deployment, with the file and the way it has to be.

    Args:
        files: path -> text, as `project.files` gives them.
    """
    return list(_found(files))


def first_problem(files: Mapping[str, str]) -> str | None:
    """The first of the problems, or None; quicker than all of them."""
    return next(_found(files), None)


def _found(files: Mapping[str, str]) -> Iterator[str]:
    deployment = Deployment(files)
    return (problem for rule in TOPICS.values() for problem in rule(deployment))
