"""
Upload an image, wait until the app has looked at it, and print what it saw.

python examples/upload_and_wait.py FILE NAME
"""

import os
import sys
import time
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


def wait_for(name: str, patience_seconds: float = 300.0) -> dict[str, Any]:
    """The image as the app tells it: complete, failed, or as it is when the patience ends."""
    deadline = time.monotonic() + patience_seconds
    while True:
        answer = requests.get(f"{APP}/api/images", params={"name": name}, headers=KEY, timeout=60)
        wait_seconds = float(answer.headers.get("Retry-After", 1 if answer.ok else "inf"))
        late = time.monotonic() + wait_seconds > deadline
        if answer.ok and (late or answer.json()["state"] in ("complete", "failed")):
            return dict(answer.json())
        if late:
            raise RuntimeError(reason(answer))
        time.sleep(wait_seconds)


def why(image: dict[str, Any]) -> str:
    """The state of an image that is not complete, with each reason once."""
    steps = (image["analysis"], *image["thumbnails"], image["text"])
    told = dict.fromkeys("{message} {action}".format(**each["problem"]) for each in steps if "problem" in each)
    return " ".join([f"{image['name']} is {image['state']}.", *told])


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
        # This client has timeouts and retries of its own.
        with BlobClient.from_connection_string(STORAGE, "images", name, initial_backoff=1) as blob:
            blob.upload_blob(Path(file).read_bytes(), overwrite=True)
        image = wait_for(name)
    except (OSError, AzureError, RuntimeError) as error:  # the errors of requests are OSErrors
        sys.exit(str(error))
    if image["state"] != "complete":
        sys.exit(why(image))
    print("caption:", image["analysis"]["caption"] or "none")
    print("tags:", ", ".join(image["analysis"]["tags"]) or "none")
