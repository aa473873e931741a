"""Fixtures for the tests of devices: compiled kernels, an emulated GPU, a device that only listens."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.base import DeviceInfo
from rocverify.device.emulator.api import EmulatorDevice
from rocverify.device.faults import FaultReport
from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

SYMBOLS = ("nothing", "axpy", "arguments", "unchecked", "bounded", "shared_sum", "dynamic", "read_answer")


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    try:
        return Toolchain.discover(Settings())
    except CompilerNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def compiled(
    toolchain: Toolchain, kept: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The path of probe.hip's code object for a target."""
    root = tmp_path_factory.mktemp("project")
    shutil.copy(Path(__file__).parent / "probe.hip", root / "probe.hip")
    entry = ManifestEntry("probe.hip", SYMBOLS, "PROBE_HSACO", flags=("-O2",))
    builder = Builder(root, toolchain, kept)
    return lambda target: builder.build(entry, target).path


@pytest.fixture(scope="session")
def image(compiled: Callable[[str], Path]) -> bytes:
    """probe.hip's code object for the emulated GPU."""
    return compiled("gfx1100").read_bytes()


@pytest.fixture
def emulator(toolchain: Toolchain, kept: Path) -> Iterator[EmulatorDevice]:
    device = EmulatorDevice.open(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        linker=toolchain.linker,
        threads=2,
        cache_dir=kept,
    )
    yield device
    device.close()


class Bench:
    """Short ways to say what most tests do on a device."""

    def __init__(self, hip: Any, image: bytes) -> None:
        self.hip = hip
        self.module = self.ok(hip.hipModuleLoadData(image))

    @staticmethod
    def ok(result: tuple[Any, ...]) -> Any:
        code, *values = result
        assert code == real_hip.hipError_t.hipSuccess, code
        return values[0] if len(values) == 1 else tuple(values)

    def function(self, name: str) -> Any:
        return self.ok(self.hip.hipModuleGetFunction(self.module, name.encode()))

    def upload(self, array: np.ndarray) -> Any:
        pointer = self.ok(self.hip.hipMalloc(array.nbytes))
        kind = self.hip.hipMemcpyKind.hipMemcpyHostToDevice
        self.ok(self.hip.hipMemcpy(pointer, array, array.nbytes, kind))
        return pointer

    def download(self, pointer: Any, like: np.ndarray) -> np.ndarray:
        result = np.empty_like(like)
        kind = self.hip.hipMemcpyKind.hipMemcpyDeviceToHost
        self.ok(self.hip.hipMemcpy(result, pointer, result.nbytes, kind))
        return result

    def launch(
        self,
        name: str,
        arguments: Any,
        *,
        grid: tuple[int, int, int] = (1, 1, 1),
        block: tuple[int, int, int] = (32, 1, 1),
        shared: int = 0,
        parameters: Any = None,
    ) -> Any:
        """The error code of a launch."""
        (code,) = self.hip.hipModuleLaunchKernel(
            self.function(name), *grid, *block, shared, None, parameters, arguments
        )
        return code


@pytest.fixture
def bench(emulator: EmulatorDevice, image: bytes) -> Bench:
    return Bench(emulator.hip, image)


class ListeningDevice:
    """A device on which every function of hip-python succeeds and does nothing. Addresses in
    [2**40, 2**41) are the device's."""

    kind = "listening"
    name = "listener"
    target = "gfx1100"
    info = DeviceInfo("listening", "listener", "gfx1100", "gfx1100", "none")

    def __init__(self) -> None:
        self.hip = _ListeningHip()

    def is_device_address(self, address: int) -> bool | None:
        return 1 << 40 <= address < 1 << 41

    def kernel_name(self, function: int) -> str | None:
        return f"kernel_{function:x}"

    def last_fault(self) -> FaultReport | None:
        return None

    def last_reason(self) -> str | None:
        return "because"

    def clear_fault(self) -> None: ...

    def close(self) -> None: ...


class _ListeningHip:
    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.results: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(real_hip, name)) or isinstance(getattr(real_hip, name), type):
            return getattr(real_hip, name)

        def function(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            result = self.results.get(name, (real_hip.hipError_t.hipSuccess,))
            if isinstance(result, BaseException):
                raise result
            return result

        return function


@pytest.fixture
def listener() -> ListeningDevice:
    return ListeningDevice()


@pytest.fixture
def device_pointer() -> Any:
    return ctypes.c_void_p((1 << 40) + 0x1000)


@pytest.fixture(scope="session")
def shared_emulator(toolchain: Toolchain, kept: Path) -> Iterator[EmulatorDevice]:
    """One device for tests that run many examples and leave nothing behind."""
    device = EmulatorDevice.open(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        linker=toolchain.linker,
        threads=2,
        cache_dir=kept,
    )
    yield device
    device.close()
