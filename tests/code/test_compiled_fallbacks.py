"""Ways around a launch in Rust and C++ hosts: what hides a failed launch, and right styles that do not."""

from __future__ import annotations

import pytest

from rocverify.code.fallbacks import FallbackFinder, FallbackKind
from rocverify.code.launches import LaunchFinder
from rocverify.settings import Transfers
from tests.code.conftest import MakeIndex

HANDLER, BRANCH = FallbackKind.HANDLER, FallbackKind.BRANCH
FAILED, CHOSEN = FallbackKind.FAILED, FallbackKind.CHOSEN

RUST = """
mod ffi { extern "C" { pub fn hipModuleLaunchKernel(f: u64) -> i32; } }
pub enum Error { Hip(i32), Shape }
pub struct Config { gpu: bool }
fn launch(x: &mut [f32]) -> Result<(), Error> {
    let code = unsafe { ffi::hipModuleLaunchKernel(1) };
    if code != 0 { return Err(Error::Hip(code)); }
    Ok(())
}
fn inner(x: &mut [f32]) { for i in 0..x.len() { x[i] = x[i] * 2.0 + 1.0; } }
fn cpu(x: &mut [f32]) -> Result<(), Error> { inner(x); Ok(()) }
fn mapped(x: &[f32]) -> Vec<f32> { x.iter().map(|v| v * 2.0).collect() }
fn doubled(x: &mut [f32]) { x.iter_mut().for_each(|v| *v *= 2.0); }
fn dot(x: &[f32]) -> f32 { let mut sum = 0.0; for v in x { sum += v * v; } sum }
fn found(x: &mut [f32]) -> Option<f32> { launch(x).ok()?; Some(x[0]) }
fn grid(n: usize) -> [usize; 3] { let mut g = [1; 3]; for i in 0..3 { g[i] = n; } g }
fn f(x: &mut [f32], config: Config) -> Result<(), Error> {
    BODY
}
"""
CPP = """
typedef int hipError_t;
enum { hipSuccess = 0 };
extern "C" hipError_t hipModuleLaunchKernel(int f);
enum class Backend { Cpu, Hip };
hipError_t launch(float* x, int n) { return hipModuleLaunchKernel(n); }
bool ready(float* x, int n) { return launch(x, n) == hipSuccess; }
int count(float* x, int n) { launch(x, n); return x[0] > 0; }
void thrown(float* x, int n) { if (launch(x, n) != hipSuccess) throw 1; }
static void inner(float* x, int n) { for (int i = 0; i < n; ++i) x[i] = x[i] * 2.0f; }
void cpu(float* x, int n) { inner(x, n); }
void doubled(std::vector<float>& x) { for (auto& v : x) v *= 2.0f; }
void sorted(float* x, int n) { std::sort(x, x + n); }
float dot(const float* x, int n) {
    float sum = 0; for (int i = 0; i < n; ++i) sum += x[i] * x[i]; return sum; }
void note(const char* text);
int f(float* x, int n, bool gpu, Backend backend) {
    BODY
}
"""

