"""What judge and subject tell each other: what is sent arrives, and nothing that arrives runs."""

from __future__ import annotations

import ctypes
import json
import math
import socket
import struct
import threading
import time
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rocverify.oracle.contract import BF16, F16, F32, Dims, In, Launch, Refusal, boundary, choices
from rocverify.oracle.inputs import Kind
from rocverify.subject.host.codec import Channel, Codec, CodecError, Later
from rocverify.subject.host.views import DeviceView
from rocverify.subject.process import record

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)
ARRAYS = hnp.arrays(
    hnp.scalar_dtypes().filter(lambda d: d.kind in "biuf" and d.isnative and d.itemsize <= 8),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)


def sent(value: Any, codec: Codec | None = None) -> Any:
    """The value after its way through a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = Channel(ours, codec or Codec(record))
        thread = threading.Thread(target=sender.send, args=(value,))
        thread.start()
        try:
            return Channel(theirs, Codec(record)).receive(until=time.monotonic() + 20)
        finally:
            thread.join()


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


@given(PLAIN)
def test_plain_values_arrive(value: Any) -> None:
    assert alike(value, sent(value))


@given(ARRAYS)
def test_arrays_arrive_bit_by_bit(array: np.ndarray) -> None:
    got = sent(array)
    assert (got.dtype, got.shape, got.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize(
    "value",
    [
        F32,
        F32 | F16 | BF16,
        In("rows cols/2", F32 | F16),
        Kind.HEAVY,
        Refusal("ValueError", dims={"n": 3}),
        DeviceView(1 << 40, (2, 3), "bfloat16"),
        np.float32(1.5),
        boundary(1, 7, tile=3),
    ],
    ids=str,
)
def test_records_of_contracts_arrive(value: Any) -> None:
    assert sent(value) == value


def test_what_a_contract_launches_arrives() -> None:
    launch = Launch((1, 2, 3), (64, 1, 1), (ctypes.c_uint(7), DeviceView(8, (1,), "int8")), 16)
    got = sent(launch)
    assert (got.grid, got.block, got.shared_bytes, got.arguments[0].value) == ((1, 2, 3), (64, 1, 1), 16, 7)
    assert got.arguments[1] == launch.arguments[1]


def test_dimensions_types_of_ml_dtypes_and_generators_arrive() -> None:
    dims = sent(Dims(n=choices(1, 2), m=boundary(1, 9)))
    assert (list(dims), dims["n"].values, dims["m"].high) == (["n", "m"], (1, 2), 9)
    array = np.arange(4).astype(ml_dtypes.bfloat16).reshape(2, 2)
    assert sent(array).tobytes() == array.tobytes()
    generator = np.random.default_rng(5)
    generator.random(3)
    assert sent(generator).random() == generator.random()


def test_a_function_arrives_as_the_number_that_it_is_kept_under() -> None:
    kept: list[Any] = []

    def keep(function: Any) -> int:
        kept.append(function)
        return 41 + len(kept)

    got = sent({"mistake": lambda: 5}, Codec(record, keep))
    assert isinstance(got["mistake"], Later)
    assert got["mistake"].number == 42
    assert kept[0]() == 5


@pytest.mark.parametrize(
    "value",
    [object(), np.array([object()]), {"f": test_plain_values_arrive}],
    ids=["object", "array", "function"],
)
def test_what_is_no_data_is_not_sent(value: Any) -> None:
    with pytest.raises(CodecError, match="cannot be handed over"):
        Codec(record).encode(value, [])


@pytest.mark.parametrize(
    "tree",
    [
        {"r": ["os:system", [["command", "true"]]]},
        {"r": ["rocverify.oracle.contract:contract", []]},
        {"r": ["rocverify.checks.base:Outcome", []]},
        {"e": ["subprocess:Popen", "true"]},
        {"a": [3, "float32", [1]]},
        {"a": [0, "float32", [5]]},
        {"a": [0, "object", [1]]},
        {"c": ["CDLL", ""]},
        {"g": [["bit_generator", "seed"]]},
        {"x": 1},
        {"a": 1, "b": 2},
        {"t": 5},
    ],
    ids=json.dumps,
)
def test_a_message_that_makes_no_sense_is_refused(tree: Any) -> None:
    with pytest.raises(CodecError):
        Codec(record).decode(tree, [bytearray(8)])


@pytest.mark.parametrize(
    "content",
    [struct.pack("<QI", 1 << 60, 0), struct.pack("<QI", 3, 0) + b"{]}", struct.pack("<QIQ", 1, 1, 1 << 62)],
)
def test_rubbish_on_the_connection_is_refused(content: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(content)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises((CodecError, EOFError)):
            Channel(theirs, Codec(record)).receive(until=time.monotonic() + 20)


def test_waiting_ends() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.05)
        with pytest.raises(TimeoutError):
            Channel(ours, Codec(record)).receive(until=time.monotonic() + 20)
        theirs.sendall(b"x" * 5)
        with pytest.raises(TimeoutError):
            Channel(ours, Codec(record)).receive(until=time.monotonic() - 1)
