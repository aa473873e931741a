"""Whose headers the calling code was built with, by what it is linked to."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from rocverify.device.hip.calls import Answer
from tests.device.library.clients import build_c, run_c, run_python
from tests.device.library.fake_device import fake_device

HOST, UNREGISTERED = 0, 2
ASK = """
#include <stdio.h>
struct { int type, device; void *on_device, *host; int managed; unsigned flags; } found = {-1};
int hipPointerGetAttributes(void *, const void *);
int ask(void) {
    int code = hipPointerGetAttributes(&found, "x");
    printf("%d %d ", code, found.type);
    fflush(stdout);
    return 0;
}
"""


def attributes(kind: int):
    """A pointer of a kind."""
    return {"hipPointerGetAttributes": lambda *_: Answer(values=(kind, 0, 0, 1, 0, 0, 0, 8))}


@pytest.mark.parametrize(("kind", "old", "new"), [(HOST, "0 0 ", "0 1 "), (UNREGISTERED, "1 -1 ", "0 0 ")])
def test_code_that_is_linked_and_code_that_opens_the_library_by_itself(tmp_path, kind, old, new):
    program = build_c(tmp_path, ASK + "int main(void) { return ask(); }")
    (tmp_path / "plugin").mkdir()
    plugin = build_c(tmp_path / "plugin", ASK, "-shared", "-fPIC")
    needed = subprocess.run(
        ["readelf", "-d", str(program)], capture_output=True, text=True, check=True
    ).stdout
    assert "[libamdhip64.so.5]" in needed
    with fake_device(attributes(kind)) as device:
        assert run_c(program, device.path).stdout == old
        assert run_python(f"ctypes.CDLL({str(plugin)!r}).ask()", device.path).stdout == old
        direct = run_python(
            """
            room = (c_int * 10)(-1)
            print(hip.hipPointerGetAttributes(room, b"x"), room[0], end=" ")
            """,
            device.path,
        )
    assert direct.stdout == new


def test_code_that_is_linked_to_a_newer_library(tmp_path):
    """Linked where the library has the name of ROCm 6."""
    stub = tmp_path / "stub"
    stub.mkdir()
    library = stub / "libamdhip64.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-xc", "-", "-o", str(library), "-Wl,-soname,libamdhip64.so.6"],
        input="int hipPointerGetAttributes(void *a, const void *b) { return a != b; }", text=True, check=True,
    )  # fmt: skip
    source, program = tmp_path / "p.c", tmp_path / "p"
    source.write_text(ASK + "int main(void) { return ask(); }")
    subprocess.run(["cc", str(source), "-o", str(program), f"-L{stub}", "-lamdhip64"], check=True)
    shutil.rmtree(stub)
    with fake_device(attributes(HOST)) as device:
        assert run_c(program, device.path).stdout == "0 1 "
