"""What is measured in a picture, on photographs and on pictures drawn for the purpose."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from doubles.vision_calls import Caller, encoded, opened, picture, sample
from PIL import Image, ImageDraw, ImageFilter

from local.vision.decoding.pixels import decode
from local.vision.evidence.looking import Evidence
from local.vision.header import ImageHeader, read_header

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
ORIENTATION = 0x0112


def analyzed(caller: Caller, data: bytes, *features: str) -> dict[str, Any]:
    """Return the result of analyze for *features*."""
    answer = caller.post("analyze", data, query=f"visualFeatures={','.join(features)}")
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def names(tags: list[dict[str, Any]]) -> set[str]:
    """Return the names of *tags*."""
    return {tag["name"] for tag in tags}


def clip_art() -> Image.Image:
    """Draw a picture of flat colours."""
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 40, 200, 260), "red")
    draw.ellipse((180, 60, 370, 250), "blue")
    draw.polygon([(60, 280), (160, 150), (260, 280)], "green")
    return image


def line_drawing() -> Image.Image:
    """Draw thin black lines on white."""
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((100, 40, 300, 240), outline="black", width=3)
    draw.line((50, 280, 350, 280), "black", 3)
    draw.rectangle((170, 120, 230, 240), outline="black", width=3)
    return image


def test_the_astronauts_face_is_found_where_it_is(caller: Caller) -> None:
    faces = analyzed(caller, sample("astronaut"), "Faces")["faces"]

    assert len(faces) == 1
    assert faces[0]["age"] is None
    assert faces[0]["gender"] is None
    box = faces[0]["faceRectangle"]
    assert box.keys() == {"left", "top", "width", "height"}
    assert box["left"] < 222 < box["left"] + box["width"]
    assert box["top"] < 115 < box["top"] + box["height"]
    assert 60 < box["width"] < 140


@pytest.mark.parametrize("photo", ["chelsea", "coffee", "rocket"])
def test_no_face_is_found_where_there_is_none(caller: Caller, photo: str) -> None:
    result = analyzed(caller, sample(photo), "Faces", "Tags")

    assert result["faces"] == []
    assert "person" not in names(result["tags"])


def test_boxes_are_in_pixels_of_the_original(caller: Caller) -> None:
    large = encoded(opened(sample("astronaut")).resize((2048, 2048)), quality=80)
    box = analyzed(caller, large, "Faces")["faces"][0]["faceRectangle"]

    assert box["left"] < 222 * 4 < box["left"] + box["width"]
    assert 60 * 4 < box["width"] < 140 * 4


def test_a_person_is_tagged_and_described(caller: Caller) -> None:
    result = analyzed(caller, sample("astronaut"), "Tags", "Description")

    assert {"person", "human face"} <= names(result["tags"])
    assert result["description"]["captions"][0]["text"] == "a photo of a person"
    assert result["description"]["tags"] == [tag["name"] for tag in result["tags"]]


@pytest.mark.parametrize("photo", PHOTOS)
def test_captions_are_modest_and_most_certain_first(caller: Caller, photo: str) -> None:
    captions = caller.post("describe", sample(photo), query="maxCandidates=9").json()["description"]["captions"]
    confidences = [caption["confidence"] for caption in captions]

    assert 2 <= len(captions) <= 9
    assert len({caption["text"] for caption in captions}) == len(captions)
    assert confidences == sorted(confidences, reverse=True)
    assert all(0.3 <= confidence <= 0.6 for confidence in confidences)


@pytest.mark.parametrize("photo", PHOTOS)
def test_photos_are_no_drawings(caller: Caller, photo: str) -> None:
    assert analyzed(caller, sample(photo), "ImageType")["imageType"] == {"clipArtType": 0, "lineDrawingType": 0}


def test_flat_colours_are_clip_art(caller: Caller) -> None:
    result = analyzed(caller, encoded(clip_art(), "PNG"), "ImageType", "Tags", "Description")

    assert result["imageType"] == {"clipArtType": 3, "lineDrawingType": 0}
    assert "clipart" in names(result["tags"])
    assert result["description"]["captions"][0]["text"].startswith("a clip-art picture")


def test_clip_art_survives_jpeg(caller: Caller) -> None:
    assert analyzed(caller, encoded(clip_art(), quality=60), "ImageType")["imageType"]["clipArtType"] >= 1


def test_flat_colours_with_the_noise_of_a_camera_are_a_photo(caller: Caller) -> None:
    noise = np.random.default_rng(7).normal(0, 0.9, (300, 400, 3))
    noisy = Image.fromarray(np.clip(np.asarray(clip_art()) * 0.9 + 12 + noise, 0, 255).astype(np.uint8))
    assert analyzed(caller, encoded(noisy, "PNG"), "ImageType")["imageType"] == {"clipArtType": 0, "lineDrawingType": 0}


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_thin_lines_on_white_are_a_line_drawing(caller: Caller, kind: str) -> None:
    result = analyzed(caller, encoded(line_drawing(), kind), "ImageType", "Tags")

    assert result["imageType"] == {"clipArtType": 0, "lineDrawingType": 1}
    assert "line art" in names(result["tags"])


def test_a_plain_or_smooth_photo_pictureis_no_drawing(caller: Caller) -> None:
    for image in (Image.new("RGB", (90, 90), "teal"), Image.radial_gradient("L").convert("RGB")):
        assert analyzed(caller, encoded(image, "PNG"), "ImageType")["imageType"]["clipArtType"] == 0


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("black", "Black"),
        ("#1e50c8", "Blue"),
        ("#6b4423", "Brown"),
        ("#808080", "Gray"),
        ("#1e8c28", "Green"),
        ("#ff8c00", "Orange"),
        ("#ff69b4", "Pink"),
        ("#7828a0", "Purple"),
        ("#d01414", "Red"),
        ("#008c8c", "Teal"),
        ("white", "White"),
        ("#ffe600", "Yellow"),
    ],
)
def test_each_of_the_twelve_colours_has_its_name(caller: Caller, colour: str, name: str) -> None:
    colours = analyzed(caller, encoded(Image.new("RGB", (80, 80), colour), "PNG"), "Color")["color"]

    assert colours["dominantColors"] == [name]
    assert colours["dominantColorForeground"] == colours["dominantColorBackground"] == name


def test_foreground_and_background_are_told_apart_and_the_accent_is_the_vivid_one(caller: Caller) -> None:
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).rectangle((40, 40, 160, 160), "#d01414")
    colours = analyzed(caller, encoded(image, "PNG"), "Color")["color"]

    assert colours["dominantColorForeground"] == "Red"
    assert colours["dominantColorBackground"] == "White"
    assert colours["dominantColors"] == ["White", "Red"]
    # The rim of the square is blended with the white around it.
    assert colours["accentColor"] in ("D01414", "D01515")


@pytest.mark.parametrize("photo", PHOTOS)
def test_black_and_white_is_told_from_colour_even_through_jpeg(caller: Caller, photo: str) -> None:
    gray = encoded(opened(sample(photo)).convert("L").convert("RGB"), quality=70)
    for data, expected in ((sample(photo), False), (gray, True)):
        result = analyzed(caller, data, "Color", "Tags")
        assert result["color"]["isBWImg"] is result["color"]["isBwImg"] is expected
        assert ("black and white" in names(result["tags"])) is expected


def test_a_sky_is_tagged(caller: Caller) -> None:
    image = Image.new("RGB", (300, 200), "#5a9be6")
    image.paste(Image.effect_noise((300, 80), 70).convert("RGB"), (0, 120))

    assert "sky" in names(analyzed(caller, encoded(image), "Tags")["tags"])
    assert "sky" not in names(analyzed(caller, sample("coffee"), "Tags")["tags"])


def test_tags_are_confidences_between_0_and_1_most_certain_first(caller: Caller) -> None:
    confidences = [tag["confidence"] for tag in caller.post("tag", sample("astronaut")).json()["tags"]]

    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < confidence < 1 for confidence in confidences)


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_area_of_interest_lies_in_the_picture(caller: Caller, photo: str) -> None:
    answer = caller.post("areaOfInterest", sample(photo)).json()
    area, size = answer["areaOfInterest"], answer["metadata"]

    assert area.keys() == {"x", "y", "w", "h"}
    assert 0 <= area["x"] <= area["x"] + area["w"] <= size["width"]
    assert 0 <= area["y"] <= area["y"] + area["h"] <= size["height"]
    assert area["w"] == area["h"] == min(size["width"], size["height"])


def test_the_area_of_interest_follows_the_subject(caller: Caller) -> None:
    for left in (20, 470):
        image = Image.new("RGB", (600, 150), "#909890")
        image.paste(Image.effect_noise((110, 110), 120).convert("RGB"), (left, 20))
        area = caller.post("areaOfInterest", encoded(image)).json()["areaOfInterest"]
        assert area["x"] <= left + 10
        assert area["x"] + area["w"] >= left + 100


def thumbnail(caller: Caller, data: bytes, width: int, height: int, *, smart: bool = True) -> Image.Image:
    """Return the thumbnail, decoded."""
    query = f"width={width}&height={height}&smartCropping={str(smart).lower()}"
    answer = caller.post("generateThumbnail", data, query=query, headers={"Accept": "application/octet-stream"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    image = opened(answer.content)
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize("smart", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (200, 150), (150, 301), (1024, 768), (1024, 1), (1, 1024)])
def test_a_thumbnail_is_a_jpeg_of_exactly_the_size_asked_for(
    caller: Caller, size: tuple[int, int], *, smart: bool
) -> None:
    for data in (sample("coffee"), picture(60, 50, kind="PNG"), picture(3000, 1001)):
        assert thumbnail(caller, data, *size, smart=smart).size == size


# Centres of what a person would keep, from 0 to 1 of width and height.
SUBJECTS = {"astronaut": (0.43, 0.22), "chelsea": (0.53, 0.38), "coffee": (0.47, 0.35), "rocket": (0.5, 0.62)}


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("size", [(200, 100), (100, 200), (250, 100)])
def test_a_smart_thumbnail_keeps_the_subject(caller: Caller, photo: str, size: tuple[int, int]) -> None:
    """The window holds the subject's centre, and the thumbnail shows that window."""
    data = sample(photo)
    photo_picture = decode(data, read_header(data))
    window = Evidence(photo_picture).window(shape=size[0] / size[1])
    x, y = SUBJECTS[photo][0] * photo_picture.width, SUBJECTS[photo][1] * photo_picture.height

    assert window.left <= x <= window.left + window.width
    assert window.top <= y <= window.top + window.height
    expected = opened(data).crop((window.left, window.top, window.left + window.width, window.top + window.height))
    assert difference(thumbnail(caller, data, *size), expected.resize(size)) < 6


