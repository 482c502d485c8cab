"""A person's own ONNX file in onnxruntime, of which nothing is known before it is looked at."""

import ast
from contextlib import suppress
from typing import Any

import numpy as np

from local.vision.recognition.own_settings import NetworkFile
from local.vision.recognition.sessions import DamagedModelError, Floats, open_session

FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
TAKEN = "1 x 3 x height x width or 1 x height x width x 3, float"
MOST_SIDE = 4096
MOST_REASON_CHARACTERS = 200


class Network:
    """
    One network with one picture as its input; safe for many threads.

    Attributes:
        height, width: of its input; *side* where it takes any.
        classes: how many classes its exporter says that it has, None if it does not say.
    """

    def __init__(self, file: NetworkFile, *, side: int) -> None:
        self._file = file
        self._session = _session(file)
        self._input, is_last = _input(file, self._session)
        self._type = FLOATS[self._input.type]
        self._is_channel_last = is_last
        height, width = self._input.shape[1:3] if is_last else self._input.shape[2:4]
        self.height, self.width = (size if isinstance(size, int) and size > 0 else side for size in (height, width))
        if max(self.height, self.width) > MOST_SIDE:
            told = f"{self.width} x {self.height}"
            raise file.wrong(f"whose input has {told} pixels: use a model of at most {MOST_SIDE} a side")
        self._output = self._session.get_outputs()[0].name
        self.classes = _classes(self._session)

    def try_out(self) -> Floats:
        """Return what it answers to a gray picture. Raises LocalError when it cannot be run, or answers no numbers."""
        try:
            answer = self.run(np.full((self.height, self.width, 3), 0.5, np.float32))
        except Exception as error:  # whatever a stranger's graph brings up
            raise self._file.wrong(f"which cannot be run ({_reason(error)}): use a model that takes {TAKEN}") from None
        if not np.isfinite(answer).all():
            raise self._file.wrong("which answers a gray picture with infinity or no number: export it again")
        return answer

    def run(self, pixels: Floats) -> Floats:
        """Return its first output for *pixels*, height x width x 3."""
        batch = pixels[np.newaxis] if self._is_channel_last else pixels.transpose(2, 0, 1)[np.newaxis]
        answer = self._session.run([self._output], {self._input.name: np.ascontiguousarray(batch, self._type)})[0]
        return np.asarray(answer, np.float32)


def _session(file: NetworkFile) -> Any:
    try:
        return open_session(file.path)
    except DamagedModelError as error:
        raise file.wrong(
            f"which onnxruntime cannot load ({_reason(error.__cause__ or error)}): export it as ONNX again"
        ) from None


def _input(file: NetworkFile, session: Any) -> tuple[Any, bool]:
    """Return its only input, and whether the channels are the last axis of it."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].type in FLOATS and len(inputs[0].shape) == 4:
        batch, *rest = inputs[0].shape
        if (batch == 1 or not isinstance(batch, int)) and 3 in (rest[0], rest[2]):
            return inputs[0], rest[0] != 3
    told = ", ".join(f"{' x '.join(map(str, one.shape)) or 'one number'} of {one.type}" for one in inputs) or "nothing"
    raise file.wrong(f"which takes {told}: use a model that takes {TAKEN}")


def _classes(session: Any) -> int | None:
    """Return how many names the exporter put into the file, as Ultralytics does: `{0: 'cat', 1: 'dog'}`."""
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        names = ast.literal_eval(session.get_modelmeta().custom_metadata_map.get("names", ""))
        return len(names) if isinstance(names, dict | list) else None
    return None


def _reason(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return "".join(filter(str.isprintable, line))[:MOST_REASON_CHARACTERS]
