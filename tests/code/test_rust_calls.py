"""Calls in Rust, told apart: made, never made, made in what can never run, and what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rocverify.code.callgraph import Chain
from rocverify.code.index import CodeIndex
from rocverify.code.languages.rust import read_rust
from rocverify.settings import Settings
from tests.code.conftest import searched

LAUNCH = "pub fn launch(x: u32) -> u32 { x }\n"


def chain(
    root: Path, files: Mapping[str, str], caller: str = "apply", callee: str = "launch", to: str = "src/b.rs"
) -> Chain:
    for path, text in {"src/b.rs": LAUNCH, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    index = CodeIndex(root, Settings())
    return searched(index, ("src/a.rs", caller), (to, callee))


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
        ("fn tick(w: Box<W>) { w.step(1.0); }", True, False),
        ("fn tick(w: &std::sync::Arc<Box<W>>) { w.step(1.0); }", True, False),
        ("fn tick() { let w = std::rc::Rc::new(make()); w.step(1.0); }", False, True),
        ("fn tick<T: Step>(w: T) { w.step(1.0); }", False, True),
        ("struct O<T> { w: T } impl<T: Step> O<T> { fn tick(&self) { self.w.step(1.0); } }", False, True),
        ("fn tick(w: Box<dyn Step>) { w.step(1.0); }", False, True),
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


HERE = "use crate::b::launch;\n"


@pytest.mark.parametrize(
    "text",
    [
        'fn apply() {\n#[cfg(not(feature = "x"))]\nreturn 1;\n#[cfg(feature = "x")]\n{ launch(1); 0 } }',
        'fn apply() { #[doc = "unlike cfg(test)"] launch(1); }',
        "#[cfg(not(test))] fn apply() { launch(1); }",
        '#[cfg(any(test, feature = "gpu"))] fn apply() { launch(1); }',
        "fn apply() { fn inner() { launch(1); } inner(); }",
        "fn apply(q: u8) { let launch = launch(q); }",
        "fn apply() { launch(1); let launch = |x| x; }",
        "fn apply() { { let launch = 1; } launch(1); }",
        "fn apply(q: u8) { if let Some(launch) = launch(q) {} }",
        "fn apply(q: u8) { match q { n if launch(n) > 1 => {} _ => {} } }",
        'fn apply() { println!("{}", crate::b::launch(1)); }',
        "fn apply(x: bool) { if x { return; } launch(1); }",
        "fn apply() { loop { break; } launch(1); }",
        "#[cfg(test)] use crate::c::launch; #[cfg(not(test))] use crate::b::launch;\nfn apply() { launch() }",
        "#[test] fn apply() { launch(1); }",
    ],
)
def test_a_call_that_is_made_in_spite_of_what_is_around_it(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, {"src/a.rs": text if "use " in text else HERE + text, "src/c.rs": LAUNCH})
    assert found.steps, found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fn apply() { while false { launch(1); } }", "always false"),
        ("fn apply() { if (false) { launch(1); } }", "always false"),
        ("fn apply(x: bool) { if false && x { launch(1); } }", "always false"),
        ("fn apply() { if !true { launch(1); } }", "always false"),
        ("fn apply() { if cfg!(test) { launch(1); } }", "always false"),
        ("const ON: bool = false; fn apply() { if ON { launch(1); } }", "always false"),
        ("fn apply() { loop {} launch(1); }", "behind line 2"),
        ("fn apply() { std::process::exit(1); launch(1); }", "behind line 2"),
        ("fn apply(x: bool) { if x { return; } else { return; } launch(1); }", "behind line 2"),
        ("fn apply() { { return; } launch(1); }", "behind line 2"),
        ("fn apply() {\n#[cfg(test)]\n// why\nlaunch(1);\n}", "tests only"),
        ('fn apply() {\n#[cfg(all(feature = "x", test))]\nlaunch(1);\n}', "tests only"),
        ("fn apply() { fn inner() { launch(1); } }", "never called"),
    ],
)
def test_more_ways_in_which_a_call_can_never_run(tmp_path: Path, text: str, why: str) -> None:
    found = chain(tmp_path, {"src/a.rs": HERE + text})
    assert not found.steps
    assert found.dead is not None
    assert why in found.dead[1]


@pytest.mark.parametrize(
    "text",
    [
        "#[cfg(test)] fn apply() { launch(1); }\n#[cfg(not(test))] fn apply() {}",
        "fn apply() { go(); }\n#[cfg(test)] fn go() { launch(1); }\n#[cfg(not(test))] fn go() {}",
        "fn apply() { use crate::c::launch; launch(1); }",
        "fn apply() { stringify!(launch(1)); }",
        "fn apply() { let t = quote! { launch(1) }; }",
        "fn apply() { lazy! { fn launch() {} } }",
    ],
)
def test_what_only_looks_like_the_call(tmp_path: Path, text: str) -> None:
    assert chain(tmp_path, {"src/a.rs": HERE + text, "src/c.rs": LAUNCH}) == Chain()


@pytest.mark.parametrize(
    "text",
    [
        "fn apply(launch: impl Fn(u8)) { launch(1); }",
        "fn apply() { let launch = other; launch(1); }",
        "fn apply() { let f = launch; f(1); }",
        "fn apply(v: Vec<u8>) { v.iter().map(launch).sum() }",
        "fn apply(v: Vec<u8>) { v.iter().map(go).sum() } fn go(x: u8) { launch(x) }",
        "macro_rules! go { () => { launch(1) } } fn apply() { go!(); }",
    ],
)
def test_what_may_be_the_call_is_neither_yes_nor_no(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, {"src/a.rs": HERE + text})
    assert not found.steps
    assert found.maybe


def test_two_modules_or_types_of_one_name_are_told_apart_by_the_imports(tmp_path: Path) -> None:
    kernel = "pub struct Rope;\nimpl Rope { pub fn step(&self) {} }\npub fn launch() {}\n"
    files = {"src/cpu/rope.rs": kernel, "src/gpu/rope.rs": kernel}
    for callee, text in {
        "launch": "use crate::cpu::rope; fn apply() { rope::launch(); }",
        "Rope::step": "use crate::cpu::rope::Rope; fn apply() { Rope::step(r); }",
        "step": "use crate::cpu::rope::Rope; fn apply(r: &Rope) { r.step(); }",
    }.items():
        assert chain(tmp_path, {"src/a.rs": text, **files}, callee=callee, to="src/gpu/rope.rs") == Chain()
        assert chain(tmp_path, {"src/a.rs": text, **files}, callee=callee, to="src/cpu/rope.rs").steps


@pytest.mark.parametrize(
    "text",
    [
        "fn apply() { let w = W::new(); let w = other(); w.step(1.0); }",
        "fn apply(x: X) { let w = W::new(); if let Some(w) = x { w.step(1.0); } }",
        "fn apply(x: X) { let w = W::new(); x.map(|w| w.step(1.0)); }",
        "fn apply() { <W as Op>::step(1.0).step(); other(W::new().step); }",
    ],
)
def test_a_variable_of_the_same_name_is_another(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, {"src/a.rs": "use crate::b::W;\n" + text, "src/b.rs": METHOD}, callee="step")
    assert bool(found.steps) == ("<W as" in text), found


def test_another_crate_of_the_project_is_not_taken_for_a_strangers(tmp_path: Path) -> None:
    files = {
        "src/a.rs": "",
        "app/src/main.rs": "use engine::launch; fn apply() { launch(1); }",
        "engine/src/k.rs": LAUNCH,
    }
    chain(tmp_path, files)
    index = CodeIndex(tmp_path, Settings())
    found = searched(index, ("app/src/main.rs", "apply"), ("engine/src/k.rs", "launch"))
    assert found.maybe == "app/src/main.rs:1"


@pytest.mark.parametrize(
    "nest",
    [
        "(" * 5000 + "1" + ")" * 5000 + ";",
        "{" * 5000 + "}" * 5000,
        "a" + ".b()" * 5000 + ";",
        "1" + " + 1" * 5000 + ";",
        "m!(" + "(" * 5000 + ")" * 5000 + ");",
        "if a {} " + "else if b {} " * 2000,
        "}" + "mod a {" * 2000 + "}" * 2000 + "use a::{" * 2000 + "b" + "}" * 2000 + "; fn last() {",
    ],
)
def test_what_is_nested_thousands_deep_is_read(tmp_path: Path, nest: str) -> None:
    assert chain(tmp_path, {"src/a.rs": HERE + "fn apply() { launch(1); " + nest + " }"}).steps


@pytest.mark.parametrize("name", ["S::MAX", "inner::f", "Flags", "TABLE"])
def test_more_that_a_file_defines(name: str) -> None:
    text = """
