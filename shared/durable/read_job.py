"""
The document to read and its caller's parameters: the input of OcrOrchestrator and of its activities.

A job names its document. It carries no bytes, no keys and no address with a signature, because histories keep it;
`shared.durable.inputs` keeps these. Jobs of the same document with the same parameters have the same instance id, so
there is one orchestration for them.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from shared import names
from shared.durable.orchestrators import JobJson, Kind
from shared.errors import ImageRejectedError, PayloadTooLargeError
from shared.images import ImageBytes, ImageUrl
from shared.pictures import fitting, inspection
from shared.pictures.fitting import FIT, READ
from shared.records.versions import Source, Version
from shared.settings import Settings
from shared.untrusted import addresses
from shared.vision import questions
from shared.vision.questions import Question

# The form of an instance id.
ID = "ocr-[0-9a-f]{40}"


class Job(NamedTuple):
    """
    One document to read.

    Attributes:
        kind: `image` (in the container `images`), `bytes` or `url` (both kept in `inputs`).
        subject: a digest of the bytes or of the address, under which its claim is filed.
        parameters: of Read, as `questions.read` takes them.
        deadline_seconds: how long it may be running at the service.
        name, etag, size, md5: the version of the image, for the kind `image`; jobs of the version before have no MD5.
        url: the whole address, in jobs that the version before has begun; else empty.
        text_only: whether reading its text is the only step, as for a PDF.
        pages: how many it has; 0 where a look at its bytes does not tell, and for the kind `url`.
        address: the address without user, query and fragment, for the kind `url`.
        id: the instance id, for the kind `url`, as it takes the whole address to tell it, and of a job `anew`.
        input: under which name the request has kept the bytes or the address; empty in jobs of the version before.
        uploaded: when the image was, in ISO 8601, for the kind `image`; empty in jobs of the version before.
        fit: how the copy is made that is read (`Question.fit`); empty where the document itself is, as in jobs of the
            version before, which read it as they began.
    """

    kind: Kind
    subject: str
    parameters: dict[str, str]
    deadline_seconds: float
    name: str = ""
    etag: str = ""
    size: int = 0
    url: str = ""
    text_only: bool = False
    pages: int = 0
    address: str = ""
    id: str = ""
    input: str = ""
    md5: str = ""
    fit: str = ""
    uploaded: str = ""

    @property
    def question(self) -> Question:
        """The question that its parameters make, about the document or a copy; its records have the plain one's key."""
        return questions.read(**self.parameters)._replace(fit=self.fit)

    @property
    def in_background(self) -> bool:
        """Whether no caller waits for the text, so that a thousand uploads do not come before a caller's document."""
        return self.kind == "image"

    @property
    def version(self) -> Version | None:
        """The image that it is, unless it came over HTTP."""
        if self.kind != "image":
            return None
        version = Version(self.name, self.etag, self.subject, self.size, self.md5)
        version.uploaded = self.uploaded
        return version

    @property
    def instance_id(self) -> str:
        """The id of its orchestration: a digest of the document (an address with all its parts) and the parameters."""
        if self.id:
            return self.id
        source = {
            "image": [names.IMAGES, self.name, self.etag],
            "bytes": [self.subject],
            "url": [self.url],
        }[self.kind]
        text = json.dumps([self.kind, *source, self.question.text])
        return f"ocr-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

    def anew(self, key: str) -> "Job":
        """The same job under another id, which follows from *key*."""
        text = json.dumps([self.instance_id, key])
        return self._replace(id=f"ocr-{hashlib.sha256(text.encode()).hexdigest()[:40]}")

    @property
    def source(self) -> dict[str, object]:
        """The head of its records."""
        if self.version:
            return self.version.describe()
        if self.kind == "url":
            digest = self.subject.removeprefix(ImageUrl.PREFIX)
            return {"url": addresses.shown(self.address or self.url), "urlSha256": digest}
        return {"sha256": self.subject, "bytes": self.size}

    @property
    def bare(self) -> "Job":
        """The same job without the whole address, which is to be kept elsewhere."""
        return self._replace(url="", address=addresses.shown(self.url), id=self.instance_id) if self.url else self

    @property
    def input_name(self) -> str:
        """The name of its blobs in the containers `inputs` and `keys`, which `shared.durable.inputs` keeps."""
        return names.request_input(self.instance_id, self.input) if self.input else names.former_input(self.subject)

    def with_input(self, token: str) -> "Job":
        """The same job, whose request has kept the document under that name."""
        return self._replace(input=token)

    @property
    def record(self) -> str:
        """The name of its record with places, in the container `text`."""
        if self.kind == "image":
            return names.text(self.name)
        return names.text_of_digest(self.subject, self.question.plain.key)

    @property
    def plain_record(self) -> str:
        """The name of its record as plain text, in the container `text`."""
        if self.kind == "image":
            return names.plain_text(self.name)
        return names.plain_text_of_digest(self.subject, self.question.plain.key)

    def to_json(self) -> JobJson:
        """The form in which it is kept."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "parameters": self.parameters,
            "deadline_seconds": self.deadline_seconds,
            "name": self.name,
            "etag": self.etag,
            "size": self.size,
            "url": self.url,
            "text_only": self.text_only,
            "pages": self.pages,
            "address": self.address,
            "id": self.id,
            "input": self.input,
            "md5": self.md5,
            "fit": self.fit,
            "uploaded": self.uploaded,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Job":
        """Read it back; members that a newer version of the app has added are passed over."""
        return cls(**{key: value for key, value in document.items() if key in cls._fields})


def from_image(version: Version, settings: Settings, *, text_only: bool) -> Job:
    """An uploaded image, with the parameters of the settings."""
    image = version.image if isinstance(version, Source) else None
    return Job(
        "image",
        version.sha256,
        _parameters(settings),
        settings.text_deadline_seconds,
        name=version.name,
        etag=version.etag,
        size=version.size,
        md5=version.md5,
        text_only=text_only,
        pages=inspection.count_pages(image.data) or 0 if image else 0,
        fit=_fit(image) if image else "",
        uploaded=version.uploaded,
    )


def from_request(image: ImageBytes | ImageUrl, settings: Settings, parameters: dict[str, str]) -> Job:
    """
    Bytes or an address that came over HTTP; the caller's parameters come before those of the settings.

    `shared.durable.inputs.keep` takes the bytes or the whole address.

    Raises:
        BadRequestError: a parameter of an address's job is out of range; of bytes, when the question is put.
    """
    parameters = {**_parameters(settings), **parameters}
    job = Job("bytes", image.subject, parameters, settings.text_deadline_seconds)
    if isinstance(image, ImageUrl):
        return job._replace(kind="url", url=image.url).bare
    return job._replace(size=len(image.data), pages=inspection.count_pages(image.data) or 0, fit=_fit(image))


def _fit(image: ImageBytes) -> str:
    """How the copy is made that Read is sent; empty for a document that goes as it is, or is refused."""
    if inspection.is_document(image.data):
        return ""
    with suppress(ImageRejectedError, PayloadTooLargeError):
        return "" if fitting.takes(READ, image.header, len(image.data)) else FIT
    return ""


def _parameters(settings: Settings) -> dict[str, str]:
    return {"reading_order": settings.text_reading_order, "model_version": settings.text_model_version}
