"""The way to an answer about a picture of which a copy is sent: the copy, its claim, and refusals on either side."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.fake_vision import FakeVision, read_text
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers.answers import Answers
from shared.answers.claims import Claims
from shared.answers.tickets import OPERATION_SECONDS, ReadTicket
from shared.errors import BlobsightError, BusyError, ImageRejectedError, PayloadTooLargeError
from shared.images import ImageBytes, ImageUrl
from shared.pictures import inspection
from shared.pictures.converter import Converter
from shared.pictures.fitting import FIT, Limits, Sent
from shared.pictures.inspection import ImageHeader
from shared.vision import questions
from shared.vision.models import Answer
from shared.vision.questions import Question
from shared.vision.read_models import ReadResult

QUESTION = questions.analyze(["Objects"])
FITTED = QUESTION._replace(fit=FIT)
# The copy has 50x30 pixels, the upright picture 200x120.
BODY = {
    "objects": [{"object": "cup", "rectangle": {"x": 10, "y": 5, "w": 20, "h": 10}}],
    "metadata": {"width": 50, "height": 30, "format": "Jpeg"},
}
MAPPED = {
    "objects": [{"object": "cup", "rectangle": {"x": 40, "y": 20, "w": 80, "h": 40}}],
    "metadata": {"width": 200, "height": 120, "format": "Jpeg"},
}
COPY = Sent(b"\xff\xd8\xff a copy", "JPEG", 50, 30, untouched=False)


class Copying(Converter):
    """Makes one and the same copy of all, or fails."""

    def __init__(self) -> None:
        super().__init__(most_pixels=10**6, wait_seconds=0)
        self.failing: BlobsightError | None = None
        self.made: list[Limits] = []

    def sent(self, data: bytes, header: ImageHeader, limits: Limits) -> Sent:
        self.made.append(limits)
        if self.failing:
            raise self.failing
        return COPY


class Seeing(FakeVision):
    """Answers the same about everything, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.at_call = lambda question, image: self.sent.append(image.data)

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        super().ask(question, image, background=background)
        return Answer(names.JSON, json.dumps(BODY).encode(), "r1")


class World:
    """The answers of one process, and what they work with."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.host, self.images = MemoryBlobs(self.clock), MemoryBlobs(self.clock)
        self.vision, self.converter = Seeing(), Copying()
        self.claims = Claims(self.host, self.clock)
        self.answers = self.process()

    def process(self) -> Answers:
        return Answers(
            self.vision,
            self.claims,
            self.images,
            self.clock,
            self.converter,
            wait_seconds=1,
            most_bytes=100,
        )

    def claim(self, question: Question, image: ImageBytes) -> Any:
        return json.loads(self.host.contents(names.CACHE)[names.claim(image.subject, question.key)])

    def unanswered(self) -> list[list[str | None]]:
        """What the calls of each claim ended with; no claim has an answer."""
        claims = [json.loads(data) for data in self.host.contents(names.CACHE).values()]
        assert {each["state"] for each in claims} <= {"asking"}
        return [[call.get("problem") for call in each["calls"]] for each in claims]

    def operations(self, action: Callable[[], object]) -> list[str]:
        seen: list[str] = []
        self.host.before = lambda operation, container, name: seen.append(operation)
        action()
        self.host.before = None
        return seen


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def _every_document_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pictures are is for others to test: here only their headers count."""
    monkeypatch.setattr(inspection, "inspect_for_text", lambda data, *, pages="": "image/x")


def photo(kind: str = "HEIC", orientation: int = 1, data: bytes = b"a photo") -> ImageBytes:
    image = ImageBytes(data)
    image.__dict__["header"] = ImageHeader(kind, "image/x", 200, 120, orientation)
    return image


def test_a_copy_is_sent_and_its_answer_kept_in_pixels_of_the_picture(world: World) -> None:
    image = photo()
    answer = world.answers.ask(QUESTION, image)
    assert (answer.json(), answer.sent, answer.paid) == (MAPPED, COPY.describe(), True)
    assert world.vision.sent == [COPY.data]
    stored = world.claim(FITTED, image)
    assert (stored["body"], stored["sent"], stored["question"]) == (MAPPED, COPY.describe(), QUESTION.text)
    again = world.process().ask(QUESTION, photo())
    assert (again.json(), again.sent, again.paid) == (MAPPED, COPY.describe(), False)
    assert len(world.vision.asked) == 1


