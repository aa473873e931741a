"""Copies to the host in Rust and C++: at any depth of calls they fail, with the path; where none is seen
nothing passes, since nothing was executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

RUST = {
    "src/lib.rs": "pub mod device;\npub mod engine;\n",
    "src/device.rs": "pub struct Buf;\nimpl Buf { pub fn to_host_vec(&self) -> Vec<f32> { vec![] } }\n",
}
CPP = {"src/device.h": "#pragma once\nstruct Buf { void* p; void fetch(void* out) const; };\n"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pub fn step(b: &Buf) { b.to_host_vec(); }", "step() -> to_host_vec() at src/engine.rs:2"),
        (
            "pub fn step(b: &Buf) { inner(b) }\nfn inner(b: &Buf) { b.to_host_vec(); }",
            "step() -> inner() -> to_host_vec() at src/engine.rs:3",
        ),
        (
            "pub struct E { b: Buf }\nimpl E { fn step(&self) { self.a() } fn a(&self) { self.c() }\n"
            "fn c(&self) { self.b.to_host_vec(); } }",
            "step() -> a() -> c() -> to_host_vec() at src/engine.rs:4",
        ),
        (
            "pub fn step(d: P, s: P) { hipMemcpy(d, s, 4, hipMemcpyKind::hipMemcpyDeviceToHost); }",
            "step() -> hipMemcpy() at src/engine.rs:2",
        ),
        (
            "pub fn step(d: P, s: P) { ffi::hipMemcpy(d, s, 4, ffi::MEMCPY_DEVICE_TO_HOST); }",
            "step() -> hipMemcpy() at src/engine.rs:2",
        ),
        ("pub fn step(d: P, s: P) { hipMemcpy(d, s, 4, 2); }", "step() -> hipMemcpy() at src/engine.rs:2"),
    ],
)
def test_rust(project: Make, text: str, path: str) -> None:
    made = project({**RUST, "src/engine.rs": f"use crate::device::Buf;\n{text}\n"})
    outcome = made.check("no_host_roundtrip", entry="src/engine.rs:step")
    assert outcome.verdict is CheckVerdict.FAILED
    assert path in outcome.message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "void step(void* o, void* p) { hipMemcpy(o, p, 4, hipMemcpyDeviceToHost); }",
            "step() -> hipMemcpy() at src/engine.cpp:2",
        ),
        (
            "void step(void* o, void* a) { hipMemcpyAtoH(o, a, 0, 4); }",
            "step() -> hipMemcpyAtoH() at src/engine.cpp:2",
        ),
        (
            "void Buf::fetch(void* o) const {\n  CHECK(hipMemcpyDtoH(o, p, 4)); }\n"
            "void step(Buf& b) { b.fetch(0); }",
            "step() -> fetch() -> hipMemcpyDtoH() at src/engine.cpp:3",
        ),
        (
            "namespace { struct G { ~G() { hipMemcpyDtoH(0, 0, 4); } }; }\nvoid step() { G guard; }",
            "step() -> ~G() -> hipMemcpyDtoH() at src/engine.cpp:2",
        ),
        (
            "template <typename T> void get(T* o) { hipMemcpyDtoH(o, 0, 4); }\n"
            "void step() { get<int>(nullptr); }",
            "step() -> get() -> hipMemcpyDtoH() at src/engine.cpp:2",
        ),
    ],
)
def test_cpp(project: Make, text: str, path: str) -> None:
    made = project({**CPP, "src/engine.cpp": f'#include "device.h"\n{text}\n'})
    outcome = made.check("no_host_roundtrip", entry="src/engine.cpp:step")
    assert outcome.verdict is CheckVerdict.FAILED
    assert path in outcome.message


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            "src/e.cpp",
            "void step(void* o) { hipMemcpy(o, o, 4, hipMemcpyHostToDevice); }",
            "nothing that runs it",
        ),
        (
            "src/e.rs",
            "fn step(o: P) { hipMemcpy(o, o, 2, ffi::MEMCPY_HOST_TO_DEVICE); }",
            "nothing that runs it",
        ),
        ("src/e.rs", "fn step(o: P) { hipMemcpy(o, o, 2, 3); }", "nothing that runs it"),
        ("src/e.cpp", "void step(void* o) { /* hipMemcpyDtoH(o, o, 4) */ }", "nothing that runs it"),
        (
            "src/e.cpp",
            "void step(void* o) {\n#if 0\nhipMemcpyDtoH(o, o, 4);\n#endif\n}",
            "nothing that runs it",
        ),
        ("src/e.cpp", "void step(void* o, hipMemcpyKind k) { hipMemcpy(o, o, 4, k); }", "may copy"),
        ("src/e.rs", 'fn step() { let s = "to_host_vec()"; }', "nothing that runs it"),
        (
            "src/e.rs",
            "fn step() {}\n#[cfg(test)] mod t { fn step_in_test(b: B) { b.to_host_vec(); } }",
            "nothing",
        ),
        ("src/e.rs", "fn step(x: u8) { if false { x.to_host_vec(); } }", "nothing that runs it"),
    ],
)
def test_what_shows_no_copy_is_unverified(project: Make, path: str, text: str, said: str) -> None:
    with pytest.raises(RocverifyError, match=said):
        project({path: text}).check("no_host_roundtrip", entry=f"{path}:step")


def test_a_word_of_the_plan_counts(project: Make) -> None:
    made = project({"src/e.cpp": "void step() { spill_to_cpu(); }"})
    outcome = made.check("no_host_roundtrip", entry="src/e.cpp:step", forbid=["spill_to_cpu"])
    assert "spill_to_cpu() at src/e.cpp:1" in outcome.message


def test_an_entry_that_is_not_there_fails(project: Make) -> None:
    outcome = project({"src/e.cpp": "void other() {}"}).check("no_host_roundtrip", entry="src/e.cpp:step")
    assert "defines no function step" in outcome.message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/e.cpp", "void step(Buf& b) { b.pull_back(); }"),
        ("src/e.rs", "fn step(b: &Buf) { b.pull_back(); }"),
        ("kernels/e.py", "def step(b):\n    b.pull_back()\n"),
    ],
)
def test_the_words_of_a_project_are_settings(project: Make, path: str, text: str) -> None:
    """`pull_back` is no word of the tool's: it copies because the project says so."""
    made = project({path: text})
    words = made.settings.transfers.model_copy(update={"device_to_host": ("pull_back",)})
    own = replace(made, settings=made.settings.model_copy(update={"transfers": words}))
    entry = "kernels.e:step" if path.endswith(".py") else f"{path}:step"
    try:
        before = made.check("no_host_roundtrip", entry=entry).message
    except RocverifyError as error:
        before = error.message
    assert "pull_back" not in before
    outcome = own.check("no_host_roundtrip", entry=entry)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "pull_back" in f"{outcome.message} {outcome.evidence}"


