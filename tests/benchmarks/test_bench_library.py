"""What calls of HIP cost a client: queued ones, such as need an answer, copies of 4 KiB and of 1 GiB.

    make bench

`client.c` measures within the client, under `rocverify exec`; a median of its processes is told.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.library_build import hip_library_folder
from rocverify.toolchain.discover import Toolchain

pytestmark = pytest.mark.exhaustive

ROUNDS = 5
SOURCE = Path(__file__).with_name("client.c")
KERNEL = '#include <hip/hip_runtime.h>\nextern "C" __global__ void nothing() {}\n'
MOST_US = {
    "launch_us": 5, "event_record_us": 5, "async_copy_us": 5, "synchronise_us": 80, "question_us": 80,
}  # fmt: skip
"""What is promised, on a machine that does nothing else: told beside what was measured, not asserted."""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def client(tmp_path: Path, toolchain: Toolchain) -> tuple[str, str]:
    """The program and its code object."""
    assert toolchain.clang.exists()
    source, program, kernel = tmp_path / "k.hip", tmp_path / "client", tmp_path / "k.hsaco"
    source.write_text(KERNEL)
    _run(sys.executable, "-m", "rocverify", "compile", str(source), "-o", str(kernel), "--target", "gfx1100")
    library = hip_library_folder()
    _run("cc", "-O2", "-w", str(SOURCE), "-o", str(program), f"-L{library}", "-lamdhip64")
    return str(program), str(kernel)


def test_calls_and_copies(benchmark: Any, client: tuple[str, str]) -> None:
    measured: list[dict[str, float]] = []

    def once() -> None:
        measured.append(json.loads(_run(sys.executable, "-m", "rocverify", "exec", "--", *client)))

    benchmark.pedantic(once, rounds=ROUNDS)
    medians = {name: round(statistics.median(one[name] for one in measured), 3) for name in measured[0]}
    benchmark.extra_info.update(medians, promised=MOST_US)
    assert all(value > 0 for value in medians.values())