def test_one_copy_serves_all_questions_about_a_picture(world: World) -> None:
    image = photo()
    for question in (QUESTION, questions.area_of_interest(), questions.describe()):
        world.answers.ask(question, image)
    assert len(world.converter.made) == 1
    assert world.vision.sent == [COPY.data] * 3


def test_what_the_service_takes_goes_as_it_is_with_the_key_that_it_always_had(world: World) -> None:
    image = photo("PNG")
    answer = world.answers.ask(QUESTION, image)
    assert (answer.json(), answer.sent) == (BODY, None)
    assert world.vision.sent == [image.data]
    assert "sent" not in world.claim(QUESTION, image)
    assert world.converter.made == []


def test_the_first_question_about_bytes_lists_their_claims_once(world: World) -> None:
    image = photo("PNG")
    asked = [QUESTION, questions.analyze(["Tags"])]
    done = [world.operations(lambda each=each: world.answers.ask(each, image, look_first=False)) for each in asked]
    assert done == [["write", "acquire", "page", "write"], ["write", "acquire", "write"]]


@pytest.mark.parametrize("code", ["image_unreadable", "image_too_many_pixels"])
def test_a_picture_of_which_no_copy_can_be_made_is_refused_by_the_app_and_by_no_claim(world: World, code: str) -> None:
    """Another version or another setting may take it, so it must not be refused for ever."""
    error = ImageRejectedError("no copy", code=code, action="Do this.")
    world.converter.failing = error
    for ask in (
        lambda: world.answers.ask(QUESTION, photo()),
        lambda: world.answers.submit(questions.read()._replace(fit=FIT), photo(), wait_seconds=0),
    ):
        with pytest.raises(ImageRejectedError) as caught:
            ask()
        assert caught.value is error
        assert caught.value.action == "Do this."
    assert world.host.contents(names.CACHE) == {}
    world.converter.failing = None
    assert world.answers.ask(QUESTION, photo()).paid


def test_a_copy_that_waits_too_long_for_memory_leaves_no_claim(world: World) -> None:
    world.converter.failing = BusyError("too many pictures")
    with pytest.raises(BusyError):
        world.answers.ask(QUESTION, photo())
    assert world.host.contents(names.CACHE) == {}
    assert world.vision.asked == []


def test_of_two_processes_that_ask_at_once_one_makes_a_copy_and_pays(world: World) -> None:
    seen: list[BusyError] = []

    def other(question: Question, image: ImageBytes | ImageUrl) -> None:
        # While this one's call is under way.
        with pytest.raises(BusyError) as caught:
            world.process().ask(QUESTION, photo(), wait_seconds=0)
        seen.append(caught.value)

    world.vision.at_call = other
    assert world.answers.ask(QUESTION, photo()).paid
    assert not world.process().ask(QUESTION, photo()).paid
    assert (len(seen), len(world.vision.asked), len(world.converter.made)) == (1, 1, 1)


def test_a_process_that_dies_between_the_copy_and_the_call_leaves_a_claim_that_the_next_one_takes(world: World) -> None:
    image = photo()

    def killed() -> None:
        raise SystemExit

    dead = Claims(world.host, world.clock)
    dead._abandon = lambda held, question, made: None  # type: ignore[method-assign, assignment]
    world.vision.before_call = killed
    with pytest.raises(SystemExit):
        Answers(world.vision, dead, world.images, world.clock, world.converter, wait_seconds=1, most_bytes=100).ask(
            QUESTION, image
        )
    assert world.claim(FITTED, image)["state"] == "asking"
    world.vision.before_call = lambda: None
    with pytest.raises(BusyError):
        world.answers.ask(QUESTION, photo(), wait_seconds=1)
    assert world.answers.ask(QUESTION, photo(), wait_seconds=20).json() == MAPPED
    assert len(world.vision.asked) == 1


def test_a_refusal_of_the_service_is_kept_for_the_copy(world: World) -> None:
    world.vision.failures = [ImageRejectedError("not that", request_id="r9")]
    for _ in range(2):
        with pytest.raises(ImageRejectedError, match="not that"):
            world.answers.ask(QUESTION, photo())
    assert len(world.vision.asked) == 1
    world.answers.forget_refusal(photo().subject, QUESTION)
    assert world.answers.ask(QUESTION, photo()).paid


