"""
Microsoft's own client of v3.2 as a witness: it drives the local service as it would drive Azure.

What it understands of an answer is compared with what was sent, so that a key it does not know would be noticed.
"""

import gc
import io
import json
import random
import uuid
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from azure.cognitiveservices.vision.computervision import VERSION, ComputerVisionClient
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    ComputerVisionOcrErrorException,
    OperationStatusCodes,
)
from azure.cognitiveservices.vision.computervision.operations import ComputerVisionClientOperationsMixin
from doubles.full_answers import FULL_PICTURE, write_full_answers
from doubles.patience import wait_until
from doubles.set_up_models import set_up_models
from doubles.vision_calls import ALL_FEATURES, encoded, opened, sample
from doubles.wire import running_wire, whole
from doubles.witness import covered
from msrest.authentication import CognitiveServicesCredentials
from msrest.exceptions import HttpOperationError
from PIL import Image, ImageDraw, ImageFont

from local.vision.server import RunningVision, running_vision

WITNESS = f"official SDK {VERSION}"
IN_STREAM = "_in_stream"
# What is asked of an image: the operation, what comes before the image, and the options.
QUESTIONS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "analyze_image": ((), {"visual_features": ALL_FEATURES.split(","), "details": ["Celebrities", "Landmarks"]}),
    "describe_image": ((), {"max_candidates": 3}),
    "detect_objects": ((), {}),
    "tag_image": ((), {"language": "es"}),
    "analyze_image_by_domain": (("landmarks",), {}),
    "get_area_of_interest": ((), {}),
}
THUMBNAIL = "generate_thumbnail"
READ = "read"
WITHOUT_IMAGE = {"list_models", "get_read_result"}
LEGACY = "recognize_printed_text"  # not in the local service: Read replaced it
IMAGES = {"full.jpg": FULL_PICTURE, "astronaut.jpg": sample("astronaut")}
BAD_IMAGE = b"this is no image, though it is long enough to be one" * 9
# All that the client tells where it finds no reason: it looks for none of thumbnails, and for a flat one of Read.
STATUS_ALONE = "Operation returned an invalid status code 'Bad Request'"

Client = ComputerVisionClient


def random_word() -> str:
    """Return a word that stands nowhere: eight letters that can be spoken, and told apart in print."""
    return "".join(random.SystemRandom().choice(letters) for letters in ("BDFKLMPRT", "aeou") * 4).capitalize()


def page(text: str) -> bytes:
    """Return a picture of one line of text."""
    image = Image.new("RGB", (320, 90), "white")
    ImageDraw.Draw(image).text((20, 25), text, fill="black", font=ImageFont.load_default(32))
    return encoded(image, "PNG")


WORDS = {"word-1.png": random_word(), "word-2.png": random_word()}
FILES = IMAGES | {name: page(word) for name, word in WORDS.items()}


# Whenever the garbage is collected. See `_left_open`.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def _left_open() -> Iterator[None]:
    """The official client leaves connections open after errors; that is to be noticed here or never."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVision]:
    answers = tmp_path_factory.mktemp("answers")
    write_full_answers(answers)
    with running_vision(answers=[answers]) as service:
        yield service


@pytest.fixture(scope="module")
def files_url() -> Iterator[str]:
    """The address of FILES."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        whole(200, FILES[handler.path.strip("/")], Connection="close")(handler)

    with running_wire(script) as files:
        yield files.url


@pytest.fixture(scope="module")
def client(vision: RunningVision) -> Iterator[Client]:
    with connected(vision, vision.key) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(vision: RunningVision) -> Iterator[Client]:
    with connected(vision, "0" * 32) as made:
        yield made


@pytest.fixture(autouse=True)
def _counted() -> None:
    covered(WITNESS, "cases")


def connected(vision: RunningVision, key: str) -> Client:
    client = ComputerVisionClient(vision.url, CognitiveServicesCredentials(key))
    # A proxy for the internet must not be asked for loopback.
    client.config.proxies.use_env_settings = False
    return client


def ask(client: Client, operation: str, source: bytes | str, *before: Any, **options: Any) -> Any:
    """Ask about bytes, which the client sends in chunks, or about the image at an address; return all it has."""
    is_stream = isinstance(source, bytes)
    name = operation + (IN_STREAM if is_stream else "")
    answer = getattr(client, name)(*before, io.BytesIO(source) if is_stream else source, raw=True, **options)
    sent = answer.response.request.headers
    assert (sent.get("Transfer-Encoding") == "chunked") == is_stream
    covered(WITNESS, "operations", name)
    return answer


def source_of(way: str, name: str, files_url: str) -> bytes | str:
    return FILES[name] if way == "bytes" else f"{files_url}/{name}"


def known(content: Any) -> Any:
    """Return an answer's JSON without what the client is known to drop: nulls, and the second spelling of one key."""
    if isinstance(content, dict):
        return {key: known(value) for key, value in content.items() if value is not None and key != "isBwImg"}
    return [known(each) for each in content] if isinstance(content, list) else content


