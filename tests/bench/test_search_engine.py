"""The search over synthetic images in small: what its queries find. Times are `python -m bench.search_engine`'s."""

from bench import search_engine
from shared.search.query import parse


def test_each_query_has_a_row_and_most_of_them_find_images() -> None:
    of = search_engine.made(400)
    asked = search_engine.queries(of)
    found = search_engine.section(images=400)
    totals = {row.split("|")[1].strip(" `"): int(row.split("|")[2]) for row in found.text.splitlines()[-len(asked) :]}
    assert totals.keys() == set(asked)
    assert totals[""] == 400
    assert sum(total > 0 for total in totals.values()) >= 15
    assert max(totals.values()) == 400
    assert [goal.what for goal in found.goals] == ["query over 400 images, p95", "memory of 400 images"]


def test_the_same_images_are_made_each_time() -> None:
    assert search_engine.made(50) == search_engine.made(50)


def test_queries_ask_for_each_kind_of_term() -> None:
    fields = {term.field for asked in search_engine.queries(search_engine.made(400)) for term in parse(asked).terms}
    assert {"", "tag", "text", "folder", "before", "after", "is", "has", "colour", "same"} <= fields
