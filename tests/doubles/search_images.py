# ruff: noqa: RUF001 - letters that look like others are what these images are about
"""
400 synthetic images as the index knows them: 100 with a story of their own, and 300 of a camera, by arithmetic.

Each of `ONES` is a row: name, caption, tags, text, and the rest. The texts have the errors that reading
makes: a letter that is another one, one too many, one too few. No word of the camera's images is within one letter of a
word that a query of the tests looks for.
"""

from collections.abc import Iterator
from typing import Any

from shared.index.entry import ANALYSIS, CORRECTION, IMAGE, PLAIN, UNFINISHED, Entry

COUNT = 400
AT = 1_790_000_000.0
# The words behind the first 60 of a text, which only its record has.
WHOLE_TEXTS = {
    "reports/annual.pdf": "turnover " * 70 + "the auditor of Ravensburg signed",
    "reports/minutes.pdf": "agenda " * 70 + "motion carried unanimously by Łukasz",
}

# The rest: d is the date of the upload, t of the camera, k the kind, c the colour, s the state, l the look;
# p is True with people; caption_, alt_, added_, removed_ are corrections.
ONES: list[tuple[str, str, str, str, dict[str, Any]]] = [
    (
        "invoices/2026/acme-0117.png",
        "a document on a table",
        "text,document",
        "INVOICE 0117 Acme Ltd total due 311.40",
        {},
    ),
    ("invoices/2026/acme-0118.png", "a document", "text,document", "lNVOICE 0118 Acme Ltd total due 75.00", {}),
    ("invoices/2026/acme-0119.png", "a document", "text,document", "INVOLCE 0119 Acme Ltd total due 12.30", {}),
    ("invoices/2026/acme-0120.png", "a document", "text,document", "INVOCE 0120 Acme Ltd total due 9.99", {}),
    ("invoices/2026/acme-0121.png", "a document", "text,document", "INVOIICE 0121 Acme Ltd paid in full", {}),
    ("invoices/2025/voice.png", "a poster", "text,poster", "The Voice of Spring", {"d": "2025-03-02T10:00:00+00:00"}),
    ("invoices/2025/receipt.png", "a paper", "text,receipt", "Receipt 12:30 table 4 total 18.20", {}),
    ("invoices/2025/receipt-2.png", "a paper", "text,receipt", "Reciept 12:45 table 30 total 12.00", {}),
    (
        "travel/München/marienplatz.jpg",
        "a clock tower in a town square",
        "tower,city",
        "",
        {"t": "2024-07-03T09:12:00"},
    ),
    ("travel/München/olympia.jpg", "a stadium roof", "roof,city", "MUNCHEN Olympiapark", {"t": "2024-07-04T18:00:00"}),
    ("travel/Zürich/see.jpg", "a lake with sailboats", "lake,boat", "Zuerich Seefeld", {"t": "2024-07-08T10:00:00"}),
    ("travel/Köln/dom.jpg", "a large cathedral", "church,gothic", "Kölner Dom", {"t": "2024-07-10T10:00:00"}),
    (
        "travel/Łódź/rynek.jpg",
        "a market with umbrellas",
        "market,umbrella",
        "Łódź Kaliska",
        {"t": "2023-05-01T10:00:00"},
    ),
    ("travel/Århus/havn.jpg", "a harbour at night", "harbour,night", "Århus Ø", {"t": "2023-06-01T22:00:00"}),
    ("travel/Øresund/broen.jpg", "a long bridge", "bridge,water", "Øresundsbron", {"t": "2023-06-02T10:00:00"}),
    (
        "travel/Reykjavík/kirkja.jpg",
        "a tall white church",
        "church,snow",
        "Hallgrímskirkja",
        {"t": "2023-12-30T12:00:00"},
    ),
    ("travel/Paris/café.jpg", "people sitting at a café", "restaurant,chair", "CAFÉ DE FLORE", {"p": True}),
    ("travel/Paris/cafe\u0301-2.jpg", "a cup of espresso", "cup,drink", "Cafe\u0301 des Deux Moulins", {}),
    ("signs/tuer.jpg", "a sign on a door", "sign,door", "TÜR SCHLIESSEN", {}),
    ("signs/tuer-2.jpg", "a sign on a wall", "sign,wall", "Tuer schliesst selbsttätig", {}),
    ("signs/poet.jpg", "a plaque", "sign,wall", "Here lived a poet", {}),
    ("signs/pot.jpg", "a clay pot", "pottery", "pot of gold", {}),
    ("signs/strasse.jpg", "a street sign", "sign", "Goethestraße 12", {}),
    ("signs/strasse-2.jpg", "a street sign", "sign", "GOETHESTRASSE 14", {}),
    ("signs/ausgang.jpg", "a green sign", "sign", "Notausgang", {"c": "green"}),
    ("signs/exit.jpg", "a green sign", "sign", "Emergency exit only", {"c": "green"}),
    ("signs/exit-2.jpg", "a red sign", "sign", "No exit", {"c": "red"}),
    ("signs/stop.jpg", "a red stop sign on a pole", "sign,stop sign,pole", "STOP", {"c": "red"}),
    ("кириллица/вывеска.jpg", "a shop window", "shop", "Книги и журналы", {}),
    ("кириллица/вывеска-2.jpg", "a shop window", "shop", "КНИЖНЫЙ МАГАЗИН", {}),
    ("кириллица/метро.jpg", "a subway entrance", "subway", "Станция Маяковская", {}),
    ("кириллица/метро-2.jpg", "a subway map", "map", "Станцня Киевская", {}),
    ("кириллица/ёлка.jpg", "a decorated tree", "tree,christmas", "Ёлка в Кремле", {"d": "2025-12-24T18:00:00+00:00"}),
    ("кириллица/елка-2.jpg", "a decorated tree", "tree,christmas", "новогодняя елка", {}),
    ("ελληνικά/ταβέρνα.jpg", "a table by the sea", "table,sea", "ΤΑΒΈΡΝΑ Ο ΝΊΚΟΣ", {}),
    ("ελληνικά/πλατεία.jpg", "a square", "square", "Πλατεία Συντάγματος", {}),
    ("日本/東京駅.jpg", "a train station", "station,train", "東京駅 丸の内口", {}),
    ("日本/京都.jpg", "a temple", "temple", "京都 東山", {}),
    ("日本/看板.jpg", "a neon billboard", "neon,night", "カラオケ館 24時間", {}),
    ("日本/看板-2.jpg", "a neon billboard", "neon,night", "ｶﾗｵｹ ﾊﾟﾌﾞ", {}),
    ("日本/広告.jpg", "an advertisement", "poster", "ＳＡＬＥ ７０％ ＯＦＦ", {}),
    ("中国/北京大学.jpg", "a gate", "gate", "北京大学", {}),
    ("中国/北大.jpg", "a gate", "gate", "京北大厦", {}),
    ("中国/火锅.jpg", "a pot of soup", "food,soup", "重庆火锅 营业时间", {}),
    ("한국/서울역.jpg", "a train station", "station,train", "서울역에서", {}),
    ("한국/부산.jpg", "a beach", "sand,sea", "부산 해운대", {}),
    ("ไทย/ตลาด.jpg", "a floating stall", "boat,food", "ตลาดน้ำดำเนินสะดวก", {}),
    ("भारत/स्टेशन.jpg", "a platform", "station", "नई दिल्ली स्टेशन", {}),
    ("ישראל/שלט.jpg", "a road sign", "sign", "יְרוּשָׁלַיִם", {}),
    ("مصر/لافتة.jpg", "a shop sign", "sign,shop", "مَطْعَم القاهرة", {}),
    ("pets/rex.jpg", "a brown dog lying on the grass", "dog,grass", "", {"c": "brown", "t": "2026-04-01T08:00:00"}),
    ("pets/rex-2.jpg", "a brown dog running", "dog,grass", "", {"c": "brown", "t": "2026-04-02T08:00:00"}),
    ("pets/hot-dog.jpg", "a hot dog with mustard", "hot dog,food", "", {"c": "yellow"}),
    ("pets/minka.jpg", "a black cat on a sofa", "cat,sofa", "", {"c": "black", "t": "2026-04-03T08:00:00"}),
    ("pets/catalogue.jpg", "a catalogue of furniture", "book", "", {}),
    ("pets/both.jpg", "a dog and a cat on a sofa", "dog,cat,sofa", "", {"p": True, "t": "2026-05-01T08:00:00"}),
    (
        "pets/wolf.jpg",
        "a dog in the snow",
        "dog,snow",
        "",
        {"caption_": "a grey wolf in the snow", "removed_": ["dog"]},
    ),
    (
        "pets/bruno.jpg",
        "a brown animal",
        "animal",
        "",
        {"added_": ["dog", "Grandma's"], "alt_": "Bruno sleeps by the stove"},
    ),
    ("pets/mouse.jpg", "a small mouse", "mouse,rodent", "", {"c": "gray"}),
    ("pets/house.jpg", "a small house with a garden", "house,garden", "", {}),
    ("pets/horse.jpg", "a horse in a paddock", "horse,paddock", "", {}),
    (
        "family/wedding/kiss.jpg",
        "a bride and groom kissing",
        "wedding,dress",
        "",
        {"p": True, "t": "2022-06-18T15:00:00"},
    ),
    ("family/wedding/cake.jpg", "a cake with candles", "cake,wedding", "Anna & Tom", {"t": "2022-06-18T17:00:00"}),
    ("family/wedding/speech.jpg", "a man holding a microphone", "suit", "", {"p": True, "t": "2022-06-18T19:30:00"}),
    ("family/weddings.txt.png", "a list on paper", "text", "wedding guests and seats", {"t": "2022-05-01T10:00:00"}),
    ("family/birthday.jpg", "a child blowing out candles", "cake,child", "", {"p": True, "t": "2021-02-28T16:00:00"}),
    ("family/SummerParty2019.jpg", "people in a garden", "garden,lawn", "", {"p": True, "t": "2019-08-10T16:00:00"}),
    ("boards/plan.jpg", "a whiteboard with writing", "whiteboard", "ship the new release on Friday", {}),
    ("boards/plan-2.jpg", "a whiteboard with writing", "whiteboard", "the release of the new ship", {}),
    ("boards/plan-3.jpg", "a whiteboard with writing", "whiteboard", "Friday: no new releases", {}),
    ("boards/flow.jpg", "a flow chart", "diagram", "begin -> check -> end", {}),
    ("boards/formula.jpg", "a blackboard", "blackboard", "E = mc² and ½ m v²", {}),
    ("boards/serial.jpg", "a label", "label", "S/N 90412237 Rev B", {}),
    ("boards/serial-2.jpg", "a label", "label", "S/N 90412238 Rev B", {}),
    ("boards/serial-3.jpg", "a label", "label", "S/N 9O412237 Rev C", {}),
    ("boards/mail.jpg", "a screenshot", "screenshot", "write to jane.doe@example.com today", {}),
    ("boards/mail-2.jpg", "a screenshot", "screenshot", "jane met example people; doe came later", {}),
    ("reports/annual.pdf", "", "", "turnover " * 60, {"k": "pdf", "more": True}),
    ("reports/minutes.pdf", "", "", "agenda " * 60, {"k": "pdf", "more": True}),
    ("reports/empty.pdf", "", "", "", {"k": "pdf"}),
    ("reports/contract.tiff", "", "", "This agreement is made between the lessor and the lessee", {"k": "tiff"}),
    ("reports/contract-2.tiff", "", "", "This agreement is void. The lessee and the lessor agree", {"k": "tiff"}),
    ("broken/torn.jpg", "", "", "", {"s": "failed"}),
    ("broken/cut.jpg", "", "", "", {"s": "failed"}),
    ("broken/late.jpg", "a bridge", "bridge", "", {"s": "deferred"}),
    ("broken/later.jpg", "", "", "", {"s": "deferred"}),
    ("broken/new.jpg", "", "", "", {"s": "pending"}),
    ("broken/failed.jpg", "a page of exam results", "text", "failed exams", {}),
    ("copies/sunset.jpg", "a sunset over hills", "sunset,hill", "", {"l": "c3a5966a5a69b4d2", "c": "orange"}),
    ("copies/sunset-small.jpg", "a sunset over hills", "sunset,hill", "", {"l": "c3a5966a5a69b4d0", "c": "orange"}),
    ("copies/sunset-bright.jpg", "a sunset", "sunset", "", {"l": "c3a5966a5a69b42e", "c": "yellow"}),
    ("copies/sunset-other.jpg", "a sunset over water", "sunset,water", "", {"l": "3c5a69955a69b4d2", "c": "orange"}),
    ("copies/white.jpg", "a blank page", "blank", "", {"l": "0000000000000000", "c": "white"}),
    ("copies/white-2.jpg", "a blank page", "blank", "", {"l": "0000000000000000", "c": "white"}),
    ("copies/black.jpg", "a dark picture", "dark", "", {"l": "ffffffffffffffff", "c": "black"}),
    ("dates/eve.jpg", "fireworks", "fireworks", "", {"t": "2020-12-31T23:59:59"}),
    ("dates/new-year.jpg", "fireworks", "fireworks", "", {"t": "2021-01-01T00:00:00"}),
    ("dates/leap.jpg", "a calendar", "calendar", "", {"t": "2020-02-29T12:00:00"}),
    ("dates/uploaded.jpg", "a calendar", "calendar", "", {"d": "2018-03-04T05:06:07+00:00"}),
    ("dates/both.jpg", "a calendar", "calendar", "", {"t": "2017-01-01T00:00:00", "d": "2026-11-01T00:00:00+00:00"}),
]