@pytest.mark.parametrize("image", [photo(), photo("PNG")], ids=["a copy", "itself"])
def test_a_refusal_of_more_features_is_forgotten_with_it(world: World, image: ImageBytes) -> None:
    world.vision.failures = [ImageRejectedError("not that", request_id="r9")]
    for asked in (questions.analyze(["Objects", "Tags"]), QUESTION):
        with pytest.raises(ImageRejectedError, match="not that"):
            world.answers.ask(asked, image)
    assert len(world.vision.asked) == 1
    world.answers.forget_refusal(image.subject, QUESTION)
    assert world.unanswered() == [["image_rejected"]]
    assert world.answers.ask(QUESTION, image).paid


def test_a_refusal_of_the_picture_as_it_is_stored_is_none_of_its_copy(world: World) -> None:
    stored = photo("JPEG")
    world.vision.failures = [ImageRejectedError("not that", request_id="r9")]
    with pytest.raises(ImageRejectedError):
        world.answers.ask(QUESTION, stored)
    assert world.answers.ask(QUESTION, photo("JPEG", orientation=6)).json() == MAPPED
    # Where it goes as it is, it holds.
    with pytest.raises(ImageRejectedError, match="not that"):
        world.answers.ask(QUESTION, photo("JPEG"))


def test_a_former_answer_is_kept_under_the_new_key_for_as_long_as_it_was_to_last(world: World) -> None:
    world.claims = Claims(world.host, world.clock, lifetime_seconds=100)
    world.answers = world.process()
    wide = questions.analyze(["Objects", "Tags"])
    world.answers.ask(wide, photo())
    world.clock.advance(60)
    objected: list[str] = []
    answer = world.answers.ask(QUESTION, photo(), before_call=lambda: objected.append("called"))
    assert (answer.json(), answer.sent, answer.paid) == (MAPPED, COPY.describe(), False)
    assert objected == []
    assert world.operations(lambda: world.answers.ask(QUESTION, photo())) == ["read"]
    assert len(world.vision.asked) == 1
    world.clock.advance(40)
    assert world.answers.ask(QUESTION, photo()).paid


def test_an_address_is_asked_about_as_it_is(world: World) -> None:
    world.vision.at_call = None
    image = ImageUrl("https://example.invalid/a.heic")
    assert world.answers.ask(QUESTION, image).json() == BODY
    assert world.answers.find(QUESTION, ImageUrl(image.url)) is not None
    world.clock.advance(300)
    assert world.answers.find(QUESTION, ImageUrl(image.url)) is None


def test_what_is_known_is_found_without_a_call(world: World) -> None:
    image = photo()
    assert world.operations(lambda: world.answers.find(QUESTION, image)) == ["page"]
    world.answers.ask(QUESTION, image)
    found = world.answers.find(QUESTION, image)
    assert found is not None
    assert (found.json(), found.sent, found.paid) == (MAPPED, COPY.describe(), False)
    thumbnails = [questions.thumbnail(side, side) for side in range(1, 7)]
    assert world.operations(lambda: [world.answers.find(each, image) for each in thumbnails]) == []
    assert len(world.vision.asked) == 1


def test_a_refusal_is_nothing_that_is_known(world: World) -> None:
    world.vision.failures = [ImageRejectedError("not that")]
    with pytest.raises(ImageRejectedError):
        world.answers.ask(questions.analyze(["Objects", "Tags"]), photo())
    assert world.answers.find(QUESTION, photo()) is None
    assert world.answers.find(questions.analyze(["Objects", "Tags"]), photo()) is None


def test_more_bytes_than_are_taken_are_refused_before_they_are_looked_at(world: World) -> None:
    for ask in (world.answers.ask, world.answers.find):
        with pytest.raises(PayloadTooLargeError, match="101 bytes; at most 100 are taken") as caught:
            ask(QUESTION, ImageBytes(bytes(101)))
        assert (caught.value.code, caught.value.status) == ("image_too_large", 413)
        assert "MAX_UPLOAD_MEGABYTES" in caught.value.action
    assert world.host.contents(names.CACHE) == {}


READ = questions.read()
READ_OF_COPY = READ._replace(fit=FIT)