_ENGINE = """
mod ffi { extern "C" { pub fn hipModuleLaunchKernel(f: u64) -> i32; } }
fn launch(x: &mut [f32]) -> Result<(), i32> {
    match unsafe { ffi::hipModuleLaunchKernel(1) } { 0 => Ok(()), code => Err(code) }
}
fn cpu(x: &mut [f32]) { for v in x.iter_mut() { *v = *v * 2.0; } }
"""


def test_a_failed_launch_that_the_host_makes_up_for_fails(project: Make) -> None:
    text = _ENGINE + "pub fn step(x: &mut [f32]) { if launch(x).is_err() { cpu(x); } }\n"
    outcome = project({"src/lib.rs": text}).check("no_host_roundtrip", entry="src/lib.rs:step")
    assert outcome.verdict is CheckVerdict.FAILED
    assert "computes on the host where a launch has failed at src/lib.rs:7" in outcome.message
    assert outcome.findings[0].location == "src/lib.rs:7"


def test_a_choice_of_the_host_is_left_open_unless_it_is_forbidden(project: Make) -> None:
    text = _ENGINE + "pub fn step(x: &mut [f32], gpu: bool) { if gpu { launch(x); } else { cpu(x); } }\n"
    made = project({"src/lib.rs": text})
    with pytest.raises(RocverifyError, match="whether that is meant cannot be told"):
        made.check("no_host_roundtrip", entry="src/lib.rs:step")
    outcome = made.check("no_host_roundtrip", entry="src/lib.rs:step", forbid_fallback=True)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "returns without a launch, after computing on the host at src/lib.rs:7" in outcome.message
