"""What `add` prints of one image once the app is done with it, or has not got that far."""

import json
import re
import shlex
from pathlib import Path

from local.adding.advice import advice
from local.addresses import Addresses, image_target
from local.app import ImageState, Step
from local.reasons import reasons
from local.wrapping import Verbatim, shortened

LABEL_COLUMNS = len("thumbnail 1024x768")
_THUMBNAIL = re.compile(r"thumbnail ([0-9]+)x([0-9]+)(?: ([a-z]+))?")
# A line of a terminal with its label; the whole text has a record and a command.
SHOWN_TEXT_COLUMNS = 58


class Report:
    """Tells of images of the stack at *addresses*, whose logs lie in *logs* and which *options* name."""

    def __init__(self, addresses: Addresses, logs: Path, options: str) -> None:
        self._addresses = addresses
        self._logs = logs
        self._options = options

    def lines(self, name: str, state: ImageState | None) -> list[str]:
        """Return the lines about the image *name*; *state* is None when the app has not heard of it."""
        if state is None:
            logs = f"{self._logs / 'events.log'} and {self._logs / 'host.log'}"
            return [f"{name}: uploaded, but the app has not heard of it yet: {logs} say why"]
        lines = [f"{name}: {state.state}"]
        if state.caption is not None:
            sure = f" (confidence {state.caption_confidence:.2f})" if state.caption_confidence is not None else ""
            lines.append(_labelled("caption", f"{state.caption}{sure}"))
        if state.tags:
            lines.append(_labelled("tags", ", ".join(state.tags)))
        lines += [line for step in state.steps if step.state == "done" for line in self._made(name, step)]
        lines += [f"  {reason}" for reason in reasons(state)]
        codes = [step.code for step in state.unfinished if step.code and step.state == "failed"]
        commands = advice(codes, name, self._options) if codes else {}
        return lines + [Verbatim(_labelled(purpose.format("it"), command)) for purpose, command in commands.items()]

    def _made(self, name: str, step: Step) -> list[str]:
        """Say what was made; an address or a command, which may be long, has a line of its own and stays whole."""
        if step.what == "text":
            text = shortened(step.excerpt, SHOWN_TEXT_COLUMNS) or "(none was found)"
            values = [_labelled("text", text), _labelled("", str(step.record)), _labelled("", str(step.plain))]
            return [*values, Verbatim(f"    {_text_command(name, self._addresses)}")]
        return [_labelled(step.what, str(step.record)), Verbatim(f"    {_address(name, step, self._addresses)}")]


def _labelled(label: str, value: str) -> str:
    return f"  {label:<{LABEL_COLUMNS}} {value}"


def _address(name: str, step: Step, addresses: Addresses) -> str:
    """Return an address that answers a browser: storage itself answers only signed requests."""
    found = _THUMBNAIL.fullmatch(step.what)
    if not found:
        return addresses.host_url + image_target("/api/images", name)
    width, height, form = found.groups()
    asked = {"width": width, "height": height, **({"format": form} if form else {})}
    return addresses.host_url + image_target("/api/thumbnail", name, **asked)


def _text_command(name: str, addresses: Addresses) -> str:
    """Return a command that prints the text, which has been read: it is answered at once and costs nothing."""
    body = json.dumps({"name": name}, ensure_ascii=False)
    address = f"{addresses.host_url}/api/ocr?format=txt"
    return shlex.join(["curl", "-s", "-H", "Content-Type: application/json", "-d", body, address])
