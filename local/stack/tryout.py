"""What else the app does with a sample: lines to paste elsewhere, and a thumbnail that Computer Vision cuts."""

import json
import shlex
from pathlib import Path

from local.addresses import Addresses, image_target
from local.app import AppClient

WIDTH, HEIGHT = 320, 200


def curl_lines(addresses: Addresses, sample: Path, with_text: Path, *, key: str | None) -> list[tuple[str, str]]:
    """
    Return (what it shows, command) for the routes that other services call; *key* where the host checks keys.

    Both samples have been processed; *with_text* is one with text.
    """
    api = f"{addresses.host_url}/api"
    octets = ["-H", "Content-Type: application/octet-stream", "--data-binary"]
    by_name = ["-H", "Content-Type: application/json", "-d", json.dumps({"name": sample.name})]
    sides = {"width": f"{WIDTH}", "height": f"{HEIGHT}"}
    thumbnail = image_target("/thumbnail", sample.name, **sides)
    by_service = image_target("/thumbnail", sample.name, **sides, mode="vision")
    return [
        ("describe the bytes of an image", _curl(key, *octets, f"@{sample}", f"{api}/describe")),
        ("analyze an image of the container", _curl(key, *by_name, f"{api}/analyze")),
        ("get a thumbnail", _curl(key, "-o", "thumbnail.jpg", f"{api}{thumbnail}")),
        ("have Computer Vision cut it", _curl(key, "-o", "thumbnail.jpg", f"{api}{by_service}")),
        ("read the text of an image", _curl(key, *octets, f"@{with_text}", f"{api}/ocr?format=txt")),
        ("see how far an image is", _curl(key, f"{api}{image_target('/images', sample.name)}")),
    ]


def thumbnail_by_service(app: AppClient, name: str, file: Path) -> str:
    """
    Have Computer Vision cut the image *name* itself and write that to *file*; returns a line that says so.

    Raises LocalError with what the app answered instead.
    """
    data = app.thumbnail(name, WIDTH, HEIGHT, mode="vision")
    file.write_bytes(data)
    return f"{name}: thumbnail {WIDTH}x{HEIGHT} by generateThumbnail, {len(data)} bytes: {file}"


def _curl(key: str | None, *words: str) -> str:
    headers = ["-H", f"x-functions-key: {key}"] if key else []
    return shlex.join(["curl", "-s", *headers, *words])
