"""The SDK's client inside of functions: what it asks of the host, over the address without a key."""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles.durable_apps import API, DurableApp, status, wait_custom_status, wait_finished
from doubles.hosting import Host

CALL = """
    async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
        client = df.DurableOrchestrationClient(starter)
        try:
            result = await call(client, req, req.params.get("id"))
        except Exception as error:
            result = {"error": str(error)}
        return result if isinstance(result, func.HttpResponse) else func.HttpResponse(json.dumps(result))
    """
CALLS = {
    "Start": "return await client.start_new('Waiting', id_, {'a': 1})",
    "StartUnknown": "return await client.start_new('Nowhere')",
    "Status": "return (await client.get_status(id_, show_history=True)).to_json()",
    "Falsy": "return bool(await client.get_status('nowhere'))",
    "Terminate": "return await client.terminate(id_, 'no longer needed')",
    "Purge": "return (await client.purge_instance_history(id_)).instances_deleted",
    "PurgeBy": """
        statuses = [df.OrchestrationRuntimeStatus.Terminated]
        return (await client.purge_instance_history_by(datetime(2020, 1, 1), None, statuses)).instances_deleted
    """,
    "All": "return sorted(status.instance_id for status in await client.get_status_all())",
    "By": """
        found = await client.get_status_by(instance_id_prefix="by-")
        return [status.instance_id for status in found]
    """,
    "Check": "return client.create_check_status_response(req, await client.start_new('Waiting'))",
    "Wait": """
        id_ = await client.start_new("Quick")
        return await client.wait_for_completion_or_create_check_status_response(req, id_, 5000, 50)
    """,
    "Event": "return await client.raise_event(id_, 'go', 1)",
}


def code_of(body: str) -> str:
    lines = "\n".join(f"        {line.strip()}" for line in body.strip().splitlines())
    return f"    async def call(client, req, id_):\n{lines}\n{CALL}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    app = DurableApp(tmp_path_factory.mktemp("client"))
    for name, body in CALLS.items():
        app.starter(name, code_of(body))
    app.orchestrator(
        "Waiting",
        """
        def run(context):
            context.set_custom_status(context.get_input())
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        """,
    )
    app.orchestrator("Quick", "def run(context):\n    return {'quick': True}\n    yield\n")
    with app.running() as host:
        yield host
        assert host.terminate() == 0, "".join(host.log)
        assert "Unclosed" not in "".join(host.log)


def call(host: Host, name: str, instance_id: str = "") -> Any:
    answer = host.request("GET", f"/api/{name}?id={instance_id}")
    assert answer.status == 200, (answer.text, "".join(host.log))
    return answer.json()


def started(host: Host, instance_id: str) -> str:
    assert call(host, "Start", instance_id) == instance_id
    wait_custom_status(host, instance_id, {"a": 1})
    return instance_id


def test_start_new_returns_the_id_and_hands_the_input_over(host: Host) -> None:
    started(host, "start")


def test_start_new_on_a_live_id_raises(host: Host) -> None:
    started(host, "twice")
    error = call(host, "Start", "twice")["error"]
    assert "An Orchestration instance with the status Running already exists." in error


def test_start_new_of_an_unknown_orchestrator_raises_the_reason(host: Host) -> None:
    assert "The function 'Nowhere' doesn't exist" in call(host, "StartUnknown")["error"]


def test_get_status_tells_what_the_instance_does(host: Host) -> None:
    started(host, "status")
    found = call(host, "Status", "status")
    assert (found["name"], found["runtimeStatus"], found["customStatus"]) == ("Waiting", "Running", {"a": 1})


def test_get_status_of_an_unknown_instance_is_falsy(host: Host) -> None:
    assert call(host, "Falsy") is False


def test_terminate_ends_the_instance_and_is_silent_when_it_has_ended(host: Host) -> None:
    started(host, "terminate")
    assert call(host, "Terminate", "terminate") is None
    assert wait_finished(host, "terminate", "Terminated")["output"] == "no longer needed"
    assert call(host, "Terminate", "terminate") is None
    assert "No instance with ID" in call(host, "Terminate", "nowhere")["error"]


def test_purge_deletes_what_has_finished(host: Host) -> None:
    started(host, "purge")
    assert call(host, "Purge", "purge") == 0
    call(host, "Terminate", "purge")
    wait_finished(host, "purge", "Terminated")
    assert call(host, "Purge", "purge") == 1
    assert call(host, "Purge", "purge") == 0


def test_purge_by_status_and_time_returns_how_many(host: Host) -> None:
    call(host, "PurgeBy")
    for name in ("purge1", "purge2"):
        started(host, name)
        call(host, "Terminate", name)
        wait_finished(host, name, "Terminated")
    assert call(host, "PurgeBy") == 2


def test_instances_are_listed_whole_and_by_prefix(host: Host) -> None:
    for name in ("by-1", "by-2", "other"):
        started(host, name)
    assert call(host, "By") == ["by-1", "by-2"]
    assert {"by-1", "by-2", "other"} <= set(call(host, "All"))


def test_check_status_response_points_to_the_public_address_by_the_callers_origin(host: Host) -> None:
    answer = host.request("GET", "/api/Check", headers={"Host": "example.test:81"})
    assert (answer.status, answer.header("Retry-After")) == (202, "10")
    prefix = f"http://example.test:81{API}/instances/{answer.json()['id']}?"
    assert (answer.header("Location") or "").startswith(prefix)
    assert status(host, answer.json()["id"])["name"] == "Waiting"


def test_wait_for_completion_returns_the_output(host: Host) -> None:
    assert call(host, "Wait") == {"quick": True}


def test_raising_an_event_is_refused_aloud(host: Host) -> None:
    started(host, "event")
    assert "501" in call(host, "Event", "event")["error"]
