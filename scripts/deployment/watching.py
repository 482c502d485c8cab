"""The app's answers about the sample: until its record is there, or what keeps it away is certain."""

from __future__ import annotations

from typing import Any, Callable

from deployment import deliveries, environment, event_subscriptions, running_app, sample, waiting, wire
from deployment.arm import Arm
from deployment.failures import Failed
from deployment.running_app import RunningApp, told
from deployment.site import Site

# No waiting mends these; the app ends its own waiting for a role, a resource or a rate.
_CERTAIN = ("python_mismatch", "settings_invalid", "calls_stopped", "quota_exhausted")
# How the app words that Computer Vision refuses its identity or its network.
_NO_ENTRY = ("vision_unauthorized", "vision_forbidden")
# The app comes back to what a role or a network refused after five minutes: it is asked to sooner.
_ASKED_AGAIN_SECONDS = 20.0
# An event subscription can turn out to have failed; Azure is not asked for it at each look.
_EVENTS_SECONDS = 30.0


class Watch:
    """
    Asks the app, and knows in the end why there is no record.

    Args:
        arm: asks Azure.
        site: the app as Azure knows it.
        app: the app itself.
        clock: whose time passes.
        deadline: when the smoke test stops waiting for the app.
    """

    def __init__(self, arm: Arm, site: Site, app: RunningApp, clock: waiting.Clock, deadline: waiting.Deadline) -> None:
        self._arm = arm
        self._site = site
        self._app = app
        self._clock = clock
        self._deadline = deadline
        self._why: Callable[[], str] = lambda: ""
        self._asked_again_at = clock.now()
        self._looked_at: dict[str, float] = {}

    def state(self) -> dict[str, Any] | waiting.NotYet:
        """
        Return the sample's state once all of its records are there.

        Raises:
            Failed: if that will not come to be, with the cause.
        """
        reply = self._app.image(sample.NAME)
        if not reply.ok:
            return self._refused(reply)
        found = reply.document
        problem = _problem(found)
        if found.get("state") == "complete":
            return found
        if found.get("state") == "failed" or problem.get("code") in _CERTAIN:
            raise Failed(f"The app could not do the sample: {self._with_python(problem)}")
        if found.get("state") == "deferred":
            self._why = lambda: _why_vision(problem)
            self._ask_again()
            return waiting.NotYet(f"the app has deferred the sample: {told(problem)}")
        return self._no_event()

    def answer(self, data: bytes) -> wire.Reply | waiting.NotYet:
        """
        Have bytes analyzed over HTTP, which needs no event, and return the answer.

        Raises:
            Failed: as `state`.
        """
        reply = self._app.analyze(data)
        return reply if reply.ok else self._refused(reply)

    def why(self) -> str:
        """Ask Azure why there is no record, and return the causes beside the last reason."""
        return self._why()

    def _refused(self, reply: wire.Reply) -> waiting.NotYet:
        """Tell the app's own refusals from those of the platform before it."""
        if not running_app.is_its_own(reply):
            self._why = lambda: why_no_answer(self._site, reply)
            return waiting.NotYet(reply.trouble or f"the app's host answers {reply.status}")
        problem = reply.document
        if problem.get("code") in _CERTAIN:
            raise Failed(f"The app refuses to work: {self._with_python(problem)}")
        self._why = lambda: ""
        if problem.get("code") == "image_not_found":
            self._why = lambda: "The app's setting ImagesStorage__blobServiceUri names another account than this."
        return waiting.NotYet(f"the app answers {reply.status}, {told(problem)}")

    def _no_event(self) -> waiting.NotYet:
        """Nothing has told the app of the sample yet, or it is at work."""
        fault = self._fault(sample.UPLOAD, event_subscriptions.UPLOADS)
        if fault:
            raise Failed(fault)
        self._why = self._why_nothing_arrives
        return waiting.NotYet("the app has not begun with the sample")

    def deletion(self, left: list[tuple[str, str]] | waiting.NotYet) -> bool | waiting.NotYet:
        """
        Return True once no record of the deleted sample is left.

        Args:
            left: container and name of each that is, or why that is not known.

        Raises:
            Failed: if the deletion cannot come to the app, with the cause.
        """
        if isinstance(left, waiting.NotYet):
            return left
        if not left:
            return True
        fault = self._fault(sample.DELETION, event_subscriptions.CHANGES)
        if fault:
            raise Failed(f"The records of the deleted sample stay. {fault}")
        self._why = self._why_nothing_arrives
        return waiting.NotYet(f"{len(left)} records of the deleted sample are still there")

    def _fault(self, event: deliveries.Event, kind: event_subscriptions.Kind) -> str | None:
        """Ask Azure now and then what keeps an event from the app."""
        if self._clock.now() < self._looked_at.get(kind.suffix, -_EVENTS_SECONDS) + _EVENTS_SECONDS:
            return None
        self._looked_at[kind.suffix] = self._clock.now()
        return deliveries.fault(self._arm, event, kind)

    def _why_nothing_arrives(self) -> str:
        missing = self._site.missing_functions()
        if missing:
            return _not_loaded(missing)
        host = environment.optional("BLOBSIGHT_HOST_ACCOUNT_ID").rpartition("/")[2] or "the host account"
        return (
            "The event subscription is right, and its event has not arrived or could not be done. Look into the "
            f"container {event_subscriptions.DEAD_LETTERS} of {host}, and at the metrics of the system topic "
            f"{environment.required('BLOBSIGHT_TOPIC_ID').rpartition('/')[2]}."
        )

    def _ask_again(self) -> None:
        waited = self._clock.now() - self._asked_again_at
        # What it would begin now is not to go on when the sample is removed.
        if waited >= _ASKED_AGAIN_SECONDS and self._deadline.left() >= _ASKED_AGAIN_SECONDS:
            self._asked_again_at = self._clock.now()
            self._app.retry(sample.NAME)

    def _with_python(self, problem: dict[str, Any]) -> str:
        if problem.get("code") != "python_mismatch":
            return told(problem)
        meant = environment.optional("BLOBSIGHT_RUNTIME_PYTHON", "another one")
        runs = self._site.python or "another one"
        return f"{told(problem)} Azure is to run the app on Python {runs}, and the deployment asks for {meant}."


