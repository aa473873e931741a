"""A plan's text with positions: bytes in, text with `\\n` line ends out, offsets to lines."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from rocverify.errors import PlanError
from rocverify.plan.model import PlanWarning
from rocverify.records import SourceRef

MAX_BYTES = 1 << 20
"""No plan is larger; a bound keeps a wrong file from being parsed for minutes."""


class SourceText:
    """Text of one file. `path` is relative to the root and stands in every `SourceRef`; `warnings` are what
    its readers found that does not keep it from being read."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.warnings: dict[PlanWarning, None] = {}

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return starts

    def line(self, offset: int) -> int:
        """The line, from 1, that a character offset is on."""
        return bisect_right(self._line_starts, offset)

    def column(self, offset: int) -> int:
        """The column, from 1, of a character offset in its line."""
        return offset - self._line_starts[self.line(offset) - 1] + 1

    def ref(self, offset: int) -> SourceRef:
        """The path and line of an offset."""
        return SourceRef(self.path, self.line(offset))

    def warn(self, message: str, offset: int, *, hint: str | None = None) -> None:
        """Notes something that is read all the same; each line and message once."""
        self.warnings.setdefault(PlanWarning(message, self.ref(offset), hint))

    def error(self, message: str, offset: int, *, hint: str | None = None) -> PlanError:
        """An error that names the path and line of an offset."""
        return PlanError(message, where=str(self.ref(offset)), hint=hint)


def relative_path(path: Path, root: Path) -> str:
    """`path` relative to `root` with forward slashes; PlanError if it lies outside."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise PlanError(
            f"lies outside the root {root}", where=str(path), hint="give --root, or a plan below it"
        ) from None


def read_source(path: Path, root: Path) -> SourceText:
    """Reads UTF-8 with or without BOM and any line ends; PlanError says what is wrong, and where."""
    name = relative_path(path, root)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot be read: {error.strerror or error}", where=name) from None
    if len(data) > MAX_BYTES:
        raise PlanError(f"has {len(data)} bytes, a plan at most {MAX_BYTES}", where=name)
    return SourceText(name, decode(data, name))


def decode(data: bytes, name: str) -> str:
    """The text of a UTF-8 file, line ends made `\\n`; PlanError names the line of a wrong byte."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PlanError("is UTF-16, not UTF-8", where=f"{name}:1", hint="save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec's positions count from behind the BOM.
        body = data.removeprefix(b"\xef\xbb\xbf")
        line = _unix(body[: error.start].decode("utf-8", "replace")).count("\n") + 1
        raise PlanError(
            f"is not UTF-8: byte 0x{body[error.start]:02x} ({error.reason})",
            where=f"{name}:{line}",
            hint="save the file as UTF-8",
        ) from None
    return _unix(text)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
