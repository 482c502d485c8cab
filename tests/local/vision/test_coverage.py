"""What COVERAGE.md and answers/README.md say is so."""

import json
import re
from hashlib import sha256
from pathlib import Path

from doubles.vision_calls import Caller, picture

import local.vision.cli
from local.models.catalogue import CATALOGUE
from local.vision import faults, hold, parameters, refusals, results
from local.vision.decoding.pixels import MAX_DECODED_PIXELS
from local.vision.evidence import captions, categories, subjects
from local.vision.intake import MAX_IMAGE_BYTES, MAX_SIDE_PIXELS, MIN_SIDE_PIXELS
from local.vision.operations import Operation
from local.vision.reading import documents
from local.vision.reading.documents import MAX_DOCUMENT_BYTES
from local.vision.reading.pages import MAX_PAGES
from local.vision.reading.store import LIFE_SECONDS
from local.vision.recognition import detector
from local.vision.recognition.vocabulary import load_vocabulary
from local.vision.server import running_vision
from local.vision.text.documents import READ_SIDE
from local.vision.text.engines import DENSE_LINES
from local.vision.text.pdf_processes import COUNTING, MEMORY_BYTES, reading
from local.vision.text.pdfium import RENDERED_DPI

# https://learn.microsoft.com/azure/ai-services/computer-vision/category-taxonomy
TAXONOMY = """
abstract_ abstract_net abstract_nonphoto abstract_rect abstract_shape abstract_texture animal_ animal_bird
animal_cat animal_dog animal_horse animal_panda building_ building_arch building_brickwall building_church
building_corner building_doorwindows building_pillar building_stair building_street dark_ drink_ drink_can dark_fire
dark_fireworks dark_light food_ food_bread food_fastfood food_grilled food_pizza indoor_ indoor_churchwindow
indoor_court indoor_doorwindows indoor_marketstore indoor_room indoor_venue object_screen object_sculpture others_
outdoor_ outdoor_city outdoor_field outdoor_grass outdoor_house outdoor_mountain outdoor_oceanbeach
outdoor_playground outdoor_pool outdoor_railway outdoor_road outdoor_sportsfield outdoor_stonerock outdoor_street
outdoor_water outdoor_waterside people_ people_baby people_crowd people_group people_hand people_many
people_portrait people_show people_swimming people_tattoo people_young plant_ plant_branch plant_flower plant_leaves
plant_tree sky_cloud sky_object sky_sun text_ text_mag text_map text_menu text_sign trans_bicycle trans_bus
trans_car trans_trainstation
"""

PART = Path(local.vision.cli.__file__).parent
COVERAGE = (PART / "COVERAGE.md").read_text()


def first_cells(heading: str) -> list[str]:
    """Return the first cell of each row of the table whose first column is named *heading*."""
    table = COVERAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()[2:]]


def test_every_fault_is_described() -> None:
    assert [cell.strip("`") for cell in first_cells("fault")] == list(faults.READERS)


def test_every_feature_is_described() -> None:
    described = {name for cell in first_cells("feature of `/analyze`") for name in cell.split(", ")}

    assert described == set(parameters.VISUAL_FEATURES)


def test_every_operation_is_described() -> None:
    described = " ".join(first_cells("operation"))
    for path in ("analyze", "describe", "tag", "detect", "generateThumbnail", "areaOfInterest", "ocr", "read/analyze"):
        assert f"`POST /{path}`" in described
    assert {
        name for name in re.findall(r"`(\w+)`", first_row("`GET /_control/stats`")) if name in set(Operation)
    } == set(Operation)
    assert set(hold.HOLDABLE) < set(Operation)


def first_row(cell: str) -> str:
    """Return the row that begins with *cell*."""
    return next(line for line in COVERAGE.splitlines() if line.startswith(f"| {cell} |"))


def test_every_limit_is_as_described() -> None:
    assert f"({MAX_IMAGE_BYTES} bytes)" in COVERAGE
    assert f"a side under {MIN_SIDE_PIXELS} or over {MAX_SIDE_PIXELS} pixels" in COVERAGE
    assert MAX_DECODED_PIXELS == 50_000_000
    assert "bounded** at 50 million" in COVERAGE
    assert f"({MAX_DOCUMENT_BYTES} bytes)" in COVERAGE
    assert f"{documents.MIN_SIDE_PIXELS}x{documents.MIN_SIDE_PIXELS} to {documents.MAX_SIDE_PIXELS}x" in COVERAGE
    assert f"the first {MAX_PAGES} pages" in COVERAGE
    assert f"over {READ_SIDE} pixels a side are shrunk" in COVERAGE
    assert f"rendered at {RENDERED_DPI} dpi" in COVERAGE
    assert f"({MEMORY_BYTES} bytes) of memory" in COVERAGE
    assert f"{COUNTING.cpu_seconds} seconds of a core and {COUNTING.answer_seconds:g} by the clock" in COVERAGE
    assert f"{reading(0).cpu_seconds} seconds of a core and one more for each page" in COVERAGE
    assert f"and {reading(1).answer_seconds:g} by the clock for each page" in COVERAGE
    assert f"Pages of {DENSE_LINES} lines and more" in COVERAGE
    assert LIFE_SECONDS == 48 * 3600
    assert "kept for 48 hours" in COVERAGE


