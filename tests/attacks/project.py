"""Small projects to attack: one kernel, its wrapper, its contract, one plan; and a run on them.

`affine`: out[r, c] = 2 * x[r, c] + shift[c], in float32, one work-item an element.
"""

from __future__ import annotations

import fcntl
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from rocverify.cli.main import main

PHASE = ".planning/phases/01-affine"
SEED = "20261129"

KERNEL = """\
#include <hip/hip_runtime.h>

extern "C" __global__ void affine_kernel(const float* x, const float* shift, float* out, unsigned rows,
                                         unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];
}
"""

GPU = """\
import ctypes
import os

from rocm.bindings import hip

_modules = {}


def checked(result):
    code, *values = result
    if code != hip.hipError_t.hipSuccess:
        raise RuntimeError(f"HIP says {code}")
    return values[0] if values else None


def pointer(array):
    return ctypes.c_void_p(int(array))


def launch(symbol, count, *arguments, stream=None, lds=0, env="AFFINE_HSACO", block=64):
    path = os.environ[env]
    if path not in _modules:
        with open(path, "rb") as file:
            _modules[path] = checked(hip.hipModuleLoadData(file.read()))
    function = checked(hip.hipModuleGetFunction(_modules[path], symbol.encode()))
    blocks = -(-count // block)
    checked(
        hip.hipModuleLaunchKernel(function, blocks, 1, 1, block, 1, 1, lds, stream, None, tuple(arguments))
    )


def affine_on(symbol, x, shift, out, rows, cols, **how):
    sizes = ctypes.c_uint32(rows), ctypes.c_uint32(cols)
    launch(symbol, rows * cols, pointer(x), pointer(shift), pointer(out), *sizes, **how)
"""

WRAPPER = """\
from kernels.gpu import affine_on


def affine(x, shift, out, rows, cols):
    affine_on("affine_kernel", x, shift, out, rows, cols)
"""

CONTRACT = """\
import numpy as np
from rocverify.oracle.contract import F32, Dims, In, Out, boundary, choices, contract


@contract(source="kernels/{source}.hip", symbol="{symbol}", wrapper="kernels.{module}:affine")
class Affine:
    x = In("rows cols", F32)
    shift = In("cols", F32)
    out = Out("rows cols", F32)
    dims = Dims(rows=boundary(1, 300), cols=choices(1, 5, 32, 33, 64))
    rounding = {{F32: 1.0}}

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)

    def reference(self, x, shift):
        return 2 * x + shift

    def magnitude(self, x, shift):
        return 2 * abs(x) + abs(shift)

    def wrong(self, x, shift):
        return {{"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}}
"""


def contract_text(module: str = "affine", symbol: str = "affine_kernel", source: str = "affine") -> str:
    """The contract of `affine` for a wrapper's module, a kernel and its file."""
    return CONTRACT.format(module=module, symbol=symbol, source=source)


def manifest_text(symbols: Mapping[str, Sequence[str]] | None = None, more: str = "") -> str:
    """A kernels.toml: for each source (its stem) the kernels in it; `more` lines go to the last entry."""
    entries = [
        f'[[kernel]]\nsource = "kernels/{stem}.hip"\nenv = "{stem.upper()}_HSACO"\n'
        f"symbols = {json.dumps(names)}\n"
        for stem, names in (symbols or {"affine": ["affine_kernel"]}).items()
    ]
    return "\n".join(entries) + more


def plan_text(truths: Sequence[tuple[str, Mapping[str, Any] | None]], **keys: Any) -> str:
    """A PLAN.md: each truth with the check that decides it (None: what its words alone bind).

    `keys` are put into its frontmatter, or into `must_haves` for `artifacts` and `key_links`.
    """
    entries = [
        {"proves": f"T{number}", **check} for number, (_, check) in enumerate(truths, 1) if check is not None
    ]
    must_haves: dict[str, Any] = {"truths": [text for text, _ in truths]}
    must_haves |= {name: keys.pop(name, []) for name in ("artifacts", "key_links")}
    plan = str(keys.pop("plan", "01"))
    summary = keys.pop("summary", f"{PHASE}/01-{plan}-SUMMARY.md")
    front = {
        **{"phase": "01-affine", "plan": plan, "type": "execute", "requirements": []},
        **keys,
        "must_haves": must_haves,
        **({"rocverify": entries} if entries else {}),
    }
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False, width=1000)}---\n\n"
        "<objective>\nShow what affine does.\n</objective>\n\n"
        f"<output>\nAfter completion, create `{summary}`\n</output>\n"
    )