_PLACES = ("lagoon", "meadow", "canyon")
_THINGS = ("kayak", "tractor", "windmill", "balloon")
_COLOURS = ("blue", "cyan", "pink", "purple", "white")


def camera(number: int) -> tuple[str, str, str, str, dict[str, Any]]:
    """One of the camera's images; their numbers begin at 0."""
    place, thing = _PLACES[number % 3], _THINGS[number % 4]
    day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:30:00"
    special = {"t": day, "c": _COLOURS[number % 5], "k": "heic" if number % 10 == 0 else "jpeg"}
    caption = f"a {_COLOURS[number % 5]} {thing} near a {place}"
    return f"camera/{number % 2}/DSC{number:05}.jpg", caption, f"{thing},{place},outdoor", "", special


def entries() -> list[Entry]:
    """All, in the order of their names."""
    made = [_entry(number, *row) for number, row in enumerate(_rows())]
    assert len(made) == len({entry.stem for entry in made}) == COUNT
    return sorted(made, key=lambda entry: entry.stem)


def state_of(entry: Entry) -> str:
    """What the row says: here the note of one step tells the state of the whole."""
    return str(entry.part(f"{UNFINISHED}analysis").get("state", "complete"))


def _rows() -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    yield from ONES
    for number in range(COUNT - len(ONES)):
        yield camera(number)


