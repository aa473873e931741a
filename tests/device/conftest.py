"""Fixtures for the tests of devices: compiled kernels, an emulated GPU, a device that only listens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.process.client import RemoteDevice
from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.devices import emulated

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
def emulator(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    with emulated(toolchain, kept) as device:
        yield device


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
        """The error code of a launch, or else of waiting for it."""
        (code,) = self.hip.hipModuleLaunchKernel(
            self.function(name), *grid, *block, shared, None, parameters, arguments
        )
        return code or self.hip.hipDeviceSynchronize()[0]


@pytest.fixture
def bench(emulator: RemoteDevice, image: bytes) -> Bench:
    return Bench(emulator.hip, image)


@pytest.fixture(scope="session")
def shared_emulator(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    """One device for tests that run many examples and leave nothing behind."""
    with emulated(toolchain, kept) as device:
        yield device
