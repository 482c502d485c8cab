"""
What TensorFlow.js itself answers for the detector's network: the reference of its conversion to ONNX.

    python tests/doubles/tfjs_reference.py    downloads the package of the lock, asks it, writes the fixture anew

That takes a minute: TensorFlow.js comes with the package and runs in plain JavaScript, in Node.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
FIXTURE = PROJECT / "tests" / "fixtures" / "tfjs" / "centernet.json"
PEAKS = 100
Array = NDArray[np.float32]


def picture() -> Array:
    """The sample `coffee.jpg`, whose 512 middle columns are put into a grey square. Nothing is resized."""
    with Image.open(PROJECT / "samples" / "coffee.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    square = np.full((1, 512, 512, 3), 127, np.float32)
    left = (pixels.shape[1] - 512) // 2
    square[0, : pixels.shape[0]] = pixels[:, left : left + 512]
    return square


def fingerprint(pixels: Array) -> str:
    """Tell whether a picture was decoded as it was for the fixture."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def summary(heat_map: Array, sizes: Array) -> dict[str, Any]:
    """
    The highest peaks with the sizes there, and the mean of each channel.

    A peak is its row, its column, its class, its score and four distances in pixels.
    """
    highest = np.argsort(-heat_map, axis=None, kind="stable")[:PEAKS]
    places = [tuple(map(int, np.unravel_index(at, heat_map.shape))) for at in highest]
    peaks = [[*place[1:], float(heat_map[place]), *sizes[place[:3]].tolist()] for place in places]
    means = [values.mean(axis=(0, 1, 2), dtype=np.float64).tolist() for values in (heat_map, sizes)]
    return {"peaks": peaks, "mean_scores": means[0], "mean_sizes": means[1]}


def ask_tfjs(folder: Path) -> dict[str, Any]:
    """Return the fixture, by the package that npm installed into *folder*."""
    files = [folder / name for name in ("picture", "heat_map", "sizes")]
    pixels = picture()
    files[0].write_bytes(pixels.tobytes())
    script = Path(__file__).with_suffix(".mjs")
    package = folder / "node_modules" / "@vladmandic" / "human"
    done = subprocess.run(["node", script, package, *files], check=True, stdout=subprocess.PIPE, text=True)
    heat_map, sizes = (np.frombuffer(file.read_bytes(), np.float32).reshape(1, 128, 128, -1) for file in files[1:])
    return {"tfjs": done.stdout.strip(), "picture": fingerprint(pixels), **summary(heat_map, sizes)}


def written(fixture: dict[str, Any]) -> str:
    """Return it in JSON, a peak a line."""
    parts = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fixture.items())
    return "{" + ",\n".join(parts).replace("], [", "],\n[") + "}\n"


def main() -> None:
    """Write the fixture."""
    from local.models.packages import NPM
    from local.models.recipes import HERE

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("package.json", "package-lock.json"):
            (folder / file).write_bytes((HERE / file).read_bytes())
        subprocess.run(NPM, cwd=folder, check=True)
        FIXTURE.parent.mkdir(exist_ok=True)
        FIXTURE.write_text(written(ask_tfjs(folder)))


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))
    main()
