"""What the checks ask of a context's memory, and whom they tell what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller
    from rocverify.device.ranges import Ranges


class Memory(Protocol):
    """What the checks ask of a context's memory."""

    def describe(self, address: int) -> str:
        """What lies at an address, for people."""

    def read(self, address: int, size: int, caller: Caller | None) -> bytes | None:
        """Bytes of host memory, pinned or not; None where they cannot be seen."""

    def seen_by_host(self, address: int) -> bool:
        """Whether the host sees the bytes itself: pinned, managed or any other host memory."""

    def fault_address(self) -> int | None:
        """Where the last kernel that faulted did so."""

    def made_at(self, stream: int) -> str | None:
        """Where a stream was made, `path:line`."""

    def shared(self) -> Ranges:
        """All memory that host and device see."""


class Report(Protocol):
    """Whom the checks tell what they found."""

    def __call__(
        self,
        kind: str,
        message: str,
        site: int,
        other: int = 0,
        *,
        kernel: str | None = None,
        address: int | None = None,
        size: int | None = None,
    ) -> None:
        """A word for machines, words for people, the call site to blame and the other one (0: none)."""
