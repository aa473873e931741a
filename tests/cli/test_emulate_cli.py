"""`rocverify emulate`: results against NumPy, arguments against the metadata, faults, limits, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rocverify.cli.main import main
from rocverify.device.by_hand.arguments import DTYPES, FILLS
from rocverify.toolchain.build import Builder
from rocverify.toolchain.manifest import ManifestEntry
from tests.runner.demo import REPOSITORY
from tests.signals import heed_interrupts

pytestmark = pytest.mark.usefixtures("outside")

Capture = pytest.CaptureFixture[str]
ADD = ("--grid", "4", "--block", "256")


def arguments(*forms: str) -> list[str]:
    return [word for form in forms for word in ("--arg", form)]


def emulated(capsys: Capture, *words: object) -> tuple[int, Any]:
    code = main(["emulate", *map(str, words), "--json"])
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def refused(capsys: Capture, *words: object) -> tuple[int, str]:
    """Exit code and message of a launch that does not come about; nothing goes to stdout."""
    code = main(["emulate", *map(str, words)])
    said = capsys.readouterr()
    assert said.out == ""
    return code, said.err


def line_of(mark: str) -> int:
    lines = (Path(__file__).parent / "handmade.hip").read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"mark: {mark}"))


def test_help_lists_forms_and_exit_codes(capsys: Capture) -> None:
    assert main(["emulate", "--help"]) == 0
    text = capsys.readouterr().out
    for code in (0, 1, 2, 3, 4, 130):
        assert f" {code}  " in text
    for name in (*DTYPES, *FILLS, "same:", "bytes:", "null", "@", "="):
        assert name in text


# ---- what runs


def test_vector_add(handmade: Path, outside: Path, capsys: Capture) -> None:
    forms = arguments("f32[1024]:out", "f32[1024]:range", "f32[1024]:1.5", "u32:1000")
    code, found = emulated(capsys, handmade, "vector_add", *ADD, *forms, "--save", "out=o.npy")
    expected = np.r_[np.arange(1000) + np.float32(1.5), np.full(24, np.nan)].astype(np.float32)
    saved = np.load(outside / "o.npy")
    assert code == 0
    assert saved.dtype == np.float32
    assert np.array_equal(saved, expected, equal_nan=True)
    out, a, b = found["buffers"]
    assert (out["name"], out["count"], out["changed"], out["not_finite"]) == ("out", 1024, 1000, 24)
    assert (out["min"], out["max"]) == (1.5, 1000.5)
    assert out["head"] == expected[:8].tolist()
    assert out["sha256"] == hashlib.sha256(saved.tobytes()).hexdigest()
    assert (a["changed"], b["changed"]) == (0, 0)
    stats = found["stats"]
    assert (stats["waves"], stats["workgroups"], stats["barriers"]) == (32, 4, 0)
    assert stats["wave_instructions"] >= 32
    assert found["fault"] is None


def test_the_text_says_the_same(handmade: Path, capsys: Capture) -> None:
    forms = arguments("f32[1024]:out", "f32[1024]:range", "f32[1024]:1.5", "u32:1000")
    _, found = emulated(capsys, handmade, "vector_add", *ADD, *forms)
    assert main(["emulate", str(handmade), "vector_add", *ADD, *forms]) == 0
    text = capsys.readouterr().out
    assert (
        f"{found['stats']['wave_instructions']} wave instructions, 32 waves, 4 workgroups, 0 barriers" in text
    )
    assert "0 out  f32[1024]  changed 1000 of 1024  min 1.5  max 1000.5  not finite 24" in text
    assert "[1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, ...]" in text
    assert found["buffers"][0]["sha256"] in text


def test_reduction_with_barriers(handmade: Path, outside: Path, capsys: Capture) -> None:
    data = np.random.default_rng(1).integers(-50, 50, (3, 256)).astype(np.float32)
    np.save(outside / "in.npy", data)
    forms = arguments("f32[3]:out", "f32[768]:@in.npy")
    code, found = emulated(capsys, handmade, "reduce", "--grid", 3, "--block", 256, *forms)
    assert code == 0
    assert found["buffers"][0]["head"] == data.sum(axis=1).tolist()
    assert found["stats"]["barriers"] == 3 * 8 * 9


def test_three_axes(handmade: Path, outside: Path, capsys: Capture) -> None:
    geometry = ("--grid", "2,3,2", "--block", "4,2,3", "--threads", "2")
    code, _ = emulated(capsys, handmade, "place", *geometry, *arguments("u32[288]:out"), "--save", "0=p.npy")
    z, y, x = np.meshgrid(np.arange(6), np.arange(6), np.arange(8), indexing="ij")
    assert code == 0
    assert np.load(outside / "p.npy").tolist() == (x | y << 8 | z << 16).reshape(-1).tolist()


def test_dynamic_lds(handmade: Path, capsys: Capture) -> None:
    words = (handmade, "dynamic", "--grid", 1, "--block", 64, *arguments("u32[64]:out", "u32:64"))
    code, found = emulated(capsys, *words, "--shared", 256)
    assert (code, found["buffers"][0]["head"]) == (0, [63, 62, 61, 60, 59, 58, 57, 56])
    code, found = emulated(capsys, *words, "--shared", 128)
    assert (code, found["fault"]["kind"], found["fault"]["access"]) == (1, "lds", "store")


def test_values_of_all_sizes(handmade: Path, capsys: Capture) -> None:
    pair = np.array([(1.5, -2.25)], np.dtype([("a", "f4"), ("b", "f8")], align=True)).tobytes().hex()
    forms = arguments("f64[6]:out", f"bytes:{pair}", "i8:-3", "u64:0x10000000000", "u16:65535", "null")
    code, found = emulated(capsys, handmade, "takes", "--grid", 1, "--block", 1, *forms)
    assert code == 0
    assert found["buffers"][0]["head"] == [1.5, -2.25, -3.0, 2.0**40, 65535.0, 1.0]


@pytest.mark.parametrize(
    ("kernel", "form", "expected"),
    [
        ("doubled_i8", "i8[4]:=1,-2,0x10,-64", [2, -4, 32, -128]),
        ("doubled_u64", "u64[3]:=1,2,0x4000000000000001", [2, 4, 0x8000000000000002]),
        ("doubled_f16", "f16[3]:=1.5,-0.25,1e-3", [3.0, -0.5, 2 * float(np.float16(1e-3))]),
        ("doubled_f64", "f64[3]:=1e300,nan,-inf", [2e300, "nan", "-inf"]),
        ("copied", "bf16[3]:=1.5,3.140625,-inf", [1.5, 3.140625, "-inf"]),
    ],
)
def test_element_types(handmade: Path, capsys: Capture, kernel: str, form: str, expected: list[Any]) -> None:
    count = len(expected)
    out = f"{form.partition('[')[0]}[{count}]:out"
    code, found = emulated(capsys, handmade, kernel, "--grid", 1, "--block", count, *arguments(out, form))
    assert code == 0
    assert found["buffers"][0]["head"] == expected


def test_bf16_files(handmade: Path, outside: Path, capsys: Capture) -> None:
    data = np.random.default_rng(2).standard_normal((4, 8)).astype(np.float32)
    np.save(outside / "in.npy", data)
    forms = arguments("bf16[32]:out", "bf16[]:@in.npy")
    code, _ = emulated(capsys, handmade, "copied", "--grid", 1, "--block", 32, *forms, "--save", "out=o.npy")
    saved = np.load(outside / "o.npy")
    assert (code, saved.dtype) == (0, np.float32)
    assert saved.tolist() == data.astype(ml_dtypes.bfloat16).astype(np.float32).reshape(-1).tolist()


def test_random_is_decided_by_the_seed(handmade: Path, capsys: Capture) -> None:
    def digests(*more: object) -> list[str]:
        forms = arguments("f32[64]:out", "f32[64]:random", "f32[64]:random", "u32:64")
        words = (handmade, "vector_add", "--grid", 1, "--block", 64, *forms, *more)
        return [buffer["sha256"] for buffer in emulated(capsys, *words)[1]["buffers"]]

    first = digests()
    assert first == digests("--seed", 0)
    assert len({*first, *digests("--seed", 1)}) == 6


def test_an_array_passed_twice(handmade: Path, capsys: Capture) -> None:
    forms = arguments("f32[64]:range", "same:0", "same:0", "u32:64")
    code, found = emulated(capsys, handmade, "vector_add", "--grid", 1, "--block", 64, *forms)
    assert code == 0
    assert len(found["buffers"]) == 1
    assert found["buffers"][0]["head"] == [0, 2, 4, 6, 8, 10, 12, 14]


def test_a_kernel_without_arguments(handmade: Path, capsys: Capture) -> None:
    code, found = emulated(capsys, handmade, "nothing", "--grid", 1, "--block", 1)
    assert (code, found["buffers"]) == (0, [])


# ---- faults and limits


def test_past_the_end(handmade: Path, outside: Path, capsys: Capture) -> None:
    words = [str(handmade), "past_end", "--grid", "1", "--block", "64", *arguments("i32[64]:out", "i32:1")]
    code, found = emulated(capsys, *words, "--save", "out=o.npy")
    fault = found["fault"]
    assert (code, fault["kind"], fault["access"], fault["size"]) == (1, "global", "store", 4)
    assert fault["source_line"].endswith(f"handmade.hip:{line_of('past')}")
    assert (fault["workgroup"], fault["workitem"]) == ([0, 0, 0], [63, 0, 0])
    assert "1 byte(s) past the end of" in fault["allocation"]
    assert "argument 0 (out)" in fault["allocation"]
    assert "global_store_b32" in fault["instruction"]
    assert not (outside / "o.npy").exists()
    assert main(["emulate", *words]) == 1
    text = capsys.readouterr().out
    for shown in (f"handmade.hip:{line_of('past')}", "workitem     63,0,0", "global_store_b32", "allocation"):
        assert shown in text


def test_time_limit(handmade: Path, capsys: Capture) -> None:
    code, found = emulated(
        capsys, handmade, "endless", "--grid", 1, "--block", 32, *arguments("i32[1]:zeros"), "--timeout", 0.3
    )
    assert (code, found["fault"]["kind"]) == (1, "stopped")
    assert "0.3 s" in found["fault"]["message"]
    assert found["stats"] is None


def test_instruction_limit(handmade: Path, capsys: Capture) -> None:
    words = (handmade, "endless", "--grid", 1, "--block", 32, *arguments("i32[1]:zeros"))
    code, found = emulated(capsys, *words, "--max-instructions", 5000)
    assert (code, found["fault"]["kind"]) == (1, "limit")
    assert "more than 5000 instructions" in found["fault"]["message"]


def test_limits_leave_a_kernel_that_ends_alone(handmade: Path, capsys: Capture) -> None:
    words = (handmade, "endless", "--grid", 1, "--block", 32, *arguments("i32[1]:1"))
    code, _ = emulated(capsys, *words, "--max-instructions", 5000, "--timeout", 30)
    assert code == 0


def test_more_workgroups_than_time(handmade: Path, capsys: Capture) -> None:
    words = (handmade, "nothing", "--grid", "2147483647,65535", "--block", 1, "--timeout", 0.3)
    code, found = emulated(capsys, *words)
    assert (code, found["fault"]["kind"]) == (1, "stopped")


@pytest.mark.long
def test_an_interruption_ends_an_endless_kernel(handmade: Path, outside: Path) -> None:
    words = [str(handmade), "endless", "--grid", "1", "--block", "32", "--arg", "i32[1]:zeros"]
    command = [sys.executable, "-m", "rocverify", "emulate", *words]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        command, cwd=outside, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    try:
        time.sleep(5.0)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said.strip()) == (130, "interrupted")


# ---- what does not run


def test_unsupported_instruction(handmade: Path, capsys: Capture) -> None:
    code, said = refused(
        capsys, handmade, "trap_state", "--grid", 1, "--block", 1, *arguments("u64[1]:zeros")
    )
    assert code == 3
    assert "s_getreg_b32" in said
    assert "trap_state+0x" in said


def test_unsupported_target(handmade_folder: Path, builder: Builder, capsys: Capture) -> None:
    source = handmade_folder / "other.hip"
    source.write_text('extern "C" __attribute__((global)) void fill(float* x) { *x = 1; }\n')
    entry = ManifestEntry("other.hip", (), "OTHER_HSACO", flags=("-O2", "-nogpuinc", "-nogpulib"))
    path = builder.build(entry, "gfx908").path
    code, said = refused(capsys, path, "fill", "--grid", 1, "--block", 1, *arguments("f32[1]:out"))
    assert code == 3
    assert "does not run gfx908" in said


GOOD = ("f32[4]:out", "f32[4]:zeros", "f32[4]:zeros", "u32:4")


@pytest.mark.parametrize(
    ("place", "form", "message"),
    [
        (0, "f32:1.5", "argument 0 (out) is a pointer, but a value was given"),
        (3, "f32[4]:zeros", "argument 3 (n) is a value of 4 byte(s), but an array or pointer was given"),
        (3, "u64:4", "argument 3 (n) is a value of 4 byte(s), but the value given has 8"),
        (3, "u32:-1", "-1 does not fit uint32"),
        (3, "u32:4294967296", "does not fit uint32"),
        (3, "u32:1.5", "'1.5' is not an integer"),
        (3, "f32:1e39", "1e39 does not fit float32"),
        (3, "f32:four", "'four' is not a number"),
        (3, "u33:4", "'u33' is not an element type"),
        (3, "bytes:0g", "hexadecimal"),
        (3, "4", "is of no known form"),
        (3, "", "is of no known form"),
        (0, "f32[0]:zeros", "one element or more"),
        (0, "f32[]:zeros", "needs its number of elements"),
        (0, "f32[99999999999999]:zeros", "more than this machine has room for"),
        (0, f"f32[{'9' * 5000}]:zeros", "is of no known form"),
        (0, f"same:{'9' * 5000}", "takes the index"),
        (3, f"u32:{'9' * 5000}", "is not an integer"),
        (0, "f32[4]:=1,2", "the list holds 2 elements, not 4"),
        (0, "f32[4]:=1,,2,3", "'' is not a number"),
        (0, "f32[4]:ramp", "'ramp' is not a number"),
        (0, "f32[4]:@absent.npy", "absent.npy is not a readable .npy file: No such file"),
        (0, "f32[4]:@double.npy", "holds float64, not float32"),
        (0, "f32[5]:@single.npy", "the file holds 4 elements, not 5"),
        (0, "f32[4]:@objects.npy", "not a readable .npy file"),
        (0, "f32[4]:@short.npy", "not a readable .npy file"),
        (0, "f32[4]:@.", "not a readable .npy file"),
        (0, "f32[4]:@archive.npz", "archive"),
        (0, "same:9", "argument 9 is not an array"),
        (0, "same:0", "argument 0 is not an array"),
        (0, "same:3", "argument 3 is not an array"),
        (0, "same:x", "takes the index"),
    ],
)
def test_wrong_arguments(
    handmade: Path, outside: Path, capsys: Capture, place: int, form: str, message: str
) -> None:
    np.save(outside / "single.npy", np.zeros(4, np.float32))
    np.save(outside / "double.npy", np.zeros(4))
    np.save(outside / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(outside / "archive.npz", a=np.zeros(4, np.float32))
    (outside / "short.npy").write_bytes((outside / "single.npy").read_bytes()[:100])
    forms = [*GOOD[:place], form, *GOOD[place + 1 :]]
    code, said = refused(capsys, handmade, "vector_add", "--grid", 1, "--block", 4, *arguments(*forms))
    assert code == 2
    assert message in said


def test_the_number_of_arguments(handmade: Path, capsys: Capture) -> None:
    for forms in (GOOD[:3], (*GOOD, "u32:1"), ()):
        code, said = refused(capsys, handmade, "vector_add", "--grid", 1, "--block", 4, *arguments(*forms))
        assert code == 2
        assert f"takes 4 argument(s), {len(forms)} given" in said
        assert "3 (n): a value of 4 byte(s)" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "0", "--block", "1"], "from 1 to"),
        (["--grid", "1", "--block", "1,2,3,4"], "not of the form"),
        (["--grid", "1", "--block", "x"], "not of the form"),
        (["--grid", "-1", "--block", "1"], "not of the form"),
        (["--grid", "9" * 5000, "--block", "1"], "from 1 to"),
        (["--grid", "1"], "Missing option '--block'"),
        (["--grid", "1", "--block", "1025"], "has 1025 work-items"),
        (["--grid", "1", "--block", "4294967295,4294967295,4294967295"], "work-items"),
        (["--grid", "2147483647", "--block", "3"], "fewer than 2**32"),
        (["--grid", "4294967295,4294967295,4294967295", "--block", "1"], "workgroups"),
        (["--grid", "1", "--block", "1", "--shared", "65537"], "65537 bytes of dynamic LDS"),
        (["--grid", "1", "--block", "1", "--shared", "-1"], "-1"),
        (["--grid", "1", "--block", "1", "--timeout", "0"], "--timeout"),
        (["--grid", "1", "--block", "1", "--timeout", "nan"], "--timeout"),
        (["--grid", "1", "--block", "1", "--max-instructions", "0"], "--max-instructions"),
        (["--grid", "1", "--block", "1", "--threads", "0"], "--threads"),
        (["--grid", "1", "--block", "1", "--save", "out"], "not ARG=FILE"),
        (["--grid", "1", "--block", "1", "--save", "0=x.npy"], "not ARG=FILE"),
    ],
)
def test_impossible_launches(handmade: Path, capsys: Capture, words: list[str], message: str) -> None:
    code, said = refused(capsys, handmade, "nothing", *words)
    assert code == 2
    assert message in said


def test_saving(handmade: Path, outside: Path, capsys: Capture) -> None:
    words = (handmade, "vector_add", "--grid", 1, "--block", 4, *arguments(*GOOD))
    assert refused(capsys, *words, "--save", "n=o.npy") == (
        2,
        "error: --save n=o.npy: that argument is not an array\n",
    )
    code, said = refused(capsys, *words, "--save", "out=absent/o.npy")
    assert (code, "absent/o.npy: cannot be written" in said) == (2, True)
    assert list(outside.iterdir()) == []


def test_files_that_cannot_be_read(handmade: Path, outside: Path, capsys: Capture) -> None:
    (outside / "half.hsaco").write_bytes(handmade.read_bytes()[:5000])
    for name, kernel, message in (
        ("half.hsaco", "nothing", "not an intact AMDGPU code object"),
        ("absent.hsaco", "nothing", "cannot be read"),
        (handmade, "no_such", "has no kernel no_such"),
    ):
        code, said = refused(capsys, name, kernel, "--grid", 1, "--block", 1)
        assert code == 2
        assert message in said