def test_every_operation_of_the_client_is_driven_but_the_legacy_one() -> None:
    offered = {name for name in vars(ComputerVisionClientOperationsMixin) if not name.startswith("_")}
    with_image = {*QUESTIONS, THUMBNAIL, READ}
    driven = WITHOUT_IMAGE | with_image | {name + IN_STREAM for name in with_image}

    assert offered - driven == {LEGACY, LEGACY + IN_STREAM}
    assert driven <= offered


@pytest.mark.parametrize("way", ["bytes", "URL"])
@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("operation", QUESTIONS)
def test_the_client_understands_everything_that_it_is_answered(
    client: Client, files_url: str, operation: str, image: str, way: str
) -> None:
    before, options = QUESTIONS[operation]
    answer = ask(client, operation, source_of(way, image, files_url), *before, **options)

    sent = json.loads(answer.response.content)
    assert answer.output.serialize(keep_readonly=True) == known(sent)
    assert answer.output.request_id == sent["requestId"]
    assert (answer.output.metadata.width, answer.output.metadata.format) == (opened(FILES[image]).width, "Jpeg")


def test_an_analysis_comes_in_the_types_of_the_client(client: Client) -> None:
    before, options = QUESTIONS["analyze_image"]
    result = ask(client, "analyze_image", FULL_PICTURE, *before, **options).output

    assert result.objects[0].rectangle.w == 60
    assert result.objects[0].parent.parent.object_property == "thing"
    assert result.categories[0].detail.landmarks[0].name == "Space Needle"
    assert (result.faces[0].age, result.faces[0].gender.value) == (36, "Female")
    assert result.color.is_bw_img is False
    assert result.image_type.clip_art_type in range(4)
    assert result.adult.is_gory_content is False


def test_what_models_see_comes_in_the_types_of_the_client() -> None:
    before, options = QUESTIONS["analyze_image"]
    with running_vision(models=set_up_models()) as vision, connected(vision, vision.key) as client:
        answer = ask(client, "analyze_image", sample("chelsea"), *before, **options)

    assert answer.output.serialize(keep_readonly=True) == known(json.loads(answer.response.content))
    [found] = answer.output.objects
    assert (found.object_property, found.parent.object_property, found.parent.parent.object_property) == (
        "cat",
        "mammal",
        "animal",
    )
    assert answer.output.description.captions[0].text == "a cat"
    assert answer.output.categories[0].name == "animal_cat"


def test_a_face_without_age_and_gender_is_still_a_face(client: Client) -> None:
    [face] = ask(client, "analyze_image", sample("astronaut"), visual_features=["Faces"]).output.faces

    assert (face.age, face.gender) == (None, None)
    assert face.face_rectangle.width > 50


def test_the_models_are_listed(client: Client) -> None:
    models = client.list_models().models_property
    covered(WITNESS, "operations", "list_models")

    assert [model.name for model in models] == ["celebrities", "landmarks"]
    assert all(model.categories for model in models)


@pytest.mark.parametrize("way", ["bytes", "URL"])
def test_a_thumbnail_comes_as_a_stream(client: Client, files_url: str, way: str) -> None:
    source = source_of(way, "astronaut.jpg", files_url)
    pieces = ask(client, THUMBNAIL, source, 120, 80, smart_cropping=True).output

    thumbnail = opened(b"".join(pieces))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (120, 80))


@pytest.mark.parametrize(("way", "image"), [("bytes", "word-1.png"), ("URL", "word-2.png")])
def test_a_word_that_stands_nowhere_else_is_read(client: Client, files_url: str, way: str, image: str) -> None:
    results = read(client, source_of(way, image, files_url))

    [result] = results.analyze_result.read_results
    assert [line.text for line in result.lines] == [WORDS[image]]
    assert [word.text for word in result.lines[0].words] == [WORDS[image]]
    assert len(result.lines[0].bounding_box) == 8
    assert (result.page, result.unit.value, result.width, result.height) == (1, "pixel", 320, 90)


def test_the_client_understands_everything_that_was_read(client: Client) -> None:
    identifier = operation_id(ask(client, READ, FULL_PICTURE))
    answer = client.get_read_result(identifier, raw=True)

    assert answer.output.serialize(keep_readonly=True) == known(json.loads(answer.response.content))
    assert answer.output.analyze_result.read_results[0].lines[0].appearance.style.name == "other"


def test_a_read_that_runs_and_one_that_fails_are_told_as_such(vision: RunningVision, client: Client) -> None:
    statuses = []
    for faults in ({"read_seconds": 60}, {"read_failed": 1}):
        vision.set_faults(**faults)
        try:
            statuses.append(client.get_read_result(operation_id(ask(client, READ, FULL_PICTURE))).status)
        finally:
            vision.set_faults()

    assert statuses == [OperationStatusCodes.running, OperationStatusCodes.failed]


