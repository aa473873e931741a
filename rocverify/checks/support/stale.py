"""Programs that are older than their sources: a run of one shows nothing of the sources as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.code.files import c_sources
from rocverify.code.languages import is_c_family, is_rust
from rocverify.commands.started import builds, makes_nothing, own_program
from rocverify.errors import RocverifyError

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.commands.sandbox import CommandRun


def refuse_stale(done: CommandRun, lines: Sequence[str], folder: str, ctx: CheckContext) -> None:
    """RocverifyError where the lines ran a program of the project that is older than a source that it was
    built from, and did not build it anew. What touches, copies or strips a program has not built it. folder:
    where the lines run, relative to the root.

    The sources are those that debug information names; where it names none of the project's, all host and
    kernel sources are, unless the lines build: then the build tool has judged by what it knows."""
    building = any(map(builds, lines))
    if building and done.code:
        return  # the build may have failed, and a program of before was not run
    handled = all(makes_nothing(line, ctx.root, ctx.root / folder) for line in lines)
    made = frozenset[str]() if handled else frozenset(done.written)
    for program in done.programs:
        if program in made:
            continue
        parts = [p for p in (program, *_libraries(program, ctx.root)) if p not in made]
        newer = _newer(parts, ctx, building)
        if newer is not None:
            part, source = newer
            raise RocverifyError(
                f"{part} is older than {source}: `{done.line}` shows nothing of the source as it is",
                where=source,
                hint="build it before the run, or put the build into <verify>; built with -g, a program "
                "names its sources, and others do not count",
            )


def _newer(parts: Sequence[str], ctx: CheckContext, building: bool) -> tuple[str, str] | None:
    """A part of a program, and a source that has changed since it was built."""
    named = {part: _named(ctx.root / part, ctx.root) for part in parts}
    if any(named.values()):
        pairs = ((part, source) for part in parts for source in named[part])
        return next((p for p in pairs if _time(ctx.root / p[1]) > _time(ctx.root / p[0])), None)
    if building:
        return None
    last = max(_time(ctx.root / part) for part in parts)
    return next(((parts[0], s) for s in _compiled(ctx) if _time(ctx.root / s) > last), None)


def _named(program: Path, root: Path) -> list[str]:
    """The project's files that debug information says a program was compiled from."""
    from rocverify.device.trace.native import sources_of

    files = {Path(name).resolve() for name in sources_of(str(program), _time(program))}
    return sorted(f.relative_to(root).as_posix() for f in files if f.is_relative_to(root) and f.is_file())


def _compiled(ctx: CheckContext) -> Iterator[str]:
    """The host and kernel sources that a compiler makes programs of; all sources in C, C++ and HIP where the
    settings name no such host."""
    globs = (*ctx.settings.host_globs, *ctx.settings.kernel_globs)
    found = dict.fromkeys(path for glob in globs for path in sorted(ctx.root.glob(glob)))
    names = [path.relative_to(ctx.root).as_posix() for path in found if path.is_file()]
    compiled = [name for name in names if is_c_family(name) or is_rust(name)]
    hosts = any(not name.endswith(".hip") for name in compiled)
    yield from dict.fromkeys([*compiled, *(() if hosts else c_sources(ctx.root))])


def _libraries(program: str, root: Path) -> Iterable[str]:
    """The libraries of the project's that a program is linked with."""
    from rocverify.device.trace.native import needed_by

    paths = (own_program(path, root) for path in needed_by(str(root / program)))
    return dict.fromkeys(path for path in paths if path is not None)


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns
