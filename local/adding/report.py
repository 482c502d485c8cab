"""What `add` prints of one image once the app is done with it, or has not got that far."""

import json
import shlex

from local.addresses import Addresses, image_target
from local.app import ImageState, Step


def report(name: str, state: ImageState | None, addresses: Addresses) -> list[str]:
    """Return the lines about the image *name*; *state* is None when the app has not heard of it."""
    if state is None:
        return [
            f"{name}: uploaded, but the app has not heard of it yet: the stack's logs events.log and host.log say why"
        ]
    lines = [f"{name}: {state.state}"]
    if state.caption is not None:
        sure = f" (confidence {state.caption_confidence:.2f})" if state.caption_confidence is not None else ""
        lines.append(f"  {'caption':<18} {state.caption}{sure}")
    if state.tags:
        lines.append(f"  {'tags':<18} {', '.join(state.tags)}")
    lines += [line for step in state.steps for line in _step_lines(name, step, addresses)]
    return lines


def _step_lines(name: str, step: Step, addresses: Addresses) -> list[str]:
    if not step.applies:
        return []
    if step.state == "done" and step.what == "text":
        values = [step.excerpt or "(none was found)", step.record, step.plain, _text_command(name, addresses)]
        return [f"  {what:<18} {value}" for what, value in zip(["text", "", "", ""], values, strict=True)]
    if step.state == "done":
        return [f"  {step.what:<18} {step.record}", f"  {'':<18} {_address(name, step, addresses)}"]
    return [f"  {step.what} is {step.state}: {step.problem or 'no reason given yet'}"]


def _address(name: str, step: Step, addresses: Addresses) -> str:
    """Return an address that answers a browser: storage itself answers only signed requests."""
    width, _, height = step.what.removeprefix("thumbnail ").partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        return addresses.host_url + image_target("/api/images", name)
    return addresses.host_url + image_target("/api/thumbnail", name, width=width, height=height)


def _text_command(name: str, addresses: Addresses) -> str:
    """Return a command that prints the text, which has been read: it is answered at once and costs nothing."""
    body = json.dumps({"name": name}, ensure_ascii=False)
    address = f"{addresses.host_url}/api/ocr?format=txt"
    return shlex.join(["curl", "-s", "-H", "Content-Type: application/json", "-d", body, address])
