"""The crops in small: one picture whose subject is not in the middle, through the app, and how they are judged."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from bench import crops
from bench.crop_pictures import Picture, pictures
from bench.crops import Cut, cut_at, kept

PICTURES = {picture.name: picture for picture in pictures()}
WALL = PICTURES["drawn wall"]


def test_there_are_twelve_pictures_whose_subject_lies_in_them() -> None:
    assert len(PICTURES) == 12
    for picture in PICTURES.values():
        width, height = picture.image.size
        assert picture.boxes
        for left, top, across, down in picture.boxes:
            assert 0 <= left < left + across <= width
            assert 0 <= top < top + down <= height


@pytest.mark.parametrize("mode", ["auto", crops.WITH_BOXES, "vision"])
def test_a_picture_goes_through_the_app_and_keeps_its_subject(mode: str) -> None:
    [square, wide] = crops.measured([WALL], mode, sizes=[(240, 240), (400, 160)])
    assert (square.picture, square.size, wide.size) == ("drawn wall", (240, 240), (400, 160))
    assert min(square.kept, wide.kept) >= crops.LEAST_MEAN


def test_what_stands_out_decides_where_the_area_of_interest_is_nearly_the_whole_picture() -> None:
    [cut] = crops.measured([PICTURES["rocket, a part of it"]], "auto", sizes=[(160, 320)])
    assert cut.kept >= crops.LEAST_MEAN


def test_the_middle_does_not_keep_it() -> None:
    [cut] = crops.measured([WALL], "center", sizes=[(240, 240)])
    assert cut.kept == 0


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (5, 2)])
@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_a_place_is_found_again_by_its_pixels(name: str, shape: tuple[int, int], part: float) -> None:
    image = PICTURES[name].image
    width = min(image.width, image.height * shape[0] / shape[1])
    height = min(image.height, image.width * shape[1] / shape[0])
    left, top = part * (image.width - width), part * (image.height - height)
    thumbnail = image.resize((100 * shape[0], 100 * shape[1]), box=(left, top, left + width, top + height))
    found = cut_at(image, thumbnail, shape)
    assert found == pytest.approx((left, top, width, height), abs=2.5)


def test_what_is_no_part_of_the_picture_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="no part of its picture"):
        cut_at(WALL.image, PICTURES["sample chelsea"].image.resize((240, 240)), (1, 1))


def test_the_share_is_of_the_most_that_a_window_could_keep() -> None:
    picture = Picture("wide", "two that overlap", ((100, 0, 100, 50), (150, 0, 100, 50)), png(400, 100))
    assert kept(picture, (100, 0, 150, 100)) == 1
    assert kept(picture, (0, 0, 100, 100)) == 0
    assert kept(picture, (150, 0, 100, 100)) == 1
    assert kept(picture, (50, 0, 100, 100)) == 0.5
    assert kept(picture, (0, 25, 400, 50)) == 0.5


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_a_detector_draws_every_box_a_little_off_and_one_more(tmp_path: Path) -> None:
    for picture in PICTURES.values():
        crops._script(tmp_path, picture)
    scripts = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert len(scripts) == 12
    [script] = [each for each in scripts.values() if len(each["analyze"]["objects"]) == 3]
    for found, (left, top, width, height) in zip(script["analyze"]["objects"], WALL.boxes, strict=False):
        box = found["rectangle"]
        assert 0 < abs(box["x"] - left) <= 0.1 * width + 1
        assert box["x"] + box["w"] == pytest.approx(left + width, abs=0.1 * width + 1)
        assert box["y"] == pytest.approx(top, abs=0.1 * height + 1)


def test_a_goal_is_missed_where_a_crop_keeps_too_little() -> None:
    good, bad = Cut("one", (1, 1), 100.0), Cut("other", (2, 1), 59.0)
    found = crops.section([WALL], [("auto", [good] * 9 + [bad]), ("center", [bad])], each=True)
    assert [goal.held for goal in found.goals] == [True, False]
    assert "| auto | 95.9 | 59 | other, 2x1 |" in found.text
    assert "| center | other | 2x1 | 59 |" in found.text
