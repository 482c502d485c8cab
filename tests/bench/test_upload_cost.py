import io
from collections import Counter

import pillow_heif
import pytest
from PIL import Image

from bench import cost_pictures, upload_cost
from bench.cost_pictures import KINDS, MEGABYTE, Kind
from bench.upload_cost import Calls, Cost

SMALL = Kind("small JPEG", "JPEG", (1000, 750), 100_000, 750_000)


def cost(number: int = 1, *, above_idle: int = 10, peak: int = 100, operations: int = 25, later: int = 0) -> Cost:
    return Cost(
        number,
        2 * MEGABYTE,
        0.5 * number,
        (peak - above_idle) * MEGABYTE,
        peak * MEGABYTE,
        {"GET images": operations * number},
        number,
        {"analyze": Calls(number, 3 * number)},
        later,
    )


def test_a_picture_is_as_large_as_it_is_wanted_and_never_twice_the_same() -> None:
    data = cost_pictures.made(SMALL)
    assert len(data) == pytest.approx(SMALL.size, rel=0.1)
    assert Image.open(io.BytesIO(data)).size == SMALL.sides
    one, other = (cost_pictures.another(data, number) for number in (1, 2))
    assert one != other
    assert Image.open(io.BytesIO(one)).tobytes() == Image.open(io.BytesIO(other)).tobytes()


def test_a_heic_is_turned() -> None:
    data = cost_pictures.another(cost_pictures.small("HEIC"), 1)
    photo = pillow_heif.open_heif(data)
    assert photo.size == (150, 200)


def test_no_noise_makes_a_file_that_is_too_small() -> None:
    with pytest.raises(RuntimeError, match="bytes instead of 1000"):
        cost_pictures.made(SMALL._replace(size=1000))


def test_memory_may_be_six_times_the_file_and_more_for_pixels_above_twelve_million() -> None:
    assert upload_cost.limit(SMALL, 2 * MEGABYTE) == 132 * MEGABYTE
    assert upload_cost.limit(SMALL._replace(decoded=13_000_000), 2 * MEGABYTE) == 132 * MEGABYTE + 8_000_000


@pytest.mark.parametrize(
    ("one", "many", "held"),
    [
        (cost(), cost(8), [True, True, True]),
        (cost(above_idle=133, peak=200), cost(8), [False, True, True]),
        (cost(operations=26), cost(8), [True, False, True]),
        (cost(), cost(8, peak=1601), [True, True, False]),
    ],
)
def test_a_goal_is_missed_where_an_upload_takes_too_much(one: Cost, many: Cost, held: list[bool]) -> None:
    found = upload_cost.section([(KINDS[0], one, many)])
    assert [goal.held for goal in found.goals] == held
    assert "| 2 MB JPEG, 8 MP | 8 | 0.50 |" in found.text
    assert "| analyze 1 (3) | 0 |" in found.text


def test_an_image_that_is_read_in_parts_is_one_operation() -> None:
    assert cost(operations=25).of_storage == 27
    assert cost(operations=25)._replace(size=4 * MEGABYTE).of_storage == 27
    assert cost(operations=25)._replace(size=4 * MEGABYTE + 1).of_storage == 26
    assert cost(8, operations=29)._replace(size=20 * MEGABYTE).of_storage == 27


def test_the_ledger_is_counted_apart_and_computer_vision_not_at_all() -> None:
    requests = [
        [7000, "PUT", "/devstoreaccount1/cache/a/b.json?comp=lease&timeout=1"],
        [7000, "HEAD", "/devstoreaccount1/images/a.jpg"],
        [7000, "PUT", "/devstoreaccount1/quota/vision.json"],
        [9000, "POST", "/vision/v3.2/analyze?visualFeatures=Tags"],
    ]
    counted = upload_cost._operations({"requests": requests}, "http://127.0.0.1:9000")
    assert counted == (Counter({"PUT cache lease": 1, "HEAD images": 1}), 1)


def test_a_picture_is_uploaded_to_a_worker_process_which_tells_what_it_took() -> None:
    with upload_cost.running() as uploads:
        uploads.cost(cost_pictures.small("JPEG"), "jpeg")
        found = uploads.cost(cost_pictures.made(SMALL), "jpeg", 2)
    assert (found.number, found.later) == (2, 0)
    assert found.calls["analyze"] == Calls(2, 6)
    assert found.calls["areaOfInterest"] == Calls(2, 2)
    assert found.seconds > 0
    assert found.peak >= found.idle > 10 * MEGABYTE
    assert 10 < found.of_storage <= upload_cost.MOST_OPERATIONS
    assert found.ledger > 0
