"""
Upload an image, wait until the app has looked at it, and print what it saw.

python examples/upload_and_wait.py FILE NAME
"""

import math
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobClient

APP = os.environ.get("BLOBSIGHT_URL", "http://127.0.0.1:7071")
KEY = {"x-functions-key": os.environ.get("BLOBSIGHT_KEY")}  # requests leaves out a header that is None
STORAGE = os.environ.get("BLOBSIGHT_STORAGE") or (  # the emulator's key is published, and the same everywhere
    "DefaultEndpointsProtocol=http;BlobEndpoint=http://127.0.0.1:7073/devstoreaccount1;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def upload(image: bytes, name: str) -> None:
    """Put it into the container `images`; this client has timeouts and retries of its own."""
    with BlobClient.from_connection_string(STORAGE, "images", name, initial_backoff=1) as blob:
        blob.upload_blob(image, overwrite=True)


def wait_for(name: str, patience_seconds: float = 300.0) -> dict[str, Any]:
    """The state of the image when it is complete; RuntimeError if it has failed, or is not complete in time."""
    deadline = time.time() + patience_seconds
    while True:
        answer = requests.get(f"{APP}/api/images", params={"name": name}, headers=KEY, timeout=60)
        why, wait_seconds = reason(answer), float(answer.headers.get("Retry-After", "inf"))
        if answer.ok:
            image: dict[str, Any] = answer.json()
            if image["state"] == "complete":
                return image
            why, wait_seconds = outlook(image)
        if time.time() + wait_seconds > deadline:
            raise RuntimeError(why)
        time.sleep(wait_seconds)


def outlook(image: dict[str, Any]) -> tuple[str, float]:
    """Why the image is not complete, and how many seconds to wait; for ever if it has failed."""
    steps = (image["analysis"], *image["thumbnails"], image["text"])
    problems = [step["problem"] for step in steps if "problem" in step]
    told = dict.fromkeys("{message} {action}".format(**each) for each in problems)
    why = " ".join([f"{image['name']} is {image['state']}.", *told])
    if image["state"] == "failed":
        return why, math.inf
    untils = [datetime.fromisoformat(each["until"]) for each in problems if each["until"]]
    why += f" The app tries again at {max(untils)}." if untils else ""
    return why, max([1.0, *(until.timestamp() - time.time() for until in untils)])


def reason(answer: requests.Response) -> str:
    """What was wrong and what to do, in the app's words; the platform in front of it has a status alone."""
    if "problem+json" in answer.headers.get("Content-Type", ""):
        return "{detail} {action}".format(**answer.json())
    return f"{answer.status_code} {answer.reason} {answer.text[:300]}".strip()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    _, file, name = sys.argv
    try:
        upload(Path(file).read_bytes(), name)
        analysis = wait_for(name)["analysis"]
    except (OSError, AzureError, RuntimeError) as error:  # the errors of requests are OSErrors
        sys.exit(str(error))
    print("caption:", analysis["caption"] or "none")
    print("tags:", ", ".join(analysis["tags"]) or "none")
