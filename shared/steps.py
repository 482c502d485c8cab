"""
What happens to one uploaded image: its analysis, then its thumbnails.

Steps do not share a record and do not overwrite each other: each ends done, skipped (its records are there), deferred
(waiting can help) or failed (it cannot), and what is missing says why in an unfinished record. Only an image that is no
image stops the others: what the analysis found unacceptable is not paid for again by a thumbnail.
"""

import logging
from collections.abc import Sequence
from typing import Literal, NamedTuple

from shared import analysis, log, names, records, thumbnails, unfinished
from shared.errors import BlobsightError, BusyError
from shared.records import Recipe, Source, SourceChangedError
from shared.services import Services

ANALYSIS = "analysis"
THUMBNAILS = "thumbnails"
STEPS = (ANALYSIS, THUMBNAILS)
# One for each time that the image is overwritten while it is worked on.
_MAX_ROUNDS = 8

_logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """
    How a step ended.

    `code` says why where it is deferred or failed. `error` is this attempt's; what was final before has none.
    """

    step: str
    state: Literal["done", "skipped", "deferred", "failed"]
    code: str | None = None
    error: BlobsightError | None = None
    blames_image: bool = False


def recipes(services: Services, step: str, name: str) -> list[Recipe]:
    """The records that a step makes of an image."""
    if step == ANALYSIS:
        return [analysis.recipe(name, services.settings, services.clock)]
    return [thumbnails.recipe(name, size) for size in thumbnails.sizes(services.settings)]


def process(services: Services, name: str, data: bytes | None) -> list[Outcome]:
    """
    Bring all records of an image up to date with what it is now.

    Args:
        services: the parts.
        name: the image's name in the container `images`.
        data: its bytes, if they are at hand; they may be of a version that is no longer there.

    Returns:
        One outcome for each step that applies; none if the image is gone, which leaves no record of it.

    Raises:
        StorageError: not even what is missing could be recorded.
    """
    for _ in range(_MAX_ROUNDS):
        try:
            source = records.identify(services.images, name, data)
            if source is None:
                _forget(services, name)
                log.event(_logger, "image.gone", blob=name)
                return []
            return _steps(services, source)
        except SourceChangedError as change:
            log.event(_logger, "image.deleted" if change.deleted else "image.overwritten", blob=name)
            data = None
    raise BusyError(f"The image {name!r} is overwritten faster than it can be processed.")


def _steps(services: Services, source: Source) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for step in STEPS:
        outcome = _run(services, source, step)
        outcomes.append(outcome)
        log.event(_logger, f"step.{outcome.state}", blob=source.name, step=step, code=outcome.code or "-")
        if outcome.state == "failed":
            _drop_outdated(services, source, STEPS if outcome.blames_image else (step,))
        if outcome.blames_image:
            break
    return outcomes


def _run(services: Services, source: Source, step: str) -> Outcome:
    todo = recipes(services, step, source.name)
    before = unfinished.find(services.images, step, source.name)
    if before and before.state == unfinished.FAILED and before.is_of(source.etag, todo):
        return Outcome(step, "failed", before.code, blames_image=before.blames_image)
    made, error = _make_all(services, source, todo)
    if error:
        unfinished.note(services.images, services.clock, source, step, todo, error)
        records.confirm(services.images, source)
        if not _all_there(services, source, todo):
            return Outcome(
                step, "deferred" if error.transient else "failed", error.code, error, unfinished.blames_image(error)
            )
    if made or error or before:
        records.sweep(
            services.images, [unfinished.place(step, source.name)], lambda: records.confirm(services.images, source)
        )
    return Outcome(step, "done" if made else "skipped")


def _all_there(services: Services, source: Source, todo: Sequence[Recipe]) -> bool:
    """Whether another delivery has made meanwhile what this one could not."""
    return all(recipe.holds(services.images.head(recipe.container, recipe.name), source.etag) for recipe in todo)


def _make_all(services: Services, source: Source, todo: Sequence[Recipe]) -> tuple[int, BlobsightError | None]:
    """Make each record, the later ones even if an earlier one cannot be made; the first problem is reported."""
    made, problem = 0, None
    for recipe in todo:
        try:
            made += records.make(
                services.images, services.desk, source, recipe, wait_seconds=services.settings.max_wait_seconds
            )
        except BlobsightError as error:
            problem = problem or error
    return made, problem


def _drop_outdated(services: Services, source: Source, steps: Sequence[str]) -> None:
    """Delete records of the image's earlier versions, which would be taken for this one's."""
    records.sweep(
        services.images,
        _places(services, source.name, steps),
        lambda: records.confirm(services.images, source),
        lambda info: info.metadata.get(names.SOURCE_ETAG) != source.etag,
    )


def _forget(services: Services, name: str) -> None:
    """Delete every record of an image that is gone."""
    places = [*_places(services, name, STEPS), *(unfinished.place(step, name) for step in STEPS)]
    records.sweep(services.images, places, lambda: records.confirm_gone(services.images, name))


def _places(services: Services, name: str, steps: Sequence[str]) -> list[tuple[str, str]]:
    return [(recipe.container, recipe.name) for step in steps for recipe in recipes(services, step, name)]
