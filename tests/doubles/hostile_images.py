"""Images whose names, captions, tags and texts would do harm where they are taken for more than text."""

from doubles.many_images import Made
from doubles.pictures import picture

FOLDER = "hostile"
# What each would do if it ran is told by the title of the tab, which no code of the page sets to this.
HARM = "harm done"
_SCRIPT = f"document.title='{HARM}'"
_IMG = f'<img src=x onerror="{_SCRIPT}">'
MARKUP = Made(
    f"{FOLDER}/<img src=x onerror={_SCRIPT}>.png",
    picture("PNG", colour=(200, 30, 30)),
    f"{_IMG} is a caption",
    ("text", f"<script>{_SCRIPT}</script>", f'"><svg onload="{_SCRIPT}">'),
    f"{_IMG} </text></svg><script>{_SCRIPT}</script> markupword",
)
SCHEME = Made(
    f"{FOLDER}/javascript:{_SCRIPT}.png",
    picture("PNG", colour=(30, 200, 30)),
    f"javascript:{_SCRIPT}",
    ("text", f"javascript:{_SCRIPT}"),
    f"javascript:{_SCRIPT} data:text/html,<script>{_SCRIPT}</script>",
)
# Shown as it is ordered, this name would end in .png and begin with "exe".
OVERRIDE = Made(
    f"{FOLDER}/photo\u202egnp.exe.png", picture("PNG", colour=(30, 30, 200)), "turned \u202eround", ("cup",), None
)
HEBREW = Made(f"{FOLDER}/תמונות/שלום עולם.png", picture("PNG", colour=(200, 200, 30)), "שלום לכולם", ("cup",), None)
ARABIC = Made(
    f"{FOLDER}/صور/قطة صغيرة 2026.png", picture("PNG", colour=(30, 200, 200)), "قطة على طاولة", ("cat",), None
)
LONG_NAME = Made(
    f"{FOLDER}/{'n' * (1024 - len(FOLDER) - 5)}.png",
    picture("PNG", colour=(200, 30, 200)),
    "a name of its length",
    ("cup",),
    None,
)
LONG_TEXTS = Made(
    f"{FOLDER}/long texts.png",
    picture("PNG", colour=(90, 90, 90)),
    "longcaption " + "c" * 9_988,
    ("text", "t" * 300),
    "longtext " + "w" * 9_991,
)
QUOTES = Made(
    f"{FOLDER}/\"quotes' & \\back%41 +plus #hash ?query.png",
    picture("PNG", colour=(10, 90, 140)),
    '&lt;b&gt; &amp; "quotes" \'',
    ("cup",),
    None,
)
HOSTILE = [MARKUP, SCHEME, OVERRIDE, HEBREW, ARABIC, LONG_NAME, LONG_TEXTS, QUOTES]
