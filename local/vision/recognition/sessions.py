"""The one place that opens a trained model's file: how many threads and how much memory its runs take."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats], list[Floats]]

# Only what ends the process: everything else comes as an exception, and the service's output is the user's.
_FATAL = 4


class DamagedModelError(Exception):
    """A file that is no model, or is another one than its name says."""


def open_model(path: Path, *, outputs: tuple[int, ...]) -> Run:
    """
    Return a function that runs the model in *path*: its one input to all its outputs; safe for many threads.

    One call takes one core, as everything in the service does. *outputs* are the numbers of dimensions that the model's
    outputs must have. Raises DamagedModelError.
    """
    session = open_session(path)
    inputs, found = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or tuple(len(output.shape) for output in found) != outputs:
        raise DamagedModelError(f"{path} is another model than its name says")
    name = inputs[0].name

    def run(batch: Floats) -> list[Floats]:
        results: list[Any] = session.run(None, {name: batch})
        return results

    return run


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Return the model in *path*, whatever it takes and gives. Raises DamagedModelError for a file that is none."""
    _prepare()
    try:
        return onnxruntime.InferenceSession(path, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception for each of its states, without a class above them
        raise DamagedModelError(f"{path} cannot be read ({_first_line(error)})") from error


@functools.cache
def _prepare() -> None:
    """Once in a process: say nothing, and keep one store of working memory for all models."""
    onnxruntime.set_default_logger_severity(_FATAL)
    # A store for each of set-up's four models would keep 90 MB more; none at all makes runs take a quarter longer.
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, None)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = _FATAL
    return options


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