RUST_WAYS = (
    ("match launch(x) { Ok(()) => Ok(()), Err(_) => cpu(x) }", [FAILED]),
    ("match launch(x) { Ok(v) => Ok(v), _ => cpu(x) }", [FAILED]),
    ('match launch(x) { Ok(()) => {} Err(e) => { eprintln!("no GPU"); inner(x); } } Ok(())', [FAILED]),
    ("if let Err(e) = launch(x) { return cpu(x); } Ok(())", [FAILED]),
    ("if let Ok(()) = launch(x) { Ok(()) } else { cpu(x) }", [FAILED]),
    ("if launch(x).is_err() { inner(x); } Ok(())", [FAILED]),
    ("if launch(x).is_ok() { return Ok(()); } inner(x); Ok(())", [FAILED]),
    ("if let Ok(v) = launch(x) { return Ok(v); } cpu(x)", [FAILED]),
    ("let done = launch(x); if done.is_err() { return cpu(x); } done", [FAILED]),
    ("let done = launch(x); match done { Err(_) => cpu(x), ok => ok }", [FAILED]),
    ("if let Some(_) = found(x) { Ok(()) } else { cpu(x) }", [CHOSEN]),
    ("match found(x) { Some(_) => Ok(()), None => cpu(x) }", [CHOSEN]),
    ("let Ok(()) = launch(x) else { return cpu(x); }; Ok(())", [FAILED]),
    ("launch(x).or_else(|_| cpu(x))", [HANDLER]),
    ("launch(x).unwrap_or_else(|_| inner(x)); Ok(())", [HANDLER]),
    ("launch(x).map_err(|e| e).unwrap_or_else(|_e| { doubled(x); }); Ok(())", [HANDLER]),
    ("if config.gpu { launch(x) } else { cpu(x) }", [BRANCH]),
    ("if !config.gpu { return cpu(x); } launch(x)", [BRANCH]),
    ("if config.gpu { return launch(x); } cpu(x)", [BRANCH]),
    ("if x.len() < 32 { let y = mapped(x); x.copy_from_slice(&y); return Ok(()); } launch(x)", [BRANCH]),
    ("if x.len() < 32 { let s = dot(x); x[0] = s; return Ok(()); } launch(x)", [BRANCH]),
    ("match config.gpu { true => launch(x), false => cpu(x) }", [BRANCH]),
)
RUST_RIGHT = (
    "launch(x)",
    "launch(x)?; Ok(())",
    "launch(x).map_err(|e| e)",
    "let Ok(()) = launch(x) else { return Err(Error::Shape); }; Ok(())",
    "launch(x).unwrap(); Ok(())",
    'launch(x).expect("the launch"); Ok(())',
    'launch(x).unwrap_or_else(|e| panic!("no launch")); Ok(())',
    "launch(x).unwrap_or_else(|_| std::process::exit(1)); Ok(())",
    "match launch(x) { Ok(()) => Ok(()), Err(e) => Err(e) }",
    'match launch(x) { Ok(()) => {} Err(e) => { eprintln!("failed"); return Err(e); } } Ok(())',
    "match launch(x) { Ok(()) => {} Err(Error::Hip(2)) => launch(x)?, Err(e) => return Err(e) } Ok(())",
    "match launch(x) { Ok(()) => { let s = dot(x); x[0] = s; Ok(()) } Err(e) => Err(e) }",
    "if let Err(e) = launch(x) { let s = dot(x); x[0] = s; return Err(e); } Ok(())",
    'if let Err(_) = launch(x) { eprintln!("it is told elsewhere"); } Ok(())',
    "if launch(x).is_ok() { inner(x); } Ok(())",
    "if x.is_empty() { return Ok(()); } launch(x)",
    "if x.len() > 4096 { return Err(Error::Shape); } launch(x)",
    "let g = grid(x.len()); if g[0] == 0 { return Ok(()); } launch(x)",
    "for attempt in 0..3 { if launch(x).is_ok() { return Ok(()); } } Err(Error::Shape)",
    "launch(x)?; if config.gpu { let s = dot(x); x[0] = s; return Ok(()); } Ok(())",
    "if config.gpu { launch(x) } else { launch(x) }",
    "if dot(x).is_nan() { return Err(Error::Shape); } launch(x)",
    "if x.len() < 32 { let s = dot(x); if s < 0.0 { return Err(Error::Shape); } } launch(x)",
    "#[cfg(test)] { if config.gpu { return cpu(x); } } launch(x)",
    "launch(x).or_else(|e| { if config.gpu { launch(x) } else { Err(e) } })",
)
CPP_WAYS = (
    ("try { thrown(x, n); } catch (...) { cpu(x, n); } return 0;", [HANDLER]),
    (
        "try { thrown(x, n); } catch (const std::exception& e) { note(e.what()); inner(x, n); } return 0;",
        [HANDLER],
    ),
    ("if (launch(x, n) != hipSuccess) { cpu(x, n); } return 0;", [FAILED]),
    ("if (launch(x, n) != hipSuccess) cpu(x, n); return 0;", [FAILED]),
    ("if (launch(x, n) == hipSuccess) return 0; cpu(x, n); return 0;", [FAILED]),
    ("if (!ready(x, n)) cpu(x, n); return 0;", [CHOSEN]),
    ("if (ready(x, n)) return 0; cpu(x, n); return 0;", [CHOSEN]),
    ("if (launch(x, n) != 0) cpu(x, n); return 0;", [FAILED]),
    ("if (launch(x, n) == 0) return 0; cpu(x, n); return 0;", [FAILED]),
    ("if (launch(x, n)) { cpu(x, n); } return 0;", [FAILED]),
    ("hipError_t e = launch(x, n); if (e != hipSuccess) { sorted(x, n); } return 0;", [FAILED]),
    ("hipError_t e; e = launch(x, n); if (e != hipSuccess) { sorted(x, n); } return 0;", [FAILED]),
    ("if (auto e = launch(x, n); e != hipSuccess) { cpu(x, n); } return 0;", [FAILED]),
    ("bool ok = launch(x, n) == hipSuccess; if (!ok) { cpu(x, n); } return 0;", [FAILED]),
    ("bool ok = launch(x, n) == hipSuccess; if (ok) return 0; cpu(x, n); return 0;", [FAILED]),
    ("bool bad = launch(x, n) != hipSuccess; if (bad) { cpu(x, n); } return 0;", [FAILED]),
    ("if (hipModuleLaunchKernel(n)) { cpu(x, n); } return 0;", [FAILED]),
    ("if (gpu) { launch(x, n); } else { cpu(x, n); } return 0;", [BRANCH]),
    ("if (!gpu) { cpu(x, n); return 0; } return launch(x, n);", [BRANCH]),
    ("if (gpu) return launch(x, n); for (int i = 0; i < n; ++i) x[i] = x[i] * 2; return 0;", [BRANCH]),
    ("return gpu ? launch(x, n) : (cpu(x, n), 0);", [BRANCH]),
    ("ready(x, n) || (cpu(x, n), true); return 0;", [BRANCH]),
    (
        "switch (backend) { case Backend::Hip: launch(x, n); break; default: cpu(x, n); break; } return 0;",
        [BRANCH],
    ),
    (
        "if (gpu) return launch(x, n); for (int i = 0; i < n; ++i) x[i] = (n * (float)(i)) + x[i]; return 0;",
        [BRANCH],
    ),
    ("if (n < 32) { std::vector<float> y(x, x + n); doubled(y); return 0; } return launch(x, n);", [BRANCH]),
)
CPP_RIGHT = (
    "return launch(x, n);",
    "thrown(x, n); return 0;",
    "try { thrown(x, n); } catch (...) { return -1; } return 0;",
    "try { thrown(x, n); } catch (const std::exception& e) { note(e.what()); throw; } return 0;",
    'try { thrown(x, n); } catch (...) { note("failed"); return 1; } return 0;',
    "try { thrown(x, n); } catch (...) { thrown(x, n); } return 0;",
    "try { thrown(x, n); } catch (...) { dot(x, n); std::abort(); } return 0;",
    'if (launch(x, n) != hipSuccess) { note("failed"); return 1; } return 0;',
    "if (launch(x, n) != hipSuccess) return -1; cpu(x, n); return 0;",
    "hipError_t e = launch(x, n); if (e != hipSuccess) { dot(x, n); return e; } return 0;",
    "if (count(x, n) != 0) { cpu(x, n); } return 0;",
    "if (count(x, n) < 0) { cpu(x, n); } return 0;",
    "if (launch(x, n) == hipSuccess) { cpu(x, n); } return 0;",
    "bool ok = launch(x, n) == hipSuccess; if (ok) { cpu(x, n); } return 0;",
    "if (ready(x, n)) { cpu(x, n); } return 0;",
    "if (n == 0) return 0; return launch(x, n);",
    "if (!x) throw 1; return launch(x, n);",
    "for (int t = 0; t < 3; ++t) { if (launch(x, n) == hipSuccess) return 0; } return -1;",
    "launch(x, n); if (gpu) { float s = dot(x, n); return s > 0; } return 0;",
    "if (gpu) { float s = dot(x, n); if (s != s) return -1; } return launch(x, n);",
    "long sizes[3]; for (int i = 0; i < 3; ++i) sizes[i] = n; return launch(x, n);",
    "if (gpu) launch(x, n); else launch(x, n + 1); return 0;",
    "#if 0\n if (!gpu) { cpu(x, n); return 0; }\n#endif\n return launch(x, n);",
    "if (false) { cpu(x, n); return 0; } return launch(x, n);",
)


