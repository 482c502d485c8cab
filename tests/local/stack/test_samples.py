from pathlib import Path

from PIL import Image

from local.samples import sample_files


def test_the_samples_are_the_photographs_and_the_rendered_text_images(tmp_path: Path) -> None:
    names = [path.name for path in sample_files(tmp_path)]
    assert names == ["astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg", "receipt.png", "sign.jpg", "scan.png"]


def test_every_sample_is_an_image_that_the_service_takes(tmp_path: Path) -> None:
    for path in sample_files(tmp_path):
        with Image.open(path) as image:
            image.load()
            assert image.format in ("JPEG", "PNG")
            assert min(image.size) > 50
        assert path.stat().st_size < 4 * 1024 * 1024


def test_text_images_are_rendered_the_same_everywhere_and_kept_once_rendered(tmp_path: Path) -> None:
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
