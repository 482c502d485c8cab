"""PyTorch files of the format before 1.6, written without PyTorch."""

import io
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np


class _Storage:
    def __init__(self, values):
        self.values = values


class _Tensor:
    def __init__(self, values):
        self.storage, self.shape = _Storage(values), values.shape

    def __reduce__(self):
        strides = tuple(step // self.storage.values.itemsize for step in self.storage.values.strides)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.shape, strides, False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        kind = {"float32": "FloatStorage", "int64": "LongStorage"}[str(obj.values.dtype)]
        return "storage", getattr(sys.modules["torch"], kind), str(id(obj)), "cpu", obj.values.size, None


@contextmanager
def _torch():
    """Modules of torch's names, which a pickle can refer to."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("nothing is read here")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield
    finally:
        del sys.modules["torch"], sys.modules["torch._utils"]


def torch_file(weights: Mapping[str, Any], *, magic: int = 0x1950A86A20F9469CFC6C) -> bytes:
    """The file of these arrays; other values are pickled as they are."""
    stream = io.BytesIO()
    tensors = {name: _Tensor(each) if isinstance(each, np.ndarray) else each for name, each in weights.items()}
    storages = [tensor.storage for tensor in tensors.values() if isinstance(tensor, _Tensor)]
    with _torch():
        for each in (magic, 1001, {"little_endian": True}):
            pickle.dump(each, stream, protocol=2)
        _Pickler(stream, protocol=2).dump(OrderedDict(tensors))
        pickle.dump([str(id(storage)) for storage in storages], stream, protocol=2)
    for storage in storages:
        stream.write(struct.pack("<q", storage.values.size) + storage.values.tobytes())
    return stream.getvalue()
