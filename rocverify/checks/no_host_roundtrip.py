"""no_host_roundtrip: from an entry point to its launches, no data comes back to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.references import Reference

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class NoHostRoundtripParams(CheckParams):
    """`entry` is `module:function`; `contract` drives it, looked up in the project's contracts when not
    named; `allow_uploads` names the host-made inputs that the entry may upload; `forbid` adds names to
    the settings' device-to-host vocabulary."""

    entry: Reference
    contract: Reference | None = None
    allow_uploads: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


def run(params: NoHostRoundtripParams, ctx: CheckContext) -> Outcome:
    raise NotImplementedError


CHECK = CheckKind("no_host_roundtrip", NoHostRoundtripParams, run, needs_device=True)
