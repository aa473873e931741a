"""Kernels that do not compile are told of, whether or not a must-have asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.demo import Demo

pytestmark = pytest.mark.timeout(120)

SOURCES = {
    "src/fine.hip": 'extern "C" __global__ void fine(float* x) { x[0] = 1; }\n',
    "src/lacking.hip": '#include <hip/hip_runtime.h>\n\nextern "C" __global__ void lacking(float* x) {\n'
    "  x[0] = __vote_of_no_wave(1);\n}\n",
    "src/large.hip": '#include <hip/hip_runtime.h>\nextern "C" __global__ void large(float* x) {\n'
    "  __shared__ float held[40000];\n  held[threadIdx.x] = x[0];\n"
    "  __syncthreads();\n  x[0] = held[1];\n}\n",
}
MANIFEST = "".join(
    f'[[kernel]]\nsource = "{path}"\nsymbols = ["{Path(path).stem}"]\n'
    f'env = "{Path(path).stem.upper()}_HSACO"\n'
    for path in SOURCES
)


def _sources(demo: Demo, *, manifest: bool) -> None:
    for path, text in SOURCES.items():
        demo.file(path).parent.mkdir(parents=True, exist_ok=True)
        demo.file(path).write_text(text, encoding="utf-8")
    if manifest:
        demo.file("kernels").mkdir(exist_ok=True)
        demo.file("kernels/kernels.toml").write_text(MANIFEST, encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("manifest", [True, False])
def test_each_is_told_of_once_with_the_compilers_words(
    demo: Demo, capsys: pytest.CaptureFixture[str], manifest: bool
) -> None:
    demo.does("passed")
    _sources(demo, manifest=manifest)
    assert demo.run("phase", "16") == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no must-have asks")]
    assert len(told) == 2
    assert "src/lacking.hip:4: does not compile for gfx1100: use of undeclared identifier" in told[0]
    assert "src/large.hip:2: does not compile for gfx1100: local memory (160000) exceeds limit" in told[1]
    unbuilt = demo.report()["unbuilt"]
    assert [one["path"] for one in unbuilt] == ["src/lacking.hip:4", "src/large.hip:2"]
    document = next(demo.summary.parent.glob("*-VERIFICATION.md")).read_text(encoding="utf-8")
    assert "## Kernels that do not compile" in document
    assert "src/lacking.hip:4" in document


def test_where_all_compile_nothing_is_said(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    assert demo.run("phase", "16") == 0
    assert "no must-have asks" not in capsys.readouterr().out
    assert demo.report()["unbuilt"] == []