def test_a_copy_is_read_and_its_ticket_tells_of_what(world: World) -> None:
    ticket = world.answers.submit(READ_OF_COPY, photo(), wait_seconds=0)
    assert (ticket.sent, ticket.sides) == (COPY.describe(), (200, 120))
    assert world.vision.sent == [COPY.data]
    assert ReadTicket.from_json(json.loads(json.dumps(ticket.to_json()))) == ticket
    assert world.process().submit(READ_OF_COPY, photo(), wait_seconds=0) == ticket
    assert len(world.vision.asked) == 1
    read = ReadResult.of({"status": "succeeded", "analyzeResult": read_text("HELLO")})
    result = ticket.result(read)
    assert result.sent == COPY.describe()
    (page,) = result.pages
    assert (page.width, page.height) == (200, 120)
    assert page.lines[0].box == (40, 40, 200, 40, 200, 120, 40, 120)
    world.answers.keep_result(photo().subject, READ_OF_COPY, result)
    assert world.answers.result(photo().subject, READ_OF_COPY) == result
    assert world.answers.result(photo().subject, READ) is None


def test_a_document_is_read_as_it_is_and_its_ticket_is_the_one_that_it_always_was(world: World) -> None:
    ticket = world.answers.submit(READ, photo("PNG"), wait_seconds=0)
    assert ticket.to_json().keys() == {"operation", "submitted"}
    assert ReadTicket.from_json(ticket.to_json()) == ticket
    read = ReadResult.of({"status": "succeeded", "analyzeResult": read_text("HELLO")})
    assert ticket.result(read) is read


def test_the_read_of_a_picture_as_it_is_stored_is_taken_over_and_turned_and_not_paid_again(world: World) -> None:
    before = world.answers.submit(READ, photo("JPEG"), wait_seconds=0)
    world.clock.advance(60)
    ticket = world.answers.submit(READ_OF_COPY, photo("JPEG", orientation=3), wait_seconds=0)
    assert len(world.vision.asked) == 1
    assert ticket == before._replace(sides=(200, 120), orientation=3)
    assert ReadTicket.from_json(json.loads(json.dumps(ticket.to_json()))) == ticket
    as_stored = read_text("HELLO")
    for page in as_stored["readResults"]:  # type: ignore[attr-defined]
        page |= {"width": 200, "height": 120}
    (page,) = ticket.result(ReadResult.of({"status": "succeeded", "analyzeResult": as_stored})).pages
    assert page.lines[0].box == (190, 110, 110, 110, 110, 90, 190, 90)
    assert page.angle == 180
    # It ends with the Read that it is of.
    world.clock.advance(OPERATION_SECONDS - 60)
    assert world.answers.submit(READ_OF_COPY, photo("JPEG", orientation=3), wait_seconds=0).sent == COPY.describe()


def test_a_read_that_failed_is_forgotten_under_both_keys(world: World) -> None:
    world.answers.submit(READ, photo("JPEG"), wait_seconds=0)
    turned = photo("JPEG", orientation=6)
    ticket = world.answers.submit(READ_OF_COPY, turned, wait_seconds=0)
    world.answers.drop(turned.subject, READ_OF_COPY, ticket)
    # The call that was paid stays told, of the picture as it is stored; the copy's had none of its own.
    assert world.unanswered() == [[None]]
    again = world.answers.submit(READ_OF_COPY, photo("JPEG", orientation=6), wait_seconds=0)
    assert again.sent == COPY.describe()
    world.answers.drop(turned.subject, READ_OF_COPY, again)
    assert world.unanswered() == [[None], [None]]


def test_what_was_read_before_of_a_picture_as_it_is_stored_is_found_for_its_copy_alone(world: World) -> None:
    read = ReadResult.of({"status": "succeeded", "analyzeResult": read_text("HELLO")})
    world.answers.keep_result(photo().subject, READ, read)
    assert world.operations(lambda: world.answers.takes_over_result(READ, photo("JPEG"))) == []
    assert not world.answers.takes_over_result(READ_OF_COPY, photo("HEIC"))
    assert world.answers.takes_over_result(READ_OF_COPY, photo("JPEG", orientation=6))
    found = world.answers.result(photo().subject, READ_OF_COPY)
    assert found is not None
    assert found.text == "HELLO"


def test_what_was_read_before_serves_for_as_long_as_it_was_to_last(world: World) -> None:
    world.claims = Claims(world.host, world.clock, lifetime_seconds=100)
    world.answers = world.process()
    read = ReadResult.of({"status": "succeeded", "analyzeResult": read_text("HELLO")})
    world.answers.keep_result(photo().subject, READ, read)
    world.clock.advance(60)
    assert world.answers.takes_over_result(READ_OF_COPY, photo("JPEG", orientation=6))
    world.clock.advance(39)
    assert world.answers.result(photo().subject, READ_OF_COPY) is not None
    world.clock.advance(1)
    assert world.answers.result(photo().subject, READ_OF_COPY) is None
