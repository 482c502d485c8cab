"""
StorageEvents as the platform calls it: the app reacts to an event of the images' account.

Event Grid delivers an event again whose function raises, for a day. So only what waiting can help is raised; anything
else is an error in the log. Events come in any order, late and more than once. So the app looks at the account: it
deletes the records of an image that is not there, and tries the missing steps of one that is.

No event has an image paid for that came before the app, as `shared.lifecycle.older_images` says.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from shared import log, services
from shared.durable import appointments, handover
from shared.durable.appointments import Appointment
from shared.errors import ImageArchivedError, StorageRefusedError
from shared.lifecycle import deletion, older_images, plans, storage_events
from shared.lifecycle.reconcile_loop import PhaseName, Plan
from shared.lifecycle.storage_events import (
    Deleted,
    DirectoryChanged,
    Meaning,
    Needless,
    RefusedError,
    Renamed,
    TierChanged,
    TooLarge,
)
from shared.records import by_step, unfinished
from shared.records.versions import SourceChangedError
from shared.services import App
from shared.storage import image_blobs

# Apart from the threads of the HTTP functions: a folder of a thousand images may be deleted at once.
_executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="events")
_RECORDS: tuple[PhaseName, ...] = ("analysis", "thumbnails", "text", "unfinished", "corrections")
_logger = logging.getLogger(__name__)


async def process(event: object, starter: str) -> None:
    """
    Do what follows from an event.

    Args:
        event: as the platform hands it over.
        starter: the durable client's binding.

    Raises:
        SettingsError, PythonMismatchError: the app is not set up.
        StorageError: storage does not answer, or something could not be handed over.
    """
    with log.correlated(_identifier(event), sent=True):
        try:
            meaning = storage_events.read(event)
            if isinstance(meaning, Needless):
                _ignore(meaning.blob, meaning.reason)
                return
            await _react(services.current(), meaning, starter)
        except RefusedError as error:
            _refuse(event, error.reason, error, error.action)
        except StorageRefusedError as error:
            _refuse(event, error.code, error, error.action)


async def _react(app: App, meaning: Meaning, starter: str) -> None:
    if isinstance(meaning, DirectoryChanged):
        plan = await services.in_thread(_executor, lambda: _plan(app, meaning))
        from azure.durable_functions import DurableOrchestrationClient

        await plans.begin(DurableOrchestrationClient(starter), plans.directory_id(meaning.event), plan)
        return
    # The missing steps first: of a renamed image that is older than the app, only the former records tell that it may.
    task = await services.recording(app, _executor, lambda: _appointment(app, meaning))
    if task:
        await handover.hand_over_all(starter, [task])
    gone = meaning.name if isinstance(meaning, Deleted) else meaning.former if isinstance(meaning, Renamed) else None
    if gone is not None:
        heirs: list[Appointment] = []
        try:
            await services.recording(app, _executor, lambda: _forget(app, gone, heirs))
        finally:
            # Also where the index could not be told: the next delivery finds no correction any more.
            if heirs:
                await handover.hand_over_all(starter, heirs)


def _appointment(app: App, meaning: Meaning) -> Appointment | None:
    """The try of all steps that an event asks for, at once."""
    match meaning:
        case TooLarge(name, key):
            return _now(name, key)
        case TierChanged(name, key, is_told):
            reason = _why_not_restored(app, name, is_told=is_told)
        case Renamed(former, str(name), key):
            reason = _why_not_renamed(app, former, name)
        case _:
            return None
    if reason:
        _ignore(name, reason)
        return None
    return _now(name, key)


def _now(name: str, key: str) -> Appointment:
    # A key of its own: one that sleeps until tomorrow, as for an archived image, does not keep it from being tried.
    return Appointment(name, by_step.STEPS, key, 0.0, 0)


def _why_not_restored(app: App, name: str, *, is_told: bool) -> str | None:
    info = image_blobs.head(app.images, name)
    if info is None:
        return "gone"
    if info.tier == "Archive":
        return "archived"
    notes = (unfinished.find(app.images, step, name) for step in by_step.STEPS)
    if any(note and note.code == ImageArchivedError.code for note in notes):
        return None
    if not is_told:
        return "was_not_archived"
    return "older_than_app" if older_images.is_older(app, info) else None


def _why_not_renamed(app: App, former: str | None, name: str) -> str | None:
    info = image_blobs.head(app.images, name)
    if info is None:
        return "gone"  # renamed again, or deleted, of which there is an event
    # From another container it has come like an upload.
    if former is None or not older_images.is_older(app, info) or older_images.had_result(app, info, former):
        return None
    if older_images.had_records(app, name):
        return None  # it took the place of another one, like an upload of that name
    return "older_than_app"


def _forget(app: App, name: str, heirs: list[Appointment]) -> None:
    """Forget an image that is gone; added to *heirs* is what has to be done for one that has its correction now."""
    try:
        deletion.forget(app, name, heir=lambda other: heirs.append(appointments.of_focal_point(other)))
    except SourceChangedError:
        _ignore(name, "there_again")


def _plan(app: App, changed: DirectoryChanged) -> Plan:
    """A comparison of what was in the directory and is in it now; an empty prefix would be all images."""
    plan = plans.of_directory(app, images=changed.now, records=changed.former)
    images: tuple[PhaseName, ...] = ("images",) if changed.now else ()
    plan["phases"] = [*images, *(_RECORDS if changed.former else ())]
    # RECONCILE holds for the comparison at night; every event is followed.
    plan["mode"] = "repair"
    if not changed.former:
        # From another container all of them have come like uploads.
        plan["since"] = datetime.min.replace(tzinfo=UTC).isoformat()
    return plan


def _identifier(event: object) -> str | None:
    identifier = getattr(event, "id", None)
    return identifier if isinstance(identifier, str) else None


def _ignore(blob: str, reason: str) -> None:
    log.event(_logger, "event.ignored", blob=blob or None, reason=reason)


def _refuse(event: object, reason: str, error: Exception, action: str) -> None:
    subject = storage_events.subject_of(event)
    log.event(_logger, "event.refused", level=logging.ERROR, blob=subject, reason=reason, problem=error, action=action)
