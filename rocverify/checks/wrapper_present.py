"""wrapper_present: a wrapper exists, launches the kernel, and passes the arguments the kernel takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.references import Reference

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class WrapperPresentParams(CheckParams):
    """`wrapper` is `module:function`; `source` and `symbol` name the kernel it launches; `contract`
    (`module:Class`) drives it, looked up in the project's contracts when not named."""

    wrapper: Reference
    source: str = Field(min_length=1)
    symbol: str = Field(min_length=1)
    contract: Reference | None = None


def run(params: WrapperPresentParams, ctx: CheckContext) -> Outcome:
    raise NotImplementedError


CHECK = CheckKind("wrapper_present", WrapperPresentParams, run, needs_device=True)
