"""A kind of check that does what its plan says: every verdict and every way to go wrong, on demand."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.context import CheckContext
from rocverify.checks.evidence import Evidence
from rocverify.errors import (
    CodeObjectError,
    CompileError,
    CompilerNotFoundError,
    DeviceFaultError,
    DeviceUnavailableError,
    ManifestError,
)
from rocverify.records import Finding


class FakeParams(CheckParams):
    does: str
    text: str = "as planned"
    contract: str | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)


def _compile_error(text: str) -> CompileError:
    return CompileError(text, log="k.hip:3:1: error: no\n", where="k.hip:3", hint="correct the source")


RAISES = {
    "compile_error": _compile_error,
    "fault": lambda text: DeviceFaultError(text, where="rope_kernel"),
    "no_compiler": lambda text: CompilerNotFoundError(text, hint="install clang-19"),
    "no_device": DeviceUnavailableError,
    "bad_object": CodeObjectError,
    "manifest": lambda text: ManifestError(text, where="kernels/kernels.toml"),
    "bug": ZeroDivisionError,
    "interrupt": lambda _: KeyboardInterrupt(),
    "exit": lambda _: SystemExit(0),
    "no_room": lambda _: OSError(errno.ENOSPC, "No space left on device", "/var/cache/x"),
    "no_memory": lambda _: MemoryError(),
    "read_only": lambda _: OSError(errno.EROFS, "Read-only file system", "/opt/x"),
}


def run(params: FakeParams, ctx: CheckContext) -> Outcome:
    if params.does in RAISES:
        raise RAISES[params.does](params.text)
    if params.does == "failed":
        finding = Finding(f"finding: {params.text}", location="kernels/rope.py:7", kernel="rope_kernel")
        return Outcome.failed(
            params.text, hint="do it", findings=(finding,), seen=Evidence.model_validate(params.evidence)
        )
    if params.does == "ansi":
        return Outcome.failed("\x1b[31mred\x1b[0m and \x00 nul", hint="\x1b]0;title\x07see")
    if params.does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if params.does == "sleep":
        time.sleep(30)
    if params.does == "warn":
        warnings.warn("a warning of the subject's", DeprecationWarning, stacklevel=1)
    if params.does == "prints":
        sys.stdout.write("a subject's chatter")
    if params.does == "device":
        _open(ctx)
    if params.does == "numpy":
        return Outcome.passed(
            params.text,
            Evidence.model_validate(
                {"worst": np.float32(0.5), "nan": float("nan"), "index": np.array([1, 2])}
            ),
        )
    if params.does == "process":
        return Outcome.passed(params.text, Evidence.model_validate({"process": os.getpid()}))
    if params.does == "seed":
        return Outcome.passed(params.text, Evidence.model_validate({"seed": ctx.seed}))
    return Outcome.passed(params.text, seen=Evidence.model_validate(params.evidence))


def _open(ctx: CheckContext) -> None:
    facts = {
        "kind": "emulator",
        "name": "fake",
        "target": ctx.settings.targets[0],
        "arch": "gfx",
        "runtime": "none",
        "rejected": [{"kind": "amd", "reason": "absent"}],
        "details": {"threads": 2},
    }
    info = SimpleNamespace(to_json=lambda: facts)
    ctx.__dict__["device"] = SimpleNamespace(info=info, close=lambda: None)
    ctx.__dict__["toolchain"] = SimpleNamespace(describe=lambda: {"compiler": f"clang of {ctx.root}/bin"})


CHECK = CheckKind("fake", FakeParams, run)
