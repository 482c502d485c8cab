"""Names of storage queues, with the platform's rules and words."""

import re
from collections.abc import Mapping

from local.host.app.connections import fill_settings
from local.host.app.metadata import Binding
from local.host.errors import FunctionLoadError

POISON_SUFFIX = "-poison"
MIN_CHARACTERS, MAX_CHARACTERS = 3, 63


def queue_name(binding: Binding, environment: Mapping[str, str]) -> str:
    """Return the queue of a trigger, in lower case; raises FunctionLoadError for a name that no queue can have."""
    name = fill_settings(binding.text("queueName"), environment).lower()
    problem = _problem(name)
    if problem:
        raise FunctionLoadError(problem)
    return name


def poison_queue(queue: str) -> str | None:
    """Return where messages of *queue* go that fail again and again; None if it is such a place or the name is long."""
    name = queue + POISON_SUFFIX
    return None if queue.endswith(POISON_SUFFIX) or _problem(name) else name


def _problem(name: str) -> str | None:
    """Say in the platform's words why no queue can have that name; None if one can."""
    if not name:
        return "A queue name can't be null or empty"
    if not MIN_CHARACTERS <= len(name) <= MAX_CHARACTERS:
        return f'A queue name must be from 3 to 63 characters long - "{name}"'
    if name.startswith("-") or name.endswith("-"):
        return f'The dash (-) character may not be the first or last letter - "{name}"'
    if not re.fullmatch(r"[a-z0-9-]+", name):
        return f'A queue name can contain only letters, numbers, and dash(-) characters - "{name}"'
    if "--" in name:
        return f'A queue name cannot contain consecutive dash(-) characters - "{name}"'
    return None
