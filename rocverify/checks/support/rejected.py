"""Kernel sources that the compiler rejects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rocverify.errors import CompileError

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.toolchain.manifest import ManifestEntry


def rejected(context: CheckContext, entries: Iterable[ManifestEntry]) -> Iterator[CompileError]:
    """What the compiler says of entries of the manifest, each for all of its targets; the same place once.
    Raises ToolchainError where there is no compiler."""

    def targets(entry: ManifestEntry) -> tuple[str, ...]:
        return tuple(entry.targets or context.settings.targets)

    together = groupby(sorted(entries, key=targets), targets)
    outcomes = [found for wanted, some in together for found in context.builds(list(some), wanted)]
    yield from {o.where: o for o in outcomes if isinstance(o, CompileError)}.values()
