"""
Drawn images with text: a receipt, a sign, a letter, documents of two pages, each with the text that stands in it.

Drawn by Pillow with its own font, rather than kept as files: nobody has to ask where they come from, and everybody gets
the same.
"""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

INK = (32, 32, 36)
PAPER = (252, 251, 247)
TABLE = (198, 196, 190)
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
SIGN = ("RIVER PARK", "OPEN 8 - 20")
LETTER = (
    "Dear neighbours,",
    "on Saturday the 14th of June the street",
    "will be closed from 10 a.m. to 6 p.m.",
    "for our summer party. Please move your",
    "cars in time. Everybody brings a dish,",
    "the drinks are on us.",
    "The house at number 27",
)
MINUTES = (
    (
        "Minutes of the summer party",
        "Present: numbers 21 to 35",
        "The street was closed at 10 a.m.",
        "and opened again at 6.15 p.m.",
        "Twelve salads, nine cakes and one",
        "very large paella were eaten.",
    ),
    (
        "Page two: what is left to do",
        "Return the benches to the school.",
        "Pay the bill of 84.50 euros.",
        "Find the owner of the green hat.",
    ),
)
RECIPE = (
    (
        "Apple cake for twelve",
        "Butter, sugar and four eggs",
        "350 grams of flour",
        "Six sour apples in thin slices",
        "Stir well, then fold in the apples.",
    ),
    (
        "Bake for 45 minutes at 180 degrees.",
        "Let it cool down on a rack.",
        "Serve with whipped cream.",
    ),
)


def receipt() -> Image.Image:
    """Draw a receipt: a list with prices beside it."""
    image = Image.new("RGB", (620, 820), PAPER)
    draw = ImageDraw.Draw(image)
    y = 50
    for left, right in RECEIPT:
        font = ImageFont.load_default(44 if left.isupper() and not right else 32)
        draw.text((50, y), left, fill=INK, font=font)
        draw.text((570, y), right, fill=INK, font=font, anchor="ra")
        y += 60
    return image


def sign() -> Image.Image:
    """Draw a sign in the open."""
    image = Image.new("RGB", (960, 640), (120, 168, 208))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 470, 960, 640), fill=(92, 122, 74))
    draw.rectangle((455, 420, 505, 600), fill=(104, 98, 92))
    draw.rounded_rectangle((130, 90, 830, 430), radius=36, fill=(16, 92, 64), outline=(244, 244, 240), width=10)
    font = ImageFont.load_default(96)
    for line, y in zip(SIGN, (190, 325), strict=True):
        draw.text((480, y), line, fill=(250, 250, 246), font=font, anchor="mm")
    return image


def letter() -> Image.Image:
    """Draw a letter."""
    return _page(LETTER, size=(1000, 720))


def scan(degrees: float = 4) -> Image.Image:
    """Draw the letter as it comes from a scanner on which it lay askew, so many degrees against the clock."""
    return letter().rotate(degrees, expand=True, fillcolor=TABLE, resample=Image.Resampling.BICUBIC)


def minutes() -> list[Image.Image]:
    """Draw a document of two pages, A5 at 150 dpi."""
    return _pages(MINUTES)


def recipe() -> list[Image.Image]:
    """Draw another document of two pages, of the same size."""
    return _pages(RECIPE)


def _pages(pages: Sequence[Sequence[str]]) -> list[Image.Image]:
    return [_page(lines, size=(1240, 874)) for lines in pages]


def _page(lines: Sequence[str], *, size: tuple[int, int]) -> Image.Image:
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(42)
    for number, line in enumerate(lines):
        draw.text((90, 80 + number * 80), line, fill=INK, font=font)
    return page
