"""A client of the device process in Python, written from the protocol's text alone: what a HIP library does,
without the library."""

from __future__ import annotations

import mmap
import os
import socket
import struct
from dataclasses import dataclass, field

MAGIC, VERSION = 0x56434F52, 3
HEADER, RING, STAGING = 4096, 1 << 20, 8 << 20
WANTS_REPLY, INLINE = 1, 2
REPLY, READ_HOST, WRITE_HOST, CALLBACK, PRINT = range(5)


@dataclass
class Reply:
    code: int
    values: tuple[int, ...]
    payload: bytes


@dataclass
class HostMemory:
    """What the client has at addresses of its own."""

    ranges: dict[int, bytearray] = field(default_factory=dict)

    def slot(self, address: int, size: int) -> memoryview | None:
        for base, data in self.ranges.items():
            if base <= address and address + size <= base + len(data):
                return memoryview(data)[address - base : address - base + size]
        return None


class RawClient:
    """One process with one thread."""

    def __init__(
        self,
        path: str,
        numbers: dict[str, int],
        *,
        device: int = 0,
        version: int = VERSION,
        pid: int | None = None,
    ) -> None:
        self.numbers = numbers
        self.host = HostMemory()
        self.printed: list[tuple[int, str]] = []
        self.called: list[tuple[int, ...]] = []
        self.process, welcome, files = self._connect(path, 0, 0, device, version, pid)
        self.welcome = welcome
        if welcome["error"]:
            return
        ring_file, self.shared_file = files
        self.ring = mmap.mmap(ring_file, HEADER + RING)
        os.close(ring_file)
        self.thread, slot, (staging,) = self._connect(path, 1, welcome["token"], device, version, pid)
        self.slot = slot["slot"]
        self.staging = mmap.mmap(staging, STAGING)
        os.close(staging)
        self.head = 0

    @staticmethod
    def _connect(
        path: str, kind: int, token: int, device: int, version: int, pid: int | None
    ) -> tuple[socket.socket, dict[str, int], list[int]]:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(path)
        own = pid or os.getpid()
        hello = struct.pack("<IIIIIIQ256s", MAGIC, version, kind, own, own, device, token, b"raw client")
        connection.send(hello)
        data, files, _, _ = socket.recv_fds(connection, 4096, 4)
        names = "magic version error slot token device_start device_bytes shared_start shared_bytes devices"
        values = struct.unpack_from("<IIiIQQQQQI", data)
        welcome = dict(zip(names.split(), values, strict=True))
        welcome["words"] = data[struct.calcsize("<IIiIQQQQQI") :].partition(b"\0")[0].decode()
        return connection, welcome, list(files)

    def post(self, name: str, *args: int, payload: bytes = b"", flags: int = 0, site: int = 0) -> None:
        """Queues a request."""
        size = -(-(24 + 8 * len(args) + len(payload)) // 8) * 8
        at = self.head % RING
        if at + size > RING:
            struct.pack_into("<IHH", self.ring, HEADER + at, RING - at, 0, 0)
            self._publish(RING - at)
            at = 0
        record = struct.pack(
            "<IHHIIII", size, self.numbers[name], flags, self.slot, site, len(args), len(payload)
        )
        record += struct.pack(f"<{len(args)}Q", *(value & (1 << 64) - 1 for value in args)) + payload
        self.ring[HEADER + at : HEADER + at + len(record)] = record
        self._publish(size)

    def _publish(self, size: int) -> None:
        self.head += size
        struct.pack_into("<Q", self.ring, 0, self.head)
        (waiting,) = struct.unpack_from("<I", self.ring, 128)
        if waiting:
            self.process.send(b"!")

    def call(self, name: str, *args: int, payload: bytes = b"", flags: int = 0, site: int = 0) -> Reply:
        """Makes a request and waits for its reply, serving calls back meanwhile."""
        self.post(name, *args, payload=payload, flags=flags | WANTS_REPLY, site=site)
        while True:
            data = self.thread.recv(1 << 17)
            if not data:
                raise EOFError("the device process has ended")
            kind, code, count, length = struct.unpack_from("<IiII", data)
            values = struct.unpack_from(f"<{count}Q", data, 16)
            payload = data[16 + 8 * count : 16 + 8 * count + length]
            if kind == REPLY:
                return Reply(code, values, payload)
            self.thread.send(struct.pack("<i", self._serve(kind, values, payload)))

    def _serve(self, kind: int, values: tuple[int, ...], payload: bytes) -> int:
        if kind == PRINT:
            self.printed.append((values[0], payload.decode()))
            return 0
        if kind == CALLBACK:
            self.called.append(values)
            return 0
        address, size, offset = values
        found = self.host.slot(address, size)
        if found is None:
            return 1
        if kind == READ_HOST:
            self.staging[offset : offset + size] = bytes(found)
        else:
            found[:] = self.staging[offset : offset + size]
        return 0

    def close(self) -> None:
        self.process.close()
        if not self.welcome["error"]:
            self.thread.close()
            self.ring.close()
            self.staging.close()
            os.close(self.shared_file)
