"""`rocverify inspect`: facts against LLVM's own tools, refusals, exit codes."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.device.emulator.isa.decoding import decoder
from rocverify.device.emulator.isa.encodings import GFX11
from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry, load_manifest

pytestmark = pytest.mark.usefixtures("outside")


@pytest.fixture(scope="module")
def rope(repo_root: Path, own_cache: Path) -> Path:
    """kernels/rope.hip as the manifest builds it."""
    toolchain = Toolchain.discover(Settings())
    entries = load_manifest(repo_root, Settings()).entries
    entry = next(entry for entry in entries if entry.source == "kernels/rope.hip")
    return Builder(repo_root, toolchain, own_cache).build(entry, "gfx1100").path


def inspected(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    code = main(["inspect", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_help_lists_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f" {code}  " in text for code in range(5))


def test_the_repository_kernel(rope: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = inspected(capsys, rope)
    assert code == 0
    assert (found["schema"], found["target"], found["refused"]) == ("rocverify.inspect/1", "gfx1100", 0)
    assert found["sha256"] == hashlib.sha256(rope.read_bytes()).hexdigest()
    kernel = next(k for k in found["kernels"] if k["name"] == "rope_kernel")
    explicit = [a for a in kernel["arguments"] if not a["kind"].startswith("hidden_")]
    assert [(a["name"], a["offset"], a["size"], a["kind"]) for a in explicit] == [
        ("x", 0, 8, "global_buffer"),
        ("cos", 8, 8, "global_buffer"),
        ("sin", 16, 8, "global_buffer"),
        ("seq", 24, 4, "by_value"),
        ("heads", 28, 4, "by_value"),
        ("head_dim", 32, 4, "by_value"),
    ]
    assert sum(kernel["formats"].values()) == kernel["instructions"] > 20
    assert {"SOPP", "SMEM", "GLOBAL", "VOP2"} <= set(kernel["formats"])
    assert kernel["wavefront_size"] == 32
    assert kernel["vgpr_spills"] == kernel["scratch_bytes"] == 0


def test_the_text_says_the_same(rope: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = inspected(capsys, rope, "--kernel", "rope_kernel")
    (kernel,) = found["kernels"]
    assert main(["inspect", str(rope), "--kernel", "rope_kernel"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"(?m)^kernel (.*)$", text) == ["rope_kernel"]
    assert f"{kernel['vgprs']} VGPRs, {kernel['sgprs']} SGPRs" in text
    assert f"{kernel['instructions']} reached" in text
    assert found["sha256"] in text
    assert "code object     version" in text
    for name, count in kernel["formats"].items():
        assert re.search(rf"(?m)^    {name} +{count}$", text)
    for argument in kernel["arguments"]:
        assert f"offset {argument['offset']:>4}  size {argument['size']:>3}  {argument['kind']}" in text
    assert "refused         nothing" in text


def test_what_would_be_refused(handmade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = inspected(capsys, handmade)
    assert (code, found["refused"]) == (1, 1)
    refused = {k["name"]: k["refusals"] for k in found["kernels"] if k["refusals"]}
    assert set(refused) == {"trap_state"}
    (refusal,) = refused["trap_state"]
    assert refusal["text"].startswith("s_getreg_b32")
    assert re.fullmatch(r"0x[0-9a-f]+", refusal["address"])
    assert re.search(r":\d+$", refusal["source"])
    assert "HW_REG_TRAPSTS" in refusal["reason"]
    assert main(["inspect", str(handmade), "--kernel", "trap_state"]) == 1
    text = capsys.readouterr().out
    assert refusal["address"] in text
    assert refusal["source"] in text
    assert main(["inspect", str(handmade), "--kernel", "vector_add"]) == 0


def test_static_lds_and_bounds(handmade: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = inspected(capsys, handmade, "--kernel", "reduce")
    (kernel,) = found["kernels"]
    assert (kernel["lds_bytes"], kernel["max_workgroup_size"]) == (1024, 256)
    assert kernel["formats"]["DS"] >= 2


# ---- formats against the disassembler's spelling


def spelled_format(text: str) -> str:
    """The format as the assembly shows it: an oracle that reads names, where the table reads bits."""
    name = text.split()[0]
    if " :: " in text:
        return "VOPD"
    dpp = ""
    if re.search(r"quad_perm:|row_\w+:|row_mirror|row_half_mirror", text):
        dpp = "_DPP16"
    elif "dpp8:" in text:
        dpp = "_DPP8"
    for prefix, form in (("ds_", "DS"), ("flat_", "FLAT"), ("global_", "GLOBAL"), ("scratch_", "SCRATCH")):
        if name.startswith(prefix):
            return form
    if name.startswith("buffer_"):
        return "MUBUF"
    if name.startswith("v_"):
        return vector_format(name, text) + dpp
    return scalar_format(name)


def vector_format(name: str, text: str) -> str:
    if re.match(r"v_(pk_|dot|wmma_|fma_mix)", name) and "dot2acc" not in name and "_e32" not in name:
        return "VOP3P"
    if re.search(r"_e64(_dpp)?$", name) or not re.search(r"_(e32|dpp)$", name):
        plain = ("v_fmamk_", "v_fmaak_", "v_readfirstlane_b32", "v_nop", "v_swap", "v_permlane64")
        return "VOP3" if not name.startswith(plain) else "VOP1" if "fma" not in name else "VOP2"
    if name.startswith("v_cmp"):
        return "VOPC"
    operands = text.split(None, 1)[1].split(",") if " " in text else []
    ones = ("v_mov", "v_cvt_", "v_rcp", "v_rsq", "v_sqrt", "v_exp", "v_log", "v_not", "v_bfrev", "v_floor")
    one = name.startswith(ones) and "cvt_pk" not in name
    return "VOP1" if one or len(operands) == 2 else "VOP2"


def scalar_format(name: str) -> str:
    if name.startswith(("s_load_", "s_buffer_load", "s_dcache", "s_gl1_inv", "s_memtime", "s_memrealtime")):
        return "SMEM"
    if name.startswith(("s_cmp_", "s_bitcmp")):
        return "SOPC"
    if name.startswith(("s_movk", "s_cmpk", "s_addk", "s_mulk", "s_cmovk", "s_getreg", "s_setreg", "s_call")):
        return "SOPK"
    if name.startswith("s_waitcnt_v") or name == "s_version":
        return "SOPK"
    ones = r"s_(mov_|not_|brev|ff1|ctz|clz|cls|sext|bitset|getpc|setpc|swappc|abs|bcnt|wqm|quadmask|cmov_b)"
    if re.match(ones, name) or name.endswith("_saveexec_b32") or name.endswith("_saveexec_b64"):
        return "SOP1"
    paused = (
        r"s_(nop|waitcnt|delay|clause|endpgm|branch|cbranch|barrier|sendmsg|sleep|code_end|set_inst|trap)"
    )
    return "SOPP" if re.match(paused, name) else "SOP2"


def listed(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    objdump = Toolchain.discover(Settings()).objdump
    done = subprocess.run([objdump, "-d", "--mcpu=gfx1100", path], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        match = re.match(r"\t(.*?)\s*// [0-9A-F]+:((?: [0-9A-F]{8})+)", line)
        if match:
            yield match[1], tuple(int(word, 16) for word in match[2].split())


def format_of(dwords: tuple[int, ...]) -> str | None:
    known = decoder("gfx1100", GFX11)
    assert known is not None
    found = known.decode(sum(dword << 32 * place for place, dword in enumerate(dwords)), 4 * len(dwords))
    return None if found is None else found.format


def test_formats_by_bits_are_those_by_name(rope: Path, handmade: Path) -> None:
    seen: Counter[str] = Counter()
    for text, words in [*listed(rope), *listed(handmade)]:
        assert format_of(words) == spelled_format(text), text
        seen[spelled_format(text)] += 1
    assert len(seen) >= 12


@pytest.mark.parametrize(
    ("words", "name"),
    [
        # As llvm-mc -mcpu=gfx1100 -show-encoding gives them.
        ((0xBE800100,), "SOP1"),
        ((0x81000201,), "SOP2"),
        ((0xBF000100,), "SOPC"),
        ((0xB0001234,), "SOPK"),
        ((0xBFB00000,), "SOPP"),
        ((0xF4000000, 0xF8000000), "SMEM"),
        ((0x7E000301,), "VOP1"),
        ((0x06000501,), "VOP2"),
        ((0x7C220501,), "VOPC"),
        ((0xD5030000, 0x00020501), "VOP3"),
        ((0xCC0F4000, 0x18020501), "VOP3P"),
        ((0x060004FA, 0xFF081101), "VOP2_DPP16"),
        ((0x060004E9, 0x53977701), "VOP2_DPP8"),
        ((0x060004EA, 0x53977701), "VOP2_DPP8"),
        ((0x7E0002FA, 0xFF081101), "VOP1_DPP16"),
        ((0x7C2204FA, 0xFF081101), "VOPC_DPP16"),
        ((0xD5030000, 0x000204FA, 0xFF081101), "VOP3_DPP16"),
        ((0xC8100901, 0x02040702), "VOPD"),
        ((0xD8D80000, 0x00000001), "DS"),
        ((0xDC500000, 0x007C0001), "FLAT"),
        ((0xDC510000, 0x007C0001), "SCRATCH"),
        ((0xDC520000, 0x007C0001), "GLOBAL"),
        ((0xE0500000, 0x80000000), "MUBUF"),
        ((0xE8000000, 0x80000000), "MTBUF"),
        ((0xF0000000, 0x00000000), "MIMG"),
        ((0xF8000000, 0x00000000), "EXP"),
        ((0xFFFFFFFF,), None),
    ],
)
def test_formats_by_bits(words: tuple[int, ...], name: str | None) -> None:
    assert format_of(words) == name


# ---- other targets, other files


def test_a_target_that_the_emulator_does_not_run(
    handmade_folder: Path, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    source = handmade_folder / "bare.hip"
    source.write_text('extern "C" __attribute__((global)) void fill(float* x) { *x = 1; }\n')
    entry = ManifestEntry("bare.hip", (), "BARE_HSACO", flags=("-O2", "-nogpuinc", "-nogpulib"))
    code, found = inspected(capsys, builder.build(entry, "gfx1010").path)
    assert (code, found["target"]) == (1, "gfx1010")
    (kernel,) = found["kernels"]
    assert {r["address"] for r in kernel["refusals"]} == {None}
    assert "gfx1010" in kernel["refusals"][0]["reason"]
    assert (kernel["instructions"], kernel["formats"]) == (None, {})


def test_files_that_cannot_be_read(rope: Path, outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = rope.read_bytes()
    bundle = b"__CLANG_OFFLOAD_BUNDLE__" + (1).to_bytes(8, "little") + bytes(24)
    for name, content, message in (
        ("half.hsaco", data[: len(data) // 2], "not an intact AMDGPU code object"),
        ("empty.hsaco", b"", "is empty"),
        ("bundle.hsaco", bundle, "is a truncated offload bundle"),
        ("compressed.hsaco", b"CCOB" + zlib.compress(data), "compressed offload bundle"),
        ("text.hsaco", b"int main() {}\n" * 100, "neither a code object"),
    ):
        (outside / name).write_bytes(content)
        assert main(["inspect", name]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"error: {name}: ")
        assert message in said.err
    assert main(["inspect", "absent.hsaco"]) == 2
    assert "absent.hsaco: cannot be read" in capsys.readouterr().err
    assert main(["inspect", "."]) == 2
    assert main(["inspect", str(rope), "--kernel", "no_such"]) == 2
    assert "rope_kernel" in capsys.readouterr().err


def test_without_a_toolchain_code_of_rdna_3_can_be_looked_at(
    rope: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(*_: object) -> Toolchain:
        raise CompilerNotFoundError("no HIP compiler was found", hint="install one")

    monkeypatch.setattr(Toolchain, "discover", absent)
    assert main(["inspect", str(rope)]) == 0
    assert "the emulator would run all of" in capsys.readouterr().out


@pytest.mark.long
def test_a_source_is_compiled_as_its_project_builds_it(
    outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (outside / ".planning").mkdir()
    (outside / "include").mkdir()
    (outside / "include/size.hpp").write_text("#define ELEMENT int\n")
    text = '#include "size.hpp"\nextern "C" __global__ void k(ELEMENT* x) { x[0] = VALUE; }\n'
    (outside / "k.hip").write_text(text)
    build = "include_directories(include)\nadd_compile_definitions(VALUE=3)\nadd_library(l k.hip)\n"
    (outside / "CMakeLists.txt").write_text(build)
    code, found = inspected(capsys, "k.hip")
    assert (code, [k["name"] for k in found["kernels"]]) == (0, ["k"])
    (outside / "kernels").mkdir()
    (outside / "kernels/kernels.toml").write_text("")  # a manifest says all that there is to say
    assert main(["inspect", "k.hip"]) == 2
    said = capsys.readouterr().err
    assert "'size.hpp' file not found" in said
    assert "-- -Iinclude" in said
    assert main(["inspect", "k.hip", "--", "-Iinclude", "-DVALUE=4"]) == 0
