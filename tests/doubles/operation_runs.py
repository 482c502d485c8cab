"""Operations as requests begin them, and what their step makes of them, one after the other, without a task hub."""

import asyncio
from datetime import timedelta

from doubles.http_requests import Hub
from doubles.parts import Parts
from doubles.pictures import picture

from shared import services
from shared.durable import inputs
from shared.images import ImageBytes, ImageUrl
from shared.operations import loop, step, work
from shared.operations.loop import End
from shared.operations.work import Operation
from shared.records.thumbnails import Thumbnail
from shared.vision import questions
from shared.vision.questions import Question

DESCRIBE = questions.describe()
PICTURE = picture(colour=(9, 99, 199))


def kept_operation(
    app: Parts, asked: Question | Thumbnail = DESCRIBE, *, image: ImageBytes | ImageUrl | None = None
) -> Operation:
    """An operation about bytes or an address that were sent, which are kept."""
    image = image or ImageBytes(PICTURE)
    if isinstance(image, ImageUrl):
        return inputs.keep(app.host, work.of_address(image, asked), image.url.encode())
    return inputs.keep(app.host, work.of_bytes(image, asked), image.data)


def finish(app: Parts, operation: Operation, *, most: int = 1000) -> End:
    """Do what the orchestrator does, but that no time passes beyond what the clock is told."""
    state = loop.begin(operation.to_json(), app.clock.utc())
    with services.replaced(app.services):
        for _ in range(most):
            outcome = asyncio.run(step.step(loop.work_of(state)))
            if state["end"]:
                return state["end"]
            state = loop.advance(state, outcome, app.clock.utc())
            if state["end"] and not state["job"]["input"]:
                return state["end"]
            app.clock.advance(timedelta(seconds=state["seconds"]).total_seconds())
    raise AssertionError(f"no end after {most} steps: {state}")


def run_in(hub: Hub, app: Parts) -> list[End]:
    """Have every operation run to its end that was started in the hub and has not ended."""
    ends = []
    for orchestrator, instance_id, given in hub.started:
        if orchestrator == loop.ORCHESTRATOR and hub.statuses[instance_id].runtime_status.value == "Pending":
            end = finish(app, Operation.from_json(given))
            hub.set(instance_id, "Completed", name=orchestrator, output=end)
            ends.append(end)
    return ends