def test_a_smart_thumbnail_moves_to_the_subject_and_a_plain_one_stays_in_the_middle(caller: Caller) -> None:
    image = Image.new("RGB", (600, 100), "#909890")
    ImageDraw.Draw(image).rectangle((500, 20, 560, 80), "#d01414")
    data = encoded(image, "PNG")

    assert red_share(thumbnail(caller, data, 100, 100, smart=True)) > 0.3
    assert red_share(thumbnail(caller, data, 100, 100, smart=False)) == 0


def red_share(image: Image.Image) -> float:
    """Return the share of clearly red pixels."""
    red, green, _ = image.split()
    mask = [r > 150 > 80 > g for r, g in zip(red.tobytes(), green.tobytes(), strict=True)]
    return sum(mask) / len(mask)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures in gray levels."""
    pairs = zip(one.convert("L").tobytes(), other.convert("L").tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height)


TURNS: dict[int, Callable[[Image.Image], Image.Image]] = {
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied_to_sizes_boxes_and_thumbnails(caller: Caller, orientation: int) -> None:
    upright = opened(sample("astronaut")).crop((0, 0, 512, 400))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = encoded(TURNS[orientation](upright), quality=92, exif=exif)

    result = analyzed(caller, stored, "Faces")
    assert result["metadata"] == {"height": 400, "width": 512, "format": "Jpeg"}
    box = result["faces"][0]["faceRectangle"]
    assert box["left"] < 222 < box["left"] + box["width"]
    assert difference(thumbnail(caller, stored, 128, 100), upright.resize((128, 100))) < 6


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_is_no_reason_to_refuse_a_picture(caller: Caller) -> None:
    data = picture(exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff broken")

    assert caller.post("tag", data).status_code == 200


def test_transparency_is_laid_on_white(caller: Caller) -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))

    assert thumbnail(caller, encoded(image, "PNG"), 50, 50).getpixel((25, 25)) == (255, 255, 255)


def test_an_animation_is_seen_as_its_first_frame(caller: Caller) -> None:
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("#d01414", "#1e50c8")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert analyzed(caller, data, "Color")["color"]["dominantColors"] == ["Red"]


def test_a_large_jpeg_is_decoded_small(caller: Caller) -> None:
    """81 million pixels would fill 324 MB; a JPEG is decoded at an eighth of its width and height."""
    data = encoded(Image.new("RGB", (9000, 9000), "teal"), quality=30)
    decoded = decode(data, ImageHeader("Jpeg", 9000, 9000))

    assert max(decoded.image.size) <= 9000 // 8 + 1
    assert (decoded.width, decoded.height) == (9000, 9000)
    assert caller.post("tag", data).json()["metadata"]["width"] == 9000


def test_a_progressive_jpeg_of_too_many_pixels_is_refused(caller: Caller) -> None:
    """Its coefficients are all kept in memory, however small it is decoded."""
    data = encoded(Image.new("L", (9000, 9000), 90), quality=30, progressive=True)

    assert caller.post("tag", data).status_code == 400


def test_a_16_bit_gray_photo_picturekeeps_its_tones(caller: Caller) -> None:
    image = Image.new("I;16", (60, 60), 40_000)
    level = thumbnail(caller, encoded(image, "PNG"), 50, 50).convert("L").tobytes()[0]

    assert level == pytest.approx(40_000 / 257, abs=3)


def test_blurring_a_photo_does_not_make_it_a_drawing(caller: Caller) -> None:
    blurred = opened(sample("coffee")).filter(ImageFilter.GaussianBlur(6))

    assert analyzed(caller, encoded(blurred), "ImageType")["imageType"]["clipArtType"] == 0
