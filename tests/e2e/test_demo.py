"""`make demo`: the samples end to end, then nothing is left."""

import re
from pathlib import Path

import pytest
from doubles.demo import Demo
from PIL import Image

pytestmark = pytest.mark.e2e


def test_once_shows_every_sample_complete_and_stops_everything(demo: Demo) -> None:
    answer, state = demo.answer, demo.stack.state
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = [line for line in answer.stdout.splitlines() if ": complete; " in line]
    thumbnails = {line.partition(":")[0] for line in told if "; thumbnails: 2/2" in line}
    assert thumbnails == {
        *("astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"),
        *("receipt.png", "sign.jpg", "scan.png"),
    }
    texts = dict(re.findall(r"^(\S+): complete; (?:.*; )?text: (.{10})", answer.stdout, re.MULTILINE))
    assert texts == {
        "receipt.png": "CORNER COF",
        "sign.jpg": "RIVER PARK",
        "scan.png": "Dear neigh",
        "minutes.pdf": "Minutes of",
        "recipe.tif": "Apple cake",
    }
    # Each of them once, and their number.
    assert len(told) == 9
    assert re.search(r"^9 images: 9 complete; [\d.]+ s$", answer.stdout, re.MULTILINE)
    shown = re.search(
        r"^coffee\.jpg: thumbnail 320x200 by generateThumbnail, (\d+) bytes: (.+)$", answer.stdout, re.MULTILINE
    )
    assert shown
    file = Path(shown[2])
    assert (file, file.stat().st_size) == (state / "thumbnail.jpg", int(shown[1]))
    with Image.open(file) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 200))
    assert "LOST in Azure" not in (state / "logs" / "host.log").read_text()
    assert not demo.stack.has_processes()
