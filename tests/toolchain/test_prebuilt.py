"""Code objects that a manifest lists as built before: taken as they are, by target, or refused with why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.errors import CompileError
from rocverify.toolchain.build import Builder, BuiltObject
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from rocverify.toolchain.prebuilt import is_prebuilt, taken
from tests.toolchain.test_bundles import bundle, entry

SOURCE = 'extern "C" __attribute__((global)) void k(int* x) { *x = 1; }\n'
FLAGS = ("-O2", "-nogpuinc", "-nogpulib")


@pytest.fixture
def objects(tmp_path: Path, clang19: Toolchain) -> dict[str, bytes]:
    """One kernel's code object for each of two targets."""
    (tmp_path / "k.hip").write_text(SOURCE)
    builder = Builder(tmp_path, clang19, tmp_path / "built")
    made = ManifestEntry("k.hip", ("k",), "K", flags=FLAGS)
    return {target: builder.build(made, target).path.read_bytes() for target in ("gfx1100", "gfx1201")}


def of(
    folder: Path, source: str, content: bytes | None, target: str = "gfx1100"
) -> BuiltObject | CompileError:
    """What is taken of a file with this content."""
    if content is not None:
        (folder / source).write_bytes(content)
    return taken(folder, ManifestEntry(source, ("k",), "K"), target, folder / "cache")


def test_a_code_object_is_taken_as_it_is(objects: dict[str, bytes], tmp_path: Path) -> None:
    found = of(tmp_path, "k.co", objects["gfx1100"])
    assert isinstance(found, BuiltObject)
    assert found.path.read_bytes() == objects["gfx1100"]
    assert (found.target, set(found.code_object.kernels), found.command) == ("gfx1100", {"k"}, ())


@pytest.mark.parametrize("target", ["gfx1100", "gfx1201"])
def test_of_a_bundle_what_the_device_can_run(objects: dict[str, bytes], tmp_path: Path, target: str) -> None:
    found = of(tmp_path, "k.hipfb", bundle([entry(name, data) for name, data in objects.items()]), target)
    assert isinstance(found, BuiltObject)
    assert found.path.read_bytes() == objects[target]


def test_what_cannot_be_taken_says_why(objects: dict[str, bytes], tmp_path: Path) -> None:
    good = objects["gfx1100"]
    os.mkfifo(tmp_path / "pipe.co")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/out.co").symlink_to(tmp_path / "k.co")
    (tmp_path / "k.co").write_bytes(good)
    cases = (
        (of(tmp_path, "absent.co", None), "cannot be read"),
        (of(tmp_path, "pipe.co", None), "is not a file"),
        (of(tmp_path / "inside", "out.co", None), "leads out of the root"),
        (of(tmp_path, "half.hsaco", good[: len(good) // 2]), "code object"),
        (of(tmp_path, "text.co", b"int main() {}\n" * 100), "neither a code object"),
        (of(tmp_path, "other.co", good, "gfx942"), "this device is gfx942"),
    )
    for found, words in cases:
        assert isinstance(found, CompileError)
        assert words in found.message, found.message


def test_which_sources_were_built_before() -> None:
    names = ("build/k.co", "k.hsaco", "k.hipfb", "k.hip", "k.cpp", "co")
    assert [is_prebuilt(name) for name in names] == [True, True, True, False, False, False]
