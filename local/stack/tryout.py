"""The lines to paste into another terminal once the stack is up."""

import json
import shlex
from pathlib import Path

from local.addresses import Addresses, image_target


def curl_lines(addresses: Addresses, sample: Path, with_text: Path, *, key: str | None) -> list[tuple[str, str]]:
    """
    Return (what it shows, command) for the routes that other services call; *key* where the host checks keys.

    Both samples have been processed; *with_text* is one with text.
    """
    api = f"{addresses.host_url}/api"
    octets = ["-H", "Content-Type: application/octet-stream", "--data-binary"]
    by_name = ["-H", "Content-Type: application/json", "-d", json.dumps({"name": sample.name})]
    thumbnail = image_target("/thumbnail", sample.name, width="320", height="200", smartCropping="true")
    return [
        ("describe the bytes of an image", _curl(key, *octets, f"@{sample}", f"{api}/describe")),
        ("analyze an image of the container", _curl(key, *by_name, f"{api}/analyze")),
        ("get a thumbnail", _curl(key, "-o", "thumbnail.jpg", f"{api}{thumbnail}")),
        ("read the text of an image", _curl(key, *octets, f"@{with_text}", f"{api}/ocr?format=txt")),
        ("see how far an image is", _curl(key, f"{api}{image_target('/images', sample.name)}")),
    ]


def _curl(key: str | None, *words: str) -> str:
    headers = ["-H", f"x-functions-key: {key}"] if key else []
    return shlex.join(["curl", "-s", *headers, *words])
