"""key_link: one file really uses another, in code, and one function really calls another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class KeyLinkParams(CheckParams):
    """`from_path` holds the link, `to_path` is what it leads to. `pattern` is a regular expression for
    the code of `from_path`; `via` a sentence such as "f() calls g()"; `caller` and `callee` say the
    same without prose."""

    from_path: str = Field(min_length=1)
    to_path: str = Field(min_length=1)
    via: str | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, min_length=1)
    caller: str | None = Field(default=None, min_length=1)
    callee: str | None = Field(default=None, min_length=1)


def run(params: KeyLinkParams, ctx: CheckContext) -> Outcome:
    raise NotImplementedError


CHECK = CheckKind("key_link", KeyLinkParams, run)
