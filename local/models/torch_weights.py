"""
Read the weights of a PyTorch file of the format before 1.6, without PyTorch.

Such a file is five pickles and the bytes of the tensors (`torch.serialization._legacy_load`). A pickle can call
anything that it names, so only the names that weights need are known here; every other one is refused.
"""

import io
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from local.errors import LocalError

# What reading pickles and arrays raises of bytes that make no sense.
DAMAGE = (
    *(pickle.UnpicklingError, EOFError, struct.error, LookupError, TypeError, ValueError, AttributeError),
    *(OverflowError, MemoryError),
)
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


@dataclass
class _Storage:
    """The numbers of one tensor or more; its bytes come after the pickles."""

    count: int
    type: "np.dtype[Any]"
    values: NDArray[Any] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class _Tensor:
    """Where a tensor lies in its storage, in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        values = self.storage.values
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        is_bounded = 0 in self.shape or (last < values.size and prod(self.shape) <= values.size)
        # Numpy looks at no bounds here: it would read memory of others.
        if min(self.offset, *self.strides, *self.shape, 0) < 0 or not is_bounded:
            raise LocalError("the PyTorch file is damaged: a tensor reaches beyond its numbers")
        steps = [step * values.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    """Stand in for `torch._utils._rebuild_tensor_v2`."""
    return _Tensor(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Knows dictionaries, tensors and their numbers, and nothing else."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in TYPES:
            return np.dtype(TYPES[name])
        raise LocalError(f"the PyTorch file names {module}.{name}, which weights do not need; it is not read")

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, *_ = pid
        return self.storages.setdefault(key, _Storage(count, kind))


def read(file: bytes) -> dict[str, NDArray[Any]]:
    """Return each tensor by its name. Raises LocalError for another format and for more than weights."""
    stream = io.BytesIO(file)
    try:
        if _Unpickler(stream).load() != MAGIC or _Unpickler(stream).load() != PROTOCOL:
            raise LocalError("the PyTorch file is none of the format before PyTorch 1.6")
        _Unpickler(stream).load()  # the machine that wrote it
        unpickler = _Unpickler(stream)
        tensors = unpickler.load()
        for key in _Unpickler(stream).load():
            _read_storage(stream, unpickler.storages[key])
        return {name: tensor.array() for name, tensor in tensors.items()}
    except DAMAGE as error:
        raise LocalError(f"the PyTorch file is damaged: {error}") from error


def _read_storage(stream: BinaryIO, storage: _Storage) -> None:
    (count,) = struct.unpack("<q", stream.read(8))
    if count != storage.count:
        raise LocalError("the PyTorch file is damaged: a storage has another length than its tensors need")
    storage.values = np.frombuffer(stream.read(count * storage.type.itemsize), storage.type, count)