def _entry(number: int, name: str, caption: str, tags: str, text: str, special: dict[str, Any]) -> Entry:
    image = {"name": name, "kind": special.get("k", name.rpartition(".")[2].replace("jpg", "jpeg")), "bytes": 1000}
    image["uploaded"] = special.get("d", "2026-11-20T08:00:00+00:00")
    parts: dict[str, Any] = {IMAGE: image | ({"taken": special["t"]} if "t" in special else {})}
    if caption or tags:
        parts[ANALYSIS] = {"e": f"a{number:04}", "caption": caption, "tags": tags.split(",")}
        parts[ANALYSIS] |= {"people": True} if special.get("p") else {}
    if text or special.get("k") == "pdf":
        parts[PLAIN] = {"e": f"p{number:04}", "words": text.strip(), "more": special.get("more", False)}
    look = {"look": special.get("l") or _look(number), "colour": special.get("c", "gray")}
    parts["thumbnail:200x150-smart.jpg"] = {"e": f"t{number:04}", **look}
    if "s" in special:
        parts[f"{UNFINISHED}analysis"] = {"e": f"u{number:04}", "state": special["s"]}
    corrected = {key.removesuffix("_"): value for key, value in special.items() if key.endswith("_")}
    if corrected:
        parts[CORRECTION] = {"e": f"c{number:04}", **corrected}
    return Entry(name, parts, dict.fromkeys(parts, AT))


def _look(number: int) -> str:
    """Looks that are far from each other: the digits of a product that overflows."""
    return f"{(number + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1:016x}"
