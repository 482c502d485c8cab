"""The page on monitoring has every event of the code with its levels and fields, and no other."""

import hashlib
import re
from pathlib import Path

import pytest
from doubles import log_events

from shared import log

PAGE = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
ROW = re.compile(r"^\| `([a-z]+\.[a-z_]+)` \| ([A-Z or]+) \| ?([a-z_` ]*) ?\| (.+) \| (.+) \|$")


def table() -> dict[str, tuple[set[str], set[str]]]:
    rows = [found for line in PAGE.read_text(encoding="utf-8").splitlines() if (found := ROW.match(line))]
    return {row[1]: (set(row[2].split(" or ")), set(re.findall(r"`(\w+)`", row[3]))) for row in rows}


def test_every_event_is_documented_with_its_levels_and_fields_and_no_other() -> None:
    logged = log_events.logged()
    assert {"step.done", "text.stored", "spending.neared", "request.crashed"} <= set(logged)
    assert table() == {name: (event.levels, event.fields - {log_events.ADDED}) for name, event in logged.items()}
    assert all(log_events.ADDED in event.fields for event in logged.values())


def test_of_every_field_it_is_known_whether_it_has_names() -> None:
    """A field that is not known becomes a digest with LOG_NAMES=hash, so that it tells nothing."""
    kinds = (log.NAMES, log.TEXTS, log.PLAIN)
    fields = frozenset().union(*(event.fields for event in log_events.logged().values()))
    assert fields == frozenset().union(*kinds)
    assert sum(len(kind) for kind in kinds) == len(fields), "one is of two kinds"


def test_the_digest_of_the_example_is_the_one_in_the_log() -> None:
    text = PAGE.read_text(encoding="utf-8")
    name = re.search(r"printf %s '([^']+)' \| sha256sum \| cut -c 1-16", text)
    assert name
    assert f"blob={log.digest_of(name[1])} " in text
    assert log.digest_of(name[1]) == f"sha256:{hashlib.sha256(name[1].encode()).hexdigest()[:16]}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('log.event(_logger, "a.done" if b else "a.left", blob=1)', {"a.done": "INFO", "a.left": "INFO"}),
        ('log.event(_logger, "a.done", level=logging.ERROR)', {"a.done": "ERROR"}),
        ('_logger.error("a.done correlation=%s", c)', {"a.done": "ERROR"}),
        ('log_event(job, "a.done", code=1)', {"a.done": "INFO"}),
    ],
)
def test_an_event_is_found_however_it_is_logged(code: str, found: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(code)
    events = log_events.logged((tmp_path / "a.py",))
    assert {name: "".join(event.levels) for name, event in events.items()} == found


@pytest.mark.parametrize("code", ['log.event(_logger, f"a.{b}")', '_logger.info("hello")'])
def test_an_event_that_cannot_be_looked_up_is_refused(code: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(code)
    with pytest.raises(AssertionError):
        log_events.logged((tmp_path / "a.py",))
