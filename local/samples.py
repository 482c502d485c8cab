"""
The images that the stack processes at its start: the photographs of samples/ and a few rendered images with text.

The text images are drawn rather than kept as files: nobody has to ask where they come from.
"""

import os
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PHOTOGRAPHS = Path(__file__).resolve().parent.parent / "samples"
INK = (32, 32, 36)
PAPER = (252, 251, 247)
RECEIPT = (
    ("CORNER COFFEE", ""),
    ("12 Harbour Street", ""),
    ("", ""),
    ("2 x Flat white", "7.80"),
    ("1 x Cappuccino", "3.90"),
    ("1 x Almond croissant", "4.20"),
    ("1 x Orange juice", "3.50"),
    ("", ""),
    ("TOTAL EUR", "19.40"),
    ("Card payment", "19.40"),
    ("", ""),
    ("Thank you, come again!", ""),
)
LETTER = (
    "Dear neighbours,",
    "on Saturday the 14th of June the street",
    "will be closed from 10 a.m. to 6 p.m.",
    "for our summer party. Please move your",
    "cars in time. Everybody brings a dish,",
    "the drinks are on us.",
    "The house at number 27",
)


def sample_files(folder: Path) -> list[Path]:
    """Return every sample in the order to show them; text images are rendered into *folder* unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    rendered = {"receipt.png": _receipt, "sign.jpg": _sign, "scan.png": _scan}
    for name, draw in rendered.items():
        if not (folder / name).exists():
            _save(draw(), folder / name)
    return [*sorted(PHOTOGRAPHS.glob("*.jpg")), *(folder / name for name in rendered)]


def _save(image: Image.Image, path: Path) -> None:
    # A start that is interrupted here must not leave half a picture for the next one.
    unfinished = path.with_name(f".{path.name}")
    image.save(unfinished, format="JPEG" if path.suffix == ".jpg" else "PNG", quality=92)
    os.replace(unfinished, path)


def _receipt() -> Image.Image:
    image = Image.new("RGB", (620, 820), PAPER)
    draw = ImageDraw.Draw(image)
    y = 50
    for left, right in RECEIPT:
        font = ImageFont.load_default(44 if left.isupper() and not right else 32)
        draw.text((50, y), left, fill=INK, font=font)
        draw.text((570, y), right, fill=INK, font=font, anchor="ra")
        y += 60
    return image


def _sign() -> Image.Image:
    image = Image.new("RGB", (960, 640), (120, 168, 208))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 470, 960, 640), fill=(92, 122, 74))
    draw.rectangle((455, 420, 505, 600), fill=(104, 98, 92))
    draw.rounded_rectangle((130, 90, 830, 430), radius=36, fill=(16, 92, 64), outline=(244, 244, 240), width=10)
    font = ImageFont.load_default(96)
    for line, y in (("RIVER PARK", 190), ("OPEN 8 - 20", 325)):
        draw.text((480, y), line, fill=(250, 250, 246), font=font, anchor="mm")
    return image


def _scan() -> Image.Image:
    page = Image.new("RGB", (1000, 720), PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(42)
    for number, line in enumerate(LETTER):
        draw.text((90, 80 + number * 80), line, fill=INK, font=font)
    return page.rotate(4, expand=True, fillcolor=(198, 196, 190), resample=Image.Resampling.BICUBIC)
