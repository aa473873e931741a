"""The tracer on real launches: what is recorded, in what order, from where."""

from __future__ import annotations

import ctypes
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.emulator.api import EmulatorDevice
from rocverify.device.trace.calls import CallReader
from rocverify.device.trace.events import Category
from rocverify.device.trace.tracer import Tracer
from rocverify.subject.imports import load_subject
from rocverify.toolchain.codeobject import read_code_object

CODE = real_hip.hipError_t

WRAPPER = """
import ctypes
import numpy as np
from rocm.bindings import hip


def scale(image, array, factor):
    module = hip.hipModuleLoadData(image)[1]
    function = hip.hipModuleGetFunction(module, b"axpy")[1]
    zeros = upload(np.zeros_like(array))
    x = upload(array)
    launch(function, zeros, x, factor, array.size)
    hip.hipDeviceSynchronize()
    result = np.empty_like(array)
    hip.hipMemcpy(result, zeros, result.nbytes, hip.hipMemcpyKind.hipMemcpyDefault)
    hip.hipFree(x)
    hip.hipFree(zeros)
    return result


def upload(array):
    pointer = hip.hipMalloc(array.nbytes)[1]
    hip.hipMemcpy(pointer, array, array.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
    return pointer


class Launcher:
    def go(self, function, *arguments):
        return hip.hipModuleLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, None, None, arguments)


def launch(function, y, x, factor, n):
    return Launcher().go(function, y, x, ctypes.c_float(factor), ctypes.c_uint32(n))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    return tmp_path


@pytest.fixture
def tracer(emulator: EmulatorDevice, root: Path) -> Tracer:
    return Tracer(emulator, root=root)


def test_the_whole_story_of_a_wrapper(tracer: Tracer, root: Path, image: bytes) -> None:
    array = np.arange(8, dtype=np.float32)
    with tracer.install(), tracer.record() as events:
        result = load_subject(root, "wrapper:scale")(image, array, 3.0)
    assert np.array_equal(result, 3 * array)
    assert [(e.function, str(e.category), e.bytes) for e in events] == [
        ("hipModuleLoadData", "module", None),
        ("hipModuleGetFunction", "module", None),
        ("hipMalloc", "alloc", 32),
        ("hipMemcpy", "h2d", 32),
        ("hipMalloc", "alloc", 32),
        ("hipMemcpy", "h2d", 32),
        ("hipModuleLaunchKernel", "launch", None),
        ("hipDeviceSynchronize", "sync", None),
        ("hipMemcpy", "d2h", 32),
        ("hipFree", "free", None),
        ("hipFree", "free", None),
    ]
    assert [e.seq for e in events] == sorted(e.seq for e in events)
    assert all(e.ok for e in events)
    launch = events[6]
    zeros, x = events[2].dst, events[4].dst
    assert launch.args == (
        ("Pointer", 8, zeros),
        ("Pointer", 8, x),
        ("c_float", 4, 3.0),
        ("c_uint", 4, 8),
    )
    assert (launch.kernel, launch.grid, launch.block, launch.shared_bytes) == (
        "axpy",
        (1, 1, 1),
        (32, 1, 1),
        0,
    )
    assert launch.code_object == read_code_object(image, "image").sha256
    assert (events[3].dst, events[5].dst, events[8].src) == (zeros, x, zeros)
    assert [e.src for e in events[9:]] == [x, zeros]


def test_call_sites_are_the_innermost_frame_of_the_subject(tracer: Tracer, root: Path, image: bytes) -> None:
    with tracer.install(), tracer.record() as events:
        load_subject(root, "wrapper:scale")(image, np.ones(4, np.float32), 1.0)
    lines = WRAPPER.splitlines()
    launch = next(e for e in events if e.category is Category.LAUNCH)
    path, _, line = (launch.call_site or "").rpartition(":")
    assert path == "wrapper.py"
    assert "hipModuleLaunchKernel" in lines[int(line) - 1]
    assert launch.host_function == "Launcher.go"
    assert [caller.split()[1] for caller in launch.callers] == ["launch", "scale"]


def test_the_harness_itself_has_no_call_site(tracer: Tracer) -> None:
    with tracer.install() as hip, tracer.record() as events:
        hip.hipGetDeviceCount()
    assert (events[0].call_site, events[0].host_function) == (None, None)


def test_recordings_are_slices(tracer: Tracer) -> None:
    hip = tracer.module
    with tracer.install(), tracer.record() as outer:
        hip.hipGetDevice()
        with tracer.record() as inner:
            hip.hipGetDeviceCount()
        hip.hipInit(0)
    hip.hipInit  # noqa: B018 - reading a name is no call
    assert [e.function for e in outer] == ["hipGetDevice", "hipGetDeviceCount", "hipInit"]
    assert inner == outer[1:2]


def test_ghost_launches_report_success_and_do_nothing(tracer: Tracer, root: Path, image: bytes) -> None:
    array = np.ones(4, np.float32)
    with tracer.install():
        scale = load_subject(root, "wrapper:scale")
        with tracer.ghost(), tracer.record() as events:
            assert not scale(image, array, 2.0).any()
        with tracer.ghost(["other"]), tracer.record() as spared:
            assert np.array_equal(scale(image, array, 2.0), 2 * array)
        with tracer.ghost(["axpy"]):
            assert not scale(image, array, 2.0).any()
        assert np.array_equal(scale(image, array, 2.0), 2 * array)
    ghost = next(e for e in events if e.category is Category.LAUNCH)
    assert (ghost.ghost, ghost.result, ghost.kernel) == (True, "hipSuccess", "axpy")
    assert not any(e.ghost for e in spared)


def test_failures_are_recorded_with_their_reason(tracer: Tracer) -> None:
    with tracer.install() as hip, tracer.record() as events:
        assert hip.hipFree(12345) == (CODE.hipErrorInvalidValue,)
        with pytest.raises(TypeError):
            hip.hipMalloc("much")
    assert [(e.result, e.ok) for e in events] == [("hipErrorInvalidValue", False), ("TypeError", False)]
    assert "free of" in (events[0].reason or "")
    assert events[1].reason is None


def test_results_pass_through_unchanged(listener: Any, tmp_path: Path) -> None:
    sentinel = (CODE.hipSuccess, object(), object())
    listener.hip.results["hipMemGetInfo"] = sentinel
    listener.hip.results["hipGetDevice"] = KeyError("own")
    tracer = Tracer(listener, root=tmp_path)
    with tracer.install() as hip, tracer.record() as events:
        assert hip.hipMemGetInfo() is sentinel
        with pytest.raises(KeyError, match="own"):
            hip.hipGetDevice()
        hip.hipMemcpy(dst=1, src=2, sizeBytes=3, kind=hip.hipMemcpyKind.hipMemcpyDefault)
    assert listener.hip.calls[-1] == (
        "hipMemcpy",
        (),
        {"dst": 1, "src": 2, "sizeBytes": 3, "kind": real_hip.hipMemcpyKind.hipMemcpyDefault},
    )
    assert [e.result for e in events] == ["hipSuccess", "KeyError", "hipSuccess"]


def test_functions_that_the_tables_do_not_know_are_recorded(listener: Any, tmp_path: Path) -> None:
    tracer = Tracer(listener, root=tmp_path)
    with tracer.install() as hip, tracer.record() as events:
        hip.hipGraphDebugDotPrint(None, b"x", 0)
    assert [(e.function, e.category) for e in events] == [("hipGraphDebugDotPrint", Category.OTHER)]


def test_a_kernel_that_was_looked_up_before_tracing_still_has_a_name(tracer: Tracer, bench: Any) -> None:
    function = bench.function("nothing")
    with tracer.install() as hip, tracer.record() as events:
        hip.hipModuleLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, None, None, None)
    assert (events[0].kernel, events[0].args) == ("nothing", None)


def test_events_are_json(tracer: Tracer, root: Path, image: bytes) -> None:
    with tracer.install(), tracer.record() as events:
        load_subject(root, "wrapper:scale")(image, np.ones(4, np.float32), 1.0)
        tracer.module.hipFree(1)
    data = json.loads(json.dumps([e.to_json() for e in events]))
    launch = next(e for e in data if e["category"] == "launch")
    assert launch["grid"] == [1, 1, 1]
    assert launch["args"][2] == ["c_float", 4, 1.0]
    assert data[3]["dst"] == hex(events[3].dst or 0)
    assert "ghost" not in launch


def test_threads_share_a_recording(tracer: Tracer) -> None:
    with tracer.install() as hip, tracer.record() as events:
        threads = [threading.Thread(target=lambda: [hip.hipGetDevice() for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(events) == 200
    assert len({e.seq for e in events}) == 200
    assert [e.seq for e in events] == sorted(e.seq for e in events)


def test_what_kernel_params_hold_is_read(listener: Any, tmp_path: Path) -> None:
    class Pair(ctypes.Structure):
        _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_int))

    tracer = Tracer(listener, root=tmp_path)
    entries = [ctypes.c_int(3), np.float32(1.5), Pair(1, 2), ctypes.c_void_p(64), np.arange(2, dtype=np.int8)]
    with tracer.install() as hip, tracer.record() as events:
        hip.hipModuleLaunchKernel(0x10, 1, 2, 3, 4, 5, 6, 7, None, entries, None)
    assert events[0].args == (
        ("c_int", 4, 3),
        ("float32", 4, 1.5),
        ("Pair", 8, "0100000002000000"),
        ("Pointer", None, 64),
        ("int8", 2, "0001"),
    )
    assert (events[0].kernel, events[0].grid, events[0].block) == ("kernel_10", (1, 2, 3), (4, 5, 6))


def test_launches_by_structure(listener: Any, tmp_path: Path) -> None:
    tracer = Tracer(listener, root=tmp_path)
    with tracer.install() as hip, tracer.record() as events:
        hip.hipLaunchKernel(0x10, hip.dim3(x=4, y=1, z=1), hip.dim3(x=8, y=2, z=1), None, 16, None)
    assert (events[0].grid, events[0].block, events[0].shared_bytes) == ((4, 1, 1), (8, 2, 1), 16)


def test_tracing_costs_microseconds(tracer: Tracer) -> None:
    hip = tracer.module
    with tracer.install(), tracer.record():
        hip.hipGetDevice()
        begun = time.perf_counter()
        for _ in range(1000):
            hip.hipGetDevice()
        per_call = (time.perf_counter() - begun) / 1000
    assert per_call < 1e-3, "a thousand times what it takes here would still pass: this is no benchmark"


def test_reader_remembers_no_handle_of_a_failed_call(listener: Any) -> None:
    reader = CallReader(listener)
    call = reader.before("hipModuleGetFunction", (1, b"k"), {})
    reader.after(call, (None,))
    assert reader.before("hipModuleLaunchKernel", (0,), {}).fields["kernel"] is None
