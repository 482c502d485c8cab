"""
Write a thumbnail of an uploaded image into a file.

python examples/thumbnail_to_file.py NAME WIDTH HEIGHT FILE
"""

import os
import sys
import time
from pathlib import Path

import requests

APP = os.environ.get("BLOBSIGHT_URL", "http://127.0.0.1:7071")
KEY = {"x-functions-key": os.environ.get("BLOBSIGHT_KEY")}  # requests leaves a header of None out


def thumbnail(name: str, width: int, height: int, patience_seconds: float = 120.0) -> bytes:
    """A JPEG of exactly this size; the app makes it once and keeps it."""
    deadline = time.monotonic() + patience_seconds
    asked: dict[str, str | int] = {"name": name, "width": width, "height": height}
    while True:
        answer = requests.get(f"{APP}/api/thumbnail", params=asked, headers=KEY, timeout=60)
        if answer.status_code == 200:
            return answer.content
        # 202: it is being made for another caller. 429 and 503 say how long to wait, too.
        wait_seconds = float(answer.headers.get("Retry-After", "inf"))
        if time.monotonic() + wait_seconds > deadline:
            raise RuntimeError(reason(answer))
        time.sleep(wait_seconds)


def reason(answer: requests.Response) -> str:
    """What was wrong and what to do, in the app's words; the platform in front of it has a status alone."""
    if "problem+json" in answer.headers.get("Content-Type", ""):
        return "{detail} {action}".format(**answer.json())
    return f"{answer.status_code} {answer.reason} {answer.text[:300]}".strip()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    _, name, width, height, file = sys.argv
    try:
        Path(file).write_bytes(thumbnail(name, int(width), int(height)))
    except (OSError, RuntimeError, ValueError) as error:  # the errors of requests are OSErrors
        sys.exit(str(error))