CORRECT = {"check": "correctness", "contract": "kernels.contracts.affine:Affine"}
TRUTH = "What affine returns agrees with the reference"


def honest_files() -> dict[str, str]:
    """The project in which nothing is wrong."""
    return {
        "kernels/__init__.py": "",
        "kernels/contracts/__init__.py": "",
        "kernels/gpu.py": GPU,
        "kernels/affine.hip": KERNEL,
        "kernels/affine.py": WRAPPER,
        "kernels/contracts/affine.py": contract_text(),
        "kernels/kernels.toml": manifest_text(),
        f"{PHASE}/01-01-PLAN.md": plan_text([(TRUTH, CORRECT)]),
    }


@dataclass(frozen=True)
class Ran:
    """What one run left: its exit code, what it printed, and its report (None where it made none)."""

    code: int
    output: str
    report: Mapping[str, Any] | None

    def must_have(self, tail: str = "T1", plan: str = "01-01") -> Mapping[str, Any]:
        """One must-have of the report."""
        found = [m for p in self._plans() for m in p["must_haves"] if m["id"] == f"{plan}/{tail}"]
        assert len(found) == 1, self.output
        return dict(found[0])

    def verdict(self, tail: str = "T1", plan: str = "01-01") -> str:
        return str(self.must_have(tail, plan)["verdict"])

    def said(self, tail: str = "T1", plan: str = "01-01") -> str:
        """Everything that the report says of a must-have and its checks."""
        must_have = self.must_have(tail, plan)
        checks = [c for p in self._plans() for c in p["checks"] if c["id"] in must_have["checks"]]
        texts = [must_have["reason"], *(c["message"] for c in checks), *(str(c["hint"]) for c in checks)]
        texts += [f["message"] for c in checks for f in c["findings"]]
        return "\n".join(filter(None, texts))

    def _plans(self) -> Sequence[Mapping[str, Any]]:
        assert self.report is not None, self.output
        plans: Sequence[Mapping[str, Any]] = self.report["plans"]
        return plans


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own. `cache`: of all of them; None: its own."""

    root: Path
    cache: Path | None

    @classmethod
    def made(cls, root: Path, cache: Path | None, files: Mapping[str, str] | None = None) -> Project:
        """The honest project with `files` put in or in place of its own."""
        project = cls(root, cache)
        root.mkdir(parents=True, exist_ok=True)
        for path, text in {**honest_files(), **(files or {})}.items():
            project.write(path, text)
        return project

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces text that must be there exactly once."""
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def run(self, *words: str, selection: str = "plan 01-01") -> Ran:
        """`rocverify run` in this process, on the emulator."""
        report = self.root.parent / f"{self.root.name}-report.json"
        report.unlink(missing_ok=True)
        more = [] if self.cache is None else ["--cache-dir", str(self.cache), "--trust-cache"]
        options = ["--root", str(self.root), "--device", "emulator", "--json", str(report), *more]
        seed = [] if "--seed" in words else ["--seed", SEED]
        shown = io.StringIO()
        with redirect_stdout(shown), redirect_stderr(shown):
            code = main(["run", *selection.split(), *options, *seed, *words])
        data = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
        return Ran(code, shown.getvalue(), data)


def ran_once(
    base: Path, kept: Path, name: str, files: Mapping[str, str], links: Mapping[str, str] | None = None
) -> Ran:
    """The one run of a project with these files, and links in it, for all workers of a test session; `base`
    is the folder of this worker's session."""
    shared = (base.parent if base.name.startswith("popen-") else base) / "run_once"
    shared.mkdir(parents=True, exist_ok=True)
    result = shared / f"{name}.json"
    with (shared / f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            project = Project.made(shared / name, kept, files)
            for place, target in (links or {}).items():
                (project.root / place).symlink_to(target)
            result.write_text(json.dumps(asdict(project.run())), encoding="utf-8")
    return Ran(**json.loads(result.read_text(encoding="utf-8")))
