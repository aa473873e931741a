"""Calls in Rust, told apart: made, never made, made in what can never run, and what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rocverify.code.callchains import Chain, find_chain
from rocverify.code.index import CodeIndex
from rocverify.code.languages.rust import read_rust
from rocverify.settings import Settings

LAUNCH = "pub fn launch(x: u32) -> u32 { x }\n"


def chain(
    root: Path, files: Mapping[str, str], caller: str = "apply", callee: str = "launch", to: str = "src/b.rs"
) -> Chain:
    for path, text in {"src/b.rs": LAUNCH, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    index = CodeIndex(root, Settings())
    return find_chain(index.unit_at, index.unit("src/a.rs"), caller, index.unit(to), callee)


@pytest.mark.parametrize(
    "text",
    [
        "fn apply(x: u32) -> u32 { launch(x) }",
        "use crate::b::launch; pub(crate) fn apply(x: u32) -> u32 { launch(x) }",
        "use crate::b; pub async unsafe fn apply() { b::launch(1); }",
        "use crate::b::launch as go; fn apply() { go(1); }",
        "use crate::b::{self, launch}; impl S { fn apply(&self) { launch(self.x); } }",
        "use super::b::*; fn apply() { unsafe { launch(1) }; }",
        "const N: [u32; 2] = [1, 2]; fn apply() { helper() } fn helper() { crate::b::launch(1); }",
        "fn apply() -> Result<()> { let y = launch(1)?; Ok(()) }",
        "fn apply(v: Vec<u32>) { v.iter().map(|x| launch(*x)).collect() }",
        "fn apply() { let f = |x| launch(x); f(1); }",
        "fn apply(x: u8) { match x { 0 => {}, _ => { launch(1); } } }",
        'fn apply() { println!("{}", launch(1)); }',
        "fn apply<T: Into<u32>>(x: T) where T: Copy { launch(x.into()); }",
        'fn apply() { #[cfg(feature = "gpu")] launch(1); }',
        "mod inner { pub fn apply() { crate::b::launch(1); } }",
        "use crate::prelude::launch; fn apply() { launch(1); }",
    ],
)
def test_a_call_that_is_made(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, {"src/a.rs": text, "src/prelude.rs": "pub use crate::b::launch;\n"})
    assert found.steps, found


@pytest.mark.parametrize(
    "text",
    [
        "fn apply() { }",
        "// launch(1)\nfn apply() { /* launch(1) */ }",
        'fn apply() { let s = "launch(1)"; }',
        "fn launch(x: u32) {} fn apply() { launch(1); }",
        "use std::launch; fn apply() { launch(1); }",
        "use crate::c::launch; fn apply() { launch(1); }",
        "use rayon::launch; fn apply() { launch(1); }",
        "fn apply() { fn launch(x: u32) {} launch(1); }",
        "fn apply() { let launch = |x| x; launch(1); }",
        "fn other() { crate::b::launch(1); } fn apply() {}",
        "macro_rules! go { () => { launch(1) } } fn apply() {}",
        "fn apply() { x.launch(1); }",
    ],
)
def test_a_call_that_is_not_made(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, {"src/a.rs": text, "src/c.rs": LAUNCH})
    assert found == Chain()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fn apply() { return; launch(1); }", "behind line 1"),
        ("fn apply() { if false { launch(1); } }", "always false"),
        ("fn apply() { todo!(); launch(1); }", "behind line 1"),
        ("fn apply() { let f = || launch(1); }", "never used"),
        ("fn apply() { #[cfg(test)] { launch(1); } }", "tests only"),
        ("fn apply() { #[cfg(any())] launch(1); }", "no build"),
    ],
)
def test_a_call_that_can_never_run(tmp_path: Path, text: str, why: str) -> None:
    found = chain(tmp_path, {"src/a.rs": text})
    assert not found.steps
    assert found.dead is not None
    assert why in found.dead[1]


METHOD = "impl W { pub fn new() -> W { W } pub fn step(&mut self, dt: f64) {} }\n"


@pytest.mark.parametrize(
    ("text", "made", "maybe"),
    [
        ("impl W { fn tick(&mut self) { self.step(1.0); } }", True, False),
        ("fn tick(w: &mut W) { w.step(1.0); }", True, False),
        ("fn tick() { let mut w = W::new(); w.step(1.0); }", True, False),
        ("fn tick() { let w: W = make(); w.step(1.0); }", True, False),
        ("fn tick() { W::step(&mut w, 1.0); }", True, False),
        ("fn tick(w: Box<W>) { w.step(1.0); }", False, True),
        ("fn tick() { make().step(1.0); }", False, True),
        ("impl V { fn step(&self, d: f64) {} fn tick(&self) { self.step(1.0); } }", False, False),
    ],
)
def test_methods_by_the_type_of_their_receiver(tmp_path: Path, text: str, made: bool, maybe: bool) -> None:
    found = chain(tmp_path, {"src/a.rs": text, "src/b.rs": METHOD}, "tick", "step")
    assert (bool(found.steps), bool(found.maybe)) == (made, maybe), found


def test_a_type_as_the_caller_means_its_methods(tmp_path: Path) -> None:
    text = "pub struct Loader;\nimpl Loader { fn load(&self) { launch(1); } }\n"
    assert chain(tmp_path, {"src/a.rs": text}, "Loader").steps == ("launch (src/a.rs:2)",)


def test_the_steps_of_a_chain_are_told(tmp_path: Path) -> None:
    text = "fn apply() {\n    helper();\n}\nfn helper() {\n    crate::b::launch(1);\n}\n"
    assert chain(tmp_path, {"src/a.rs": text}).steps == ("helper (src/a.rs:2)", "launch (src/a.rs:5)")


def test_a_chain_leads_through_other_modules(tmp_path: Path) -> None:
    files = {
        "src/a.rs": "use crate::mid::through; fn apply() { through(); }",
        "src/mid/mod.rs": "pub fn through() { crate::b::launch(1); }",
    }
    assert chain(tmp_path, files).steps == ("through (src/a.rs:1)", "launch (src/mid/mod.rs:1)")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("S", "struct"),
        ("E", "enum"),
        ("T", "trait"),
        ("N", "constant"),
        ("G", "static"),
        ("A", "type"),
        ("m", "macro"),
        ("inner", "module"),
        ("f", "function"),
        ("S::g", "method"),
        ("S.g", "method"),
        ("Pty", "re-export"),
        ("Other", "re-export"),
        ("hipMalloc", "function"),
    ],
)
def test_what_a_file_defines(name: str, kind: str) -> None:
    text = """
pub struct S; enum E { X } trait T {} const N: u8 = 1; static G: u8 = 1; type A = u8;
macro_rules! m { () => {} }
mod inner {}
fn f() {}
impl S { fn g(&self) {} }
pub use local::Pty; pub use a::{b::Inner as Other, c};
use private::Hidden;
extern "C" { fn hipMalloc(p: *mut u8) -> i32; }
#[cfg(test)] mod tests { fn only_in_tests() {} }
"""
    unit = read_rust("a.rs", text)
    assert (unit.defines(name) or ("",))[0] == kind
    for absent in ("Hidden", "only_in_tests", "nothing"):
        assert unit.defines(absent) is None


def test_what_cannot_be_parsed_is_told_with_its_line() -> None:
    unit = read_rust("a.rs", "fn f() {}\nfn g( {\n")
    assert unit.broken == 2
    assert [function.name for function in unit.functions][:1] == ["f"]
