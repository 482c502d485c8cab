"""The contract against the real stack with keys: what it says is possible is asked, and what it says is not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import contract_fuzz
from doubles.calls import call
from doubles.fuzz import EXAMPLES
from doubles.judged_answers import DOCUMENT
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.vision_calls import SAMPLES

from local.addresses import Addresses

# Of each kind, for each operation, beside those that follow from the document one by one.
EXAMPLES_OF_EACH = max(2, EXAMPLES // 40)
IMAGES = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.jpg"))[:4]}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path / "state")
    stack.start("--enable-auth", "--no-samples")
    for name, data in IMAGES.items():
        stack.upload(name, data)
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


@pytest.mark.e2e
@pytest.mark.fuzz
@pytest.mark.timeout(1500)
def test_no_request_is_answered_otherwise_than_the_contract_says(stack: RunningStack) -> None:
    keys = json.loads((stack.state / "host" / "keys.json").read_text())
    address = f"{stack.addresses.host_url}/api"
    document = json.loads(DOCUMENT.read_text())
    found = contract_fuzz.run(
        document, address, keys["functionKeys"]["default"], examples=EXAMPLES_OF_EACH, images=IMAGES
    )
    assert found.failures == [], "\n".join(found.failures)
    statuses = {exchange.status for exchange in found.exchanges}
    # Otherwise nothing would be learnt.
    assert {200, 202, 400, 401, 404} <= statuses
    assert len(found.exchanges) > 1000
    assert call(stack.addresses.port, "GET", "/api/health").status == 200
