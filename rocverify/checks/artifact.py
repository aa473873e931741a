"""artifact: a file that the plan promises exists, and its code has what the plan says it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class ArtifactParams(CheckParams):
    """`path` relative to the root; `contains` a regular expression that must match in code; `exports`
    names that the file must define; `min_lines` the least number of lines."""

    path: str = Field(min_length=1)
    contains: str | None = Field(default=None, min_length=1)
    min_lines: int | None = Field(default=None, ge=1)
    exports: tuple[str, ...] = ()


def run(params: ArtifactParams, ctx: CheckContext) -> Outcome:
    raise NotImplementedError


CHECK = CheckKind("artifact", ArtifactParams, run)