struct S; impl S { pub const MAX: u32 = 1; }
mod inner { pub fn f() {} }
bitflags! { pub struct Flags: u32 { const A = 1; } }
lazy_static! { pub static ref TABLE: u32 = 1; }
"""
    assert read_rust("a.rs", text).defines(name)


@pytest.mark.parametrize(
    "text",
    [
        "mod x { use super::go; pub fn apply() { go(); } }\nfn go() { launch(1); }",
        "mod x { pub fn apply() { super::go(); } }\nfn go() { launch(1); }",
        "mod x { use super::*; pub fn apply() { go(); } }\nfn go() { launch(1); }",
        "fn apply() { r#launch(1); }",
    ],
)
def test_calls_out_of_a_module_in_the_file(tmp_path: Path, text: str) -> None:
    assert chain(tmp_path, {"src/a.rs": HERE + text}).steps


@pytest.mark.parametrize(
    ("text", "maybe"),
    [
        ("fn apply(s: S) { s.go(); }", True),
        ("fn apply() { make().go(); }", True),
        ("use engine::m; fn apply() { m::go(); }", True),
        ("fn apply(s: Other) { s.go(); }", False),
        ("fn apply(s: S) { s.stop(); }", False),
        ("fn apply() { std::go(); }", False),
        ("const TABLE: [fn(u32) -> u32; 1] = [crate::b::launch]; fn apply() { TABLE[0](1); }", True),
    ],
)
def test_a_step_that_does_not_resolve_may_lead_there(tmp_path: Path, text: str, maybe: bool) -> None:
    files = {
        "src/a.rs": text,
        "src/m.rs": "impl S { fn go(&self) { crate::b::launch(1); } fn stop(&self) {} }",
    }
    assert not chain(tmp_path, files).steps
    index = CodeIndex(tmp_path, Settings())
    found = searched(index, ("src/a.rs", "apply"), ("src/b.rs", "launch"))
    assert (found.steps, bool(found.maybe)) == ((), maybe)


@pytest.mark.parametrize("kind", ["Engine", "Arc<Engine>", "Box<crate::b::Engine>", "&'a Engine"])
def test_a_method_of_a_field_is_that_of_its_type(tmp_path: Path, kind: str) -> None:
    text = f"pub struct S {{ e: {kind} }}\nimpl S {{ fn apply(&self) {{ self.e.launch(1); }} }}\n"
    there = "pub struct Engine;\nimpl Engine { pub fn launch(&self, x: u32) {} }\n"
    assert chain(tmp_path, {"src/a.rs": text, "src/b.rs": there}, callee="Engine::launch").steps
    other = there + "pub struct Other;\nimpl Other { pub fn launch(&self, x: u32) {} }\n"
    assert not chain(tmp_path, {"src/a.rs": text, "src/b.rs": other}, callee="Other::launch").steps
