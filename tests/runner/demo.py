"""Temporary projects whose plans bind fake checks, and the command line run upon them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocverify.checks import registry
from rocverify.cli.main import main

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (
    sys.executable,
    "-uc",
    "import sys, tests.runner.fake_plugin; from rocverify.cli.main import main; sys.exit(main())",
)
"""The command line in a process of its own, which knows the fake kind (with PYTHONPATH=REPOSITORY)."""

FOLDER = ".planning/phases/16-demo"
Check = Mapping[str, Any]


def plan_text(
    truths: Mapping[str, Sequence[Check]], *, plan: str = "01", extra: str = "", **keys: Any
) -> str:
    """A PLAN.md: each truth with the fake checks that decide it, in order."""
    entries = [
        {"proves": f"T{number}", "check": "fake", **check}
        for number, checks in enumerate(truths.values(), start=1)
        for check in checks
    ]
    front = {
        "phase": "16-demo",
        "plan": plan,
        "type": "execute",
        **keys,
        "must_haves": {"truths": list(truths), "artifacts": [], "key_links": []},
        **({"rocverify": entries} if entries else {}),
    }
    summary = f"{FOLDER}/16-{plan}-SUMMARY.md"
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n"
        "<objective>\nProve the demo.\n\nPurpose: to test.\n</objective>\n"
        f"{extra}\n<output>\nAfter completion, create `{summary}`\n</output>\n"
    )


@dataclass
class Demo:
    """A project in a temporary folder."""

    root: Path

    def plan(self, truths: Mapping[str, Sequence[Check]], *, number: str = "16-01", **keys: Any) -> Path:
        path = self.root / FOLDER / f"{number}-PLAN.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plan_text(truths, plan=number.partition("-")[2], **keys), encoding="utf-8")
        return path

    def does(self, *words: str) -> Path:
        """A plan with one truth and one check per word."""
        return self.plan({f"Truth {n} holds (REQ-0{n})": [{"does": w}] for n, w in enumerate(words, 1)})

    def run(self, *arguments: str) -> int:
        return main(
            ["run", *arguments, "--root", str(self.root)] if "--" not in arguments else self._split(arguments)
        )

    def _split(self, arguments: Sequence[str]) -> list[str]:
        at = list(arguments).index("--")
        return ["run", *arguments[:at], "--root", str(self.root), *arguments[at:]]

    def process(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command line in a process of its own, which knows the fake kind."""
        program = (
            "import sys, tests.runner.fake_plugin; from rocverify.cli.main import main; sys.exit(main())"
        )
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def report(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.file("reports/latest/report.json").read_text(encoding="utf-8"))
        return data

    def file(self, name: str) -> Path:
        return self.root / name

    @property
    def summary(self) -> Path:
        return self.file(f"{FOLDER}/16-01-SUMMARY.md")

    @property
    def verification(self) -> Path:
        return self.file(f"{FOLDER}/16-VERIFICATION.md")

    def tree(self) -> dict[str, bytes]:
        """Every file with its content."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """An empty project in which plans may bind the fake kind of check."""
    monkeypatch.setitem(registry.MODULES, "fake", "tests.runner.fake_kind")
    root = tmp_path / "project"
    root.mkdir()
    return Demo(root)