def test_every_threshold_is_as_described() -> None:
    assert f"a tag from a confidence of {subjects.SAID}, and the subject from {subjects.SURE}." in COVERAGE
    assert (
        f"has {subjects.MOST_OF_FINE} at most where its kind is said, such as `hat`; from {subjects.SURE_OF_FINE}"
        in COVERAGE
    )
    assert f"A box needs {subjects.SURE_BOX}. Where a word of {subjects.SUPPORT} and more" in COVERAGE
    assert f"for people, the detector's own {detector.THRESHOLD} is enough" in COVERAGE
    assert f"unless the word is surer by {subjects.LEAD}" in COVERAGE
    assert f"need a narrower word below them, or {subjects.VERY_SURE}" in COVERAGE
    assert f"Apes and monkeys need {subjects.VERY_SURE} and" in COVERAGE
    assert f"Drawings and pages of text need {subjects.VERY_SURE} for" in COVERAGE
    assert f"clip-art of degree {subjects.MAYBE_DRAWN}" in COVERAGE
    assert f"from {subjects.LEAST_BY_FACE}, and makes one at most as certain as {subjects.MOST_BY_FACE}" in COVERAGE
    assert subjects.MIN_SHARE == 1 / 50
    assert f"`isAdultContent` above {results.ADULT_FROM}, `isRacyContent` above {results.RACY_FROM}" in COVERAGE
    assert f"confidence is {captions.SENTENCE_CONFIDENCE}, which is no measure" in COVERAGE
    for wide in subjects.WIDE:
        assert f"`{wide}`" in first_line("- `animal`")


def first_line(beginning: str) -> str:
    """Return the first line that begins so."""
    return next(line for line in COVERAGE.splitlines() if line.startswith(beginning))


def test_every_model_is_described_with_its_source_and_licence() -> None:
    assert first_cells("model") == [f"`{model.name}`" for model in CATALOGUE]
    for model in CATALOGUE:
        row = f"| `{model.name}` | {model.tells} | {model.package} | {model.trained_on} | {model.licence} |"
        assert row in COVERAGE.splitlines()


def test_the_vocabulary_is_as_large_as_described() -> None:
    assert f"here {len(load_vocabulary().kinds)} words" in COVERAGE
    assert f"knows {len(detector.LABELS)} things" in COVERAGE


def test_every_category_is_one_of_the_86() -> None:
    names = {name for name, _ in categories.BY_NAME} | {categories.TEXT, categories.OTHERS}
    names |= {"people_", "people_portrait", "people_group", "people_crowd"}

    assert names <= set(TAXONOMY.split())
    assert len(set(TAXONOMY.split())) == 86


def test_the_missing_operations_point_here() -> None:
    assert b"local/vision/COVERAGE.md" in refusals.not_here("read").reply.body


def test_the_scripted_answer_in_the_readme_works(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", (PART / "answers" / "README.md").read_text(), re.S)
    assert example is not None
    data = picture()
    (tmp_path / f"{sha256(data).hexdigest()}.json").write_text(example[1])
    script = json.loads(example[1])
    with running_vision(answers=[tmp_path]) as service, Caller(service.url, service.key) as client:
        assert client.post("tag", data).json()["tags"] == script["tag"]["tags"]
        assert client.post("detect", data).json()["objects"] == []
        assert (
            client.post("areaOfInterest", data).json()["areaOfInterest"] == script["areaOfInterest"]["areaOfInterest"]
        )
        analyzed = client.post("analyze", data, query="visualFeatures=Categories,Objects&details=Landmarks").json()
        accepted = client.post("read/analyze", data).headers["Operation-Location"]
        read = client.get(accepted.partition("/vision/v3.2/")[2]).json()["analyzeResult"]
    assert read["readResults"] == script["read"]["readResults"]
    assert analyzed["categories"] == script["analyze"]["categories"]
    assert analyzed["objects"] == script["analyze"]["objects"]