def operation_id(answer: Any) -> str:
    return str(answer.headers["Operation-Location"]).rpartition("/")[2]


def read(client: Client, source: bytes | str) -> Any:
    """Read a document as the client's samples do: ask for its operation until it is finished."""
    identifier = operation_id(ask(client, READ, source))
    results = []

    def is_finished() -> bool:
        results.append(client.get_read_result(identifier))
        covered(WITNESS, "operations", "get_read_result")
        return results[-1].status not in (OperationStatusCodes.not_started, OperationStatusCodes.running)

    wait_until(is_finished)
    assert results[-1].status == OperationStatusCodes.succeeded
    return results[-1]


def failed(call: Callable[[], Any], kind: type[HttpOperationError], status: int) -> HttpOperationError:
    """Assert that *call* fails with exactly this class and status; return the error."""
    with pytest.raises(HttpOperationError) as caught:
        call()
    assert type(caught.value) is kind
    assert caught.value.response.status_code == status
    covered(WITNESS, "kinds of errors", f"{kind.__name__} {status}")
    return caught.value


BAD_QUESTIONS = {
    # The client itself refuses an unknown feature.
    "analyze_image": ({"visual_features": ["Tags"], "language": "tlh"}, "NotSupportedLanguage"),
    "describe_image": ({"language": "tlh"}, "NotSupportedLanguage"),
    "detect_objects": ({"model_version": "2019-01-01"}, "BadArgument"),
    "tag_image": ({"language": "tlh"}, "NotSupportedLanguage"),
    "analyze_image_by_domain": ({"language": "tlh"}, "NotSupportedLanguage"),
    "get_area_of_interest": ({"model_version": "2019-01-01"}, "BadArgument"),
}


@pytest.mark.parametrize("operation", QUESTIONS)
def test_a_wrong_key_a_bad_image_and_a_bad_parameter_are_errors_with_their_codes(
    client: Client, stranger: Client, operation: str
) -> None:
    before, _ = QUESTIONS[operation]
    bad, code = BAD_QUESTIONS[operation]
    kind = ComputerVisionErrorResponseException

    denied = failed(lambda: ask(stranger, operation, FULL_PICTURE, *before), kind, 401)
    no_image = failed(lambda: ask(client, operation, BAD_IMAGE, *before), kind, 400)
    no_question = failed(lambda: ask(client, operation, FULL_PICTURE, *before, **bad), kind, 400)

    assert denied.error.error.code == "401"
    assert no_image.error.error.innererror.code == "InvalidImageFormat"
    assert no_question.error.error.innererror.code == code
    assert str(no_question).startswith("(InvalidArgument) ")


def test_an_image_that_cannot_be_fetched_is_an_error_with_its_code(client: Client) -> None:
    error = failed(lambda: client.tag_image("https://invalidurl"), ComputerVisionErrorResponseException, 400)

    assert error.error.error.innererror.code == "InvalidImageUrl"
    assert error.message == "(InvalidArgument) Image URL is not accessible."


def test_a_model_that_there_is_not_and_a_list_for_a_stranger_are_errors(client: Client, stranger: Client) -> None:
    kind = ComputerVisionErrorResponseException
    error = failed(lambda: ask(client, "analyze_image_by_domain", FULL_PICTURE, "animals"), kind, 400)

    assert error.error.error.innererror.code == "InvalidModel"
    assert failed(stranger.list_models, kind, 401).error.error.code == "401"


def test_of_a_thumbnail_that_was_refused_the_client_tells_the_status_alone(client: Client, stranger: Client) -> None:
    failed(lambda: ask(stranger, THUMBNAIL, FULL_PICTURE, 64, 64), HttpOperationError, 401)
    failed(lambda: ask(client, THUMBNAIL, BAD_IMAGE, 64, 64), HttpOperationError, 400)
    error = failed(lambda: ask(client, THUMBNAIL, FULL_PICTURE, 5000, 64), HttpOperationError, 400)

    assert error.message == STATUS_ALONE


def test_of_a_read_that_was_refused_the_client_tells_no_code(client: Client, stranger: Client) -> None:
    kind = ComputerVisionOcrErrorException
    unknown = str(uuid.uuid4())
    failed(lambda: ask(stranger, READ, FULL_PICTURE), kind, 401)
    failed(lambda: stranger.get_read_result(unknown), kind, 401)
    failed(lambda: client.get_read_result(unknown), kind, 404)
    failed(lambda: ask(client, READ, FULL_PICTURE, language="tlh"), kind, 400)
    error = failed(lambda: ask(client, READ, BAD_IMAGE), kind, 400)

    assert (error.message, error.error.code) == (STATUS_ALONE, None)
    # The reason is there all the same, where the client does not look for it.
    assert error.error.additional_properties["error"]["code"] == "InvalidImageFormat"
