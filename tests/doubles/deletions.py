"""Uploads, deletions and what they have left in both accounts, without the platform."""

from collections.abc import Callable
from typing import Any

from doubles.parts import Parts
from doubles.read_runs import ReadRun

from shared import names
from shared.lifecycle import answer_pages, deletion, plans
from shared.lifecycle.reconcile_loop import PageWork
from shared.uploads import steps

RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED, names.CORRECTIONS)
HOUR_SECONDS = 3600.0
# Longer than any lease of a claim.
LEASE_SECONDS = 60.0


class Killed(BaseException):
    """The process is gone: nothing after this is done, not even what cleans up."""


def upload(app: Parts, name: str, data: bytes) -> None:
    """Put an image into its container, and deliver its event and what that hands over, to the end."""
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    deliver(app, name, data)


def deliver(app: Parts, name: str, data: bytes | None = None) -> None:
    """Deliver an image's event, and have its text read if it is due."""
    for outcome in steps.process(app.services, name, data):
        if outcome.job:
            ReadRun(app, outcome.job).finish()


def delete(app: Parts, name: str) -> int:
    """Delete an image, and deliver the event of that."""
    app.images.delete(names.IMAGES, name)
    return deletion.forget(app.services, name)


def records(app: Parts) -> dict[str, list[str]]:
    """The names of all records, by container; without the containers that have none."""
    found = {container: list(app.images.contents(container)) for container in RECORDS}
    return {container: held for container, held in found.items() if held}


def books(app: Parts) -> dict[str, list[str]]:
    """The same of what the host account has of images and answers, but for which images were adopted."""
    found = {
        each: list(app.host.contents(each))
        for each in (names.CACHE, names.OWNERS, names.FORGETTING, names.KEPT_CORRECTIONS)
    }
    found[names.OWNERS] = [name for name in found[names.OWNERS] if name != names.ADOPTED]
    return {container: held for container, held in found.items() if held}


def owners(app: Parts) -> list[str]:
    """The images that are known to have bytes, each once for each digest."""
    held = app.host.contents(names.OWNERS)
    return sorted(data.decode() for name, data in held.items() if name != names.ADOPTED)


def forget_what_is_due(app: Parts) -> int:
    """A round of forgetting over all marks; how many digests' answers are gone."""
    work = PageWork(plan=plans.forgetting(app.services), phase="forgetting", continuation=None, counts={}, ended=False)
    forgotten = 0
    while True:
        page = answer_pages.forgetting(app.services, work)
        forgotten += page.counts.get("answers_forgotten", 0)
        if page.continuation is None:
            return forgotten
        work["continuation"] = page.continuation


class Moments:
    """
    Lets something happen once, before the operation of that number on either account.

    Attributes:
        passed: the operations so far.
    """

    def __init__(self, app: Parts, moment: int, happen: Callable[[], Any]) -> None:
        self.passed: list[str] = []
        self._app, self._moment, self._happen = app, moment, happen

    def __enter__(self) -> "Moments":
        self._app.images.before = self._app.host.before = self._before
        return self

    def __exit__(self, *_: object) -> None:
        self._app.images.before = self._app.host.before = None

    def _before(self, operation: str, container: str, name: str) -> None:
        self.passed.append(f"{operation} {container}")
        if len(self.passed) == self._moment + 1:
            self._app.images.before = self._app.host.before = None
            self._happen()
            self._app.images.before = self._app.host.before = self._before

    @property
    def is_over(self) -> bool:
        """Whether there was no such operation any more."""
        return len(self.passed) <= self._moment


def kill() -> None:
    """What happens if the worker is killed."""
    raise Killed
