"""The simplest streams: an item is executed when it is submitted. For tests of what needs no order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.items import Item


class DirectStreams:
    """Work is done at once, on behalf of the context's `caller` where it needs one."""

    eager = True

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: list[Item] = []
        self._failed: list[HipError] = []

    def at_rest(self, stream: int, slot: int) -> bool:
        """Whether nothing was kept."""
        del stream, slot
        return not self._waiting

    def submit(self, stream: int, slot: int, item: Item, caller: Caller | None = None) -> None:
        """Executes an item, or keeps one that needs a caller until somebody waits."""
        del stream, slot
        if (item.needs_caller and caller is None) or self._waiting:
            self._waiting.append(item)
        else:
            self._execute(item, caller)

    def wait(
        self, stream: int | None, slot: int, caller: Caller | None, *, explicit: bool = True, site: int = 0
    ) -> None:
        """Executes what was kept."""
        del stream, slot, explicit, site
        while self._waiting:
            self._execute(self._waiting.pop(0), caller)
        failed, self._failed = self._failed, []
        if failed:
            raise failed[0]

    def _execute(self, item: Item, caller: Caller | None) -> None:
        try:
            self._context.execute(item, caller)
        except HipError as error:
            self._failed.append(error)

    def captures(self, stream: int, slot: int) -> bool:
        """There are no graphs here."""
        del stream, slot
        return False

    def pending(self) -> bool:
        """Whether an item waits for a caller."""
        return bool(self._waiting)

    def idle(self) -> None:
        """Nothing to do."""

    def reset(self) -> None:
        """Drops what was kept."""
        self._waiting.clear()
        self._failed.clear()

    def close(self) -> None:
        """Drops what was kept."""
        self._waiting.clear()
        self._failed.clear()
