"""Calls of waves to the host: device printf, assert, malloc.

A wave takes a packet from the buffer's free stack, fills in a service and eight words a lane, pushes it on
the ready stack and waits until the host has cleared the packet's ready flag; the answer is in the same words.
Source: ROCm's device libraries (ockl/src/hostcall_impl.cl, services.cl) and HIP's runtime.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum

from rocverify.device.emulator.launch.heap import SLAB_BYTES
from rocverify.device.emulator.launch.printf import formatted
from rocverify.device.emulator.load.address_space import PAGE
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

Printer = Callable[[str, str], None]
"""Takes `stdout` or `stderr`, and text."""

PACKETS = 64
"""A power of two; waves that find no free packet wait for one."""
LANES, WORDS = 64, 8
_HEADER = struct.Struct("<QQII")  # next, active lanes, service, control
_BUFFER = struct.Struct("<QQQQQQ")  # headers, payloads, doorbell, free stack, ready stack, index mask
FREE_STACK, READY_STACK = 24, 32
_CONTROL = 20
_READY = 1
_DOORBELL_BYTES = 64
"""An amd_signal_t: with neither mailbox nor event, waves only count its value up."""

SEND_INTERRUPT = bytes.fromhex("0100b6bf")
"""s_sendmsg sendmsg(MSG_INTERRUPT): in all code that calls the host, and in what follows a trap."""

_ASSERTION = re.compile(r"^(?P<place>.+?:\d+): .*Device-side assertion .* failed\.$", re.MULTILINE)


class Service(IntEnum):
    """What a packet may ask for."""

    FUNCTION_CALL = 1
    PRINTF = 2
    DEVMEM = 3
    SANITIZER = 4


def calls_host(kernel: LoadedKernel) -> bool:
    """Whether the kernel has the hidden argument, and its code object code that could call."""
    image = kernel.module.image
    text = image.content[image.text.start : image.text.stop]
    return SEND_INTERRUPT in text and any(
        arg.kind == "hidden_hostcall_buffer" for arg in kernel.metadata.args
    )


def to_standard_streams(stream: str, text: str) -> None:
    """Prints as HIP does."""
    print(text, end="", file=sys.stderr if stream == "stderr" else sys.stdout, flush=True)


class HostCalls:
    """The buffer of one launch, at device address `address`. `printed` is all that the kernel has printed,
    in order, as (stream, text)."""

    def __init__(self, memory: DeviceMemory, kernel: str, printer: Printer) -> None:
        self._memory, self._kernel, self._printer = memory, kernel, printer
        self._messages: dict[int, bytearray] = {}
        self._next_message = 0
        self.printed: list[tuple[str, str]] = []
        self.memory_changed = False
        self._headers = _BUFFER.size + _DOORBELL_BYTES
        self._payloads = self._headers + PACKETS * _HEADER.size
        size = self._payloads + PACKETS * LANES * WORDS * 8
        self.address = memory.malloc(size, f"host call buffer of {kernel}")
        self._initialise()

    def _initialise(self) -> None:
        """All packets on the free stack. A packet is named by its index and a tag above it, which together
        are never zero: zero ends a stack."""
        base = self.address
        names = [PACKETS + index for index in range(PACKETS)]
        for index in range(PACKETS):
            after = names[index + 1] if index + 1 < PACKETS else 0
            self._memory.write(self._header(index), _HEADER.pack(after, 0, 0, 0))
        fields = (base + self._headers, base + self._payloads, base + _BUFFER.size, names[0], 0, PACKETS - 1)
        self._memory.write(base, _BUFFER.pack(*fields) + bytes(_DOORBELL_BYTES))

    def _header(self, name: int) -> int:
        return self.address + self._headers + name % PACKETS * _HEADER.size

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address, 8), "little")

    def serve(self) -> None:
        """Answers every packet that waits, in the order in which they came.

        Raises DeviceError naming the service for what is not supported, and for damaged packets.
        """
        for name in reversed(list(self._take_ready())):
            _, lanes, service, control = _HEADER.unpack(self._memory.read(self._header(name), _HEADER.size))
            payload = self.address + self._payloads + name % PACKETS * LANES * WORDS * 8
            for lane in range(LANES):
                if lanes >> lane & 1:
                    self._answer(service, payload + lane * WORDS * 8)
            self._memory.write(self._header(name) + _CONTROL, (control & ~_READY).to_bytes(4, "little"))

    def _take_ready(self) -> Iterator[int]:
        name = self._word(self.address + READY_STACK)
        self._memory.write(self.address + READY_STACK, bytes(8))
        for _ in range(PACKETS):
            if not name:
                return
            yield name
            name = self._word(self._header(name))
        raise DeviceError("the stack of host calls is damaged", where=self._kernel)

    def _answer(self, service: int, slot: int) -> None:
        words = list(struct.unpack(f"<{WORDS}Q", self._memory.read(slot, WORDS * 8)))
        match service:
            case Service.PRINTF:
                answer = self._print(words)
            case Service.DEVMEM:
                answer = self._device_memory(words[0], words[1])
            case _:
                known = {int(one): one.name.lower() for one in Service}
                raise DeviceError(
                    f"unsupported: hostcall service {service} ({known.get(service, 'unknown')})",
                    where=self._kernel,
                    hint="the emulator serves device printf, assert and malloc",
                )
        self._memory.write(slot, struct.pack("<Q", answer & (1 << 64) - 1))

    def _print(self, words: list[int]) -> int:
        """One piece of a lane's message. The first word says whether it begins or ends the message, how many
        words of it follow and which message it is."""
        head = words[0]
        begins, ends, count, number = head & 1, head >> 1 & 1, head >> 5 & 7, head >> 8
        if begins:
            number, self._next_message = self._next_message, self._next_message + 1
            self._messages[number] = bytearray()
            head = (head & 0xFE) | number << 8
        if number not in self._messages:
            raise DeviceError(f"a piece of the message {number}, which has not begun", where=self._kernel)
        self._messages[number] += struct.pack(f"<{count}Q", *words[1 : 1 + count])
        return self._finish(number) if ends else head

    def _finish(self, number: int) -> int:
        """Prints a message; what C's printf returns."""
        message = bytes(self._messages.pop(number))
        control = int.from_bytes(message[:8], "little")
        if control > 1:
            return -1
        text = formatted(message[8:])
        shown = "stderr" if control else "stdout", text.decode(errors="replace")
        self.printed.append(shown)
        self._printer(*shown)
        return len(text)

    def _device_memory(self, address: int, size: int) -> int:
        """Allocates `size` bytes, or frees `address`; 0 where there is no more memory. Kernels may keep
        memory for later ones, as HIP lets them: it belongs to nobody else. The device libraries' malloc tells
        by the address what it has here: slabs are aligned to their size, all else to a page."""
        self.memory_changed = True
        if address:
            self._memory.free(address)
            return 0
        alignment = SLAB_BYTES if size >= SLAB_BYTES else PAGE
        label = f"device memory that {self._kernel} asked for"
        try:
            return self._memory.malloc(size, label, alignment=alignment)
        except OutOfDeviceMemoryError:
            return 0

    def assertion(self) -> tuple[str, str] | None:
        """Message and `file:line` of the first failed assertion."""
        for stream, text in self.printed:
            found = _ASSERTION.search(text) if stream == "stderr" else None
            if found is not None:
                return found[0], found["place"]
        return None
