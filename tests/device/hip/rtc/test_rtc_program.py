"""hipRTC's programs: names, headers, options, logs, by each compiler that is there."""

from __future__ import annotations

import re
import struct

import pytest

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.rtc.program import RtcProgram, RtcResult, compile_program, read_program
from rocverify.settings import Settings
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain

SOURCE = b"""
template <typename T, int N> __global__ void scale(T *x, T by) { x[threadIdx.x] *= by * T(N); }
namespace inner { __global__ void set(int *x) { x[blockIdx.x] = 7; } }
__constant__ float factor;
__device__ int counter;
extern "C" __global__ void plain(float *x) { *x = factor + counter; }
// no line ends this"""
EXPRESSIONS = ("scale<float, 3>", "inner::set", " & plain", "&factor", "counter", "scale<double,1>")


@pytest.fixture(params=["clang-19", pytest.param("clang-15", marks=pytest.mark.long)], scope="module")
def toolchain(request):
    return Toolchain.discover(Settings(), prefer=request.param)


@pytest.fixture(scope="module")
def newest():
    return Toolchain.discover(Settings(), prefer="clang-19")


def program(source=SOURCE, name="fused.cu", headers=None, expressions=(), options=()):
    return RtcProgram(source, name, headers or {}, tuple(expressions), tuple(options))


