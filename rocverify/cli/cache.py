"""`rocverify cache`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli.options import find_root, root_option
from rocverify.errors import UsageError

if TYPE_CHECKING:
    from rocverify.store.pruning import Entry

MIB = 1 << 20


@click.command(
    "cache",
    help="Show what rocverify keeps between runs, and how much that is: in the project, and in the user's "
    "cache folder.\n\n"
    "With --prune, what was not used for long is removed, then the rest from the oldest on until it is small "
    "enough; what was used within a day stays. Runs do that themselves once a day. Nothing is lost: what is "
    "missing is made again.",
)
@click.option("--prune", "pruned", is_flag=True, help="Remove what is too old, and what is too much.")
@click.option(
    "--max-age",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="With --prune.",
)
@click.option(
    "--max-size",
    metavar="MIB",
    type=click.FloatRange(min=0),
    default=2048.0,
    show_default=True,
    help="With --prune: of each of the two.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema rocverify.cache/1).")
@root_option
def command(pruned: bool, max_age: float, max_size: float, as_json: bool, root: Path | None) -> int:
    """Runs `rocverify cache`; returns its exit code."""
    from rocverify.store.pruning import entries, prune

    caches = []
    for name, folder in _folders(root):
        limits = max_age * 24 * 3600, int(max_size * MIB)
        gone = prune(folder, max_age_s=limits[0], max_bytes=limits[1]) if pruned else []
        caches.append((name, folder, entries(folder), gone))
    if as_json:
        document = [_document(*one) for one in caches]
        click.echo(json.dumps({"schema": "rocverify.cache/1", "caches": document}, indent=2))
        return 0
    for one in caches:
        for line in _lines(*one, pruned):
            click.echo(line)
    return 0


def _folders(root: Path | None) -> Iterator[tuple[str, Path]]:
    """The caches by name; that of a project where there is one."""
    from rocverify.settings import load_settings
    from rocverify.store.user_folders import user_cache

    try:
        base = find_root(root)
    except UsageError:
        pass
    else:
        yield "project", base / load_settings(base).cache_dir
    yield "user", user_cache()


def _kinds(found: list[Entry]) -> dict[str, list[Entry]]:
    kinds: dict[str, list[Entry]] = {}
    for entry in sorted(found, key=lambda one: one.kind):
        kinds.setdefault(entry.kind, []).append(entry)
    return kinds


def _document(name: str, folder: Path, found: list[Entry], gone: list[Entry]) -> dict[str, Any]:
    kinds = {
        kind: {"entries": len(of), "bytes": _bytes(of), "oldest_used": min(one.used for one in of)}
        for kind, of in _kinds(found).items()
    }
    removed = {"entries": len(gone), "bytes": _bytes(gone)}
    return {"cache": name, "folder": str(folder), "kinds": kinds, "removed": removed}


def _lines(name: str, folder: Path, found: list[Entry], gone: list[Entry], pruned: bool) -> Iterator[str]:
    yield f"{name}: {folder}, {_size(found)}"
    for kind, of in _kinds(found).items():
        oldest = datetime.fromtimestamp(min(one.used for one in of))
        yield f"  {kind:<12}{len(of):>7}  {_size(of):>11}  oldest used {oldest:%Y-%m-%d}"
    if pruned:
        yield f"  removed     {len(gone):>7}  {_size(gone):>11}"


def _bytes(found: list[Entry]) -> int:
    return sum(one.size for one in found)


def _size(found: list[Entry]) -> str:
    return f"{_bytes(found) / MIB:.1f} MiB"
