"""Weights of PyTorch, read without it: every number, and nothing that calls anything."""

import io
import os
import pickle

import numpy as np
import pytest
from doubles.torch_files import torch_file

from local.errors import LocalError
from local.models.torch_weights import read


def test_every_tensor_is_read_with_its_shape_and_type_whatever_the_order_of_its_numbers() -> None:
    weights = {
        "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
        "counter": np.array(7, np.int64),
        "kernel": np.random.default_rng(1).normal(size=(2, 3, 5, 5)).astype(np.float32),
    }
    found = read(torch_file(weights))
    assert list(found) == list(weights)
    for name, values in weights.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


class Call:
    def __reduce__(self):
        return os.mkdir, ("was-called",)


class Build:
    """An object of a class of Python's own, which weights do not need either."""

    def __reduce__(self):
        return io.BytesIO, (b"",)


@pytest.mark.parametrize("more", [Call(), Build(), print, os.system], ids=["call", "object", "builtin", "function"])
def test_a_pickle_that_names_anything_else_is_refused_and_nothing_is_called(
    more: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalError, match="which weights do not need"):
        read(torch_file({"matrix": np.zeros(2, np.float32), "more": more}))
    assert not os.path.exists("was-called")


def test_each_of_the_pickles_is_read_so() -> None:
    for place in range(3):
        pickles = [0x1950A86A20F9469CFC6C, 1001, {}]
        pickles[place] = Call()
        with pytest.raises(LocalError, match=r"names (posix|nt)\.mkdir"):
            read(b"".join(pickle.dumps(each, protocol=2) for each in pickles))


def test_another_format_and_a_damaged_file_are_named() -> None:
    good = torch_file({"matrix": np.arange(6, dtype=np.float32)})
    with pytest.raises(LocalError, match="none of the format"):
        read(torch_file({}, magic=1))
    for bad in (b"", b"PK\3\4 a zip archive", good[:-1], good[: len(good) // 2]):
        with pytest.raises(LocalError, match="the PyTorch file is"):
            read(bad)


def test_sizes_that_no_memory_has_are_damage() -> None:
    before = b"".join(pickle.dumps(each, protocol=2) for each in (0x1950A86A20F9469CFC6C, 1001, {}))
    with pytest.raises(LocalError, match="the PyTorch file is damaged"):
        read(before + b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b".")  # BINBYTES8


def test_a_tensor_of_more_numbers_than_there_are_is_refused() -> None:
    good = torch_file({"matrix": np.zeros((1, 1), np.float32)})
    # The shape and the strides (1, 1): TUPLE2 twice. LONG1 puts a number of rows in it that no memory has, of no step.
    assert good.count(b"K\x01K\x01\x86") == 2
    for rows in (b"\x8a\x06" + (1 << 40).to_bytes(6, "little"), b"\x8a\x0b" + (1 << 80).to_bytes(11, "little")):
        huge = good.replace(b"K\x01K\x01\x86", rows + b"K\x01\x86", 1).replace(b"K\x01K\x01\x86", b"K\x00K\x01\x86")
        with pytest.raises(LocalError, match="beyond its numbers"):
            read(huge)


def test_a_tensor_that_reaches_beyond_its_numbers_is_refused() -> None:
    good = torch_file({"matrix": np.arange(6, dtype=np.float32).reshape(2, 3)})
    # Of the shape (2, 3): BININT1 2, BININT1 3, TUPLE2.
    assert good.count(b"K\x02K\x03\x86") == 1
    with pytest.raises(LocalError, match="beyond its numbers"):
        read(good.replace(b"K\x02K\x03\x86", b"K\x63K\x03\x86"))
