import pytest
from doubles.fake_vision import thumbnail_bytes
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.errors import BadRequestError, BusyError, ImageRejectedError, NotFoundError, VisionUnavailableError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.records.thumbnails import CACHE_CONTROL, Thumbnail, wanted
from shared.storage.blobs import IfEtag
from shared.thumbnails import on_demand
from shared.vision import questions

SIZE = Thumbnail(100, 50, "vision")
QUESTION = questions.thumbnail(100, 50, smart_cropping=True)
RED, BLUE = ImageBytes(picture(colour=(200, 0, 0))), ImageBytes(picture(colour=(0, 0, 200)))
STORED = "a.jpg/100x50-smart.jpg"


@pytest.fixture
def app() -> Parts:
    return parts()


def upload(app: Parts, image: ImageBytes, name: str = "a.jpg") -> str:
    return app.images.write(names.IMAGES, name, image.data, content_type="image/jpeg")


def paid(app: Parts) -> int:
    return app.vision.count()["generateThumbnail"]


def test_the_thumbnails_are_those_of_the_settings() -> None:
    app = parts(THUMBNAIL_SIZES="10x20,30x40", THUMBNAIL_SMART="false", THUMBNAIL_FORMATS="webp,jpeg")
    assert wanted(app.services.settings) == [
        Thumbnail(width, height, "center", form) for width, height in ((10, 20), (30, 40)) for form in ("jpeg", "webp")
    ]
    assert SIZE.size == "100x50"


def test_a_thumbnail_is_made_once_and_served_from_storage_then(app: Parts) -> None:
    etag = upload(app, RED)
    first, address = on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert first.data == thumbnail_bytes(QUESTION, RED)
    assert first.info.name == STORED
    assert first.info.content_type == "image/jpeg"
    assert first.info.cache_control == CACHE_CONTROL
    assert first.info.metadata[names.SOURCE_ETAG] == etag
    assert address == app.images.url("thumbnails", STORED)
    assert on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE) == (first, address)
    assert paid(app) == 1


def test_a_thumbnail_of_an_overwritten_image_is_made_anew(app: Parts) -> None:
    upload(app, RED)
    on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    upload(app, BLUE)
    blob, _ = on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert blob.data == thumbnail_bytes(QUESTION, BLUE)


def test_an_image_overwritten_meanwhile_gets_the_new_ones_thumbnail(app: Parts) -> None:
    upload(app, RED)
    versions = [BLUE]
    app.vision.at_call = lambda *_: upload(app, versions.pop()) if versions else None
    blob, _ = on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert blob.data == thumbnail_bytes(QUESTION, BLUE)
    assert app.images.contents("thumbnails") == {STORED: thumbnail_bytes(QUESTION, BLUE)}


def test_an_image_deleted_meanwhile_leaves_no_thumbnail(app: Parts) -> None:
    upload(app, RED)
    app.vision.at_call = lambda *_: app.images.delete(names.IMAGES, "a.jpg")
    with pytest.raises(NotFoundError):
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert app.images.contents("thumbnails") == {}


def test_an_image_overwritten_for_ever_is_busy(app: Parts) -> None:
    upload(app, RED)
    shade = iter(range(0, 255, 25))  # of neighbours, the JPEG can have the same bytes
    app.vision.at_call = lambda *_: upload(app, ImageBytes(picture(colour=(next(shade), 9, 9))))
    with pytest.raises(BusyError) as caught:
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert caught.value.retry_after_seconds


def test_no_such_image_is_not_found_without_a_call(app: Parts) -> None:
    with pytest.raises(NotFoundError) as caught:
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert caught.value.code == "image_not_found"
    assert paid(app) == 0


def test_a_size_out_of_range_is_refused_without_a_call(app: Parts) -> None:
    upload(app, RED)
    for image in (ImageBlob("a.jpg"), RED):
        with pytest.raises(BadRequestError):
            on_demand.thumbnail(app.services, image, Thumbnail(4097, 1, "center"))
    assert paid(app) == 0


def test_bytes_are_stored_under_their_digest(app: Parts) -> None:
    blob, address = on_demand.thumbnail(app.services, RED, SIZE)
    name = f"by-sha256/{RED.subject}/100x50-smart.jpg"
    assert app.images.contents("thumbnails") == {name: thumbnail_bytes(QUESTION, RED)}
    assert address == app.images.url("thumbnails", name)
    stored = app.images.read("thumbnails", name)
    assert stored
    assert blob.info == stored.info._replace(md5=None, modified=None, created=None)


def test_the_same_bytes_are_paid_once_whatever_they_are_called(app: Parts) -> None:
    upload(app, RED, "one.jpg")
    upload(app, RED, "other.jpg")
    for image in (ImageBlob("one.jpg"), ImageBlob("other.jpg"), RED, RED):
        on_demand.thumbnail(app.services, image, SIZE)
    assert paid(app) == 1


def test_an_address_is_stored_under_its_digest_without_being_fetched(app: Parts) -> None:
    image = ImageUrl("https://example.com/a.jpg")
    blob, _ = on_demand.thumbnail(app.services, image, SIZE)
    assert blob.data == thumbnail_bytes(QUESTION, image)
    assert blob.info.name == f"by-sha256/{image.subject.removeprefix('url-')}/100x50-smart.jpg"


def test_bytes_that_are_no_image_cost_no_call(app: Parts) -> None:
    with pytest.raises(ImageRejectedError):
        on_demand.thumbnail(app.services, ImageBytes(b"text"), SIZE)
    assert paid(app) == 0


def test_while_somebody_else_asks_the_caller_is_told_to_come_back(app: Parts) -> None:
    upload(app, RED)
    claim = names.claim(RED.subject, QUESTION.key)
    app.host.write(names.CACHE, claim, b'{"state": "asking"}', content_type=names.JSON, condition=IfEtag(None))
    # Somebody alive: the lease lies further ahead than the caller is ready to wait.
    assert app.host.acquire(names.CACHE, claim, "another", 60)
    with pytest.raises(BusyError) as caught:
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert caught.value.retry_after_seconds
    assert app.clock.now() <= 6
    assert paid(app) == 0


def test_a_service_that_is_down_leaves_nothing_behind(app: Parts) -> None:
    upload(app, RED)
    app.vision.failing = VisionUnavailableError("down")
    with pytest.raises(VisionUnavailableError):
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)
    assert app.images.contents("thumbnails") == {}
    app.vision.failing = None
    assert on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)[0].data == thumbnail_bytes(QUESTION, RED)


def test_two_accounts_keep_claims_and_images_apart(app: Parts) -> None:
    upload(app, RED)
    on_demand.thumbnail(app.services, ImageBlob("a.jpg"), SIZE)

    def containers(blobs: MemoryBlobs) -> list[str]:
        return [each for each in (names.IMAGES, *names.OUTPUTS) if blobs.contents(each)]

    assert containers(app.images) == ["images", "thumbnails"]
    assert containers(app.host) == ["cache", "owners"]
