"""
60 queries over 400 synthetic images: what each finds, all of it and nothing else.

Each was written before the code. Behind what a query finds stands what it must not find and could be taken for a match.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from doubles import search_images
from doubles.parts import ENVIRONMENT

from shared.search.engine import Engine
from shared.search.query import parse
from shared.settings import Settings


class Case(NamedTuple):
    """A query, the names that it finds (all of them), and some that it must not find."""

    asked: str
    finds: set[str]
    never: set[str]


def below(folder: str, *files: str) -> set[str]:
    return {f"{folder}/{file}" for file in files}


def camera(chosen: Callable[[int], bool]) -> set[str]:
    return {search_images.camera(number)[0] for number in range(300) if chosen(number)}


INVOICES = below("invoices/2026", *(f"acme-01{number}.png" for number in (17, 18, 19, 20, 21)))
EVERY = {entry.name for entry in search_images.entries()}
CASES = [
    # Misread letters: one is another one, too few, too many, or two are swapped; in words of five and more.
    Case("invoice", INVOICES | below("invoices/2025", "voice.png", "receipt.png", "receipt-2.png"), set()),
    Case("text:invoice", INVOICES, below("invoices/2025", "voice.png")),
    Case('text:"invoice"', below("invoices/2026", "acme-0117.png"), below("invoices/2026", "acme-0118.png")),
    Case("receipt total", below("invoices/2025", "receipt.png", "receipt-2.png"), INVOICES),
    Case("tag:reciept", below("invoices/2025", "receipt.png", "receipt-2.png"), set()),
    Case("mouse", below("pets", "mouse.jpg", "house.jpg"), below("pets", "horse.jpg")),
    Case('"mouse"', below("pets", "mouse.jpg"), below("pets", "house.jpg")),
    Case("tag:mouse", below("pets", "mouse.jpg"), below("pets", "house.jpg")),
    Case("espreso", below("travel/Paris", "cafe\u0301-2.jpg"), set()),
    Case("caat", set(), below("pets", "minka.jpg")),
    Case("90412237", below("boards", "serial.jpg", "serial-3.jpg"), below("boards", "serial-2.jpg")),
    Case("Kievskaja", set(), below("кириллица", "метро-2.jpg")),
    # Umlauts, accents and letters with strokes.
    Case("munchen", below("travel/München", "marienplatz.jpg", "olympia.jpg"), set()),
    Case("MÜNCHEN olympiapark", below("travel/München", "olympia.jpg"), below("travel/München", "marienplatz.jpg")),
    Case("zuerich", below("travel/Zürich", "see.jpg"), set()),
    Case("koelner dom", below("travel/Köln", "dom.jpg"), set()),
    Case("tuer", below("signs", "tuer.jpg", "tuer-2.jpg"), set()),
    Case("tür", below("signs", "tuer.jpg", "tuer-2.jpg"), set()),
    Case("poet", below("signs", "poet.jpg"), below("signs", "pot.jpg")),
    Case("goethestrasse", below("signs", "strasse.jpg", "strasse-2.jpg"), set()),
    Case("Goethestraße 14", below("signs", "strasse-2.jpg"), below("signs", "strasse.jpg")),
    Case("lodz", {"travel/Łódź/rynek.jpg"}, set()),
    Case("ÅRHUS", {"travel/Århus/havn.jpg"}, set()),
    Case("oresund", {"travel/Øresund/broen.jpg"}, set()),
    Case("cafe", below("travel/Paris", "café.jpg", "cafe\u0301-2.jpg"), set()),
    Case("text:café -moulins", below("travel/Paris", "café.jpg"), below("travel/Paris", "cafe\u0301-2.jpg")),
    # Cyrillic and Greek.
    Case("книги", below("кириллица", "вывеска.jpg"), below("кириллица", "вывеска-2.jpg")),
    Case("книжный магазин", below("кириллица", "вывеска-2.jpg"), below("кириллица", "вывеска.jpg")),
    Case("СТАНЦИЯ", below("кириллица", "метро.jpg", "метро-2.jpg"), set()),
    Case('"станция"', below("кириллица", "метро.jpg"), below("кириллица", "метро-2.jpg")),
    Case("ёлка", below("кириллица", "ёлка.jpg", "елка-2.jpg"), set()),
    Case("ταβερνα", below("ελληνικά", "ταβέρνα.jpg"), below("ελληνικά", "πλατεία.jpg")),
    # Scripts without spaces, wide and narrow forms, points and marks.
    Case("東京", below("日本", "東京駅.jpg"), below("日本", "京都.jpg")),
    Case("京", below("日本", "東京駅.jpg", "京都.jpg") | below("中国", "北京大学.jpg", "北大.jpg"), set()),
    Case("北京", below("中国", "北京大学.jpg"), below("中国", "北大.jpg")),
    Case("火锅 -重庆", set(), below("中国", "火锅.jpg")),
    Case("カラオケ", below("日本", "看板.jpg", "看板-2.jpg"), set()),
    Case("sale 70", below("日本", "広告.jpg"), set()),
    Case("서울역", below("한국", "서울역.jpg"), below("한국", "부산.jpg")),
    Case("ตลาด", {"ไทย/ตลาด.jpg"}, set()),
    Case("दिल्ली", {"भारत/स्टेशन.jpg"}, set()),
    Case("ירושלים", {"ישראל/שלט.jpg"}, set()),
    Case("مطعم", {"مصر/لافتة.jpg"}, set()),
    # Phrases.
    Case('"new release"', below("boards", "plan.jpg"), below("boards", "plan-2.jpg", "plan-3.jpg")),
    Case('"the lessor and the lessee"', below("reports", "contract.tiff"), below("reports", "contract-2.tiff")),
    Case("jane.doe@example.com", below("boards", "mail.jpg"), below("boards", "mail-2.jpg")),
    Case('"auditor of ravensburg"', below("reports", "annual.pdf"), set()),
    Case("lukasz carried", below("reports", "minutes.pdf"), set()),
    # Negations.
    Case("dog -cat", below("pets", "rex.jpg", "rex-2.jpg", "hot-dog.jpg", "bruno.jpg"), below("pets", "both.jpg")),
    Case('sign -"stop sign" is:complete exit -tag:shop', below("signs", "exit.jpg", "exit-2.jpg"), set()),
    Case("wedding -has:people", below("family/wedding", "cake.jpg") | {"family/weddings.txt.png"}, set()),
    Case("-folder:camera -has:text is:failed", below("broken", "torn.jpg", "cut.jpg"), below("broken", "failed.jpg")),
    # Fields, corrections, dates.
    Case("tag:dog", below("pets", "rex.jpg", "rex-2.jpg", "both.jpg", "bruno.jpg"), below("pets", "hot-dog.jpg")),
    Case('tag:"hot dog"', below("pets", "hot-dog.jpg"), below("pets", "rex.jpg")),
    Case('wolf OR "by the stove"', set(), below("pets", "wolf.jpg", "bruno.jpg")),
    Case("grey wolf", below("pets", "wolf.jpg"), set()),
    Case("folder:family/wedding", below("family/wedding", "kiss.jpg", "cake.jpg", "speech.jpg"), set()),
    Case("fireworks before:2021", below("dates", "eve.jpg"), below("dates", "new-year.jpg")),
    Case(
        "after:2020-02 before:2021-03",
        below("dates", "eve.jpg", "new-year.jpg", "leap.jpg") | {"family/birthday.jpg"},
        below("dates", "both.jpg"),
    ),
    Case(
        'same:"copies/sunset-small.jpg"',
        below("copies", "sunset.jpg", "sunset-small.jpg", "sunset-bright.jpg"),
        below("copies", "sunset-other.jpg"),
    ),
]
ON_THE_CAMERA = [
    Case("windmill -lagoon", camera(lambda n: n % 4 == 2 and n % 3), camera(lambda n: n % 3 == 0)),
    Case("baloon tag:canyon after:2025-12", camera(lambda n: n % 4 == 3 and n % 3 == 2 and n % 12 == 11), set()),
    Case("tag:outdoor", camera(lambda n: True), {"signs/exit.jpg"}),
    Case("folder:camera/1 DSC00007", camera(lambda n: n == 7), camera(lambda n: n != 7)),
    Case("summer party", {"family/SummerParty2019.jpg"}, set()),
    Case("is:deferred", below("broken", "late.jpg", "later.jpg"), set()),
    Case("", EVERY, set()),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine(Settings.from_env(ENVIRONMENT), state_of=lambda entry, _: search_images.state_of(entry))
    made.replace("", None, search_images.entries())
    for stem, e in made.texts_wanted(10):
        made.add_text(stem, e, search_images.WHOLE_TEXTS[stem])
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES + ON_THE_CAMERA, ids=lambda case: case.asked)
def test_a_query_finds_what_it_must_and_nothing_else(engine: Engine, case: Case) -> None:
    assert case.finds <= EVERY
    assert case.never <= EVERY - case.finds
    found = engine.find(parse(case.asked), limit=search_images.COUNT)
    names = [hit.entry.name for hit in found.hits]
    assert sorted(names) == sorted(case.finds)
    assert found.total == len(case.finds)


def test_there_are_enough_queries() -> None:
    assert len(CASES) == 60
    assert len({case.asked for case in CASES + ON_THE_CAMERA}) == 67
