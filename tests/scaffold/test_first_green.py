"""From an empty folder to a deserved green, by the README's words, `init` and `contract new` alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scaffold.conftest import Run

HEADING = "\n## A first green\n"
MOST_LINES = 30
BROKEN = ("width = 32; width > 0", "width = 32; width > 1")


def pieces(readme: str) -> Iterator[tuple[str, str]]:
    """(name, text) of each file or part of one, ("", words) of each command, in the README's order."""
    section = readme.partition(HEADING)[2].partition("\n## ")[0]
    for found in re.finditer(r"(?:^    .*\n|^\n(?=    ))+", section, re.MULTILINE):
        block = re.sub(r"^    ", "", found[0], flags=re.MULTILINE).strip("\n")
        for part in re.split(r"\n\n(?=(?://|#) [\w/.]+\n|rocverify )", block):
            name = re.match(r"(?:// |# )([\w/.]+)\n", part)
            yield (name[1], part[name.end() :]) if name else ("", part.removeprefix("rocverify "))


def edited(begun: str, part: str) -> str:
    """The file with what the README shows in it: methods in place of those that raise, imports at the top."""
    for method in re.finditer(r"^    def (\w+)\(.*\n(?:        .*\n?)+", part, re.MULTILINE):
        begun, count = re.subn(rf"^    def {method[1]}\(.*\n(?:        .*\n?)+", method[0], begun, flags=re.M)
        assert count == 1
    for line in re.findall(r"^from .*$", part, re.MULTILINE):
        begun = begun.replace("import ctypes\n", f"import ctypes\n\n{line}\n", 1)
    return begun


@pytest.mark.long
def test_the_readme_leads_to_a_deserved_green(project: Path, rocverify: Run, repo_root: Path) -> None:
    """Begun contracts prove nothing; with six lines by hand the kernels pass, and a wrong one does not."""
    codes: list[int] = []
    by_hand = 0
    for name, text in pieces((repo_root / "README.md").read_text(encoding="utf-8")):
        if not name:
            code, said = rocverify(*text.split())
            codes.append(code)
            continue
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.read_text(encoding="utf-8") if path.exists() else None
        path.write_text(text + "\n" if begun is None else edited(begun, text), encoding="utf-8")
        if begun is not None:
            after = path.read_text(encoding="utf-8").splitlines()
            by_hand += len(set(after) - set(begun.splitlines()))
    assert codes == [0, 3, 0], said
    assert by_hand == 6 < MOST_LINES
    assert "6/6 verified" in said
    source = project / "kernels/row_sum.hip"
    assert BROKEN[0] in source.read_text(encoding="utf-8")
    source.write_text(source.read_text(encoding="utf-8").replace(*BROKEN), encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01")
    assert code == 1, said
    assert "failed      `row_sum` gives what its reference gives" in said


@pytest.mark.long
def test_a_later_kernel_by_contract_new(project: Path, rocverify: Run) -> None:
    """What the section's last sentence says, and until it is finished the new truth is unverified."""
    (project / "kernels").mkdir()
    text = '#include <hip/hip_runtime.h>\nextern "C" __global__ void one(float* y) { y[threadIdx.x] = 1; }\n'
    (project / "kernels/one.hip").write_text(text, encoding="utf-8")
    assert rocverify("init")[0] == 0
    (project / "kernels/later.hip").write_text(text.replace("one(", "later("), encoding="utf-8")
    assert rocverify("contract", "new", "kernels/later.hip")[0] == 0
    plan = project / ".planning/phases/01-kernels/01-01-PLAN.md"
    lines = plan.read_text(encoding="utf-8").replace('"`one` is memory safe"', '"`later` is memory safe"')
    plan.write_text(lines.replace("contracts.one:One", "contracts.later:Later"), encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01", "--no-write")
    assert code == 3, said
    assert "01-01/T3  unverified" in said
    assert "kernels.contracts.later:Later: is not finished: reference() on line" in said


@pytest.mark.long
def test_a_launch_that_is_not_written_is_an_error_and_no_failure(project: Path, rocverify: Run) -> None:
    """Its begun launch has no dynamic LDS: the kernel would fault, and be blamed for it."""
    (project / "kernels").mkdir()
    text = """#include <hip/hip_runtime.h>
    template <int N> __global__ void turned_kernel(float* y) {
      extern __shared__ float part[];
      part[threadIdx.x] = N;
      y[threadIdx.x] = part[threadIdx.x];
    }
    template __global__ void turned_kernel<2>(float*);
    """
    (project / "kernels/turned.hip").write_text(text, encoding="utf-8")
    assert rocverify("init")[0] == 0
    assert "less than" not in rocverify("explain", "01")[1]
    place = project / "kernels/contracts/turned.py"
    begun = place.read_text(encoding="utf-8")
    for method, body in {"reference": "return 2 + 0 * y", "wrong": 'return {"one": 1 + 0 * y}'}.items():
        begun = re.sub(rf"(def {method}\(.*\n)( *)raise .*\n", rf"\1\2{body}\n", begun)
    place.write_text(begun, encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01", "--no-write")
    assert code == 3, said
    assert "is not finished: launch() on line" in said
    assert "reference()" not in said
