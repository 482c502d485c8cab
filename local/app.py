"""Ask the running app, over HTTP as any caller would, how far it is with an image."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from local.addresses import LOOPBACK, image_target
from local.app_obstacles import broken_functions, keys_refused, misdeployment, not_the_app, problem_of
from local.errors import LocalError
from local.json_text import read_json

ANSWER_SECONDS = 30.0
PAGE = 100
_USUAL_FORMAT = "jpeg"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# The function that an upload starts, and the container that it watches.
UPLOAD_FUNCTION = "AnalyzeOnUpload"
IMAGES = "images"
Read = TypeVar("Read")


@dataclass(frozen=True)
class Step:
    """
    One step of an image: what it makes, how it stands, and what to do if it failed.

    Attributes:
        state: done, pending, deferred or failed; none when the step does not apply to the image.
        problem, code: why it is not done, in words and in one.
        last, until: of a deferred step, when it was tried last and, unless it is being tried now, when it is next.
        record, plain: where its result lies, as `container/name`; *plain* is that of a text as plain text.
        excerpt: the beginning of a text, on one line.
    """

    what: str
    state: str
    record: str | None = None
    problem: str | None = None
    plain: str | None = None
    excerpt: str = ""
    code: str | None = None
    last: datetime | None = None
    until: datetime | None = None

    @property
    def applies(self) -> bool:
        """Whether the image is to have it."""
        return self.state != "none"

    @property
    def told(self) -> str:
        """The state in a few words; of a deferred step with the time, which is ahead, or that it is being tried."""
        if self.state != "deferred":
            return self.state
        return f"deferred until {utc_text(self.until)}" if self.until else "deferred, being tried now"


@dataclass(frozen=True)
class ImageState:
    """What the app says of one image; `state` is complete, pending, deferred or failed."""

    name: str
    state: str
    caption: str | None = None
    caption_confidence: float | None = None
    tags: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more comes of waiting: what is pending or deferred may still become complete."""
        return self.state in ("complete", "failed")

    @property
    def told(self) -> str:
        """The state in a few words, with the code of its reason; what is deferred waits for the last of its steps."""
        steps = [step for step in self.unfinished if step.state == self.state and step.code]
        if not steps or self.state == "pending":
            return self.state
        last = max(steps, key=lambda step: step.until or _LONG_AGO)
        return f"{last.told} ({last.code})"

    def put_off_until(self, since: datetime) -> datetime | None:
        """Before when it cannot become complete, as far as that was found out *since* then; None if at any time."""
        deferred = [step for step in self.unfinished if step.state == "deferred"]
        told = [step.until for step in deferred if step.until and step.last and step.last >= since]
        return max(told) if self.state == "deferred" and told and len(told) == len(deferred) else None

    @property
    def thumbnails(self) -> tuple[Step, ...]:
        """The steps that make thumbnails."""
        return tuple(step for step in self.steps if step.what.startswith("thumbnail"))

    @property
    def text(self) -> Step:
        """The step that reads the text."""
        return next((step for step in self.steps if step.what == "text"), Step("text", "none"))

    @property
    def unfinished(self) -> tuple[Step, ...]:
        """The steps whose record is missing, each with its reason if the app gave one."""
        return tuple(step for step in self.steps if step.applies and step.state != "done")


