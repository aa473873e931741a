"""Where the reference of a contract comes from: the tool, NumPy or SciPy, or the project itself.

A project's own reference may have the mistake of its kernel; one that came with the kernel, in one commit,
was written by whoever wrote that.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from rocverify.errors import ToolchainError
from rocverify.oracle.contract import ContractSpec
from rocverify.store.tools import run_tool

_TIMEOUT_S = 20.0


def reference_origin(spec: ContractSpec, root: Path) -> dict[str, Any]:
    """What is known of it, as evidence: `from`, and for the project's own the file, the commit that it came
    with and whether the kernel's source came with the same one (None where git does not tell)."""
    origin = getattr(spec.subject, "origin", None)
    module = "" if origin is None else str(origin.module)
    if module.partition(".")[0] in ("numpy", "scipy"):
        return {"from": module.partition(".")[0]}
    if module == "rocverify.references" or module.startswith("rocverify.references."):
        return {"from": "rocverify.references"}
    places = () if origin is None else origin.reference
    file = places[0][0] if places else module.replace(".", "/") + ".py"
    since, kernel = _added(root, file), _added(root, spec.source)
    with_kernel = None if since is None or kernel is None else since == kernel
    return {"from": "the project", "file": file, "since": since, "came_with_kernel": with_kernel}


@cache
def _added(root: Path, file: str) -> str | None:
    """The commit that a file came with; None where there is no history of it."""
    command = [
        "git",
        "-C",
        str(root),
        "--no-pager",
        "log",
        "--no-color",
        "--no-show-signature",
        "--diff-filter=A",
    ]
    try:
        done = run_tool([*command, "--format=%h", "--", file], timeout_s=_TIMEOUT_S)
    except ToolchainError:
        return None
    commits = done.output.split()
    return commits[-1] if done.returncode == 0 and commits else None
