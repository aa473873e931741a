"""Kernel sources of a project that do not compile, whether a must-have asks for them or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rocverify.errors import CompileError, ManifestError, RocverifyError
from rocverify.records import CheckResult, CheckVerdict

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.toolchain.manifest import ManifestEntry


def unbuilt(context: CheckContext, results: Iterable[CheckResult]) -> list[RocverifyError]:
    """What the compiler says of each source that it rejects, once; or why nothing could be compiled. What
    checks that did not pass have said already is left out."""
    said = [result.message for result in results if result.verdict is not CheckVerdict.PASSED]
    return [error for error in _errors(context) if not any(error.message in message for message in said)]


def _errors(context: CheckContext) -> Iterator[RocverifyError]:
    try:
        outcomes = [
            found for targets, some in _by_targets(context) for found in context.builds(some, targets)
        ]
    except RocverifyError as error:
        no_manifest = not (context.root / context.settings.manifest).is_file()
        if not (isinstance(error, ManifestError) and no_manifest):  # else there are no kernels at all
            yield error
        return
    rejected = (outcome for outcome in outcomes if isinstance(outcome, CompileError))
    yield from {error.where: error for error in rejected}.values()


def _by_targets(context: CheckContext) -> Iterator[tuple[tuple[str, ...], list[ManifestEntry]]]:
    """The entries of the manifest, by the targets that they are compiled for."""

    def targets(entry: ManifestEntry) -> tuple[str, ...]:
        return tuple(entry.targets or context.settings.targets)

    return (
        (key, list(some)) for key, some in groupby(sorted(context.manifest.entries, key=targets), targets)
    )