def fallbacks(project: MakeIndex, path: str, text: str) -> list[FallbackKind]:
    index = project({path: text})
    finder = FallbackFinder(index.graph, LaunchFinder(index, Transfers().launches))
    (place,) = index.functions(path, "f")
    assert index.unit(path).broken is None
    return [found.kind for found in finder.fallbacks(place)]


@pytest.mark.parametrize(("body", "expected"), RUST_WAYS)
def test_rust_that_gets_by_without_the_kernel(
    project: MakeIndex, body: str, expected: list[FallbackKind]
) -> None:
    assert fallbacks(project, "src/a.rs", RUST.replace("BODY", body)) == expected


@pytest.mark.parametrize("body", RUST_RIGHT)
def test_rust_that_does_not(project: MakeIndex, body: str) -> None:
    assert fallbacks(project, "src/a.rs", RUST.replace("BODY", body)) == []


@pytest.mark.parametrize(("body", "expected"), CPP_WAYS)
def test_cpp_that_gets_by_without_the_kernel(
    project: MakeIndex, body: str, expected: list[FallbackKind]
) -> None:
    assert fallbacks(project, "src/a.cpp", CPP.replace("BODY", body)) == expected


@pytest.mark.parametrize("body", CPP_RIGHT)
def test_cpp_that_does_not(project: MakeIndex, body: str) -> None:
    assert fallbacks(project, "src/a.cpp", CPP.replace("BODY", body)) == []


def test_the_way_and_the_place_are_told(project: MakeIndex) -> None:
    text = RUST.replace("BODY", "match launch(x) { Ok(()) => Ok(()), Err(_) => cpu(x) }")
    text += "fn outer(x: &mut [f32], config: Config) -> Result<(), Error> {\n    f(x, config)\n}\n"
    index = project({"src/a.rs": text})
    finder = FallbackFinder(index.graph, LaunchFinder(index, Transfers().launches))
    (place,) = index.functions("src/a.rs", "outer")
    (found,) = finder.fallbacks(place)
    lines = text.splitlines()
    line = next(n for n, one in enumerate(lines, 1) if "match launch(x)" in one)
    stored = next(n for n, one in enumerate(lines, 1) if "x[i] = x[i]" in one)
    assert found.location == f"src/a.rs:{line}"
    assert found.detail == f"cpu at src/a.rs:{line}, element by element at src/a.rs:{stored}"
    assert [site.short for site in found.path] == ["f"]
