"""The one place that opens a trained model's file: how many threads and how much memory its runs take."""

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

    One call takes one core, as everything in the service does, and frees its memory at its end. *outputs* are the
    numbers of dimensions that the model must have. Raises DamagedModelError.
    """
    onnxruntime.set_default_logger_severity(_FATAL)
    try:
        session = onnxruntime.InferenceSession(path, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception for each of its states, without a class above them
        raise DamagedModelError(f"{path} cannot be read ({_first_line(error)})") from error
    inputs, found = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or tuple(len(output.shape) for output in found) != outputs:
        raise DamagedModelError(f"{path} is another model than its name says")
    name = inputs[0].name

    def run(batch: Floats) -> list[Floats]:
        results: list[Any] = session.run(None, {name: batch})
        return results

    return run


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # An arena keeps what the largest run took, for each model: a hundred megabytes and more in all.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _FATAL
    return options


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
