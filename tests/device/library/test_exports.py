"""The lists of exported names against their sources on this machine, and what is generated from them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from rocm.bindings import hip, hiprtc

from rocverify.device.library_build.compiler import find_compiler
from rocverify.device.library_build.exports import Export, read_exports, version_nodes
from rocverify.device.library_build.libraries import LIBRARIES, SOURCES
from rocverify.device.library_build.stubs import stub_source, version_script
from rocverify.errors import ToolchainError

DEBIAN = Path("/usr/lib/x86_64-linux-gnu/libamdhip64.so.5")
EXPORTS = {export.name: export for export in read_exports(SOURCES / "exports.txt")}


def versioned_symbols(path: Path) -> dict[str, str]:
    """Defined dynamic symbols of a library, each with its version."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        names = [v[1].name for v in _definitions(elf)]
        versions = elf.get_section_by_name(".gnu.version")
        found = {}
        for number, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
            index = versions.get_symbol(number)["ndx"]
            if symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS") and isinstance(index, int):
                found[symbol.name] = names[(index & 0x7FFF) - 1]
    return found


def _definitions(elf: ELFFile):
    for version, auxiliaries in elf.get_section_by_name(".gnu.version_d").iter_versions():
        yield version, next(iter(auxiliaries))


def test_every_name_of_debians_library_is_listed_with_its_version():
    found = versioned_symbols(DEBIAN)
    assert len(found) > 400
    listed = {name: export.version for name, export in EXPORTS.items() if export.since == 5}
    assert listed == found


def test_every_function_of_hip_python_is_listed():
    pattern = re.compile(r"hip[A-Z]\w*")
    named = {name for name in dir(hip) if pattern.fullmatch(name) and callable(getattr(hip, name))}
    functions = {name for name in named if not isinstance(getattr(hip, name), type)}
    assert len(functions) > 400
    assert functions <= set(EXPORTS)


def test_every_function_of_hiprtc_is_listed():
    listed = {export.name for export in read_exports(SOURCES / "exports_hiprtc.txt")}
    functions = {
        name
        for name in dir(hiprtc)
        if re.fullmatch(r"hiprtc[A-Z]\w*", name)
        and callable(getattr(hiprtc, name))
        and not isinstance(getattr(hiprtc, name), type)
    }
    assert functions <= listed


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
def test_a_list_names_nothing_twice(library):
    names = [export.name for export in read_exports(SOURCES / library.exports)]
    assert len(names) == len(set(names)) > 15


def test_versions_go_from_old_to_new():
    nodes = version_nodes([Export("b", "hip_10.0", 7, "error"), Export("a", "hip_4.2", 5, "error")])
    assert nodes == ("hip_4.2", "hip_10.0")
    assert version_nodes(list(EXPORTS.values()))[0] == "hip_4.2"


def test_a_line_of_another_form_is_refused(tmp_path):
    path = tmp_path / "exports.txt"
    path.write_text("# a comment\nhipInit hip_4.2 5 error\nhipFree hip_4.2\n")
    with pytest.raises(ToolchainError, match=r"exports\.txt:3.*hipFree"):
        read_exports(path)


def test_a_public_function_that_no_list_has_is_refused():
    with pytest.raises(ToolchainError, match="hipNew"):
        version_script([Export("hipInit", "hip_4.2", 5, "error")], {"hipInit", "hipNew", "rv_call"})


CALLER = r"""
#include <stdio.h>
#include <string.h>
static char seen[8][64]; static int count;
int rv_not_served(const char *name) { strcpy(seen[count++], name); return 801; }
int an_error(int, void *); const char *a_text(void); void *a_pointer(long);
void nothing(int); int a_status(void);
struct five { int v[5]; }; struct five a_struct(int); int served(void) { return 3; }
int main(void) {
    struct five f = a_struct(7);
    nothing(1);
    printf("%d %s| %d %d %d\n", an_error(1, 0), a_text(), a_pointer(2) == 0, a_status(), f.v[0] + f.v[4]);
    for (int i = 0; i < count; i++) printf("%s ", seen[i]);
    return 0;
}
"""


def test_a_stub_says_its_name_and_fails_as_its_kind_does(tmp_path):
    kinds = ["an_error error", "a_text string", "a_pointer pointer", "nothing void", "a_status status"]
    exports = [Export(*kind.split()[:1], "v_1", 5, kind.split()[1]) for kind in (*kinds, "a_struct struct")]
    exports.append(Export("served", "v_1", 5, "error"))
    (tmp_path / "stubs.c").write_text(stub_source(exports, {"served"}, status=7))
    (tmp_path / "main.c").write_text(CALLER)
    compiler = find_compiler().path
    sources = [str(tmp_path / "stubs.c"), str(tmp_path / "main.c")]
    subprocess.run([compiler, "-w", *sources, "-o", tmp_path / "a.out"], check=True)
    said = subprocess.run([tmp_path / "a.out"], capture_output=True, text=True, check=True).stdout
    first, second = said.splitlines()
    assert first == "801 | 1 7 0"
    assert sorted(second.split()) == ["a_pointer", "a_status", "a_struct", "a_text", "an_error", "nothing"]
