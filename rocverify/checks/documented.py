"""documented: the flow that a truth names stands in the entry's docstring and is what the code does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.references import Reference

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class DocumentedParams(CheckParams):
    """`entry` is `module:function`; `flow` the names, in order, that its docstring must mention and that
    must lie on the call path from it; `title` words that the docstring must contain."""

    entry: Reference
    flow: tuple[str, ...] = Field(min_length=1)
    title: str | None = Field(default=None, min_length=1)


def run(params: DocumentedParams, ctx: CheckContext) -> Outcome:
    raise NotImplementedError


CHECK = CheckKind("documented", DocumentedParams, run)
