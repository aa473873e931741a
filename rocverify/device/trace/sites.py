"""Call sites: the frames that the HIP library sends once for each place, as text for people and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rocverify.device.trace.places import in_harness, in_subject

MAX_CALLERS = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a client's stack. Of Python: file, line and qualified name. Of native code: the module's
    file, the offset of the call in it, and the symbol, if there is one."""

    file: str
    number: int
    function: str
    native: bool


@dataclass(frozen=True, slots=True)
class Site:
    """Where a call was made: `path:line`, the function, and the further frames outwards, each as
    `path:line function`. All empty where the harness itself made the call, or nobody knows."""

    place: str | None = None
    function: str | None = None
    callers: tuple[str, ...] = ()


NOWHERE = Site()

NativeLines = Callable[[str, int], tuple[tuple[str, int, str], ...]]
"""(module's file, offset) -> (source file, line, function) of the code there and of what it was inlined into;
empty where debug information does not tell."""

_SYSTEM = ("/usr/include/", "/usr/lib/", "/usr/local/include/", "/opt/rocm")
"""Where headers and libraries stand that are not the program's own."""


def parse_frames(text: str) -> tuple[Frame, ...]:
    """The frames of an rv_site, innermost first; lines that make no sense are left out."""
    frames = []
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) != 4 or parts[0] not in ("P", "N"):
            continue
        native = parts[0] == "N"
        try:
            number = int(parts[2], 16 if native else 10)
        except ValueError:
            continue
        frames.append(Frame(parts[1], number, parts[3], native))
    return tuple(frames)


class SiteTable:
    """The call sites of one client by their numbers. `root` is the project under verification: places are
    relative to it, and other code is passed over; None: any code but installed Python packages."""

    def __init__(self, root: Path | None = None, native_lines: NativeLines | None = None) -> None:
        self._root = None if root is None else root.resolve()
        self._native_lines = native_lines
        self._frames: dict[int, tuple[Frame, ...]] = {}
        self._sites: dict[int, Site] = {0: NOWHERE}

    def add(self, number: int, text: str) -> None:
        """Takes in one rv_site."""
        self._frames[number] = parse_frames(text)
        self._sites.pop(number, None)

    def frames(self, number: int) -> tuple[Frame, ...]:
        """The frames of a site as they were sent."""
        return self._frames.get(number, ())

    def site(self, number: int) -> Site:
        """What is known of a site; resolved when first asked for."""
        known = self._sites.get(number)
        if known is None:
            known = self._sites[number] = self._resolve(self.frames(number))
        return known

    def place(self, number: int) -> str | None:
        """`path:line` of a site."""
        return self.site(number).place

    def _resolve(self, frames: tuple[Frame, ...]) -> Site:
        """The frames whose source is known and the program's own; where there are none, any at all."""
        own: list[tuple[str, str]] = []
        other: list[tuple[str, str]] = []
        for frame in frames:
            if frame.native:
                self._add_native(frame, own, other)
            elif in_harness(frame.file):
                break
            else:
                own += self._python(frame)
        found = own or other
        if not found:
            return NOWHERE
        (place, function), *outer = found[: MAX_CALLERS + 1]
        return Site(place, function, tuple(f"{p} {f}".strip() for p, f in outer))

    def _python(self, frame: Frame) -> list[tuple[str, str]]:
        if self._root is not None:
            inside = in_subject(self._root, frame.file)
            return [] if inside is None else [(f"{inside}:{frame.number}", frame.function)]
        path = Path(frame.file)
        if not path.is_absolute() or {"site-packages", "dist-packages"}.intersection(path.parts):
            return []
        return [(f"{_short(path)}:{frame.number}", frame.function)]

    def _add_native(self, frame: Frame, own: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
        lines = () if self._native_lines is None else self._native_lines(frame.file, frame.number)
        for file, line, function in lines:
            name = function or frame.function
            if self._root is not None:
                inside = in_subject(self._root, file)
                own += [] if inside is None else [(f"{inside}:{line}", name)]
            else:
                kind = other if file.startswith(_SYSTEM) else own
                kind.append((f"{_short(Path(file))}:{line}", name))
        if not lines and self._root is None:
            other.append((f"{Path(frame.file).name}+{frame.number:#x}", frame.function))


def _short(path: Path) -> str:
    """The path from the working folder on, if it lies below."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)
