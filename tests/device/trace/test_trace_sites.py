"""Call sites: frames as the library sends them, native ones with and without debug information."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import rocverify
from rocverify.device.trace.native import NativeLines
from rocverify.device.trace.sites import NOWHERE, Frame, Site, SiteTable, parse_frames

HARNESS = Path(rocverify.__file__).parent / "oracle" / "drive.py"


def table(*lines: str, root: Path | None = None, native=None) -> Site:
    sites = SiteTable(root, native)
    sites.add(1, "\n".join(lines))
    return sites.site(1)


def test_frames_are_read_and_nonsense_is_left_out():
    text = "P\t/a/b.py\t3\tf\nN\t/bin/x\t1f\tmain\nN\t/bin/x\tzz\tmain\nhello\nP\t/a\tone\tf"
    assert parse_frames(text) == (
        Frame("/a/b.py", 3, "f", native=False),
        Frame("/bin/x", 0x1F, "main", native=True),
    )


def test_places_are_relative_to_the_project(tmp_path):
    inside = f"P\t{tmp_path}/kernels/rope.py\t7\trope"
    caller = f"P\t{tmp_path}/main.py\t2\t<module>"
    package = f"P\t{tmp_path}/.venv/lib/site-packages/x.py\t1\tx"
    site = table(package, inside, caller, "P\t/elsewhere/y.py\t4\ty", root=tmp_path)
    assert site == Site("kernels/rope.py:7", "rope", ("main.py:2 <module>",))


def test_frames_of_the_harness_end_a_site(tmp_path):
    inside = f"P\t{tmp_path}/kernels/rope.py\t7\trope"
    harness = f"P\t{HARNESS}\t1\tdrive"
    assert table(harness, inside, root=tmp_path) == NOWHERE
    assert table(inside, harness, inside, root=tmp_path).callers == ()
    assert table() == NOWHERE
    assert SiteTable(tmp_path).site(99) == NOWHERE


def test_without_a_project_any_code_counts_but_installed_packages():
    site = table("P\t/usr/lib/python3/dist-packages/a.py\t1\tf", "N\t/opt/app\t2a\tmain")
    assert site == Site("app+0x2a", "main")


SOURCE = """\
__attribute__((noinline)) int inner(int x) {
    return x * 3;
}
int main(int argc, char **argv) {
    (void)argv;
    return inner(argc);
}
"""


def _offset(program: Path, symbol: str) -> int:
    """The offset of a function's first instruction from where the loader puts the program."""
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    address = next(int(line.split()[0], 16) for line in listed.splitlines() if line.endswith(f" {symbol}"))
    return address - 0x400000 if address >= 0x400000 else address


@pytest.mark.parametrize("flags", [["-g"], ["-g", "-no-pie"], ["-gdwarf-4"]])
@pytest.mark.parametrize("read_here", [True, False])
def test_debug_information_gives_file_and_line(tmp_path, toolchain, flags, read_here):
    (tmp_path / "a.c").write_text(SOURCE)
    program = tmp_path / "a.out"
    subprocess.run(["cc", *flags, "a.c", "-o", program], check=True, cwd=tmp_path)
    symbolizer = None if read_here else toolchain.objdump.with_name("llvm-symbolizer")
    if symbolizer is not None and not symbolizer.exists():
        pytest.skip("this toolchain has no llvm-symbolizer")
    lines = NativeLines(symbolizer)
    ((file, line, function),) = lines(str(program), _offset(program, "main"))
    assert (Path(file).name, line, function) == ("a.c", 4, "" if read_here else "main")
    frame = f"N\t{program}\t{_offset(program, 'inner'):x}\tinner"
    assert table(frame, root=tmp_path, native=lines).place == "a.c:1"
    assert table(frame, root=tmp_path, native=lines).function == "inner"


def test_the_program_s_own_code_goes_before_headers_and_what_has_no_lines():
    def lines(_module, offset):
        return {
            1: (("/usr/include/hip/hip_runtime_api.h", 7, "hipMalloc"), ("/home/me/a.cpp", 3, "main")),
            2: (("/usr/include/hip/hip_runtime_api.h", 7, "hipMalloc"),),
        }.get(offset, ())

    first, stub = "N\t/opt/app\t1\tmain", "N\t/opt/app\t9\t__device_stub__axpy"
    assert table(stub, first, native=lines) == Site("/home/me/a.cpp:3", "main")
    assert table("N\t/opt/app\t2\tf", native=lines).place == "/usr/include/hip/hip_runtime_api.h:7"


def test_programs_without_debug_information_keep_their_offsets(tmp_path):
    (tmp_path / "a.c").write_text(SOURCE)
    program = tmp_path / "a.out"
    subprocess.run(["cc", "a.c", "-o", program], check=True, cwd=tmp_path)
    lines = NativeLines()
    assert lines(str(program), 0x1130) == ()
    assert lines("/no/such/file", 1) == ()
    assert lines(str(tmp_path / "a.c"), 1) == ()
    assert table(f"N\t{program}\t1130\tmain", native=lines) == Site("a.out+0x1130", "main")
