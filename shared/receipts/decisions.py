"""
What was decided of each step of an image, and which settings decided it.

The state of the step says how far it is (`api.image_states`); its record says how it was made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from shared import names
from shared.json_types import Json
from shared.receipts import values
from shared.records import by_step, thumbnails
from shared.records.thumbnails import Thumbnail
from shared.services import App
from shared.settings import Settings
from shared.storage.blobs import BlobInfo

_ANALYSIS = ("VISION_FEATURES", "VISION_LANGUAGE", "VISION_MODEL_VERSION", "ANSWER_LIFETIME_DAYS")
_THUMBNAILS = ("THUMBNAIL_SIZES", "THUMBNAIL_FORMATS", "THUMBNAIL_MODE")
_TEXT = ("TEXT_MODE", "TEXT_READING_ORDER", "TEXT_MODEL_VERSION")
_OF_STEP = {by_step.ANALYSIS: _ANALYSIS, by_step.THUMBNAILS: _THUMBNAILS, by_step.TEXT: _TEXT}
# Settings that decide where a step ends with a code, beside those of the step.
_OF_CODE = {
    "calls_stopped": ("VISION_STOP",),
    "quota_exhausted": ("VISION_DAILY_LIMIT", "VISION_MONTHLY_LIMIT"),
    "image_too_large": ("MAX_UPLOAD_MEGABYTES",),
    "busy": ("MAX_WAIT_SECONDS",),
    "turn_too_late": ("MAX_WAIT_SECONDS", "VISION_RATE"),
    "backlog": ("VISION_RATE",),
    "image_too_many_pixels": ("MAX_MEGAPIXELS",),
    "vision_throttled": ("VISION_RATE",),
    "read_too_slow": ("TEXT_DEADLINE_SECONDS",),
    "vision_too_slow": ("VISION_TIMEOUT_SECONDS",),
    "vision_unauthorized": ("VISION_AUTH",),
}
_CUTS = {
    "subject": "The app cut it around what the analysis names, so no further call was needed.",
    "area": "The app cut it around an area of interest, which one call gave for all sizes and formats.",
    "middle": "The app cut it around the middle, without a call.",
    "focal": "The app cut it around the focal point of the correction, without a call.",
}
_MADE = "Computer Vision was asked for it."
_KNOWN = "The answer to the same question about the same bytes was paid for before, so no call was made."


class Decision(TypedDict):
    """
    One decision.

    Attributes:
        step: which step it is about.
        what: the size and format of a thumbnail; None of the other steps.
        state: of the step, as the state of the image tells it.
        code: what was decided; of a step that is deferred or failed the problem's, of a pending one the reason's.
        message: the same in a sentence.
        settings: by name, the settings that decided, as the environment would have them.
        next: when the step is tried again, where it is; a moment.
        attempts: how many attempts have failed.
        record: the blob that the step made.
    """

    step: str
    what: str | None
    state: str
    code: str
    message: str
    settings: list[dict[str, str]]
    next: str | None
    attempts: int
    record: str | None


def of_image(app: App, state: Mapping[str, Any], analysis: Json | None) -> list[Decision]:
    """
    The decisions about the three steps, in their order.

    Args:
        app: the app.
        state: of the image, as `GET /api/images/{name}` tells it.
        analysis: the content of its analysis record; None where there is none.
    """
    tell = _Teller(app.settings)
    found = [tell.step(by_step.ANALYSIS, state["analysis"], lambda: _analysis_done(analysis), _no_analysis)]
    for each in state["thumbnails"]:
        width, height = map(int, each["size"].split("x"))
        wanted = Thumbnail(width, height, app.settings.thumbnail_mode, each["format"])
        made = _thumbnail_done(app, each, wanted)
        found.append(tell.step(by_step.THUMBNAILS, each, made, _no_analysis, what=f"{each['size']} {each['format']}"))
    if not state["thumbnails"]:
        found.append(tell.step(by_step.THUMBNAILS, {"state": "none"}, None, _no_thumbnails(app.settings, state)))
    found.append(tell.step(by_step.TEXT, state["text"], _text_done, _no_text(app.settings, state)))
    return found


_Told = Callable[[], tuple[str, str]]


class _Teller:
    """Puts decisions together by these settings."""

    def __init__(self, settings: Settings) -> None:
        self._values = values.of(settings)

    def step(
        self, step: str, state: Mapping[str, Any], done: _Told | None, none: _Told, *, what: str | None = None
    ) -> Decision:
        """The decision about a step in that state; *done* and *none* tell why it is done, or does not apply."""
        problem, reason = state.get("problem"), state.get("reason")
        told = problem or reason
        if told:
            code, message = told["code"], told["message"]
        else:
            code, message = done() if done and state["state"] == "done" else none()
        return {
            "step": step,
            "what": what,
            "state": state["state"],
            "code": code,
            "message": message,
            "settings": self._of(_OF_CODE.get(code, ()) if problem else _OF_STEP[step]),
            "next": problem["until"] if problem else None,
            "attempts": problem["attempts"] or 0 if problem else 0,
            "record": state.get("record"),
        }

    def _of(self, wanted: Sequence[str]) -> list[dict[str, str]]:
        return [{"name": name, "value": self._values[name]} for name in wanted if name in self._values]


def _analysis_done(analysis: Json | None) -> tuple[str, str]:
    service = (analysis or {}).get("service", {})
    return ("made", _MADE) if service.get("calls", 1) else ("known", _KNOWN)


def _no_analysis() -> tuple[str, str]:
    return "document", "It is a document, of which nothing but the text is taken."


def _thumbnail_done(app: App, state: Mapping[str, Any], wanted: Thumbnail) -> _Told:
    def told() -> tuple[str, str]:
        container, _, name = state["record"].partition("/")
        return _cut(app.images.head(container, name), wanted)

    return told


def _cut(record: BlobInfo | None, wanted: Thumbnail) -> tuple[str, str]:
    key = record.metadata.get(names.REQUEST) if record else None
    for around, message in _CUTS.items():
        if key == wanted.cut(around).key:
            return f"cut_{around}", message
    return "made", "Computer Vision made it."


def _no_thumbnails(settings: Settings, state: Mapping[str, Any]) -> _Told:
    def told() -> tuple[str, str]:
        if state["analysis"]["state"] == "none":
            return _no_analysis()
        if not thumbnails.wanted(settings):
            return "not_wanted", "THUMBNAIL_SIZES names no size."
        return "image_refused", "The image itself was refused, so nothing is cut from it."

    return told


def _text_done() -> tuple[str, str]:
    return "read", "Computer Vision has read it; one call, and free questions how far it was."


def _no_text(settings: Settings, state: Mapping[str, Any]) -> _Told:
    def told() -> tuple[str, str]:
        if state["analysis"]["state"] in ("failed", "deferred"):
            return "image_refused", "The image itself was refused, so no text is read from it."
        if settings.text_mode == "never":
            return "not_wanted", "TEXT_MODE is never, so no text is read from pictures."
        return "no_text", "Neither a tag nor a category of the analysis says that there is text, or it is a GIF."

    return told
