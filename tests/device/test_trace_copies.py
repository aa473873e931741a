"""Copies are classified by where the bytes go; the declared kind only helps where nothing else does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.device.trace.tables import COPIES, DECLARED, MEMSETS, SHAPES
from rocverify.device.trace.tracer import Tracer

KIND = real_hip.hipMemcpyKind
DEVICE, DEVICE_2 = (1 << 40) + 256, (1 << 40) + 8192
PAIRS = {
    (True, False): Category.H2D,
    (False, True): Category.D2H,
    (True, True): Category.D2D,
    (False, False): Category.OTHER,
}
PLAIN = sorted(
    name for name in COPIES if {"dst", "src"} <= set(SHAPES[name].roles) and not SHAPES[name].on_device
)


def traced(listener: Any, root: Path, name: str, arguments: dict[str, Any]) -> TraceEvent:
    tracer = Tracer(listener, root=root)
    with tracer.install() as hip, tracer.record() as events:
        getattr(hip, name)(*[arguments[role] for role in SHAPES[name].roles])
    return events[0]


def arguments_for(name: str, dst: Any, src: Any, kind: Any) -> dict[str, Any]:
    values = dict.fromkeys(SHAPES[name].roles, 0)
    return {**values, "dst": dst, "src": src, "kind": kind, "bytes": 64, "width": 16, "height": 4}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("sides", list(PAIRS), ids=["h2d", "d2h", "d2d", "h2h"])
def test_pointers_decide_against_every_declaration(
    listener: Any, tmp_path: Path, name: str, sides: tuple[bool, bool]
) -> None:
    host, other = np.zeros(64, np.uint8), np.zeros(64, np.uint8)
    dst = DEVICE if sides[0] else host
    src = DEVICE_2 if sides[1] else other
    for kind in KIND:
        event = traced(listener, tmp_path, name, arguments_for(name, dst, src, kind))
        assert event.category is PAIRS[sides]
        assert event.bytes == 64
        assert event.dst == (DEVICE if sides[0] else host.ctypes.data)


@pytest.mark.parametrize("name", sorted(n for n in COPIES if SHAPES[n].on_device))
def test_arrays_and_symbols_are_on_the_device(listener: Any, tmp_path: Path, name: str) -> None:
    host = np.zeros(64, np.uint8)
    fixed = SHAPES[name].on_device
    arguments = arguments_for(name, host, host, KIND.hipMemcpyDefault)
    event = traced(listener, tmp_path, name, arguments)
    assert event.category is PAIRS["dst" in fixed, "src" in fixed]


@pytest.mark.parametrize("name", PLAIN)
def test_where_the_device_cannot_say_the_declaration_counts(
    listener: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(listener), "is_device_address", lambda *_: None)
    event = traced(listener, tmp_path, name, arguments_for(name, 8, 16, KIND.hipMemcpyDeviceToHost))
    assert event.category is DECLARED.get(name, Category.D2H)


def test_undeclared_and_unknown_is_other(
    listener: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(listener), "is_device_address", lambda *_: None)
    event = traced(listener, tmp_path, "hipMemcpy", arguments_for("hipMemcpy", 8, 16, KIND.hipMemcpyDefault))
    assert event.category is Category.OTHER


@pytest.mark.parametrize(
    ("descriptor", "category"),
    [
        (SimpleNamespace(kind=KIND.hipMemcpyDeviceToHost), Category.D2H),
        (SimpleNamespace(kind=KIND.hipMemcpyDefault), Category.OTHER),
        (SimpleNamespace(dstMemoryType=1, srcMemoryType=2), Category.D2H),
        (SimpleNamespace(dstMemoryType=2, srcMemoryType=1), Category.H2D),
        (SimpleNamespace(), Category.OTHER),
    ],
)
def test_copies_by_descriptor(listener: Any, tmp_path: Path, descriptor: Any, category: Category) -> None:
    for name in ("hipMemcpy3D", "hipMemcpyParam2DAsync"):
        arguments = {"descriptor": descriptor, "stream": None}
        assert traced(listener, tmp_path, name, arguments).category is category


def test_real_descriptor_classes_have_the_fields(listener: Any, tmp_path: Path) -> None:
    parameters = real_hip.hipMemcpy3DParms()
    parameters.kind = KIND.hipMemcpyDeviceToHost
    assert traced(listener, tmp_path, "hipMemcpy3D", {"descriptor": parameters}).category is Category.D2H
    plane = real_hip.hip_Memcpy2D()
    plane.srcMemoryType = real_hip.hipMemoryType.hipMemoryTypeDevice
    plane.dstMemoryType = real_hip.hipMemoryType.hipMemoryTypeHost
    assert traced(listener, tmp_path, "hipMemcpyParam2D", {"descriptor": plane}).category is Category.D2H


@pytest.mark.parametrize("name", sorted(n for n in MEMSETS if "count" in SHAPES[n].roles))
def test_memsets_count_bytes(listener: Any, tmp_path: Path, name: str) -> None:
    arguments = {**dict.fromkeys(SHAPES[name].roles, 0), "dst": DEVICE, "count": 10}
    event = traced(listener, tmp_path, name, arguments)
    width = 2 if "D16" in name else 4 if "D32" in name else 1
    assert (event.category, event.bytes, event.dst) == (Category.MEMSET, 10 * width, DEVICE)


@pytest.mark.parametrize("name", sorted(n for n in MEMSETS if "width" in SHAPES[n].roles))
def test_plane_memsets_count_bytes(listener: Any, tmp_path: Path, name: str) -> None:
    arguments = {**dict.fromkeys(SHAPES[name].roles, 0), "dst": DEVICE, "width": 5, "height": 3}
    width = 2 if "2D16" in name else 4 if "2D32" in name else 1
    assert traced(listener, tmp_path, name, arguments).bytes == 15 * width


@pytest.mark.parametrize("bad", ["text", 1.5, None, object(), float("nan")])
def test_arguments_that_are_refused_do_not_disturb_the_tracer(
    listener: Any, tmp_path: Path, bad: Any
) -> None:
    event = traced(listener, tmp_path, "hipMemcpy", {"dst": bad, "src": bad, "bytes": bad, "kind": bad})
    assert (event.function, event.result) == ("hipMemcpy", "hipSuccess")
    assert event.dst is None or bad is None
