"""What orchestrators of azure-functions-durable get from the local host while nothing goes wrong with the host."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.durable_apps import DurableApp, finish
from doubles.hosting import Host


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> DurableApp:
    app = DurableApp(tmp_path_factory.mktemp("orchestrations"))
    app.activity("Double", "def main(payload: dict) -> dict:\n    return {'n': payload['n'] * 2}\n")
    app.orchestrator(
        "Chain",
        """
        def run(context):
            number = context.get_input()
            for _ in range(3):
                number = yield context.call_activity("Double", number)
            return number
        """,
    )
    return app


@pytest.fixture(scope="module")
def host(app: DurableApp) -> Iterator[Host]:
    with app.running() as host:
        yield host


def test_activities_run_one_after_the_other_on_each_others_results(host: Host) -> None:
    assert finish(host, "Chain", {"n": 1})["output"] == {"n": 8}
