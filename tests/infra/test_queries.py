"""
Every query of alerts, workbook and documentation names only what there is; and what uses a query names one.

Misspelling a table, a column, an event, a field, a function or a code is noticed.
"""

import json
import re
from pathlib import Path

import pytest
from doubles import kql, log_events
from doubles.doc_blocks import PAGES, blocks

PROJECT = Path(__file__).resolve().parents[2]
INFRA = PROJECT / "infra"
FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(INFRA.glob("queries/*.kql"))}
FENCES = {str(block): block.text for page in PAGES for block in blocks(page) if block.kind == "kusto"}
ALERTS, WORKBOOK = ((INFRA / f"{name}.bicep").read_text(encoding="utf-8") for name in ("alerts", "workbook"))
LOADED = re.compile(r"loadTextContent\('queries/(\w+)\.kql'\)")
EVENTS = log_events.logged()
# learn.microsoft.com, Supported metrics with Azure Monitor: name, and how it adds up.
METRICS = {
    "Microsoft.EventGrid/systemTopics": {"DeadLetteredCount": "Total", "DroppedEventCount": "Total"},
    "Microsoft.Storage/storageAccounts/queueServices": {"QueueMessageCount": "Average"},
}


@pytest.mark.parametrize("query", [*FILES.values(), *FENCES.values()], ids=[*FILES, *FENCES])
def test_a_query_names_only_what_there_is(query: str) -> None:
    assert kql.problems(query, EVENTS) == []


@pytest.mark.parametrize("query", [*FILES.values(), *FENCES.values()], ids=[*FILES, *FENCES])
def test_a_query_works_on_a_new_workspace_and_with_sampled_lines(query: str) -> None:
    code = re.sub(r"//.*", "", query).strip()
    assert code.startswith("union isfuzzy=true")
    assert "count()" not in code, "a sampled line stands for itemCount of them"


def test_every_query_is_used_once() -> None:
    assert sorted([*LOADED.findall(ALERTS), *LOADED.findall(WORKBOOK)]) == sorted(FILES)


def test_the_workbook_fills_in_every_query_that_its_parts_name() -> None:
    parts = json.loads((INFRA / "workbook.json").read_text(encoding="utf-8"))["items"]
    named = [part["content"]["query"] for part in parts if "query" in part["content"]]
    filled = re.findall(r"^  (\w+): loadTextContent\('queries/(\w+)\.kql'\)$", WORKBOOK, re.MULTILINE)
    assert sorted(named) == [name for name, _ in filled]
    assert [name for name, file in filled if name != file] == []
    [times] = [part["content"]["parameters"][0]["name"] for part in parts if part["type"] == 9]
    assert {part["content"]["timeContextFromParameter"] for part in parts if part["type"] == 3} == {times}
    assert len({part["name"] for part in parts}) == len(parts)


def test_every_alert_is_explained_and_no_other() -> None:
    keys = {*re.findall(r"key: '(\w+)'", ALERTS), *re.findall(r"'alert-(\w+)-\$\{token\}'", ALERTS)}
    explained = re.findall(r"^### `alert-(\w+)`$", (PROJECT / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(keys)
    assert set(LOADED.findall(ALERTS)) <= keys, "the file of a rule has its name"


def test_an_alert_on_a_metric_names_one_that_there_is() -> None:
    metrics = {name: adds for each in METRICS.values() for name, adds in each.items()}
    named = re.findall(r"(?:metric|metricName): '(\w+)'", ALERTS)
    spaces = re.findall(r"metricNamespace: '([^']+)'", ALERTS)
    aggregations = re.findall(r"metricNamespace: '([^']+)'.*?timeAggregation: '(\w+)'", ALERTS, re.DOTALL)
    assert sorted(named) == sorted(metrics)
    assert sorted(spaces) == sorted(METRICS)
    assert all(set(METRICS[space].values()) == {adds} for space, adds in aggregations)


def test_a_rule_on_the_log_needs_no_table_when_it_is_made_and_ends_by_itself() -> None:
    [rule] = re.findall(r"^resource \w+ 'Microsoft\.Insights/scheduledQueryRules@.*?^\}\]?$", ALERTS, re.DOTALL | re.M)
    assert "skipQueryValidation: true" in rule
    assert "autoMitigate: true" in rule


def test_the_page_tells_from_where_on_lines_are_sampled() -> None:
    sampling = json.loads((PROJECT / "host.json").read_text())["logging"]["applicationInsights"]["samplingSettings"]
    text = (PROJECT / "docs" / "monitoring.md").read_text()
    assert f"about {sampling['maxTelemetryItemsPerSecond']} traces a second" in text
    assert sampling["excludedTypes"] == "Request;Exception"
    assert "Requests and exceptions are all kept." in text


@pytest.mark.parametrize(
    ("file", "right", "wrong", "found"),
    [
        ("spending", "traces", "trace", "trace is no table"),
        ("failures", "(requests", "(request", "request is no table"),
        ("functions", "duration", "durations", "durations is no table, column"),
        ("uploads", "success", "succes", "succes is no table, column"),
        ("exceptions", "outerMessage", "message", "message is no table, column"),
        ("unfinished", "by blob, what", "by blob, which", "which is no table, column"),
        ("spending", '"spending.neared "', '"spending.near "', "spending.near is no event"),
        ("latency", '"step.done "', '"steps.done "', "steps.done is no event"),
        ("reasons", '"text."', '"texts."', "texts. is no event"),
        ("transactions", "(of_month: long)", "(month: long)", "month is no field"),
        ("latency", "step=(", "steps=(", "steps is no field"),
        ("appointments", "seconds: real", "second: real", "second is no field"),
        ("lost", "without_result: long", "without_results: long", "without_results is no field"),
        ("comparisons", "older: long", "old: long", "old is no field"),
        ("lost", "reconciliation.ended", "reconciliation.end", "reconciliation.end is no event"),
        ("uploads", '"AnalyzeOnUpload"', '"AnalyseOnUpload"', "AnalyseOnUpload is no function"),
        ("appointments", '"image_archived"', '"image_archive"', "image_archive is no code"),
        ("poison", '"bad_name"', '"bad_names"', "bad_names is no code"),
        ("throttling", "isempty", "isempy", "isempy is no table, column or word"),
        ("uploads", "isfuzzy", "isfuzy", "isfuzy is no table, column or word"),
    ],
)
def test_a_misspelt_name_is_noticed(file: str, right: str, wrong: str, found: str) -> None:
    assert right in FILES[file]
    told = kql.problems(FILES[file].replace(right, wrong), EVENTS)
    assert any(each.startswith(found) for each in told), told


def test_an_event_that_is_renamed_in_the_code_is_noticed() -> None:
    renamed = {name.replace("step.done", "step.finished"): event for name, event in EVENTS.items()}
    concerned = {name for name, query in FILES.items() if kql.problems(query, renamed)}
    assert concerned == {"latency", "latency_over_time", "unfinished"}
