"""A Rust project's own tests under `rocverify exec --sanitize -- cargo test`: children and threads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.programs.build import HERE, Workshop
from tests.programs.running import execute

MANIFEST = '[package]\nname = "engine"\nversion = "0.1.0"\nedition = "2021"\n'
TEST = """
#[path = "hip.rs"]
mod hip;

#[cfg(test)]
mod tests {
    use super::hip::*;
    use std::ffi::CString;
    use std::ptr::null_mut;

    fn saxpy(count: usize, factor: f32) {
        let x: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let y = vec![1.0f32; count];
        let (on_x, on_y) = (Buffer::from(&x), Buffer::from(&y));
        let n = count as i32;
        let path = CString::new(env!("KERNELS")).unwrap();
        let mut module = null_mut();
        ok(unsafe { hipModuleLoad(&mut module, path.as_ptr()) });
        let pointers = (argument(&on_x.pointer), argument(&on_y.pointer));
        let mut arguments = [argument(&factor), pointers.0, pointers.1, argument(&n)];
        let blocks = ((count + 255) / 256) as u32;
        launch(function(module, "saxpy"), blocks, 256, 0, null_mut(), &mut arguments);
        let seen = on_y.read();
        assert!((0..count).all(|i| seen[i] == factor * x[i] + 1.0));
        ok(unsafe { hipModuleUnload(module) });
    }

    #[test]
    fn few() { saxpy(7, 2.0) }

    #[test]
    fn many() { saxpy(1000, 3.0) }

    #[test]
    fn leaves_memory_behind() {
        let mut pointer = null_mut();
        if option_env!("LEAK").is_some() { ok(unsafe { hipMalloc(&mut pointer, 4096) }) }
    }
}
"""


@pytest.mark.long
@pytest.mark.parametrize("leak", [False, True], ids=["clean", "leak"])
def test_cargo_test_is_sanitized(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: bool
) -> None:
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("no cargo: install Rust")
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    (tmp_path / "src/lib.rs").write_text(TEST)
    shutil.copy(HERE / "rust/hip/mod.rs", tmp_path / "src/hip.rs")
    monkeypatch.setenv("KERNELS", str(workshop.modules() / "kernels.co"))
    monkeypatch.setenv("RUSTFLAGS", f"-L native={workshop.library} -C linker={workshop.toolchain.clang}")
    if leak:
        monkeypatch.setenv("LEAK", "1")
    outcome = execute([cargo, "test", "--offline", "--lib"], "--sanitize", cwd=tmp_path)
    assert "test result: ok. 3 passed" in outcome.output, str(outcome)
    assert outcome.launches == 2
    assert outcome.returncode == int(leak), str(outcome)
    if leak:
        line = next(number for number, text in enumerate(TEST.splitlines(), 1) if "LEAK" in text)
        assert f"lib.rs:{line}: 4096 bytes of hipMalloc were never freed" in outcome.words
