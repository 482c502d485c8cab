"""
One operation: a question or a thumbnail with its image, its form in histories, and its id.

It carries no bytes, no keys and no address, because histories keep it; `shared.durable.inputs` keeps what was sent. The
same question about the same bytes has the same instance id, so there is one orchestration for all who ask.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from shared import names
from shared.configuration.parse import Mode
from shared.durable.orchestrators import Kind
from shared.images import ImageBytes, ImageUrl
from shared.operations.loop import OperationJson, QuestionJson, ThumbnailJson
from shared.records.thumbnails import Thumbnail
from shared.records.versions import Version
from shared.vision.questions import Question

# The form of an instance id.
ID = "op-[0-9a-f]{40}"


class Operation(NamedTuple):
    """
    One question about one image, or one thumbnail of it.

    Attributes:
        kind: `image` (in the container `images`), `bytes` or `url` (both kept in `inputs`).
        subject: a digest of the bytes or of the whole address, under which its claims are filed.
        asked: the question, as it goes to the service about the image or a copy; or the thumbnail.
        name, etag, size: the version of the image, for the kind `image`.
        input: under which name the request has kept the bytes or the address.
    """

    kind: Kind
    subject: str
    asked: Question | Thumbnail
    name: str = ""
    etag: str = ""
    size: int = 0
    input: str = ""

    @property
    def instance_id(self) -> str:
        """The id of its orchestration: a digest of the image's version and of the question or thumbnail."""
        source = [names.IMAGES, self.name, self.etag] if self.kind == "image" else [self.subject]
        asked = [self.asked.text] if isinstance(self.asked, Question) else ["thumbnail", *self.asked]
        text = json.dumps([self.kind, *source, *asked])
        return f"op-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

    @property
    def input_name(self) -> str:
        """The name of its blobs in the containers `inputs` and `keys`."""
        return names.request_input(self.instance_id, self.input)

    @property
    def version(self) -> Version | None:
        """The image that it is about, unless it came over HTTP."""
        return Version(self.name, self.etag, self.subject, self.size) if self.kind == "image" else None

    @property
    def digest(self) -> str:
        """The digest of the bytes or of the address, as the names of thumbnails have it."""
        return self.subject.removeprefix(ImageUrl.PREFIX)

    def with_input(self, token: str) -> "Operation":
        """The same operation, whose request has kept the image under that name."""
        return self._replace(input=token)

    def to_json(self) -> OperationJson:
        """The form in which it is kept."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "name": self.name,
            "etag": self.etag,
            "size": self.size,
            "question": _question_json(self.asked) if isinstance(self.asked, Question) else None,
            "thumbnail": None if isinstance(self.asked, Question) else _thumbnail_json(self.asked),
            "input": self.input,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Operation":
        """Read it back; members that a newer version of the app has added are passed over."""
        question, thumbnail = document["question"], document["thumbnail"]
        asked = _question(question) if question else _thumbnail(thumbnail)
        own = {key: document[key] for key in ("kind", "subject", "name", "etag", "size", "input")}
        return cls(asked=asked, **own)


def of_bytes(image: ImageBytes, asked: Question | Thumbnail) -> Operation:
    """An operation about bytes: of their image in the container if they have one, else as they came over HTTP."""
    operation = Operation("bytes", image.subject, asked, size=len(image.data))
    if image.owner:
        return operation._replace(kind="image", name=image.owner.name, etag=image.owner.etag)
    return operation


def of_address(image: ImageUrl, asked: Question | Thumbnail) -> Operation:
    """An operation about what an address shows."""
    return Operation("url", image.subject, asked)


def _question_json(question: Question) -> QuestionJson:
    return {
        "operation": question.operation,
        "parameters": dict(question.parameters),
        "accept": question.accept,
        "path": question.path,
        "former_path": question.former_path,
        "fit": question.fit,
    }


def _question(document: QuestionJson) -> Question:
    parameters = tuple(sorted(document["parameters"].items()))
    others = (document[key] for key in ("accept", "path", "former_path", "fit"))
    return Question(document["operation"], parameters, *others)


def _thumbnail_json(thumbnail: Thumbnail) -> ThumbnailJson:
    return {
        "width": thumbnail.width,
        "height": thumbnail.height,
        "mode": thumbnail.mode,
        "form": thumbnail.form,
    }


def _thumbnail(document: ThumbnailJson) -> Thumbnail:
    mode, form = cast(Mode, document["mode"]), cast(names.Format, document["form"])
    return Thumbnail(document["width"], document["height"], mode, form)
