"""
The record that a thumbnail is: its place, which question it answers, and how long others may keep it.

A thumbnail that the app cuts answers a question that is never sent: where it is cut and how. One that Computer Vision
makes answers `generateThumbnail`, and holds in every mode that cuts in the same way, around what matters or around the
middle.
"""

from typing import NamedTuple

from shared import names
from shared.configuration.parse import MAX_CROP_PIXELS, Mode
from shared.contract import MAX_THUMBNAIL_PIXELS
from shared.errors import BadRequestError
from shared.names import Format
from shared.records.record_store import RecordSpec
from shared.settings import Settings
from shared.vision import questions
from shared.vision.questions import Question

# A thumbnail's address stays the same when its image is overwritten, so it may be kept only for a while.
CACHE_CONTROL = "private, max-age=300"
# Blob metadata of a thumbnail that is cut around a focal point: the point, as a correction told it then.
FOCAL = "focal"
# How the app cuts. It is part of the question, so a better way one day makes thumbnails anew.
_CUT = "1"


class Thumbnail(NamedTuple):
    """
    One thumbnail that is wanted.

    Attributes:
        width, height: its most pixels; fewer where the picture has no more.
        mode: how it is cut, as THUMBNAIL_MODE says.
        form: its format.
    """

    width: int
    height: int
    mode: Mode
    form: Format = "jpeg"

    @property
    def size(self) -> str:
        """As settings and records write it."""
        return f"{self.width}x{self.height}"

    @property
    def smart(self) -> bool:
        """Whether it is cut around what matters."""
        return self.mode != "center"

    @property
    def is_made_by_service(self) -> bool:
        """Whether Computer Vision makes thumbnails of that size."""
        return max(self.width, self.height) <= MAX_THUMBNAIL_PIXELS

    @property
    def asked(self) -> Question:
        """The question by which Computer Vision makes it; BadRequestError where it makes none of that size."""
        return questions.thumbnail(self.width, self.height, smart_cropping=self.smart)

    def check(self) -> None:
        """Raise BadRequestError if no thumbnail can have these sides."""
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_CROP_PIXELS:
                raise BadRequestError(f"{name}={side} is not in 1 to {MAX_CROP_PIXELS} pixels.", code="bad_parameter")
            if self.mode == "vision" and side > MAX_THUMBNAIL_PIXELS:
                raise BadRequestError(
                    f"{name}={side} is not in 1 to {MAX_THUMBNAIL_PIXELS} pixels, which Computer Vision makes in the"
                    " mode vision.",
                    code="bad_parameter",
                    action=f"Ask for a smaller thumbnail, or with mode=auto for one of up to {MAX_CROP_PIXELS} pixels.",
                )

    def cut(self, around: str) -> Question:
        """
        The question that it answers where the app cuts it around `subject`, `area`, `middle` or `focal`.

        The last is as a correction wants it, and so it holds in every mode.
        """
        parameters = {
            "around": around,
            "cut": _CUT,
            "format": self.form,
            "height": str(self.height),
            "width": str(self.width),
        }
        return Question("crop", tuple(parameters.items()), "")

    def questions(self) -> tuple[Question, ...]:
        """Those that a record of it may answer, the one first that is written where its mode needs no other way."""
        by_service = (self.asked,) if self.is_made_by_service else ()
        around = {"auto": ("subject", "area"), "area": ("area",), "vision": (), "center": ("middle",)}[self.mode]
        return (*(self.cut(each) for each in around), *by_service, self.cut("focal"))


def wanted(settings: Settings) -> list[Thumbnail]:
    """The thumbnails that every image gets."""
    return [
        Thumbnail(width, height, settings.thumbnail_mode, form)
        for width, height in settings.thumbnail_sizes
        for form in settings.thumbnail_formats
    ]


def files(settings: Settings) -> frozenset[str]:
    """The last segments of the names of their records."""
    return frozenset(spec("", each).name.rpartition("/")[2] for each in wanted(settings))


def mark_of_none(settings: Settings) -> dict[str, str]:
    """The metadata of an analysis that is made while no thumbnails are wanted: without them the image is complete."""
    return {} if settings.thumbnail_sizes else {names.NO_THUMBNAILS: "true"}


def spec(name: str, thumbnail: Thumbnail) -> RecordSpec:
    """Where the thumbnail of an image lies."""
    width, height, _, form = thumbnail
    return _spec(names.thumbnail(name, width=width, height=height, smart=thumbnail.smart, form=form), thumbnail)


def spec_of_digest(digest: str, thumbnail: Thumbnail) -> RecordSpec:
    """Where the thumbnail of bytes or of an address lies, which have no name: under their SHA-256, in hex."""
    width, height, _, form = thumbnail
    place = names.thumbnail_of_digest(digest, width=width, height=height, smart=thumbnail.smart, form=form)
    return _spec(place, thumbnail)


def _spec(place: str, thumbnail: Thumbnail) -> RecordSpec:
    question, *others = thumbnail.questions()
    return RecordSpec(names.THUMBNAILS, place, question, names.FORMATS[thumbnail.form][0], CACHE_CONTROL, tuple(others))
