"""`smoke`: one sample takes the way that every upload takes; what does not work is named with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable, TypeVar

from deployment import (
    azd,
    blobs,
    deliveries,
    environment,
    event_subscriptions,
    findings,
    log_lines,
    page,
    sample,
    sign_in,
    waiting,
    watching,
)
from deployment.arm import Arm
from deployment.failures import Failed
from deployment.running_app import RunningApp
from deployment.site import Site

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """
    How long is waited, in seconds.

    Attributes:
        record: for all up to the sample's record.
        page: for the page and its sign-in.
        deletion: for the end of its records, once the sample is deleted.
        log: for its log.
        look: between two looks.
    """

    record: float = 300.0
    page: float = 300.0
    deletion: float = 180.0
    log: float = 600.0
    look: float = 3.0


def run(clock: waiting.Clock = waiting.SYSTEM_CLOCK, patience: Patience | None = None) -> None:
    """
    Upload the sample, show what the app found in it, delete it, see its records go and its log arrive.

    Raises:
        Failed: with the cause, if the app does not do what it is for.
    """
    Smoke(clock, patience or Patience()).run()


class Smoke:
    """One run."""

    def __init__(self, clock: waiting.Clock, patience: Patience) -> None:
        self._clock = clock
        self._patience = patience
        self._deadline = waiting.Deadline(patience.record, clock)
        self._tokens = azd.Tokens(clock)
        self._arm = Arm(clock, self._tokens)
        self._site = Site(self._arm)
        self._url = environment.required("BLOBSIGHT_APP_URL").rstrip("/")
        url = environment.required("BLOBSIGHT_IMAGES_BLOB_URL")
        self._account = environment.required("BLOBSIGHT_IMAGES_ACCOUNT_ID").rpartition("/")[2]
        self._sample = sample.Sample(blobs.Account(url, self._tokens), self._account)
        self._is_gone = False

    def run(self) -> None:
        """Do it."""
        _say(f"The app is at {self._url}")
        self._look_at_site()
        app = RunningApp(self._url, self._key())
        watch = watching.Watch(self._arm, self._site, app, self._clock, self._deadline)
        try:
            # What an interrupted run has left would look like this one's success.
            self._sample.remove()
            uploaded = self._upload()
        except sample.ClosedNetworkError:
            self._look_from_outside(watch)
            return
        try:
            self._see_record(watch)
            self._see_page()
            self._see_deletion(watch)
            self._see_log(uploaded)
        finally:
            self._remove()
        _say(
            "Blobsight works: an upload was analyzed, its deletion took the records away, and its log arrived. "
            f"{self._next('an image')}"
        )

    def _look_at_site(self) -> None:
        if self._site.state == "Stopped":
            raise Failed(watching.why_no_answer(self._site, None))
        meant = environment.optional("BLOBSIGHT_RUNTIME_PYTHON")
        if meant and self._site.python and meant != self._site.python:
            _say(
                f"Azure runs it on Python {self._site.python}, and the deployment asks for {meant}: run "
                "`azd provision --no-state`, then `azd deploy`."
            )

    def _key(self) -> str:
        return self._until("the app's key", self._site.key, lambda: watching.why_no_answer(self._site, None))

    def _upload(self) -> datetime:
        uploaded = self._until("the upload", self._sample.upload, self._sample.why_refused)
        _say(f"Uploaded {sample.NAME} to the container {event_subscriptions.CONTAINER} of {self._account}")
        return uploaded

    def _see_record(self, watch: watching.Watch) -> None:
        state = self._until("the record", watch.state, watch.why)
        record = self._sample.record()
        if not record.ok:
            raise Failed(f"The app says that the sample is complete, and its record cannot be read ({record.status}).")
        _say("The app has found in it:")
        for line in findings.table(state, record.document, self._site.python):
            _say(line)

    def _see_page(self) -> None:
        signs_in, client_id = environment.is_on(sign_in.SWITCH), environment.optional(sign_in.CLIENT)
        seen = self._until(
            "the page",
            lambda: page.look(self._url, signs_in, client_id),
            lambda: f"Look at Authentication of {self._site.name} in the portal; `azd provision --no-state` sets it.",
            waiting.Deadline(self._patience.page, self._clock),
        )
        _say(seen)

    def _see_deletion(self, watch: watching.Watch) -> None:
        reason = self._sample.delete()
        if reason:
            raise Failed(f"The app did its work, and the sample could not be deleted: {reason}.")
        deadline = waiting.Deadline(self._patience.deletion, self._clock)
        self._until("deletion", lambda: watch.deletion(self._sample.records()), watch.why, deadline)
        self._is_gone = True
        _say("Deleted the sample; deletion: the records are gone")

    def _see_log(self, since: datetime) -> None:
        fault = log_lines.fault(self._site)
        if fault:
            raise Failed(f"The app did its work. {fault}")
        lines = self._until(
            "the log",
            lambda: log_lines.count(sample.NAME, since, self._tokens),
            lambda: (
                "The app did its work, and the settings and the role for its log are there. The first lines of a "
                "new app can take longer than this; run it again."
            ),
            waiting.Deadline(self._patience.log, self._clock),
        )
        _say(f"Its log has arrived in Log Analytics: {lines} lines")

    def _look_from_outside(self, watch: watching.Watch) -> None:
        """Prove what can be proven without an upload."""
        _say(f"The network is closed: {self._account} takes no upload from this machine")
        for event, kind in (
            (sample.UPLOAD, event_subscriptions.UPLOADS),
            (sample.DELETION, event_subscriptions.CHANGES),
        ):
            fault = deliveries.fault(self._arm, event, kind)
            if fault:
                raise Failed(fault)
        self._until("the app", lambda: watch.answer(sample.FILE.read_bytes()), watch.why)
        self._see_page()
        _say(
            "The app has analyzed the sample over HTTP, and the event subscriptions are right. Not proven from here: "
            f"that an upload or a deletion starts the app. {self._next('an image from inside the network')}"
        )

    def _next(self, what: str) -> str:
        return (
            f"Try next: upload {what} to the container {event_subscriptions.CONTAINER} of {self._account}. A moment "
            "later its record is NAME.json in the container analysis there. To callers with a function key, "
            f"{self._url}/api/images/NAME tells the same."
        )

    def _remove(self) -> None:
        left = self._sample.remove()
        if left:
            _say(f"Could not be removed: {', '.join(left)}")
        elif not self._is_gone:
            _say("Removed the sample and its records")

    def _until(
        self,
        what: str,
        attempt: Callable[[], T | waiting.NotYet],
        why: Callable[[], str],
        deadline: waiting.Deadline | None = None,
    ) -> T:
        """Wait within the deadline; the failure at its end has the last reason and the cause behind it."""
        left = (deadline or self._deadline).left()
        try:
            return waiting.until(what, attempt, left, self._clock, self._patience.look)
        except waiting.GaveUp as gave_up:
            raise Failed(f"{str(gave_up).rstrip('.')}. {_told(why)}".rstrip()) from None


def _told(why: Callable[[], str]) -> str:
    """Return the cause; that Azure tells no more must not hide the reason before it."""
    try:
        return why()
    except Failed as failed:
        return f"Azure tells no more of it: {failed}"


def _say(text: Any) -> None:
    print(text, flush=True)