def why_no_answer(site: Site, reply: wire.Reply | None) -> str:
    """Return why the platform, and not the app, gives this answer, or none at all."""
    if site.state == "Stopped":
        return f"{site.name} is stopped. Start it in the portal."
    if reply is not None and reply.status == 401:
        return "It does not take its own function key; run this again once the app has restarted."
    if reply is not None and reply.status == 403:
        return "Its access restrictions do not let this machine in, and Event Grid neither; inbound has to be public."
    missing = site.missing_functions()
    if missing:
        return _not_loaded(missing)
    return f"Look at the log stream of {site.name} in the portal."


def _why_vision(problem: dict[str, Any]) -> str:
    """Return what Computer Vision's own refusal needs; nothing for another one, whose action says it."""
    if problem.get("code") not in _NO_ENTRY:
        return ""
    account = environment.required("BLOBSIGHT_VISION_ACCOUNT_ID").rpartition("/")[2]
    return (
        f"The app's identity needs the role Cognitive Services User on {account}, whose network has to let the app in; "
        "a new role takes up to ten minutes."
    )


def _not_loaded(missing: list[str]) -> str:
    return (
        f"The host has not loaded {', '.join(missing)}. `azd deploy` uploads the app again; if that does not help, the "
        "host's log says why."
    )


def _problem(state: dict[str, Any]) -> dict[str, Any]:
    """Return the problem of the first step that has one, of the state that counts."""
    steps = [state.get("analysis") or {}, *(state.get("thumbnails") or []), state.get("text") or {}]
    worst = [step for step in steps if step.get("state") == state.get("state")]
    return next((step["problem"] for step in worst if step.get("problem")), {})
