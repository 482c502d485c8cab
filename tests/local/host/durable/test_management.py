"""The management API over HTTP: what callers with the key, and the SDK without it, can ask."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from doubles.durable_apps import API, DurableApp, finish, start, start_id, status, wait_custom_status, wait_finished
from doubles.hosting import Host, Response

WAITING = """
    def run(context):
        context.set_custom_status("waiting")
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    """


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    app = DurableApp(tmp_path_factory.mktemp("management"), extensions={"durableTask": {"hubName": "TestHub1"}})
    app.orchestrator("Waiting", WAITING)
    app.orchestrator(
        "Echo",
        """
        def run(context):
            result = yield context.call_activity("Repeat", context.get_input())
            return result
        """,
    )
    app.orchestrator("Fail", "def run(context):\n    raise ValueError('on purpose')\n    yield\n")
    app.activity("Repeat", "def main(payload):\n    return payload\n")
    with app.running() as host:
        yield host
        assert host.terminate() == 0, "".join(host.log)


def delete(host: Host, target: str) -> Response:
    return host.request("DELETE", API + target)


def waiting(host: Host, instance_id: str = "") -> str:
    instance = start_id(host, "Waiting", None, instance_id)
    wait_custom_status(host, instance, "waiting")
    return instance


def test_start_answers_with_the_addresses_of_the_new_instance(host: Host) -> None:
    answer = start(host, "Waiting", None, "addresses")
    content = answer.json()
    assert (answer.status, answer.header("Retry-After"), content["id"]) == (202, "10", "addresses")
    assert answer.header("Location") == content["statusQueryGetUri"]
    base = f"http://localhost:{host.port}{API}/instances/addresses"
    assert content["statusQueryGetUri"].startswith(f"{base}?taskHub=TestHub1&connection=Storage&code=")
    assert content["terminatePostUri"].startswith(f"{base}/terminate?reason={{text}}&taskHub=TestHub1")
    assert set(content) == {
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    }


def test_input_posted_as_plain_json_reaches_the_orchestrator(host: Host) -> None:
    answer = host.request("POST", f"{API}/orchestrators/Echo", '{"a": "Ä"}'.encode())
    found = wait_finished(host, answer.json()["id"])
    assert (found["input"], found["output"]) == ({"a": "Ä"}, {"a": "Ä"})


def test_start_can_wait_for_the_result(host: Host) -> None:
    wait = "timeout=10&pollingInterval=1"
    answer = host.request("POST", f"{API}/orchestrators/Echo?{wait}", '{"a": 1}')
    assert (answer.status, answer.json()) == (200, {"a": 1})
    answer = host.request("POST", f"{API}/orchestrators/Fail?{wait}")
    assert (answer.status, answer.json()["runtimeStatus"]) == (200, "Failed")


def test_start_waits_no_longer_than_asked_for(host: Host) -> None:
    answer = host.request("POST", f"{API}/orchestrators/Waiting?timeout=1&pollingInterval=1")
    assert (answer.status, "statusQueryGetUri" in answer.json()) == (202, True)


def test_start_of_a_live_id_is_refused_and_leaves_the_instance_alone(host: Host) -> None:
    instance = waiting(host, "live")
    answer = start(host, "Echo", 1, instance)
    assert answer.status == 500
    assert answer.json()["ExceptionMessage"] == "An Orchestration instance with the status Running already exists."
    assert status(host, instance)["name"] == "Waiting"


def test_start_of_a_finished_id_replaces_the_instance(host: Host) -> None:
    for number in (1, 2):
        assert wait_finished(host, start_id(host, "Echo", number, "again"))["output"] == number


def test_start_of_an_unknown_orchestrator_is_refused_with_the_known_ones(host: Host) -> None:
    answer = start(host, "Nowhere")
    assert answer.status == 400
    assert "the following are the known orchestrator functions: 'Echo', 'Fail', 'Waiting'." in answer.text


def test_start_with_broken_json_is_refused(host: Host) -> None:
    answer = host.request("POST", f"{API}/orchestrators/Echo", "{")
    assert (answer.status, answer.json()["Message"]) == (400, "Invalid JSON content")


@pytest.mark.parametrize("instance_id", ["@a", "a%23b", "a%5Cb", "a%0Ab", "x" * 257])
def test_start_with_an_id_that_azure_refuses_is_refused(host: Host, instance_id: str) -> None:
    answer = host.request("POST", f"{API}/orchestrators/Echo/{instance_id}")
    assert (answer.status, answer.json()["ExceptionType"]) == (400, "System.ArgumentException")


def test_status_of_a_running_instance_says_where_to_ask_again(host: Host) -> None:
    instance = waiting(host)
    answer = host.request("GET", f"{API}/instances/{instance}?showInput=false")
    assert (answer.status, answer.header("Retry-After")) == (202, "5")
    assert answer.header("Location") == f"{host.url}{API}/instances/{instance}?showInput=false"


def test_status_of_an_unknown_instance_is_not_found(host: Host) -> None:
    answer = host.request("GET", f"{API}/instances/nowhere")
    assert (answer.status, answer.body) == (404, b"")


def test_status_of_a_failed_instance_is_500_only_when_asked_for(host: Host) -> None:
    instance = finish(host, "Fail", expected="Failed")["instanceId"]
    for query, expected in (("", 200), ("?returnInternalServerErrorOnFailure=true", 500)):
        assert host.request("GET", f"{API}/instances/{instance}{query}").status == expected


def test_input_is_hidden_on_request(host: Host) -> None:
    instance = finish(host, "Echo", {"a": 1})["instanceId"]
    assert status(host, instance)["input"] == '{"a": 1}'
    assert status(host, instance, "?showInput=false")["input"] is None


def test_history_tells_each_activity_once_and_its_result_on_request(host: Host) -> None:
    instance = finish(host, "Echo", "x")["instanceId"]
    events = status(host, instance, "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in events] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert [event.get("FunctionName") for event in events] == ["Echo", "Repeat", None]
    assert "ScheduledTime" in events[1]
    assert "Result" not in events[1]
    events = status(host, instance, "?showHistory=true&showHistoryOutput=true")["historyEvents"]
    assert events[1]["Result"] == "x"
    assert events[2]["OrchestrationStatus"] == "Completed"


@pytest.mark.parametrize("reason", ["no more", "[" * 5000, "[" * 500 + "]" * 500])
def test_terminate_ends_a_waiting_instance_with_the_reason(host: Host, reason: str) -> None:
    instance = waiting(host)
    assert host.request("POST", f"{API}/instances/{instance}/terminate?reason={quote(reason, '[]')}").status == 202
    found = wait_finished(host, instance, "Terminated")
    assert found["output"] == reason
    assert host.request("POST", f"{API}/instances/{instance}/terminate?reason=again").status == 410
    assert host.request("POST", f"{API}/instances/nowhere/terminate").status == 404


def test_purge_deletes_a_finished_instance_and_no_live_one(host: Host) -> None:
    instance = finish(host, "Echo", 1)["instanceId"]
    assert delete(host, f"/instances/{instance}").json() == {"instancesDeleted": 1}
    assert delete(host, f"/instances/{instance}").status == 404
    live = waiting(host)
    assert delete(host, f"/instances/{live}").status == 404
    assert status(host, live)["runtimeStatus"] == "Running"


def test_list_is_paged_by_a_token_and_filtered(host: Host) -> None:
    for number in range(5):
        wait_finished(host, start_id(host, "Echo", number, f"page-{number}"))
    waiting(host, "page-live")
    found: list[str] = []
    headers: dict[str, str] = {}
    query = f"{API}/instances/?instanceIdPrefix=page-&top=2"
    while True:
        answer = host.request("GET", query, headers=headers)
        page = [instance["instanceId"] for instance in answer.json()]
        assert len(page) <= 2
        found += page
        token = answer.header("x-ms-continuation-token")
        if token is None:
            break
        headers = {"x-ms-continuation-token": token}
    assert found == [*(f"page-{number}" for number in range(5)), "page-live"]
    running = host.request("GET", f"{API}/instances?instanceIdPrefix=page-&runtimeStatus=Running,Pending").json()
    assert [instance["instanceId"] for instance in running] == ["page-live"]
    assert host.request("GET", f"{API}/instances?runtimeStatus=Canceled").json() == []


def test_list_and_purge_by_time_of_creation(host: Host) -> None:
    assert host.request("GET", f"{API}/instances?createdTimeFrom=2999-01-01T00:00:00Z").json() == []
    wait_finished(host, start_id(host, "Echo", 1, "old"))
    live = waiting(host)
    assert delete(host, "/instances/?createdTimeFrom=2999-01-01T00:00:00Z").status == 404
    answer = delete(host, "/instances/?createdTimeFrom=2020-01-01T00:00:00.000000Z&runtimeStatus=Completed")
    assert answer.json()["instancesDeleted"] >= 1
    assert host.request("GET", f"{API}/instances/old").status == 404
    assert status(host, live)["runtimeStatus"] == "Running"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "/instances"),
        ("GET", "/instances?top=0"),
        ("GET", "/instances?createdTimeFrom=yesterday"),
        ("GET", "/instances?runtimeStatus=Happy"),
        ("POST", "/orchestrators/Echo?timeout=soon&pollingInterval=1"),
    ],
)
def test_senseless_parameters_are_refused(host: Host, method: str, target: str) -> None:
    assert host.request(method, API + target).status == 400


@pytest.mark.parametrize(
    "target",
    ["raiseEvent/go", "suspend?reason=x", "resume?reason=x", "rewind?reason=x", "restart"],
)
def test_what_is_not_run_is_refused_with_advice(host: Host, target: str) -> None:
    answer = host.request("POST", f"{API}/instances/any/{target}", "{}")
    assert answer.status == 501
    assert "This local host does not run" in answer.json()["Message"]


def test_anything_else_is_not_found(host: Host) -> None:
    for method, target in (("GET", "/nothing"), ("PUT", "/instances/a"), ("GET", "")):
        assert host.request(method, API + target).status == 404


def test_with_keys_the_public_address_wants_the_durable_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = DurableApp(tmp_path_factory.mktemp("keys"))
    app.orchestrator("Waiting", WAITING)
    with app.running("--enable-auth") as host:
        keys = json.loads((app.state / "host" / "keys.json").read_text())
        code = keys["systemKeys"]["durabletask_extension"]
        assert host.request("POST", f"{API}/orchestrators/Waiting").status == 401
        wrong = keys["systemKeys"]["blobs_extension"]
        assert host.request("POST", f"{API}/orchestrators/Waiting?code={wrong}").status == 401
        answer = host.request("POST", f"{API}/orchestrators/Waiting?code={code}")
        assert answer.status == 202
        assert answer.json()["statusQueryGetUri"].endswith(f"code={code}")
