from pathlib import Path

from PIL import Image

from local.samples import sample_files
from local.vision.reading.documents import SniffedDocument
from local.vision.reading.pages import ALL_PAGES
from local.vision.text.documents import pages_to_read

PHOTOGRAPHS = ["astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"]


def test_the_samples_are_the_photographs_the_images_with_text_and_the_documents(tmp_path: Path) -> None:
    names = [path.name for path in sample_files(tmp_path)]
    assert names == [*PHOTOGRAPHS, "receipt.png", "sign.jpg", "scan.png", "minutes.pdf", "recipe.tif"]


def test_every_image_among_the_samples_is_one_that_the_service_takes(tmp_path: Path) -> None:
    for path in sample_files(tmp_path)[:7]:
        with Image.open(path) as image:
            image.load()
            assert image.format in ("JPEG", "PNG")
            assert min(image.size) > 50
        assert path.stat().st_size < 4 * 1024 * 1024


def test_each_document_has_two_pages(tmp_path: Path) -> None:
    pdf, tiff = (path.read_bytes() for path in sample_files(tmp_path)[7:])
    assert (pdf[:5], tiff[:4]) == (b"%PDF-", b"II*\0")
    documents = [SniffedDocument(pdf, "pdf", ""), SniffedDocument(tiff, "tiff", "")]
    assert [pages_to_read(document, ALL_PAGES, lambda: None) for document in documents] == [(1, 2), (1, 2)]


def test_text_images_and_documents_are_rendered_the_same_everywhere_and_kept_once_rendered(tmp_path: Path) -> None:
    first, second = (sample_files(tmp_path / folder)[4:] for folder in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    before = [path.stat().st_mtime_ns for path in first]
    assert [path.stat().st_mtime_ns for path in sample_files(tmp_path / "first")[4:]] == before


def test_a_rendered_image_has_dark_text_on_light_paper(tmp_path: Path) -> None:
    [receipt] = [path for path in sample_files(tmp_path) if path.name == "receipt.png"]
    with Image.open(receipt) as image:
        histogram = image.convert("L").histogram()
    dark = sum(histogram[:80]) / sum(histogram)
    assert 0.005 < dark < 0.2
