"""
As much of the workflow engine of Azure Logic Apps as the files in `examples/logic-apps` need.

Types of actions, expressions and the two ways of polling are those of "Schema reference guide for trigger and action
types in Azure Logic Apps" and "Create custom APIs as connectors" of learn.microsoft.com. What polls sends no header of
the request before: so a key has to stand in the address.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from doubles.calls import call
from doubles.hosting import Response
from doubles.patience import wait_until

EXPRESSION = re.compile(r"@(?P<call>\w+)\((?:'(?P<name>[^']*)')?\)(?P<path>(?:\?\[(?:'[^']*'|\d+)\])*)")
STEP = re.compile(r"\?\[(?:'([^']*)'|(\d+))\]")
PLACEHOLDER = re.compile(r"@\{([^}]*)\}")

Json = Any


@dataclass
class Workflow:
    """
    A definition with the parameters that its user sets.

    Attributes:
        sent: each request, as its method and target.
        outputs: what each action has given last, by its name.
        answer: the body of the response, if there was one.
    """

    definition: Json
    parameters: Mapping[str, str]
    sent: list[tuple[str, str]] = field(default_factory=list)
    outputs: dict[str, list[Json]] = field(default_factory=dict)
    answer: Json = None
    trigger_body: Json = None
    items: dict[str, Json] = field(default_factory=dict)
    next_poll: str | None = None

    @classmethod
    def of(cls, file: Path, **parameters: str) -> "Workflow":
        """The workflow of a file."""
        definition = json.loads(file.read_text(encoding="utf-8"))["definition"]
        assert set(parameters) == set(definition["parameters"])
        return cls(definition, parameters)

    def poll(self) -> bool:
        """Have the trigger look once; where the answer is 200, run the workflow. Returns whether it ran."""
        [trigger] = self.definition["triggers"].values()
        assert trigger["type"] == "Http"
        answer = self._get(self.next_poll) if self.next_poll else self._send(trigger["inputs"])
        assert answer.status in (200, 202), answer.text
        assert answer.header("Retry-After"), answer.headers
        self.next_poll = answer.header("Location") or self.next_poll
        if answer.status == 202:
            return False
        self.trigger_body = _content(answer)
        self._run(self.definition["actions"])
        return True

    def receive(self, content_type: str, data: bytes) -> Json:
        """Send the trigger a file; returns what the workflow answers."""
        [trigger] = self.definition["triggers"].values()
        assert (trigger["type"], trigger["inputs"]["method"]) == ("Request", "POST")
        self.trigger_body = {"$content-type": content_type, "$content": base64.b64encode(data).decode()}
        self._run(self.definition["actions"])
        return self.answer

    def _run(self, actions: Mapping[str, Json]) -> None:
        done = set[str]()
        while left := [name for name in actions if name not in done]:
            name = next(each for each in left if set(actions[each]["runAfter"]) <= done)
            ACTIONS[actions[name]["type"]](self, name, actions[name])
            done.add(name)

    def _http(self, name: str, action: Json) -> None:
        answers = [self._send(action["inputs"])]

        def ended() -> bool:
            if answers[-1].status == 202:
                # The engine takes an address that is absolute.
                assert urlsplit(answers[-1].header("Location") or "").scheme, answers[-1].headers
                assert int(answers[-1].header("Retry-After") or "") >= 0
                answers.append(self._get(str(answers[-1].header("Location"))))
            return answers[-1].status != 202

        wait_until(ended, poll_seconds=0.3)
        assert answers[-1].status == 200, answers[-1].text
        self.outputs.setdefault(name, []).append(_content(answers[-1]))

    def _for_each(self, name: str, action: Json) -> None:
        for item in self.value(action["foreach"]):
            self.items[name] = item
            self._run(action["actions"])

    def _if(self, name: str, action: Json) -> None:
        [(junction, conditions)] = action["expression"].items()
        assert junction == "and"
        held = all(self.value(one) == self.value(other) for one, other in (each["equals"] for each in conditions))
        self._run(action["actions"] if held else action["else"]["actions"])

    def _compose(self, name: str, action: Json) -> None:
        self.outputs.setdefault(name, []).append(self.value(action["inputs"]))

    def _response(self, name: str, action: Json) -> None:
        self.answer = self.value(action["inputs"]["body"])

    def value(self, told: Json) -> Json:
        """What stands in the definition, with its expressions replaced by their values."""
        if isinstance(told, dict):
            return {name: self.value(each) for name, each in told.items()}
        if isinstance(told, list):
            return [self.value(each) for each in told]
        if not isinstance(told, str):
            return told
        if whole := EXPRESSION.fullmatch(told):
            return self._of(whole)
        return PLACEHOLDER.sub(lambda found: str(self.value(f"@{found[1]}")), told)

    def _of(self, found: re.Match[str]) -> Json:
        sources: dict[str, Callable[[str], Json]] = {
            "parameters": lambda name: self.parameters[name],
            "triggerBody": lambda name: self.trigger_body,
            "items": lambda name: self.items[name],
            "body": lambda name: self.outputs[name][-1],
        }
        value = sources[found["call"]](found["name"])
        for member, place in STEP.findall(found["path"]):
            # `?` gives null where there is nothing; here what is asked for has to be there.
            value = value[int(place)] if place else value[member]
        return value

    def _send(self, inputs: Json) -> Response:
        address = urlsplit(self.value(inputs["uri"]))
        target = f"{address.path}?{urlencode(self.value(inputs['queries']))}"
        headers = dict(inputs.get("headers", {}))
        body = self.value(inputs["body"]) if "body" in inputs else None
        if isinstance(body, dict) and "$content" in body:
            headers.setdefault("Content-Type", body["$content-type"])
            data = base64.b64decode(body["$content"])
        else:
            data = json.dumps(body).encode() if body is not None else b""
        return self._call(address.port, inputs["method"], target, data or None, headers)

    def _get(self, address: str) -> Response:
        parts = urlsplit(address)
        return self._call(parts.port, "GET", parts._replace(scheme="", netloc="").geturl(), None, {})

    def _call(
        self, port: int | None, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        assert port
        self.sent.append((method, target))
        return call(port, method, target, body, headers)


def _content(answer: Response) -> Json:
    kind = answer.header("Content-Type") or ""
    if kind.startswith("application/json"):
        return answer.json()
    return {"$content-type": kind, "$content": base64.b64encode(answer.body).decode()}


ACTIONS: dict[str, Callable[[Workflow, str, Json], None]] = {
    "Http": Workflow._http,
    "Foreach": Workflow._for_each,
    "If": Workflow._if,
    "Compose": Workflow._compose,
    "Response": Workflow._response,
}
