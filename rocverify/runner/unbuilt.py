"""Kernel sources of a project that do not compile, whether a must-have asks for them or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rocverify.checks.support.rejected import rejected
from rocverify.errors import ManifestError, RocverifyError
from rocverify.records import CheckResult, CheckVerdict

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


def unbuilt(context: CheckContext, results: Iterable[CheckResult]) -> list[RocverifyError]:
    """What the compiler says of each source that it rejects, once; or why nothing could be compiled. What
    checks that did not pass have said already is left out."""
    said = [result.message for result in results if result.verdict is not CheckVerdict.PASSED]
    return [error for error in _errors(context) if not any(error.message in message for message in said)]


def _errors(context: CheckContext) -> Iterator[RocverifyError]:
    try:
        yield from list(rejected(context, context.manifest.entries))
    except RocverifyError as error:
        no_manifest = not (context.root / context.settings.manifest).is_file()
        if not (isinstance(error, ManifestError) and no_manifest):  # else there are no kernels at all
            yield error
