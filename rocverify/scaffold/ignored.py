"""What git should not keep of what runs write: the cache, and the reports of the latest run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rocverify.errors import ToolchainError, UsageError
from rocverify.scaffold.steps import State, Step, Writer
from rocverify.settings import Settings
from rocverify.store.tools import run_tool

IGNORE = ".gitignore"
_TIMEOUT_S = 20.0


def ignore_lines(root: Path, settings: Settings, writer: Writer) -> Iterator[Step]:
    """The lines that `.gitignore` lacks, added to it."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        yield Step(IGNORE, State.LEFT, "this is not a git repository")
        return
    wanted = [folder for folder in _folders(settings) if not _ignored(root, folder)]
    if not wanted:
        yield Step(IGNORE, State.KEPT, "leaves out what runs write")
        return
    try:
        yield writer.lines(IGNORE, [f"/{folder}/" for folder in wanted])
    except UsageError as error:
        yield Step(IGNORE, State.LEFT, error.message)


def _folders(settings: Settings) -> Iterator[str]:
    cache = PurePosixPath(settings.cache_dir)
    if not cache.is_absolute():
        # The default is a folder of its own for whatever comes beside the cache.
        yield cache.parts[0] if cache.parts[0].startswith(".") else cache.as_posix()
    yield (PurePosixPath(settings.reports_dir) / "latest").as_posix()


def _ignored(root: Path, folder: str) -> bool:
    """Whether git leaves out what lies in a folder, which need not be there."""
    try:
        command = ["git", "-C", str(root), "check-ignore", "--quiet", "--no-index", "--", f"{folder}/any"]
        answer = run_tool(command, timeout_s=_TIMEOUT_S).returncode
    except ToolchainError:
        answer = 128
    if answer in (0, 1):
        return answer == 0
    try:
        lines = (root / IGNORE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return bool({folder, f"{folder}/", f"/{folder}", f"/{folder}/"} & {line.strip() for line in lines})
