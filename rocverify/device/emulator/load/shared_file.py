"""The file in memory behind pinned, managed and registered memory, which other processes map too."""

from __future__ import annotations

import os
import weakref

from rocverify.device.emulator.load.address_space import PAGE
from rocverify.errors import DeviceError


class SharedFile:
    """`size` bytes for allocations, and behind them pages that are reserved for registered memory. It lies
    in no file system: the size of /dev/shm does not limit it. DeviceError if the system gives none."""

    def __init__(self, size: int) -> None:
        self._end = -(-size // PAGE) * PAGE
        try:
            self.fd = os.memfd_create("rocverify-shared", os.MFD_CLOEXEC)
            self._close = weakref.finalize(self, os.close, self.fd)
            os.ftruncate(self.fd, self._end)
        except OSError as error:
            raise _refused(size, error) from error

    def reserve(self, size: int) -> int:
        """The offset of as many whole pages, zeroed, that nobody else has or had: a process that put its own
        pages there may go on using them once they are no longer registered."""
        at, end = self._end, self._end + -(-max(size, 1) // PAGE) * PAGE
        try:
            os.ftruncate(self.fd, end)
        except OSError as error:
            raise _refused(size, error) from error
        self._end = end
        return at

    def close(self) -> None:
        """Closes the descriptor; who has mapped the file keeps it."""
        self._close()


def _refused(size: int, error: OSError) -> DeviceError:
    return DeviceError(
        f"{size} bytes of shared memory cannot be had: {error.strerror}",
        hint="is the size of files limited (ulimit -f), or memory?",
    )
