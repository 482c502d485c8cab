"""
Former answers: what was paid for already, and answers a question under whose own key there is nothing yet.

Three kinds are looked for, before a paid call only: an analysis that was asked for more features; an answer about a
picture as it is stored, of which an upright copy is sent now; one that the version before kept under another path.
"""

import json
from collections.abc import Sequence

from shared import names
from shared.answers.claims import Claims
from shared.images import ImageBytes, ImageUrl
from shared.pictures import kinds
from shared.pictures.fitting import ANALYSIS, READ, takes
from shared.vision import mapping, questions
from shared.vision.mapping import Frame
from shared.vision.models import Answer
from shared.vision.questions import Question

_ANALYZE = "analyze"
_READING = ("read", "readResult")
# The member in which an answer has what was asked for by each feature.
_MEMBERS = {
    "Categories": "categories",
    "Adult": "adult",
    "Tags": "tags",
    "Description": "description",
    "Faces": "faces",
    "Objects": "objects",
    "ImageType": "imageType",
    "Color": "color",
    "Brands": "brands",
}


def find(claims: Claims, question: Question, image: ImageBytes | ImageUrl) -> Answer | None:
    """
    An answer to the question about the image that was paid for under another key; None if there is none.

    Raises:
        ImageRejectedError, PayloadTooLargeError: the service has refused the very same when it was asked for more.
    """
    for other in among(claims, _others(question, image), image):
        same = other.fit == question.fit
        found = claims.known(image.subject, other) if same else claims.find(image.subject, other)
        answer = _to(question, other, found, image) if found else None
        if answer:
            return answer
    return None


def among(claims: Claims, wanted: Sequence[Question], image: ImageBytes | ImageUrl) -> Sequence[Question]:
    """The wanted questions about the image that have a claim; listed once for each image, and only if need be."""
    if wanted and image.kept is None:
        image.kept = claims.keys(image.subject)
    return [each for each in wanted if each.key in (image.kept or ())]


def _others(question: Question, image: ImageBytes | ImageUrl) -> Sequence[Question]:
    """The questions whose answers answer this one too, the nearest first."""
    wider = questions.wider(question)
    as_stored = [each.plain for each in (question, *wider)] if _went_as_stored(image, question) else []
    others = [*wider, *as_stored]
    if question.former_path:
        others += [each._replace(path=question.former_path) for each in as_stored or [question]]
    return others


def _went_as_stored(image: ImageBytes | ImageUrl, question: Question) -> bool:
    """Whether a picture of which a copy is sent now went as it is before; nothing looked at its orientation then."""
    if not question.fit or isinstance(image, ImageUrl):
        return False
    limits = READ if question.operation in _READING else ANALYSIS
    header = image.header._replace(orientation=1)
    # Its first picture looks like any JPEG, and nothing looked further.
    header = header._replace(kind=kinds.JPEG.name) if header.kind == kinds.MPO.name else header
    return takes(limits, header, len(image.data))


def _to(question: Question, other: Question, answer: Answer, image: ImageBytes | ImageUrl) -> Answer | None:
    """The answer to the other question as one to this question; None where it cannot be made one."""
    turned = other.fit != question.fit and isinstance(image, ImageBytes) and image.header.orientation != 1
    if answer.content_type != names.JSON:
        # Nothing tells whether the service has turned the picture of which it made a thumbnail.
        return None if turned else answer
    body = answer.json()
    if turned and isinstance(image, ImageBytes):
        header = image.header
        body = dict(mapping.upright(body, Frame.of_stored((header.width, header.height), header.orientation)))
    if question.operation == _ANALYZE:
        left_out = {_MEMBERS[each] for each in questions.features(other)} - {
            _MEMBERS[each] for each in questions.features(question)
        }
        body = {key: value for key, value in body.items() if key not in left_out}
    return answer._replace(body=json.dumps(body).encode())
