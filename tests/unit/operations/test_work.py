import json

import pytest
from doubles.pictures import picture

from shared.images import ImageBytes, ImageUrl, Owner
from shared.operations import work
from shared.operations.work import Operation
from shared.pictures.fitting import FIT
from shared.records.thumbnails import Thumbnail
from shared.vision import questions
from shared.vision.questions import Question

RED = picture(colour=(200, 0, 0))
ASKED: list[Question | Thumbnail] = [
    questions.analyze(["Tags"], details=["Landmarks"]),
    questions.describe(max_candidates=3)._replace(fit=FIT),
    questions.domain("Landmarks"),
    Thumbnail(100, 50, "auto", "webp"),
]
ADDRESS = "https://me:hunter2@example.com/a.jpg?sig=S3CRETSIG"


def owned(etag: str = "0x1", name: str = "a.jpg") -> ImageBytes:
    return ImageBytes(RED, Owner(name, etag))


IDS = ["op-edb6dfc3", "op-9cb759f1", "op-c35324fb", "op-76f25543"]


def each(asked: Question | Thumbnail) -> list[Operation]:
    return [
        work.of_bytes(ImageBytes(RED), asked),
        work.of_bytes(owned(), asked),
        work.of_address(ImageUrl(ADDRESS), asked),
    ]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_is_kept_comes_back(asked: Question | Thumbnail) -> None:
    for operation in each(asked):
        kept = operation.with_input("0" * 32)
        document = json.loads(json.dumps({**kept.to_json(), "later": 1}))
        assert Operation.from_json(document) == kept
        assert Operation.from_json(document).instance_id == operation.instance_id


def test_each_question_about_each_image_has_an_id_of_its_own() -> None:
    operations = [operation for asked in ASKED for operation in each(asked)]
    operations += [
        work.of_bytes(owned("0x2"), ASKED[0]),
        work.of_bytes(owned(name="b.jpg"), ASKED[0]),
        work.of_address(ImageUrl(f"{ADDRESS}2"), ASKED[0]),
        work.of_bytes(ImageBytes(RED), Thumbnail(50, 100, "auto", "webp")),
        work.of_bytes(ImageBytes(RED), Thumbnail(100, 50, "auto", "jpeg")),
        work.of_bytes(ImageBytes(RED), Thumbnail(100, 50, "center", "webp")),
    ]
    assert len({each.instance_id for each in operations}) == len(operations)
    assert {len(each.instance_id) for each in operations} == {43}


def test_an_id_stays_the_same_for_ever() -> None:
    """Else callers who ask the same before and after an upgrade would begin two."""
    assert [each(asked)[0].instance_id[:11] for asked in ASKED] == IDS


def test_how_the_copy_is_made_is_no_other_question() -> None:
    asked = questions.describe()
    assert len({work.of_bytes(ImageBytes(RED), each).instance_id for each in (asked, asked._replace(fit=FIT))}) == 1


def test_histories_hold_no_address() -> None:
    for asked in ASKED:
        text = json.dumps(work.of_address(ImageUrl(ADDRESS), asked).to_json())
        assert not [word for word in ("example", "hunter2", "S3CRET", "https") if word in text]
