"""`rocverify emulate --sanitize` and `--strict`: text, JSON and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rocverify.cli.main import main
from rocverify.toolchain.build import Builder
from rocverify.toolchain.manifest import ManifestEntry

pytestmark = pytest.mark.usefixtures("outside")

Capture = pytest.CaptureFixture[str]
SOURCE = Path(__file__).parents[1] / "device" / "emulator" / "sanitize" / "sanitized.hip"
LOCKSTEP = ("in_lockstep", "--grid", "1", "--block", "32", "--arg", "f32[32]:range", "--arg", "f32[32]:out")
COPIED = ("copied", "--grid", "1", "--block", "32", "--arg", "u32[32]:out", "--arg", "u32[32]:out")


@pytest.fixture(scope="session")
def sanitized(handmade_folder: Path, builder: Builder) -> Path:
    """The code object of sanitized.hip for gfx1100."""
    shutil.copy(SOURCE, handmade_folder)
    entry = ManifestEntry(SOURCE.name, (), "SANITIZED_HSACO", flags=("-O1", "-gline-tables-only"))
    return builder.build(entry, "gfx1100").path


def said(capsys: Capture, sanitized: Path, *words: str, code: int) -> str:
    assert main(["emulate", str(sanitized), *words]) == code
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def line(mark: str) -> int:
    lines = SOURCE.read_text().splitlines()
    return next(i for i, text in enumerate(lines, 1) if text.endswith(f"mark: {mark}"))


def test_a_clean_launch_says_so(capsys: Capture, sanitized: Path) -> None:
    text = said(capsys, sanitized, *LOCKSTEP, "--sanitize", code=0)
    assert "sanitizer  0 finding(s)" in text
    assert "changed 32 of 32" in text


def test_without_the_option_nothing_is_looked_for(capsys: Capture, sanitized: Path) -> None:
    assert "sanitizer" not in said(capsys, sanitized, *COPIED, code=0)


def test_an_unwritten_array_is_found(capsys: Capture, sanitized: Path) -> None:
    """Arrays of `out` hold nothing."""
    text = said(capsys, sanitized, *COPIED, "--sanitize", code=1)
    assert "sanitizer  1 finding(s)" in text
    assert f"sanitized.hip:{line('copy')}: uninitialized: a value that was never written is stored" in text
    assert "seen 32 time(s)" in text
    assert "argument 0 (x)" in text


def test_strict_finds_what_relies_on_lockstep(capsys: Capture, sanitized: Path) -> None:
    """It implies --sanitize; lanes 16 to 31 read what others have written, 0 to 15 too."""
    text = said(capsys, sanitized, *LOCKSTEP, "--strict", code=1)
    assert f"sanitized.hip:{line('lane reads')}: lockstep: RAW in LDS" in text
    assert f"sanitized.hip:{line('lane writes')}" in text
    assert "ordered only if the wave runs in lockstep" in text


def test_json_with_counters(capsys: Capture, sanitized: Path) -> None:
    found = json.loads(said(capsys, sanitized, *COPIED, "--sanitize", "--counters", "--json", code=1))
    (one,) = found["findings"]
    assert (one["kind"], one["detail"], one["count"], one["kernel"]) == (
        "uninitialized",
        "store",
        32,
        "copied",
    )
    assert one["here"]["source"].endswith(f"sanitized.hip:{line('copy')}")
    assert found["findings_dropped"] == 0
    counters = found["counters"]
    assert (counters["global_load_bytes"], counters["global_store_bytes"]) == (128, 128)
    assert found["fault"] is None


def test_what_was_found_before_a_fault_is_shown(capsys: Capture, sanitized: Path) -> None:
    words = ("past", "--grid", "1", "--block", "32", "--arg", "u32[8]:zeros", "--arg", "u32:0", "--sanitize")
    text = said(capsys, sanitized, *words, code=1)
    assert "fault        global" in text
    assert f"sanitized.hip:{line('past')}" in text
    assert "sanitizer  0 finding(s)" in text