class AppClient:
    """
    The app's HTTP API at one host. Safe for threads.

    *key* is a function key and *master_key* the host's own, for its admin API; needed only where the host checks keys.
    """

    def __init__(self, port: int, *, key: str | None = None, master_key: str | None = None) -> None:
        self._port = port
        self._key = key
        self._master_key = master_key

    def is_up(self) -> bool:
        """Whether a Functions host answers there."""
        try:
            return self._ask("GET", "/admin/host/ping", timeout_seconds=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def obstacles(self) -> list[str]:
        """
        Return what keeps the app from all its work, with what to do about it, each of some lines.

        None where it can work or does not answer just now. Raises LocalError if the host refuses the keys.
        """
        found = self._obstacle("/api/images?limit=1", self._key, misdeployment), self._broken_functions()
        return [each for each in found if each]

    def require_working(self) -> None:
        """Raise LocalError with what keeps the app from all its work, if anything does."""
        if obstacles := self.obstacles():
            raise LocalError("\n".join(["the app cannot work", *obstacles]))

    def image(self, name: str) -> ImageState | None:
        """
        Return the state of the image *name*; None when the app knows no such image or does not answer just now.

        Raises LocalError for an answer that waiting does not mend.
        """
        target = image_target("/api/images", name)
        try:
            status, body = self._ask("GET", target, key=self._key)
        except (OSError, http.client.HTTPException):
            return None
        if status == 200:
            return self._read(body, parse_image)
        _check_key(status)
        # The host's own 404 has no code: it has no such function, which it may not have been able to load.
        obstacle = misdeployment(body) if status != 404 or problem_of(body) else self._broken_functions()
        if obstacle:
            raise LocalError(f"the app cannot work\n{obstacle}")
        if status != 404 and status < 500:
            raise LocalError(f"GET {target} answered {status}: {body[:300].decode(errors='replace')}")
        return None

    def page(self, state: str, continuation: str | None) -> tuple[list[ImageState], str | None]:
        """
        Return some of the images in this state, and the continuation that leads to further ones; None after the last.

        There is nothing while the app does not answer. Raises LocalError if the host refuses the keys.
        """
        query = {"state": state, "limit": str(PAGE), **({"continuation": continuation} if continuation else {})}
        try:
            status, body = self._ask("GET", f"/api/images?{urlencode(query)}", key=self._key)
        except (OSError, http.client.HTTPException):
            return [], None
        _check_key(status)
        if status != 200:
            return [], None
        return self._read(body, lambda page: (list(map(parse_image, page["images"])), page["continuation"]))

    def _read(self, body: bytes, read: Callable[[Any], Read]) -> Read:
        try:
            return read(read_json(body))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise not_the_app(self._port) from None

    def thumbnail(self, name: str, width: int, height: int, *, mode: str) -> bytes:
        """Return a thumbnail of the image *name* that is cut in that mode. Raises LocalError with any other answer."""
        target = image_target("/api/thumbnail", name, width=f"{width}", height=f"{height}", mode=mode)
        try:
            status, body = self._ask("GET", target, key=self._key)
        except (OSError, http.client.HTTPException) as error:
            raise LocalError(f"GET {target} was not answered: {error}") from error
        _check_key(status)
        if status != 200:
            raise LocalError(f"GET {target} answered {status}: {body[:300].decode(errors='replace')}")
        return body

    def process_again(self, name: str) -> bool:
        """
        Have the image *name* processed as if it had just been uploaded; False when the host does not answer just now.

        Raises LocalError for an answer that waiting does not mend.
        """
        path = f"/admin/functions/{UPLOAD_FUNCTION}"
        body = json.dumps({"input": f"{IMAGES}/{name}"}).encode()
        try:
            status, answer = self._ask("POST", path, key=self._master_key, body=body)
        except (OSError, http.client.HTTPException):
            return False
        _check_key(status)
        if status == 404:
            why = self._broken_functions() or "GET /admin/functions lists those that it runs"
            raise LocalError(f"the host does not run {UPLOAD_FUNCTION}\n{why}")
        if status != 202 and status < 500:
            raise LocalError(f"POST {path} for {name} answered {status}: {answer[:300].decode(errors='replace')}")
        return status == 202

    def _broken_functions(self) -> str | None:
        return self._obstacle("/admin/host/status", self._master_key, broken_functions)

    def _obstacle(self, target: str, key: str | None, read: Callable[[bytes], str | None]) -> str | None:
        try:
            status, body = self._ask("GET", target, key=key)
        except (OSError, http.client.HTTPException):
            return None
        _check_key(status)
        return read(body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: bytes | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=timeout_seconds)
        try:
            connection.request(method, path, body=body, headers={"x-functions-key": key} if key else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def parse_image(document: dict[str, Any], now: datetime | None = None) -> ImageState:
    """Read one image's JSON as `GET /api/images/{name}` answers it; *now* is the present moment unless it is given."""
    now = now or datetime.now(UTC)
    analysis = document.get("analysis") or {}
    steps = [_step("analysis", analysis, now)] if analysis else []
    steps += [_step(_thumbnail(one), one, now) for one in document.get("thumbnails") or []]
    steps += [_step("text", document["text"], now)] if document.get("text") else []
    return ImageState(
        name=document["name"],
        state=document["state"],
        caption=analysis.get("caption"),
        caption_confidence=analysis.get("captionConfidence"),
        tags=tuple(analysis.get("tags") or ()),
        steps=tuple(steps),
    )


def _thumbnail(document: dict[str, Any]) -> str:
    """Name a thumbnail by its size, and by its format where that is not JPEG, which an older app does not tell."""
    form = document.get("format", _USUAL_FORMAT)
    return " ".join(filter(None, ("thumbnail", document.get("size", ""), "" if form == _USUAL_FORMAT else form)))


def function_key(state: Path) -> str | None:
    """Return the function key of the host whose state lies in *state*; None before its first start."""
    return _key(state, "functionKeys", "default")


def master_key(state: Path) -> str | None:
    """Return the key that opens the admin API of the same host; None before its first start."""
    return _key(state, "master")


def durable_key(state: Path) -> str | None:
    """Return the key that opens the host's address of durable instances; None before its first start."""
    return _key(state, "systemKeys", "durabletask_extension")


def _key(state: Path, *place: str) -> str | None:
    try:
        found = json.loads((state / "host" / "keys.json").read_text())
        for member in place:
            found = found[member]
        return str(found)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _check_key(status: int) -> None:
    if status in (401, 403):
        raise keys_refused()


def utc_text(moment: datetime) -> str:
    """A moment for people, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _step(what: str, document: dict[str, Any], now: datetime) -> Step:
    state = str(document.get("state"))
    # Why it is pending, or what became of it; an app of the version before gives no reason for the first.
    problem = document.get("reason" if state == "pending" else "problem") or {}
    is_deferred = state == "deferred"
    return Step(
        what,
        state,
        document.get("record"),
        _in_words(problem) if problem else None,
        document.get("plain"),
        document.get("excerpt") or "",
        problem.get("code"),
        _moment(problem.get("last")) if is_deferred else None,
        next_try(problem, now) if is_deferred else None,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def next_try(problem: dict[str, Any], now: datetime) -> datetime | None:
    """
    When a deferred step with this *problem* is tried again; None while it is being tried.

    Of the latter the version before told a time that has passed, or none.
    """
    until = _moment(problem.get("until"))
    return until if until and until > now and not problem.get("running") else None


def _in_words(problem: dict[str, Any]) -> str:
    sentences = [str(problem[part]).rstrip(".") for part in ("message", "action") if problem.get(part)]
    return f"{'. '.join(sentences)}. ({problem.get('code')})"
