"""The connection to the judge: what is asked, and what comes of it, as pairs: True and a value, or False and
what was raised, as a mapping."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .codec import Channel, Codec
from .declarations import Declarations
from .imports import LoadError, in_project
from .missing import missing_module


class Connection:
    """One end of it. `keep` gives results that are computed when they are asked for a number."""

    def __init__(
        self,
        connection: socket.socket,
        root: Path,
        declarations: Declarations,
        keep: Callable[[Callable[[], Any]], int],
    ) -> None:
        self._root, self._package = root, declarations.package
        self._channel = Channel(connection, Codec(declarations.record, keep))

    def serve(self, operation_of: Callable[[str], Callable[..., Any]]) -> None:
        """Answers until the judge ends the connection."""
        while True:
            try:
                operation, arguments = self._channel.receive()
            except (EOFError, OSError):
                return
            except ValueError as error:  # a value that makes no sense here
                self._channel.send((False, self.told(error)))
                continue
            self.answer(partial(operation_of(operation), **arguments))

    def answer(self, work: Callable[[], Any]) -> None:
        """Does it, and sends what it returns or raises."""
        try:
            outcome = True, work()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the project's code raises is told
            outcome = False, self.told(error)
        try:
            self._channel.send(outcome)
        except ValueError as error:  # a result that cannot be handed over
            self._channel.send((False, self.told(error)))

    def told(self, error: BaseException) -> dict[str, Any]:
        """What was raised, as a mapping."""
        kind = type(error)
        if isinstance(error, LoadError):
            return {"own": error.kind, "message": error.message, "where": error.where, "hint": error.hint}
        if kind.__module__ == f"{self._package.name}.errors":
            own: Any = error
            return {"own": kind.__name__, "message": own.message, "where": own.where, "hint": own.hint}
        missing = missing_module(self._root, error, "it")
        if missing is not None:
            return {"own": "MissingModuleError", "message": missing[0], "where": None, "hint": missing[1]}
        return {"kind": kind.__name__, "message": str(error), "where": self._line(error)}

    def _line(self, error: BaseException) -> str | None:
        """`path:line` of the innermost frame that lies in the project."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            place = in_project(self._root, frame.filename)
            if place is not None and not Path(frame.filename).is_relative_to(self._package):
                return f"{place}:{frame.lineno}"
        return None

    def copied(self, work: Callable[[], Any]) -> Any:
        """What it returns or raises in a copy of this process that ends with it."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                ours.close()
                self._channel = Channel(theirs, self._channel.codec)
                self.answer(work)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        with ours:
            try:
                ok, result = Channel(ours, self._channel.codec).receive()
            except EOFError:
                ok, result = False, {"kind": "ProcessEnded", "message": "it ended its process", "where": None}
        os.waitpid(pid, 0)
        if not ok:
            raise _Raised(result)
        return result


class _Raised(Exception):  # noqa: N818 - carries what another process raised
    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(f"{told.get('kind') or told.get('own')}: {told['message']}")
