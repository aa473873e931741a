"""Host memory by address, read and written without trusting the address.

Host code may pass a bare number where hip-python wants a pointer. The kernel of the operating system
checks it (`process_vm_readv` on this very process): a wrong one is an error here and not the end of
the process.
"""

from __future__ import annotations

import ctypes
import errno
import os

_LONGEST = 1 << 30
"""Bytes per system call; Linux moves at most 2 GiB in one."""

_REFUSED = frozenset({errno.ENOSYS, errno.EPERM})


class HostMemoryError(Exception):
    """An address that is not (wholly) this process's memory, or may not be written."""


class _Range(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
for _name in ("process_vm_readv", "process_vm_writev"):
    _function = getattr(_libc, _name)
    _function.restype = ctypes.c_ssize_t
    _function.argtypes = (
        ctypes.c_int,
        ctypes.POINTER(_Range),
        ctypes.c_ulong,
        ctypes.POINTER(_Range),
        ctypes.c_ulong,
        ctypes.c_ulong,
    )


def read(address: int, size: int) -> bytes:
    """A copy of host memory; HostMemoryError where it cannot be read."""
    buffer = bytearray(size)
    read_into(memoryview(buffer), address)
    return bytes(buffer)


def read_into(view: memoryview, address: int) -> None:
    """Fills a writable view from host memory; HostMemoryError where it cannot be read."""
    _transfer("process_vm_readv", view, address)


def write_from(view: memoryview, address: int) -> None:
    """Copies a writable view to host memory; HostMemoryError where it cannot be written."""
    _transfer("process_vm_writev", view, address)


def _transfer(call: str, view: memoryview, address: int) -> None:
    size = view.nbytes
    if size == 0:
        return
    if not 0 < address <= (1 << 64) - size:
        raise HostMemoryError(f"{size} bytes at {address:#x} are no host memory")
    own = ctypes.addressof((ctypes.c_char * size).from_buffer(view.cast("B")))
    for offset in range(0, size, _LONGEST):
        step = min(_LONGEST, size - offset)
        _step(call, own + offset, address + offset, step)


def _step(call: str, own: int, address: int, size: int) -> None:
    local, remote = _Range(own, size), _Range(address, size)
    moved = getattr(_libc, call)(os.getpid(), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    if moved == size:
        return
    if moved < 0 and ctypes.get_errno() in _REFUSED:
        # A sandbox without the call: the address is trusted, as the HIP runtime trusts it.
        source, target = (address, own) if call == "process_vm_readv" else (own, address)
        ctypes.memmove(target, source, size)
        return
    verb = "read" if call == "process_vm_readv" else "written"
    raise HostMemoryError(f"{size} bytes at host address {address:#x} cannot be {verb}")
