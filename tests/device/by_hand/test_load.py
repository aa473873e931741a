"""`rocverify.load`: kernels called from Python on NumPy arrays."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import rocverify
from rocverify.device.by_hand.device import Device, Module
from rocverify.errors import (
    DeviceError,
    DeviceFaultError,
    DeviceUnavailableError,
    UsageError,
    WrongTargetError,
)
from rocverify.toolchain.bundles import DeviceCode, write_bundle


def floats(count: int) -> Any:
    return np.arange(count, dtype=np.float32)


def test_arrays_are_changed_in_place(module: Module) -> None:
    scale = module["ns::scale<float>"]
    x = floats(1000)
    scale[(4, 1, 1), (256, 1, 1)](x, 2.0, 1000)
    assert np.array_equal(x, floats(1000) * 2)
    assert scale.findings == []
    assert scale.counters.global_load_bytes == 4000
    assert [kernel for kernel, _ in module.device.counters] == [scale.name]


def test_geometry_is_numbers_or_up_to_three(module: Module) -> None:
    x = floats(64)
    for grid, block in ((2, 32), ((2,), (32, 1)), (np.int64(2), np.array([32]).tolist())):
        module["ns::scale<float>"][grid, block](x, np.float32(2), 64)
    assert np.array_equal(x, floats(64) * 8)
    for wrong in ((1,), (1, 2, 3, 4), ("a", 1), (1, (1, 2, 3, 4)), (1, 1, -1), (1, 1.5), ((), 1)):
        with pytest.raises(UsageError):
            module["nothing"][wrong]
    with pytest.raises(DeviceError, match="2000 work-items, at most 1024"):
        module["nothing"][1, 2000]()


def test_dynamic_lds(module: Module) -> None:
    x = np.arange(64, dtype=np.int32)
    module["reversed"][1, 64, 256](x)
    assert np.array_equal(x, np.arange(64)[::-1])
    with pytest.raises(DeviceFaultError, match="LDS offset 128, of 128") as caught:
        module["reversed"][1, 64, 128](x)
    assert caught.value.report is not None
    assert caught.value.report.workitem == (32, 0, 0)


def test_a_fault_has_its_report_and_leaves_the_arrays(module: Module) -> None:
    x = floats(40)
    with pytest.raises(DeviceFaultError) as caught:
        module["unguarded"][1, 64](x)
    report = caught.value.report
    assert report is not None
    assert report.source_line is not None
    assert report.source_line.endswith("kernels.hip:27")
    assert "argument 0 (x), float32[40]" in str(report.message)
    assert np.array_equal(x, floats(40))
    assert module["unguarded"].launches[0].stats is None
    module["unguarded"][1, 40](x)  # a fault does not end the device
    assert x.sum() == 40


def test_findings_name_the_lines(module: Module) -> None:
    wrong = module["unsynchronised"]
    wrong[1, 64, 256](np.zeros(64, np.int32))
    assert "race" in {finding.kind for finding in wrong.findings}
    assert all("kernels.hip" in finding.source for finding in wrong.findings)
    assert module["reversed"].findings == []
    assert module.device.findings == wrong.findings


def test_what_nobody_looked_for_is_no_absence_of_findings(source: Path) -> None:
    kernel = rocverify.load(source)["nothing"]
    kernel[1, 1]()
    with pytest.raises(UsageError, match="nothing was looked for"):
        kernel.findings  # noqa: B018
    with pytest.raises(UsageError, match="nothing was counted"):
        kernel.counters  # noqa: B018
    counted = rocverify.load(source, counters=True)["nothing"]
    with pytest.raises(UsageError, match="has not been launched"):
        counted.counters  # noqa: B018


def test_values_of_all_kinds(module: Module) -> None:
    class Point(ctypes.Structure):
        _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_float))

    out = np.zeros(7, np.int64)
    point = np.array((5, 1.5), dtype=[("a", "i4"), ("b", "f4")])
    for struct_value in (Point(5, 1.5), point, point[()], bytes(Point(5, 1.5))):
        out[:] = 0
        module["values"][1, 1](out, -3, True, 65535, -(1 << 40), struct_value, 2)
        assert out.tolist() == [-3, 1, 65535, -(1 << 40), 5, 6, 8]
    module["values"][1, 1](
        out, np.int8(-4), np.bool_(False), np.uint16(7), np.int64(1), point, np.float64(0.25)
    )
    assert out.tolist() == [-4, 0, 7, 1, 5, 6, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "takes 4 argument(s), 0 given"),
        (
            (floats(4), np.float64(1), floats(4), 4),
            "argument 1 (s) is float, a value of 4 byte(s), but the float64 given has 8",
        ),
        ((floats(4), "a", floats(4), 4), "but a str was given"),
        ((floats(4), 1e39, floats(4), 4), "1e+39 does not fit a float of 4 bytes"),
        ((floats(4), np.int32(1), floats(4), 4), "it is a float and int32 was given"),
        ((floats(4), 1.0, floats(4), 4.0), "it is a unsigned int and 4.0 was given"),
        ((floats(4), 1.0, floats(4), -1), "-1 is not from 0 to 4294967295"),
        ((floats(4), 1.0, floats(4), 1 << 32), "4294967296 is not from 0 to 4294967295"),
        ((7, 1.0, floats(4), 4), "but a int was given: pass an array, or None"),
        ((floats(4).astype(np.float64), 1.0, floats(4), 4), "the array holds float64, of 8 bytes"),
        ((floats(8)[::2], 1.0, floats(4), 4), "argument 0 (x): is not contiguous"),
        ((floats(4).astype(">f4"), 1.0, floats(4), 4), "is of the other byte order"),
        ((np.array([None] * 4), 1.0, floats(4), 4), "array holds object"),
    ],
)
def test_arguments_that_are_not_the_kernels(module: Module, arguments: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        module["plain"][1, 4](*arguments)
    assert said in str(caught.value)
    assert "plain" in str(caught.value)


def test_an_int_for_a_float_is_converted_where_types_are_known(module: Module, source: Path) -> None:
    y = np.zeros(4, np.float32)
    module["plain"][1, 4](floats(4), 2, y, 4)
    assert y.tolist() == [0, 2, 4, 6]
    half = np.ones(4, np.float16)
    module["ns::scale<_Float16>"][1, 4](half, 0.5, 4)
    assert half.tolist() == [0.5] * 4
    with pytest.raises(UsageError, match=r"70000\.0 does not fit"):
        module["ns::scale<_Float16>"][1, 4](half, 70000.0, 4)
    del source


def test_read_only_arrays_are_for_reading(module: Module) -> None:
    x, y = floats(4), np.zeros(4, np.float32)
    x.flags.writeable = False
    module["plain"][1, 4](x, 1.0, y, 4)
    assert y.tolist() == [0, 1, 2, 3]
    y.flags.writeable = False
    with pytest.raises(DeviceError, match=r"wrote into argument 2 \(y\), which is read-only \(at byte 6\)"):
        module["plain"][1, 4](x, 2.0, y, 4)
    assert y.tolist() == [0, 1, 2, 3]


def test_arrays_that_share_memory(module: Module) -> None:
    x = floats(8)
    module["plain"][1, 8](x, 2.0, x, 8)  # one allocation
    assert np.array_equal(x, floats(8) * 2)
    with pytest.raises(UsageError, match=r"argument 2 \(y\): overlaps argument 0 \(x\)"):
        module["plain"][1, 4](x[:6], 2.0, x[2:], 4)
    frozen = x.view()
    frozen.flags.writeable = False
    module["plain"][1, 8](frozen, 2.0, x, 8)
    assert x[7] == 28


def test_arrays_of_other_layouts_and_libraries(module: Module) -> None:
    class Exported:
        def __init__(self, array: Any) -> None:
            self.array = array

        def __dlpack__(self, **options: Any) -> Any:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return self.array.__dlpack_device__()

    plain = module["plain"]
    y = np.zeros((2, 4), np.float32, order="F")
    plain[1, 8](Exported(floats(8)), 1.0, y, 8)
    assert y.T.ravel().tolist() == list(range(8))
    y = np.zeros(4, np.float32)
    plain[1, 4](floats(4).view(np.uint8), 1.0, y.view(np.uint8), 4)
    assert y.tolist() == [0, 1, 2, 3]
    plain[1, 4](None, 1.0, None, 0)
    plain[1, 4](np.zeros(0, np.float32), 1.0, np.zeros(0, np.float32), 0)
    with pytest.raises(DeviceFaultError):
        plain[1, 4](None, 1.0, y, 4)


def test_arrays_that_stay_on_the_device(module: Module) -> None:
    device, plain = module.device, module["plain"]
    x, y = device.array(floats(8)), device.empty(8, np.float32)
    plain[1, 4](x, 2.0, y, 4)
    assert plain.findings == []
    assert y.numpy()[:4].tolist() == [0, 2, 4, 6]
    plain[1, 8](y, 1.0, x, 8)  # the second half of y was never written
    assert {finding.kind for finding in plain.findings} == {"uninitialized"}
    assert plain.findings[0].made_at is not None
    assert "test_load.py" in plain.findings[0].made_at
    x.free()
    with pytest.raises(UsageError, match="was freed"):
        plain[1, 4](x, 1.0, y, 4)
    with Device(target="gfx1100") as other, pytest.raises(UsageError, match="of another device"):
        plain[1, 4](other.empty(4, np.float32), 1.0, y, 4)
    halves = device.array([1.0, 2.0], ml_dtypes.bfloat16)
    assert halves.numpy().tolist() == [1.0, 2.0]
    with pytest.raises(UsageError):
        device.empty(4, object)


def test_names_and_listings(module: Module) -> None:
    assert len(module) == 9
    assert "plain" in repr(module)
    assert "void ns::scale<float>(float*, float, int)" in repr(module)
    assert "1 (s) is float" in repr(module["plain"])
    assert module["plain"] is module["plain"]
    with pytest.raises(UsageError, match="has 3 kernels scale"):
        module["scale"]
    with pytest.raises(UsageError, match="has no kernel absent"):
        module["absent"]


def test_code_objects_bundles_and_bytes(module: Module, source: Path, tmp_path: Path) -> None:
    code = module._file.images[0].data
    (tmp_path / "k.hsaco").write_bytes(code)
    (tmp_path / "k.hipfb").write_bytes(
        write_bundle([DeviceCode("gfx908", "", b"other"), DeviceCode("gfx1100", "", code)])
    )
    for file in (tmp_path / "k.hsaco", str(tmp_path / "k.hipfb"), code):
        x = floats(4)
        rocverify.load(file)["ns::scale<float>"][1, 4](x, 2.0, 4)
        assert x.tolist() == [0, 2, 4, 6]
    with pytest.raises(WrongTargetError, match="holds gfx1100; this device is gfx1151"):
        rocverify.load(code, target="gfx1151")
    with pytest.raises(WrongTargetError, match="this device is gfx1100"):
        module.device.load(write_bundle([DeviceCode("gfx908", "", code)]))
    with pytest.raises(UsageError, match="a int holds no kernels"):
        rocverify.load(3)
    with pytest.raises(UsageError, match=r"absent\.hip: cannot be read"):
        rocverify.load("absent.hip")
    with pytest.raises(DeviceUnavailableError, match="does not run gfx908"):
        rocverify.load(source, target="gfx908")


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, rocverify; assert not {'numpy', 'llvmlite', 'click', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(AttributeError):
        rocverify.absent  # noqa: B018
