"""Sabotage of what surrounds the project: tools, caches, documents, and runs that are cut short."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.sabotage.conftest import CACHE
from tests.sabotage.sabotage import (
    HEADS,
    PHASE,
    TEXTS,
    WRAPPERS,
    Change,
    Edit,
    Ran,
    command,
    environment,
    run,
)
from tests.signals import heed_interrupts

Sabotaged = Callable[[Sequence[Change]], Path]

SUMMARY = f"{PHASE}/16-01-SUMMARY.md"
NEEDS_COMPILER = {"kernel_compiled", "wrapper_present", "no_host_roundtrip", "correctness"}
FLIPPED = Edit("kernels/rope_pair.h", "first * cosine - second * sine", "first * cosine + second * sine")
# A part of the checks writes documents where one of them fails.
TOO_SHORT = Edit(
    f"{PHASE}/16-01-PLAN.md",
    'min_lines: 30\n    - path: "kernels/pos',
    'min_lines: 90\n    - path: "kernels/pos',
)
NOT_EXPORTED = Edit(f"{PHASE}/16-02-PLAN.md", "PositionError, PointerError]", "PositionError, LaunchFailure]")
# What a second run with the same seed may say differently: when, how long, and what was in the cache.
_PASSING = {"started", "duration_s", "cached", "compile_seconds", "translate_seconds", "seconds", "command"}


def _kinds(ran: Ran, verdict: str) -> set[str]:
    return {c["kind"] for c in ran.checks().values() if c["verdict"] == verdict}


def _run(
    kept: Path,
    root: Path,
    selection: str = "phase 16",
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """A run with the cache that sabotages share."""
    return run(root, selection, ("--cache-dir", str(kept), *options), variables)


def _settled(data: Any) -> Any:
    """A report without what passes; addresses differ from process to process."""
    if isinstance(data, dict):
        return {k: _settled(v) for k, v in data.items() if k not in _PASSING}
    if isinstance(data, list):
        return [_settled(v) for v in data]
    return re.sub(r"0x[0-9a-f]{9,}", "0x#", data) if isinstance(data, str) else data


@pytest.mark.long
def test_nothing_is_sabotaged(sabotaged: Sabotaged, kept: Path) -> None:
    ran = _run(kept, sabotaged(()))
    assert (ran.exit_code, ran.not_passed()) == (0, {}), ran.output
    assert ran.report is not None
    assert ran.report["status"] == "passed"
    assert ran.report["score"] == {"verified": 24, "total": 24}


@pytest.mark.long
def test_without_a_compiler_nothing_compiled_is_verified(sabotaged: Sabotaged, kept: Path) -> None:
    missing = str(Path("/nonexistent/clang++"))
    ran = _run(kept, sabotaged(()), variables={"ROCVERIFY_CLANG": missing})
    assert ran.exit_code == 3, ran.output
    assert _kinds(ran, "not_run") == NEEDS_COMPILER | {"artifact"}
    assert set(ran.not_passed().values()) == {"not_run"}
    assert {i for i, m in ran.must_haves().items() if m["verdict"] != "verified"} == {
        *("16-01/T1", "16-01/T2"),
        *("16-02/T1", "16-02/T2", "16-02/T3"),
        *("16-01/A2", "16-01/A3"),  # kernels of the manifest, which have to compile
    }
    for words in ("compiler", "clang"):
        assert words in ran.said("16-01/T1/kernel_compiled")
    assert ran.report is not None
    assert ran.report["status"] == "human_needed"


@pytest.mark.long
def test_without_the_device_that_was_asked_for_nothing_is_launched(sabotaged: Sabotaged, kept: Path) -> None:
    if Path("/dev/kfd").exists():
        pytest.skip("this machine has an AMD GPU")
    ran = _run(kept, sabotaged(()), options=("--device", "amd"))
    assert ran.exit_code == 3, ran.output
    assert _kinds(ran, "not_run") == NEEDS_COMPILER - {"kernel_compiled"}
    assert "hipErrorInvalidDevice" in ran.said("16-01/T2/no_host_roundtrip")


@pytest.mark.long
def test_a_damaged_cache_is_made_again(sabotaged_with_cache: Sabotaged) -> None:
    root = sabotaged_with_cache(())
    objects = sorted((root / CACHE / "objects").glob("*/*.co"))
    assert objects
    for number, path in enumerate(objects):
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(data[: len(data) // 2] if number % 2 else bytes(len(data)))
    for path in (root / CACHE / "native").rglob("*"):
        if path.is_file():
            path.chmod(0o755)
            path.write_bytes(b"no shared object")
    ran = run(root, "plan 16-01", WRAPPERS)
    assert not ran.not_passed(), ran.output


@pytest.mark.long
@pytest.mark.parametrize(
    ("plan", "kinds"), [("plan 16-01", {"wrapper_present"}), ("plan 16-02", {"correctness"})], ids=str
)
def test_a_code_object_that_lies_beside_its_source_is_not_the_one_that_was_built(
    sabotaged_with_cache: Sabotaged, plan: str, kinds: set[str]
) -> None:
    """The source is wrong, what runs is right: an earlier build, found before the variable is read."""
    stale = Edit(
        "kernels/runtime.py",
        "    path = Path(value)\n",
        '    path = Path(__file__).with_name(f"{variable}.co")\n',
    )
    root = sabotaged_with_cache((FLIPPED, stale))
    for path in (root / CACHE / "objects").glob("*/*.co"):
        data = path.read_bytes()
        for kernel, name in (
            (b"position_embeddings_kernel", "POSITION_EMBEDDINGS"),
            (b"rope_kernel", "ROPE"),
        ):
            if kernel in data:
                shutil.copy(path, root / "kernels" / f"{name}_HSACO.co")
    ran = run(root, plan, ("--", "-k", "wrapper_present or ROPE-02"))
    assert ran.exit_code == 1, ran.output
    assert _kinds(ran, "failed") == kinds
    assert set(ran.not_passed()) == set(ran.checks()), ran.output
    for check in ran.not_passed():
        assert "another code object" in ran.said(check)


@pytest.mark.long
def test_a_summary_that_cannot_be_written_is_told(sabotaged: Sabotaged, kept: Path) -> None:
    root = sabotaged(())
    (root / SUMMARY).unlink(missing_ok=True)
    (root / SUMMARY).mkdir()
    ran = _run(kept, root, "plan 16-01")
    assert f"error: {SUMMARY}" in ran.output
    assert (ran.exit_code, ran.not_passed()) == (2, {})
    assert (root / "reports/latest/report.json").is_file()


@pytest.mark.long
def test_what_a_person_wrote_into_a_summary_stays(sabotaged: Sabotaged, kept: Path) -> None:
    root = sabotaged((TOO_SHORT,))
    summary = root / SUMMARY
    before = summary.read_text(encoding="utf-8")
    _run(kept, root, "plan 16-01", TEXTS)
    generated = summary.read_text(encoding="utf-8")
    mine = "\n## What I learned\n\nThe *heads* were the hard part — `k` above all.\n"
    assert generated != before
    summary.write_text(generated + mine, encoding="utf-8")
    _run(kept, root, "plan 16-01", ("--", "-k", "artifact"))
    now = summary.read_text(encoding="utf-8")
    assert now.endswith(mine)
    assert now.removesuffix(mine) != generated
    assert now.count("<!-- rocverify:begin") == 1


@pytest.mark.long
def test_an_unchanged_result_rewrites_nothing(sabotaged: Sabotaged, kept: Path) -> None:
    root = sabotaged((TOO_SHORT, NOT_EXPORTED))
    written = [SUMMARY, f"{PHASE}/16-02-SUMMARY.md", f"{PHASE}/16-VERIFICATION.md"]
    original = [(root / name).read_bytes() for name in written]
    _run(kept, root, "phase 16", (*("--seed", "1"), *TEXTS))
    assert all((root / name).read_bytes() != old for name, old in zip(written, original, strict=True))
    before = {name: ((root / name).stat().st_mtime_ns, (root / name).read_bytes()) for name in written}
    _run(kept, root, "phase 16", (*("--seed", "2"), *TEXTS))
    assert before == {
        name: ((root / name).stat().st_mtime_ns, (root / name).read_bytes()) for name in written
    }


@pytest.mark.long
def test_an_interrupted_run_leaves_the_earlier_summary(
    sabotaged: Sabotaged, kept: Path, tmp_path: Path
) -> None:
    root = sabotaged(())
    _run(kept, root, "plan 16-01", TEXTS)
    earlier = (root / SUMMARY).read_bytes()
    line = command(root, "plan 16-01", ("--cache-dir", str(kept), "-v"), tmp_path / "interrupted.json")
    with subprocess.Popen(
        line,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout is not None
        shown = next(text for text in process.stdout if text.startswith("passed"))
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "kernel_compiled" in shown
    assert "interrupted" in rest
    assert (root / SUMMARY).read_bytes() == earlier


@pytest.mark.long
def test_the_same_seed_gives_the_same_report(sabotaged: Sabotaged, kept: Path) -> None:
    root = sabotaged((FLIPPED,))
    first = _run(kept, root, "plan 16-02", (*("--seed", "77"), *HEADS))
    digest = re.search(r"digest=\w+", (root / f"{PHASE}/16-02-SUMMARY.md").read_text(encoding="utf-8"))
    second = _run(kept, root, "plan 16-02", (*("--seed", "77"), *HEADS))
    again = re.search(r"digest=\w+", (root / f"{PHASE}/16-02-SUMMARY.md").read_text(encoding="utf-8"))
    other = _run(kept, root, "plan 16-02", (*("--seed", "78"), *HEADS))
    assert first.not_passed()
    assert _settled(first.report) == _settled(second.report)
    assert digest is not None
    assert again is not None
    assert digest[0] == again[0]
    assert other.not_passed() == first.not_passed()
    case = "16-02/T1/correctness"
    assert (
        other.checks()[case]["evidence"]["failing_case"] != first.checks()[case]["evidence"]["failing_case"]
    )


@pytest.mark.long
def test_two_workers_give_the_verdicts_of_one(sabotaged: Sabotaged, kept: Path) -> None:
    root = sabotaged(
        (
            FLIPPED,
            TOO_SHORT,
        )
    )
    narrow = ("-k", "ROPE-02 or ROPE-06 or artifact or key_link")
    serial = _run(kept, root, options=("--", "-n", "0", *narrow))
    parallel = _run(kept, root, options=("--", "-n", "2", *narrow))
    assert serial.not_passed() == parallel.not_passed() != {}
    assert serial.exit_code == parallel.exit_code == 1
    verdicts = {i: m["verdict"] for i, m in serial.must_haves().items()}
    assert verdicts == {i: m["verdict"] for i, m in parallel.must_haves().items()}
    for check in serial.not_passed():
        assert _settled(serial.said(check)) == _settled(parallel.said(check))


@pytest.mark.long
def test_no_write_leaves_no_trace(sabotaged_with_cache: Sabotaged) -> None:
    root = sabotaged_with_cache(())
    # nothing is taken from the cache either: kernels of other plans would only take their time
    manifest = root / "kernels/kernels.toml"
    kernels, others, _ = manifest.read_text(encoding="utf-8").partition(
        '[[kernel]]\nsource = "kernels/qkt_matmul.hip"'
    )
    assert others
    manifest.write_text(kernels, encoding="utf-8")
    before = {p: p.lstat().st_mtime_ns for p in root.rglob("*")}
    ran = run(root, "plan 16-01", ("--no-write", "--", "-k", "kernel_compiled or documented"))
    assert not ran.not_passed(), ran.output
    assert before == {p: p.lstat().st_mtime_ns for p in root.rglob("*")}
