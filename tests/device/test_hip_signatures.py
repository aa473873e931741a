"""The emulator's functions against hip-python's own: names, parameters, number of results, enums.

The oracle is hip-python's generated source, which comes with the package.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.emulator.api import EmulatorDevice, EmulatorHip
from rocverify.device.trace.tables import SHAPES

OFFERED = sorted(name for name in dir(EmulatorHip) if name.startswith("hip"))
_REQUIRED = """
    hipInit hipGetDeviceCount hipGetDevice hipSetDevice hipGetDeviceProperties hipDeviceGetAttribute
    hipDriverGetVersion hipRuntimeGetVersion hipMalloc hipMallocAsync hipMallocManaged hipHostMalloc
    hipHostFree hipFree hipFreeAsync hipMemcpy hipMemcpyAsync hipMemcpyWithStream hipMemcpyDtoH hipMemcpyHtoD
    hipMemcpyDtoD hipMemcpyDtoHAsync hipMemcpyHtoDAsync hipMemcpyDtoDAsync hipMemcpy2D hipMemcpy2DAsync
    hipMemset hipMemsetAsync hipMemsetD8 hipMemsetD16 hipMemsetD32 hipMemGetInfo hipMemGetAddressRange
    hipPointerGetAttributes hipModuleLoad hipModuleLoadData hipModuleLoadDataEx hipModuleUnload
    hipModuleGetFunction hipModuleGetGlobal hipFuncGetAttribute hipModuleLaunchKernel
    hipModuleLaunchCooperativeKernel hipModuleOccupancyMaxActiveBlocksPerMultiprocessor hipStreamCreate
    hipStreamCreateWithFlags hipStreamDestroy hipStreamSynchronize hipStreamQuery hipStreamWaitEvent
    hipEventCreate hipEventRecord hipEventSynchronize hipEventElapsedTime hipEventQuery hipEventDestroy
    hipDeviceSynchronize hipDeviceReset hipGetLastError hipPeekAtLastError hipGetErrorName hipGetErrorString
"""


@cache
def source_text() -> str:
    return Path(real_hip.__file__).with_name("hip.pyx").read_text(encoding="utf-8")


@cache
def real_parameters() -> dict[str, list[str]]:
    """Parameter names of hip-python's functions: the last word of each, whatever its C type."""
    heads = re.findall(r"^def (hip\w+)\((.*)\):$", source_text(), re.MULTILINE)
    return {name: [part.split()[-1] for part in inside.split(",") if part] for name, inside in heads}


@cache
def result_counts() -> dict[str, int]:
    """How many values hip-python's functions return."""
    counts = {}
    for chunk in re.split(r"\ndef ", source_text())[1:]:
        returned = re.search(r"\n    return \((hipError_t.*)\)\n", chunk)
        if returned:
            inside = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", returned[1]).rstrip(",")
            counts[chunk.partition("(")[0]] = inside.count(",") + 1
    return counts


def own_result_count(name: str) -> int:
    source = inspect.getsource(getattr(EmulatorHip, name))
    decorated = re.search(r"@offered\(([^)]*)\)", source)
    if decorated is None:
        annotation = inspect.signature(getattr(EmulatorHip, name)).return_annotation
        return {"tuple[Any]": 1}.get(str(annotation), 2)
    return 1 + len([part for part in decorated[1].split(",") if part.strip() and "=" not in part])


def test_everything_that_wrappers_need_is_offered() -> None:
    assert set(_REQUIRED.split()) <= set(OFFERED)


@pytest.mark.parametrize("name", OFFERED)
def test_parameters_are_hip_pythons(name: str) -> None:
    own = [p for p in inspect.signature(getattr(EmulatorHip, name)).parameters if p != "self"]
    assert own == real_parameters()[name]


@pytest.mark.parametrize("name", [n for n in OFFERED if n != "hipModuleLoadDataEx"])
def test_as_many_results_as_hip_python(name: str) -> None:
    assert own_result_count(name) == result_counts()[name]


def test_load_data_ex_returns_three(emulator: EmulatorDevice) -> None:
    assert len(emulator.hip.hipModuleLoadDataEx(None, 0, None)) == result_counts()["hipModuleLoadDataEx"] == 3


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_tracers_tables_name_real_functions_and_parameters(name: str) -> None:
    parameters = SHAPES[name].parameters
    assert callable(getattr(real_hip, name))
    if parameters:
        assert list(parameters) == real_parameters()[name]


def test_every_offered_function_has_a_category() -> None:
    assert [name for name in OFFERED if name not in SHAPES] == []


@pytest.mark.parametrize("name", ["hipError_t", "hipMemcpyKind", "hipDeviceProp_t", "dim3", "ihipStream_t"])
def test_enums_and_classes_are_the_same_objects(emulator: EmulatorDevice, name: str) -> None:
    assert getattr(emulator.hip, name) is getattr(real_hip, name)


def test_a_function_that_is_not_offered_says_so(emulator: EmulatorDevice) -> None:
    with pytest.raises(AttributeError, match="the emulator does not offer hipMallocArray"):
        _ = emulator.hip.hipMallocArray
    assert not hasattr(emulator.hip, "hipGraphCreate")
    with pytest.raises(AttributeError, match="hipNoSuchThing"):
        _ = emulator.hip.hipNoSuchThing


def test_has_symbol_tells_what_is_offered(emulator: EmulatorDevice) -> None:
    assert emulator.hip.has_symbol("hipMalloc")
    assert emulator.hip.has_symbol(b"hipModuleLaunchKernel")
    assert not emulator.hip.has_symbol("hipMallocArray")
    assert not emulator.hip.has_symbol("__init__")


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        ("hipMalloc", (-1,), OverflowError),
        ("hipMalloc", (2**64,), OverflowError),
        ("hipMalloc", ("4",), TypeError),
        ("hipMalloc", (None,), TypeError),
        ("hipMalloc", (), TypeError),
        ("hipMalloc", (1, 2), TypeError),
        ("hipMemset", (0, 2**31, 4), OverflowError),
        ("hipMemsetD8", (0, 256, 4), OverflowError),
        ("hipMemsetD8", (0, -1, 4), OverflowError),
        ("hipMemcpy", (0, 0, 4, 1), TypeError),
        ("hipMemcpy", (1.0, 0, 4, real_hip.hipMemcpyKind.hipMemcpyDefault), TypeError),
        ("hipMemcpy", ("text", 0, 4, real_hip.hipMemcpyKind.hipMemcpyDefault), TypeError),
        ("hipModuleLaunchKernel", (None, 1, 1, 1, 1, 1, 1), TypeError),
        ("hipModuleLaunchKernel", (None, -1, 1, 1, 1, 1, 1, 0, None, None, None), OverflowError),
        ("hipModuleGetFunction", ("module", b"name"), TypeError),
        ("hipGetErrorName", (1,), TypeError),
        ("hipFuncGetAttribute", (0, None), TypeError),
    ],
)
def test_refuses_what_hip_python_refuses(
    emulator: EmulatorDevice, function: str, args: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        getattr(real_hip, function)(*args)
    with pytest.raises(error):
        getattr(emulator.hip, function)(*args)
