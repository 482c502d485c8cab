"""The ticket of a Read that Computer Vision has accepted: where its result is asked for, and what it is of."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shared import names
from shared.images import ImageBytes, ImageUrl
from shared.vision import mapping
from shared.vision.fields import Json
from shared.vision.mapping import Frame
from shared.vision.models import Answer
from shared.vision.read_models import ReadResult

# The service keeps the result of a Read for 48 hours; no new caller is sent to one that is about to go.
OPERATION_SECONDS = 47 * 3600.0


class ReadTicket(NamedTuple):
    """
    An accepted and paid Read.

    Attributes:
        operation: the address to ask, as the service gave it.
        submitted: when it was accepted.
        sent: which copy is read (`pictures.fitting.Sent.describe`); None where the document itself is.
        sides: width and height of the document's upright picture, where its pixels are not those that are read.
        orientation: how a picture that is read as it is stored has to be turned to be upright, as Exif counts it.
    """

    operation: str
    submitted: datetime
    sent: Json | None = None
    sides: tuple[int, int] = (0, 0)
    orientation: int = 1

    def to_json(self) -> dict[str, object]:
        """The form in which it is kept; the version before reads it too."""
        told: dict[str, object] = {"operation": self.operation, "submitted": self.submitted.isoformat()}
        if self.sent:
            return {**told, "sent": self.sent, "sides": list(self.sides)}
        return told if self.orientation == 1 else {**told, "sides": list(self.sides), "orientation": self.orientation}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ReadTicket":
        """Read it back."""
        width, height = document.get("sides", (0, 0))
        submitted = datetime.fromisoformat(document["submitted"])
        orientation = document.get("orientation", 1)
        return cls(document["operation"], submitted, document.get("sent"), (width, height), orientation)

    def result(self, read: ReadResult) -> ReadResult:
        """What was read, with its places in upright pixels of the document."""
        if self.sent:
            frame = Frame((self.sent["width"], self.sent["height"]), self.sides)
            return ReadResult.of(mapping.mapped(read.body, frame))._replace(sent=self.sent)
        if self.orientation == 1:
            return read
        return ReadResult.of(mapping.upright(read.body, Frame.of_stored(self.sides, self.orientation)))

    @property
    def answer(self) -> Answer:
        """The form in which its claim keeps it."""
        return Answer(names.JSON, json.dumps(self.to_json()).encode())


def as_stored(kept: Answer, image: ImageBytes | ImageUrl) -> Answer:
    """The ticket of a Read of a picture as it is stored, for one who wants its places upright."""
    ticket = ReadTicket.from_json(kept.json())
    if isinstance(image, ImageBytes):
        sides = (image.header.width, image.header.height)
        ticket = ticket._replace(sides=sides, orientation=image.header.orientation)
    return ticket.answer._replace(paid=False, at=kept.at)
