"""What COVERAGE.md and answers/README.md say is so."""

import json
import re
from hashlib import sha256
from pathlib import Path

from doubles.vision_calls import Caller, picture

import local.vision.cli
from local.vision import faults, hold, parameters, refusals
from local.vision.decoding.pixels import MAX_DECODED_PIXELS
from local.vision.intake import MAX_IMAGE_BYTES, MAX_SIDE_PIXELS, MIN_SIDE_PIXELS
from local.vision.operations import Operation
from local.vision.reading import documents
from local.vision.reading.documents import MAX_DOCUMENT_BYTES
from local.vision.reading.pages import MAX_PAGES
from local.vision.reading.store import LIFE_SECONDS
from local.vision.server import running_vision
from local.vision.text.documents import READ_SIDE
from local.vision.text.engines import DENSE_LINES
from local.vision.text.pdf_processes import COUNTING, MEMORY_BYTES, reading
from local.vision.text.pdfium import RENDERED_DPI

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
