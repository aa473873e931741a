"""The libraries that are built: their sources, their names, the file that lists what they export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "library"
"""The folder of the C sources and of the lists of exports."""


@dataclass(frozen=True, slots=True)
class Library:
    """One shared library, `<stem>.so`. `majors` are the releases under whose names it is found; `exports` is
    its list of names, `status` its code for what is not supported, `sources` its own C files (None: all that
    no other library has), `needs` the libraries that it calls."""

    stem: str
    soname: str
    majors: tuple[int, ...]
    exports: str
    status: int
    sources: tuple[str, ...] | None
    needs: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file; the others are links to it, so that a process that asks for two gets one."""
        return f"{self.stem}.so"

    @property
    def links(self) -> tuple[str, ...]:
        """The names that the loader looks for."""
        return tuple(f"{self.file}.{major}" for major in self.majors)


HIP = Library("libamdhip64", "libamdhip64.so.5", (5, 6, 7), "exports.txt", 801, None)
LIBRARIES: Mapping[str, Library] = {
    library.stem: library
    for library in (
        HIP,
        Library(
            "libhiprtc", "libhiprtc.so.5", (5, 6, 7), "exports_hiprtc.txt", 11,
            ("hiprtc.c",), ("libamdhip64",),
        ),
        Library(
            "libhipblas", "libhipblas.so.0", (0, 1, 2, 3), "exports_hipblas.txt", 7,
            ("blas.c", "hipblas.c"), ("libamdhip64",),
        ),
        Library(
            "librocblas", "librocblas.so.0", (0, 3, 4, 5), "exports_rocblas.txt", 2,
            ("blas.c", "rocblas.c"), ("libamdhip64",),
        ),
    )
}  # fmt: skip
"""In the order in which they are built."""


def shared_sources(library: Library) -> tuple[Path, ...]:
    """The C files of a library. libamdhip64 has all but those of the BLAS libraries: it holds hipRTC's
    functions too, as ROCm 5's does."""
    if library.sources is not None:
        return tuple(SOURCES / name for name in library.sources)
    others = {name for other in LIBRARIES.values() for name in other.sources or ()} - {"hiprtc.c"}
    return tuple(sorted(path for path in SOURCES.glob("*.c") if path.name not in others))
