"""A client of the device process without a process: calls as records, host memory as byte arrays."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocverify.device.backends.emulator import EmulatorBackend, EmulatorOptions, describe
from rocverify.device.hip.calls import Answer, Call
from rocverify.device.hip.checking import make_streams
from rocverify.device.hip.context import Client, Context
from rocverify.device.hip.control import DeviceControl
from rocverify.device.hip.direct import DirectStreams
from rocverify.device.hip.errors import CODES, HipError, error_name
from rocverify.device.trace.events import TraceEvent
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled


class Host:
    """The client's memory and its waiting thread (calls.Caller)."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self._next = itertools.count(0x7F00_0000_0000, 1 << 24)
        self.printed: list[tuple[str, str]] = []
        self.calls_back: list[tuple[int, ...]] = []

    def put(self, data: bytes) -> int:
        """The address of new memory that holds these bytes."""
        address = next(self._next)
        self._blocks[address] = bytearray(data)
        return address

    def _at(self, address: int, size: int) -> memoryview:
        for base, block in self._blocks.items():
            if base <= address and address + size <= base + len(block):
                return memoryview(block)[address - base : address - base + size]
        raise HipError("hipErrorInvalidValue", f"{size} bytes of host memory at {address:#x}")

    def read_host(self, address: int, size: int) -> bytes:
        return bytes(self._at(address, size))

    def read_host_into(self, target: memoryview, address: int) -> None:
        target[:] = self._at(address, target.nbytes)

    def write_host(self, address: int, data: bytes | memoryview) -> None:
        self._at(address, len(data))[:] = data

    def callback(self, form: int, function: int, user: int, stream: int, code: int) -> None:
        self.calls_back.append((form, function, user, stream, code))

    def print(self, stream: str, text: str) -> None:
        self.printed.append((stream, text))


class HipClient:
    """Makes calls on a context."""

    def __init__(self, context: Context, image: bytes) -> None:
        self.context, self.host, self.image = context, Host(), image

    def answer(
        self,
        name: str,
        *args: int,
        payload: bytes = b"",
        inline: bool = False,
        site: int = 0,
        slot: int = 0,
        waits: bool = True,
    ) -> Answer:
        """Whatever a call answers."""
        numbers = tuple(arg & 0xFFFF_FFFF_FFFF_FFFF for arg in args)
        call = Call(name, numbers, payload, inline, slot, site, waits)
        return self.context.serve(call, self.host if waits else None)

    def ok(self, name: str, *args: int, payload: bytes = b"", inline: bool = False, site: int = 0) -> int:
        """The first result of a call that succeeds."""
        answer = self.answer(name, *args, payload=payload, inline=inline, site=site)
        assert answer.code == 0, (name, error_name(answer.code), self.reason)
        return answer.values[0] if answer.values else 0

    def fails(self, code: str, name: str, *args: int, payload: bytes = b"", site: int = 0) -> str:
        """Why a call fails with this code."""
        answer = self.answer(name, *args, payload=payload, site=site)
        assert answer.code == CODES[code], (name, error_name(answer.code), self.reason)
        return self.reason

    @property
    def reason(self) -> str:
        return self.context.control.last_reason or ""

    @property
    def events(self) -> list[TraceEvent]:
        return self.context.control.trace.since(0)

    def site(self, number: int, *frames: str) -> int:
        """Tells a call site."""
        self.ok("rv_site", number, payload="\n".join(frames).encode())
        return number

    def module(self) -> int:
        return self.ok("hipModuleLoadData", self.host.put(self.image), len(self.image))

    def function(self, module: int, name: str) -> int:
        return self.ok("hipModuleGetFunction", module, payload=name.encode())

    def launch(
        self, function: int, kernarg: bytes, grid: int = 1, block: int = 32, shared: int = 0
    ) -> Answer:
        return self.answer(
            "hipModuleLaunchKernel", function, grid, 1, 1, block, 1, 1, shared, 0, 0, 0, 0, payload=kernarg
        )

    def upload(self, data: bytes) -> int:
        address = self.ok("hipMalloc", len(data))
        self.ok("hipMemcpy", address, self.host.put(data), len(data), 1)
        return address

    def download(self, address: int, size: int) -> bytes:
        return self.context.backend.read(address, size)


@pytest.fixture(scope="session")
def make_client(toolchain: Toolchain, kept: Path, image: bytes) -> Callable[..., HipClient]:
    """Clients of an emulated device; `control` may say how it was opened."""

    def make(control: DeviceControl | None = None) -> HipClient:
        options = EmulatorOptions("gfx1100", toolchain.objdump, toolchain.clang, threads=2, cache_dir=kept)
        backend = EmulatorBackend(options, describe("gfx1100"))
        client = Client(1234, "/somewhere/program")
        context = Context(backend, control or DeviceControl(sanitize=True), DirectStreams, client)
        return HipClient(context, image)

    return make


ORDERS = ("eager", "lazy", "shuffled")


@pytest.fixture(scope="session")
def ordered_image(kept: Path) -> bytes:
    """ordered.hip's code object, with line tables."""
    return compiled(kept, Path(__file__).parent / "ordered.hip", "clang++-19", "-O2", "-g")


@pytest.fixture
def queued(toolchain: Toolchain, kept: Path, ordered_image: bytes) -> Iterator[Callable[..., HipClient]]:
    """Clients with real queues and the kernels of ordered.hip, by order, seed and whether to sanitize."""
    made: list[HipClient] = []

    def make(order: str = "lazy", seed: int = 0, *, sanitize: bool = False) -> HipClient:
        options = EmulatorOptions(
            "gfx1100",
            toolchain.objdump,
            toolchain.clang,
            threads=2,
            cache_dir=kept,
            sanitize=sanitize,
        )
        backend = EmulatorBackend(options, describe("gfx1100"))
        streams = functools.partial(make_streams, order=order, seed=seed)
        context = Context(backend, DeviceControl(sanitize=sanitize), streams, Client(1, "/program"))
        made.append(HipClient(context, ordered_image))
        return made[-1]

    yield make
    for one in made:
        one.context.close()


@pytest.fixture
def client(make_client: Callable[..., HipClient]) -> Iterator[HipClient]:
    made = make_client()
    yield made
    made.context.close()
