"""The sample that goes the way of every upload: put into the images account, and taken away again."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

from deployment import blobs, environment, waiting, wire
from deployment.deliveries import Event
from deployment.event_subscriptions import CONTAINER, CREATED, DELETED
from deployment.failures import Failed
from deployment.site import PROJECT

FILE = PROJECT / "samples" / "coffee.jpg"
# Always the same, so that a second run finds the answers of the first, which are paid for.
NAME = "blobsight-smoke/coffee.jpg"
# As Event Grid tells of them.
_SUBJECT = f"/blobServices/default/containers/{CONTAINER}/blobs/{NAME}"
UPLOAD = Event(CREATED, _SUBJECT, {"api": "PutBlob", "contentLength": FILE.stat().st_size})
DELETION = Event(DELETED, _SUBJECT, {"api": "DeleteBlob"})
_RECORDS = (
    ("analysis", NAME),
    ("text", NAME),
    ("thumbnails", NAME),
    *(("unfinished", f"{step}/{NAME}") for step in ("analysis", "text", "thumbnails")),
)
_NO_ROLE = "AuthorizationPermissionMismatch"
# What a firewall says to those who come with a token.
_NO_WAY = "AuthorizationFailure"


class ClosedNetworkError(Exception):
    """The images account takes no upload from this machine."""


class Sample:
    """
    The sample in one images account.

    Args:
        account: its blob service.
        name: the account's name, for messages.
    """

    def __init__(self, account: blobs.Account, name: str) -> None:
        self._account = account
        self._name = name
        self._refusal = ""

    def upload(self) -> datetime | waiting.NotYet:
        """
        Upload it, and return when, by the account's own clock.

        Raises:
            ClosedNetworkError: if a closed network refuses this machine.
            Failed: if there is no such container.
        """
        reply = self._account.put(CONTAINER, NAME, FILE.read_bytes(), "image/jpeg")
        if reply.ok:
            return parsedate_to_datetime(reply.headers["date"])
        self._refusal = code = blobs.code(reply)
        if code == "ContainerNotFound":
            raise Failed(f"{self._name} has no container {CONTAINER}. `azd provision --no-state` makes it.")
        if code != _NO_ROLE and reply.status in (0, 403) and environment.is_on("BLOBSIGHT_CLOSED_NETWORK"):
            raise ClosedNetworkError
        return waiting.NotYet(f"{self._name} does not take the sample ({reply.trouble or code})")

    def why_refused(self) -> str:
        """Return what mends the last refusal."""
        if self._refusal == _NO_ROLE:
            return (
                f"You need the role Storage Blob Data Contributor on {self._name}. `azd provision --no-state` gives "
                "it to the one who runs it, and a new role takes up to ten minutes."
            )
        if self._refusal == _NO_WAY:
            return f"The firewall of {self._name} does not let this machine in; run it where it does."
        return f"Check that {self._account.url} can be reached from here."

    def record(self) -> wire.Reply:
        """Read its analysis record."""
        return self._account.get("analysis", f"{NAME}.json")

    def records(self) -> list[tuple[str, str]] | waiting.NotYet:
        """Return its records that are there: container and name; why not where a container cannot be listed."""
        found = {(container, prefix): self._account.names(container, prefix) for container, prefix in _RECORDS}
        dark = [container for (container, _), names in found.items() if names is None]
        if dark:
            return waiting.NotYet(f"the container {dark[0]} of {self._name} cannot be listed")
        return [(container, name) for (container, _), names in found.items() for name in names or []]

    def delete(self) -> str:
        """Delete the sample alone; return why that cannot be done, or nothing."""
        return self._deleted(CONTAINER, NAME)

    def remove(self) -> list[str]:
        """Remove it and its records; return what could not be removed."""
        found = [(container, name) for container, prefix in _RECORDS for name in self._names(container, prefix)]
        left = [self._deleted(container, name) for container, name in [(CONTAINER, NAME), *found]]
        return [reason for reason in left if reason]

    def _names(self, container: str, prefix: str) -> list[str]:
        return self._account.names(container, prefix) or []

    def _deleted(self, container: str, name: str) -> str:
        reply = self._account.delete(container, name)
        is_gone = reply.ok or reply.status == 404
        return "" if is_gone else f"{container}/{name} ({reply.trouble or blobs.code(reply)})"
