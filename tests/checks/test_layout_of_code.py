"""constant_value and struct_layout: what the compiler says of constants and structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rocverify.checks.base import Outcome
from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "src/a.hip": """
        #define TILE (8 * 4)
        namespace rope { constexpr int WIDTH = 64; }
        constexpr int LANES = 32;
        namespace narrow { constexpr int LANES = 16; }
        struct Signs { unsigned rows; int cols; unsigned char bytes[4]; bool on; float* data; };
        struct Params { float scale; int rows; double bias; };
        struct Sides {
            int a;
        #ifdef __HIP_DEVICE_COMPILE__
            int b;
        #endif
        };
        """,
    "src/b.hip": "// TILE is 32\nenum { TILE = 16 };\n",
    "src/open.hip": "constexpr int LAST = 1;\n#if 0\n",
    "src/a.rs": """
        // const LANES: u32 = 64;
        pub const LANES: u32 = 3_2u32;
        const COMPUTED: u32 = LANES * 2;
        #[repr(C)]
        #[derive(Clone)]
        pub struct Params { pub scale: f32, pub rows: i32, pub bias: f64 }
        #[repr(C)]
        struct Swapped { rows: i32, bias: f64, scale: f32 }
        #[repr(C)]
        struct Signs { rows: u32, cols: i32, bytes: [u8; 4], on: bool, data: *mut f32 }
        #[repr(C)]
        struct Signed { rows: i32, cols: i32, bytes: [u8; 4], on: bool, data: *mut f32 }
        #[repr(C)]
        struct Elements { rows: u32, cols: i32, bytes: [bool; 4], on: bool, data: *mut f32 }
        #[repr(C)]
        struct Numbers { rows: u32, cols: i32, bytes: [u8; 4], on: bool, data: u64 }
        struct Loose { scale: f32, rows: i32, bias: f64 }
        """,
    "src/a.py": "EPS = 1e-6\nEPS2 = EPS * 2\nON = True\n",
    "src/single.hip": "constexpr float EPS = 1e-5f;\nconstexpr int N = 32;\n",
    "parts/twice.hip": """
        #ifdef WAS
        #undef WAS
        #endif
        #define WAS 1
        #define TILE 16
        int a[TILE];
        #undef TILE
        #define TILE 1
        constexpr int OWN = 1;
        int f() { constexpr int OWN = 2; return OWN; }
        """,
    "src/commented.rs": """
        /*
        const OLD: u32 = 16;
        */
        pub const OLD: u32 = 032;
        #[cfg(test)]
        mod tests {
            const OLD: u32 = 4;
        }
        const TEXT: &str = "
        const WRITTEN: u32 = 1;
        "; pub const WRITTEN: u32 = 2;
        /*
        const ODD: u32 = 1;
        */
        #[rustfmt::skip] pub const ODD: u32 = 16;
        pub const EPS: f32 = 1e-5;
        struct A; impl A { const SIZE: u32 = 3; }
        pub const SIZE: u32 = 1;
        const LOCAL: u32 = 1;
        fn f() -> u32 { const LOCAL: u32 = 2; LOCAL }
        const NAME: u32 = ODD;
        """,
    "src/mirror.rs": """
        #[repr(C)]
        pub struct Kinds { pub scale: f32, pub rows: f32, pub bias: f64 }
        #[repr(C)]
        pub struct Conditional { pub scale: f32, pub rows: i32, #[cfg(any())] pub bias: f64 }
        #[cfg(any())]
        #[repr(C)]
        pub struct Twice { pub scale: f32, pub rows: i32, pub bias: f64 }
        #[cfg(not(any()))]
        #[repr(C)]
        pub struct Twice { pub bias: f64, pub rows: i32, pub scale: f32 }
        """,
}


@pytest.fixture
def code(project: Make) -> Project:
    return project(FILES)


def _verdict(outcome: Outcome, verdict: CheckVerdict, words: str) -> None:
    assert outcome.verdict is verdict, outcome.message
    assert words in outcome.message


@pytest.mark.drawn(3, fast=1)
@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("TILE", 32, "src/a.hip"),
        ("rope::WIDTH", 64, "src/a.hip"),
        ("narrow::LANES", 16, "src/a.hip"),
        ("LANES", 32, "src/a.rs"),
        ("EPS", 1e-6, "src/a.py"),
        ("EPS", 1e-5, "src/single.hip"),
        ("WAS", 1, "parts/twice.hip"),
        ("OLD", 32, "src/commented.rs"),
        ("EPS", 1e-5, "src/commented.rs"),
        ("A::SIZE", 3, "src/commented.rs"),
    ],
)
def test_right_values_pass(code: Project, name: str, value: float, path: str) -> None:
    _verdict(code.check("constant_value", name=name, value=value, paths=[path]), CheckVerdict.PASSED, path)


@pytest.mark.drawn(3, fast=1)
@pytest.mark.parametrize(
    ("name", "value", "path", "said"),
    [
        ("TILE", 33, "src/a.hip", "TILE is not 33 on the device in src/a.hip:2: the compiler says 32 == 33"),
        ("TILE", 32, "src/*.hip", "src/b.hip"),
        ("LANES", 64, "src/a.rs", "LANES is 32, not 64, in src/a.rs:3"),
        ("EPS", 1e-5, "src/a.py", "EPS is 1e-06"),
        ("MISSING", 1, "src", "MISSING is not in the code"),
        ("N", 32.5, "src/single.hip", "N is not 32.5"),
        ("EPS", 1.1e-5, "src/single.hip", "EPS is not 1.1e-05"),
        ("ODD", 1, "src/commented.rs", "ODD is 16, not 1"),
    ],
)
def test_wrong_values_fail(code: Project, name: str, value: float, path: str, said: str) -> None:
    _verdict(code.check("constant_value", name=name, value=value, paths=[path]), CheckVerdict.FAILED, said)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *[("COMPUTED", "src/a.rs"), ("EPS2", "src/a.py"), ("LAST", "src/open.hip"), ("WIDTH", "src/a.hip")],
        ("LANES", "src/a.hip"),
        *[("TILE", "parts/twice.hip"), ("OWN", "parts/twice.hip"), ("ON", "src/a.py")],
        *[(name, "src/commented.rs") for name in ("SIZE", "LOCAL", "NAME", "WRITTEN")],
    ],
)
def test_what_cannot_be_told_decides_nothing(code: Project, name: str, path: str) -> None:
    with pytest.raises(RocverifyError, match="cannot be told"):
        code.check("constant_value", name=name, value=1, paths=[path])


@pytest.mark.long
@pytest.mark.parametrize(
    "params",
    [
        {"size": 16, "align": 8, "offsets": {"bias": 8}},
        {"mirror": "src/a.rs"},
    ],
)
def test_right_layouts_pass(code: Project, params: dict[str, Any]) -> None:
    outcome = code.check("struct_layout", name="Params", path="src/a.hip", **params)
    _verdict(outcome, CheckVerdict.PASSED, "on host and device")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("Params", {"size": 12}, "12 bytes is not so on the host: the compiler says 16 == 12"),
        ("Params", {"align": 4}, "aligned to 4 is not so"),
        ("Params", {"offsets": {"bias": 4}}, "bias at 4 is not so"),
        ("Params", {"mirror": "src/a.rs", "mirror_name": "Swapped"}, "24 bytes as in src/a.rs is not so"),
        ("Sides", {"size": 4}, "4 bytes is not so on the device"),
        (
            "Params",
            {"mirror": "src/mirror.rs", "mirror_name": "Kinds"},
            "rows is a number like f32 is not so",
        ),
    ],
)
def test_wrong_layouts_fail(code: Project, name: str, params: dict[str, Any], said: str) -> None:
    _verdict(code.check("struct_layout", name=name, path="src/a.hip", **params), CheckVerdict.FAILED, said)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("Params", {"mirror": "src/a.rs", "mirror_name": "Loose"}, "not plain repr"),
        ("Params", {"mirror": "src/a.rs", "mirror_name": "Gone"}, "no structure Gone"),
        ("Gone", {"size": 4}, "cannot be told"),
        ("Params", {"mirror": "src/mirror.rs", "mirror_name": "Conditional"}, "hangs on cfg"),
        ("Params", {"mirror": "src/mirror.rs", "mirror_name": "Twice"}, "there twice"),
    ],
)
def test_layouts_that_cannot_be_told(code: Project, name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(RocverifyError, match=said):
        code.check("struct_layout", name=name, path="src/a.hip", **params)


@pytest.mark.long
def test_a_mirrors_numbers_have_their_sign(code: Project) -> None:
    def check(mirror_name: str) -> Outcome:
        params = {"mirror": "src/a.rs", "mirror_name": mirror_name}
        return code.check("struct_layout", name="Signs", path="src/a.hip", **params)

    _verdict(check("Signs"), CheckVerdict.PASSED, "rows is a number like u32")
    _verdict(check("Signed"), CheckVerdict.FAILED, "rows is a number like i32 is not so")
    _verdict(check("Elements"), CheckVerdict.FAILED, "bytes is a bool is not so")
    _verdict(check("Numbers"), CheckVerdict.FAILED, "data is a number like u64 is not so")


@pytest.mark.long
def test_an_answer_is_kept_until_something_changes(
    code: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another context asks the compiler once more only where the source or what it includes is another."""
    from rocverify.toolchain import assertions

    asked: list[tuple[str, ...]] = []
    real = assertions.run_tool

    def counted(command: tuple[str, ...], **more: Any) -> Any:
        asked.append(command)
        return real(command, **more)

    code.settings = code.settings.model_copy(update={"cache_dir": str(tmp_path / "kept")})
    header, source = code.root / "src/size.h", code.root / "src/sized.hip"
    header.write_text("constexpr int SIZE = 8;\n")
    source.write_text('#include "size.h"\nconstexpr int TWICE = SIZE * 2;\n')
    monkeypatch.setattr(assertions, "run_tool", counted)
    ask = {"name": "TWICE", "value": 16, "paths": ["src/sized.hip"]}
    _verdict(code.check("constant_value", **ask), CheckVerdict.PASSED, "TWICE is 16")
    first = len(asked)
    _verdict(code.check("constant_value", **ask), CheckVerdict.PASSED, "TWICE is 16")
    assert len(asked) == first
    header.write_text("constexpr int SIZE = 9;\n")
    _verdict(code.check("constant_value", **ask), CheckVerdict.FAILED, "18 == 16")
