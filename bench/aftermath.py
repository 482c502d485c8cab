"""What the life of images leaves: records, owner marks, answers of no image; and a reconciliation to wait for."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any

from bench import outcome
from bench.pictures import Picture
from bench.stack import Stack

RECORDS = ("analysis", "thumbnails", "text")
# The id of the reconciliation of everything, and the states in which an instance stays.
_WHOLE_ID = "reconcile"
_ENDED = ("Completed", "Failed", "Terminated")
# Longer than a host takes to be there again, whose part is started again after longer and longer delays.
_HOST_SECONDS = 60.0

Json = dict[str, Any]
_NONE: Mapping[str, Picture] = MappingProxyType({})


def named(picture: Picture, name: str) -> Picture:
    """The same bytes under another name."""
    return picture._replace(name=name)


def images(stack: Stack) -> dict[str, str]:
    """The MD5 of each image that there is, in hex, by its name."""
    with stack.storage() as storage:
        listed = storage.get_container_client("images").list_blobs()
        return {blob.name: bytes(blob.content_settings.content_md5 or b"").hex() for blob in listed}


def records(stack: Stack) -> dict[str, str]:
    """The SHA-256 of the image's bytes that each record names, by `container/name`; without those of HTTP callers."""
    with stack.storage() as storage:
        return {
            f"{container}/{blob.name}": blob.metadata.get("sourcesha256", "")
            for container in RECORDS
            for blob in storage.get_container_client(container).list_blobs(include=["metadata"])
            if not blob.name.startswith("by-sha256/")
        }


def owners(stack: Stack) -> set[tuple[str, str]]:
    """The owner marks: an image's name, which is none of the long ones here, and the digest that it is said to have."""
    # One blob without a slash says that all images have theirs.
    marks = (name.partition("/") for name in _names(stack, "owners") if "/" in name)
    return {(name, sha256) for sha256, _, name in marks}


def answers(stack: Stack) -> set[str]:
    """The subjects of which there are answers."""
    return {name.partition("/")[0] for name in _names(stack, "cache")}


def forgetting(stack: Stack) -> set[str]:
    """The digests whose answers are to be forgotten."""
    return _names(stack, "forgetting")


def _names(stack: Stack, container: str) -> set[str]:
    with stack.storage() as storage:
        return {blob.name for blob in storage.get_container_client(container).list_blobs()}


def problems(
    stack: Stack, there: Mapping[str, Picture], waiting: Mapping[str, Picture] = _NONE
) -> dict[str, list[str]]:
    """
    Everything that is off with images that have settled, by what it is; empty lists where all is well.

    Args:
        stack: where.
        there: the pictures that were put there and not deleted, by their name.
        waiting: those that are there too, and are older than the app, so that it has no records of them.
    """
    found, marks = records(stack), owners(stack)
    everything = {**there, **waiting}
    true = {(name, each.sha256) for name, each in everything.items()}
    wanted = {record: each.sha256 for each in there.values() for record in each.records(outcome.SIZES)}
    stored = {name: hashlib.md5(each.data, usedforsecurity=False).hexdigest() for name, each in everything.items()}
    states = outcome.states(stack)
    states.subtract({"complete": len(there), "pending": len(waiting)})
    left = outcome.left(stack)._asdict().items()
    return {
        "images that are not what was put there": sorted({name for name, _ in images(stack).items() ^ stored.items()}),
        "records missing": sorted(wanted.keys() - found.keys()),
        "records of other bytes": sorted(each for each in wanted.keys() & found.keys() if wanted[each] != found[each]),
        "records left of what is gone": sorted(found.keys() - wanted.keys()),
        "unfinished": [f"{name} ({code})" for name, code in sorted(outcome.unfinished(stack).items())],
        "images without an owner mark": sorted(name for name in there if (name, there[name].sha256) not in marks),
        "owner marks that are not true": sorted(f"{name} {sha256[:8]}" for name, sha256 in marks - true),
        "answers of no image that nothing will forget": sorted(
            answers(stack) - {sha256 for _, sha256 in true} - forgetting(stack)
        ),
        "images in another state": [f"{count:+} {state}" for state, count in sorted(states.items()) if count],
        "instances or messages left": [f"{count} {name}" for name, count in left if count],
        "events left": [str(count)] if (count := events_waiting(stack)) else [],
    }


def lines(found: Mapping[str, list[str]]) -> list[str]:
    """Each problem as a line: what, how many, and the first few."""
    return [f"{what}: {len(which)}: {', '.join(which[:5])}" for what, which in found.items() if which]


def wait_until_well(
    stack: Stack,
    look: Callable[[], dict[str, list[str]]],
    *,
    show: Callable[[str], None] = lambda line: None,
    patience_seconds: float = outcome.PATIENCE_SECONDS,
) -> dict[str, list[str]]:
    """
    Look again and again until nothing is off, or until nothing has changed for long; returns what is off.

    Args:
        stack: where.
        look: finds what is off, and raises OSError while the host is being started again.
        show: is told what is off, each time that it has changed.
        patience_seconds: how long nothing may have changed.
    """
    last: object = None
    since = time.monotonic()
    while True:
        try:
            found = look()
        except OSError as error:
            found = {"the host does not answer": [str(error)]}
        if not any(found.values()):
            return {}
        now = (found, outcome.paid(stack).total())
        if now != last:
            last, since = now, time.monotonic()
            show("; ".join(lines(found)))
        if time.monotonic() - since > patience_seconds:
            return found
        time.sleep(outcome.LOOK_SECONDS)


def start_reconciliation(stack: Stack) -> None:
    """Ask for a reconciliation of everything; again while the host is being started. Raises OSError."""
    until = time.monotonic() + _HOST_SECONDS
    while True:
        try:
            stack.ask_host("POST", "/api/unfinished/reconcile", b"")
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(outcome.LOOK_SECONDS)
        else:
            return


def reconciliation_ended(stack: Stack) -> bool:
    """Whether the reconciliation that was started is over; False while the host is being started again."""
    try:
        instance = json.loads(stack.ask_host("GET", f"/runtime/webhooks/durabletask/instances/{_WHOLE_ID}"))
    except OSError:
        return False
    return instance["runtimeStatus"] in _ENDED


def reconcile(stack: Stack, *, patience_seconds: float = 600.0) -> Json:
    """A whole reconciliation, from the request to its end; returns what it tells of itself. Raises TimeoutError."""
    start_reconciliation(stack)
    return wait_for_reconciliation(stack, patience_seconds=patience_seconds)


def wait_for_reconciliation(stack: Stack, *, patience_seconds: float = 600.0) -> Json:
    """Wait for the end of the reconciliation that was started; returns what it tells. Raises TimeoutError."""
    until = time.monotonic() + patience_seconds
    while not reconciliation_ended(stack):
        if time.monotonic() > until:
            raise TimeoutError(f"the reconciliation has not ended after {patience_seconds:.0f} s")
        time.sleep(outcome.LOOK_SECONDS / 4)
    return last_reconciliation(stack)


def last_reconciliation(stack: Stack) -> Json:
    """What the last reconciliation that ended has written down of itself."""
    with stack.storage() as storage:
        told: Json = json.loads(storage.get_blob_client("reconciliation", "last.json").download_blob().readall())
        return dict(told["last"])


def events_waiting(stack: Stack) -> int:
    """How many events of uploads the host has taken and not yet worked off."""
    place = stack.state / "host" / "events.sqlite"
    with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as queue:
        return int(queue.execute("SELECT count(*) FROM message").fetchone()[0])