def test_lowered_names_are_the_symbols_of_the_code_object(toolchain, tmp_path):
    outcome = compile_program(program(expressions=EXPRESSIONS), toolchain, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.SUCCESS, outcome.log
    kernels = set(read_code_object(outcome.code, "rtc").kernels)
    assert outcome.lowered == (
        "_Z5scaleIfLi3EEvPT_S0_", "_ZN5inner3setEPi", "plain", "factor", "counter",
        "_Z5scaleIdLi1EEvPT_S0_",
    )  # fmt: skip
    assert kernels == {name for name in outcome.lowered if name not in ("factor", "counter")}


@pytest.mark.long
def test_without_expressions_templates_are_not_there(newest, tmp_path):
    outcome = compile_program(program(), newest, "gfx1100", tmp_path)
    assert set(read_code_object(outcome.code, "rtc").kernels) == {"plain", "_ZN5inner3setEPi"}


@pytest.mark.long
def test_headers_are_found_by_their_names(toolchain, tmp_path):
    headers = {"size.h": b"#define SIZE 5\n", "deep/more.h": b'#include "size.h"\n#define MORE (SIZE + 1)\n'}
    source = (
        b'#include "deep/more.h"\n#include <size.h>\nextern "C" __global__ void k(int *x) { x[SIZE] = MORE; }'
    )
    outcome = compile_program(program(source, headers=headers), toolchain, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.SUCCESS, outcome.log
    assert set(read_code_object(outcome.code, "rtc").kernels) == {"k"}


@pytest.mark.long
def test_a_header_may_be_named_like_the_program(newest, tmp_path):
    source = b'#include "same.hip"\nextern "C" __global__ void k(int *x) { *x = SAME; }'
    outcome = compile_program(
        program(source, name="same.hip", headers={"same.hip": b"#define SAME 1"}), newest, "gfx1100", tmp_path
    )
    # The quoted name finds the file beside the program first: the program itself.
    assert outcome.result in (RtcResult.SUCCESS, RtcResult.COMPILATION)


@pytest.mark.parametrize("name", ["/etc/passwd.h", "../outside.h", "a/../../b.h"])
def test_a_header_that_leads_out_of_the_folder_is_refused(name, newest, tmp_path):
    outcome = compile_program(program(headers={name: b""}), newest, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.INVALID_INPUT
    assert name in outcome.log


def test_errors_name_the_programs_own_lines(toolchain, tmp_path):
    outcome = compile_program(
        program(b"__global__ void k(int *x) {\n  *x = nothing;\n}\n", name="sub/my kernel.cu"),
        toolchain, "gfx1100", tmp_path,
    )  # fmt: skip
    assert outcome.result is RtcResult.COMPILATION
    assert "my_kernel.cu:2:8: error: use of undeclared identifier 'nothing'" in outcome.log
    assert str(tmp_path) not in outcome.log
    assert outcome.code == b""


@pytest.mark.long
def test_a_warning_is_in_the_log_of_a_program_that_compiles(newest, tmp_path):
    source = b'extern "C" __global__ void k(int *x) { int unused = 1; *x = 2; }'
    outcome = compile_program(program(source, options=["-Wall"]), newest, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.SUCCESS
    assert "unused variable" in outcome.log


@pytest.mark.long
def test_an_expression_that_names_nothing_is_said(toolchain, tmp_path):
    outcome = compile_program(program(expressions=["missing<int>"]), toolchain, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.COMPILATION
    assert re.search(r"name expression missing<int>:1:\d+: error: ", outcome.log)


@pytest.mark.drawn(2)
@pytest.mark.parametrize("option", ["--gpu-architecture=gfx90a", "--offload-arch=gfx90a"])
def test_the_architecture_that_is_asked_for_wins(option, newest, tmp_path):
    outcome = compile_program(program(options=[option]), newest, "gfx1100", tmp_path)
    assert read_code_object(outcome.code, "rtc").target == "gfx90a"


@pytest.mark.parametrize(
    "option", ["--gpu-architecture=compute_80", "-o", "-ofile", "-S", "-emit-llvm", "-c"]
)
def test_options_that_cannot_be_are_named(option, newest, tmp_path):
    outcome = compile_program(program(options=[option]), newest, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.INVALID_OPTION
    assert option in outcome.log


def test_an_option_that_the_compiler_does_not_know_is_in_its_words(newest, tmp_path):
    outcome = compile_program(program(options=["--no-such-option"]), newest, "gfx1100", tmp_path)
    assert outcome.result is RtcResult.COMPILATION
    assert "--no-such-option" in outcome.log


@pytest.mark.long
def test_definitions_and_the_macro_of_hiprtc_are_seen(toolchain, tmp_path):
    source = b"""
#ifndef __HIPCC_RTC__
#error not hipRTC
#endif
extern "C" __global__ void NAME(uint32_t *x, size_t n) { if (n) *x = VALUE; }
"""
    outcome = compile_program(
        program(source, options=["-DNAME=given", "-D", "VALUE=3", "--std=c++14"]),
        toolchain,
        "gfx1100",
        tmp_path,
    )
    assert outcome.result is RtcResult.SUCCESS, outcome.log
    assert set(read_code_object(outcome.code, "rtc").kernels) == {"given"}


@pytest.mark.long
def test_relocatable_programs_are_bitcode(newest, tmp_path):
    outcome = compile_program(
        program(expressions=["scale<float, 3>", "factor"], options=["-fgpu-rdc"]), newest, "gfx1100", tmp_path
    )
    assert outcome.result is RtcResult.SUCCESS, outcome.log
    assert outcome.bitcode
    assert outcome.code.startswith(b"BC\xc0\xde")
    assert outcome.lowered == ("_Z5scaleIfLi3EEvPT_S0_", "factor")


@pytest.mark.long
def test_the_same_program_gives_the_same_bytes(newest, tmp_path):
    codes = {compile_program(program(), newest, "gfx1100", tmp_path).code for _ in range(2)}
    assert len(codes) == 1


def texts(*parts: bytes) -> bytes:
    return b"".join(struct.pack("<Q", len(part)) + part for part in parts)


def test_a_block_is_read_as_the_library_writes_it():
    block = texts(b"source\0more", b"name", b"text 1", b"one.h", b"", b"two.h", b"f<int>", b"-DA=\xff")
    read = read_program(block, 2, 1, 1)
    assert read == RtcProgram(
        b"source\0more", "name", {"one.h": b"text 1", "two.h": b""}, ("f<int>",), ("-DA=\udcff",)
    )


@pytest.mark.parametrize("block", [b"", texts(b"source"), texts(b"a", b"b", b"c")])
def test_a_damaged_block_is_refused(block):
    with pytest.raises(HipError, match="hipErrorInvalidValue"):
        read_program(block, 0, 0, 0)
