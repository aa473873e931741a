"""Runs the checks of a case, entries of a plan's `rocverify:` list, on a project made of its files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.attacks.project import PHASE, Project, plan_text

TRUTH = "What the kernel computes agrees with the reference"

TWIN_CONTRACTS = {"11_grid_limits": {"dims.n, 1)": "min(dims.n, 65535), 1)"}}
"""What a mended kernel's caller does otherwise."""


def checks_of(case: Path) -> list[dict[str, object]]:
    """The entries of checks.yaml, in order; each is to prove a truth of its own."""
    entries = yaml.safe_load((case / "checks.yaml").read_text(encoding="utf-8"))
    return [{key: value for key, value in entry.items() if key != "proves"} for entry in entries]


def judged_files(case: Path, source: str) -> dict[str, str]:
    """The project's files: one truth for each check; the kernel is `source`, kernel or twin. The twin of a
    case without twin.hip is the same source without the case's flags."""
    kernel = case / f"{source}.hip"
    text = (kernel if kernel.exists() else case / "kernel.hip").read_text(encoding="utf-8")
    flags = case / "flags"
    given = flags.read_text(encoding="utf-8").split() if flags.exists() and source == "kernel" else []
    entry = {"source": "kernels/k.hip", "env": "K_HSACO", "symbols": symbols_of(text)}
    entry |= {"flags": ["-O3", *given]}
    wrapper = case / "wrapper.py"
    manifest = "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
    contract = (case / "contract.py").read_text(encoding="utf-8")
    if source == "twin":
        for old, new in TWIN_CONTRACTS.get(case.name, {}).items():
            assert old in contract, old
            contract = contract.replace(old, new)
    return {
        f"{PHASE}/01-01-PLAN.md": plan_text([(TRUTH, dict(check)) for check in checks_of(case)]),
        "kernels/k.hip": text,
        "kernels/kernels.toml": f"[[kernel]]\n{manifest}",
        "kernels/contracts/case.py": contract,
        **({"kernels/wrapper.py": wrapper.read_text(encoding="utf-8")} if wrapper.exists() else {}),
    }


def symbols_of(text: str) -> list[str]:
    return re.findall(r"__global__\s+(?:__launch_bounds__\(\d+\)\s+)?void\s+(\w+)", text)


@dataclass(frozen=True)
class Verdict:
    """What one check of a run came to: its kind, its verdict and its words."""

    check: str
    verdict: str
    said: str


def judge(case: Path, folder: Path, kept: Path, source: str, seed: int) -> list[Verdict]:
    """One run of all the case's checks, in order. AssertionError where the run itself was refused."""
    project = Project.made(folder / f"{case.name}-{source}-{seed}", kept, judged_files(case, source))
    ran = project.run("--seed", str(seed))
    assert ran.report is not None, ran.output
    (plan,) = ran.report["plans"]
    found = {check["id"]: check for check in plan["checks"]}
    verdicts = []
    for number, asked in enumerate(checks_of(case), 1):
        (name,) = (
            one for one in ran.must_have(f"T{number}")["checks"] if found[one]["kind"] == asked["check"]
        )
        verdicts.append(Verdict(str(asked["check"]), found[name]["verdict"], ran.said(f"T{number}")))
    return verdicts
