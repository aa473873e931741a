"""kernels.toml: what it may say, and what its errors point at."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.errors import ManifestError
from rocverify.settings import Settings
from rocverify.toolchain.manifest import Manifest, ManifestEntry, load_manifest

GOOD = """\
[defaults]
flags = ["-O3"]
targets = ["gfx1100", "gfx90a:xnack+"]

[[kernel]]
source = "kernels/rope.hip"
symbols = ["rope_kernel", "rope_kernel_f16"]
env = "ROPE_HSACO"

[[kernel]]
source = "./kernels/sub/norm.hip"
symbols = ["norm"]
env = "NORM_HSACO"
flags = ["-ffast-math", "-DX=1"]
targets = ["gfx1030"]
"""


def load(root: Path, text: str) -> Manifest:
    (root / "kernels").mkdir(exist_ok=True)
    (root / "kernels/kernels.toml").write_text(text)
    return load_manifest(root, Settings())


def test_entries_with_their_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == Manifest(
        "kernels/kernels.toml",
        (
            ManifestEntry(
                source="kernels/rope.hip",
                symbols=("rope_kernel", "rope_kernel_f16"),
                env="ROPE_HSACO",
                targets=("gfx1100", "gfx90a:xnack+"),
                flags=("-O3",),
                line=5,
            ),
            ManifestEntry(
                source="kernels/sub/norm.hip",
                symbols=("norm",),
                env="NORM_HSACO",
                targets=("gfx1030",),
                flags=("-O3", "-ffast-math", "-DX=1"),
                line=10,
            ),
        ),
    )


def test_targets_may_be_left_to_the_settings(tmp_path: Path) -> None:
    text = '[[kernel]]\nsource = "a.hip"\nsymbols = ["a"]\nenv = "A"\n'
    assert load(tmp_path, text).entries[0].targets is None


def test_empty_manifest_has_no_entries(tmp_path: Path) -> None:
    assert load(tmp_path, "").entries == ()


def test_this_repositorys_manifest(repo_root: Path) -> None:
    entries = load_manifest(repo_root, Settings()).entries
    assert {"kernels/rope.hip", "kernels/position_embeddings.hip"} <= {e.source for e in entries}
    lines = (repo_root / "kernels/kernels.toml").read_text().splitlines()
    assert all(lines[e.line - 1] == "[[kernel]]" for e in entries)


KERNEL = '[[kernel]]\nsource = "a.hip"\nsymbols = ["a"]\nenv = "A"\n'

WRONG = {
    "empty symbols": (KERNEL.replace('["a"]', "[]"), 3, r"kernel\[0\]\.symbols: .*at least 1"),
    "symbol of a wrong type": (
        KERNEL.replace('["a"]', "[1]"),
        3,
        r"kernel\[0\]\.symbols\[0\]: .*valid string",
    ),
    "symbol twice": (KERNEL.replace('["a"]', '["a", "a"]'), 3, r"symbols: 'a' stands twice"),
    "no source": (KERNEL.replace('source = "a.hip"\n', ""), 1, r"kernel\[0\]\.source: Field required"),
    "no env in the second": (KERNEL + '\n[[kernel]]\nsource = "b"\nsymbols = ["b"]', 6, r"kernel\[1\]\.env"),
    "bad variable": (KERNEL.replace('"A"', '"A-B"'), 4, "'A-B' is not a name of an environment variable"),
    "unknown key": (KERNEL + "symbol = 1\n", 5, r"kernel\[0\]\.symbol: Extra inputs"),
    "unknown table": (KERNEL + "[kernels]\n", 5, r"kernels: Extra inputs"),
    "unknown default": ("[defaults]\nflag = []\n" + KERNEL, 2, r"defaults\.flag: Extra inputs"),
    "owned flag": (KERNEL + 'flags = ["-O3", "-o"]\n', 5, "'-o' is set by rocverify itself"),
    "owned default flag": ('[defaults]\nflags = ["--offload-arch=gfx90a"]\n', 2, "set by rocverify itself"),
    "no target": (KERNEL + 'targets = ["sm_90"]\n', 5, "'sm_90' is not a gfx target"),
    "no targets": (KERNEL + "targets = []\n", 5, "at least 1"),
    "kernel is not a list": ('kernel = "a"\n', 1, "kernel: Input should be a valid list"),
    "env twice": (KERNEL + KERNEL.replace("a.hip", "b.hip"), 8, r"kernel\[1\]\.env: 'A' is already taken"),
    "source twice": (
        KERNEL + KERNEL.replace('"A"', '"B"').replace("a.hip", "./a.hip"),
        6,
        r"kernel\[1\]\.source: 'a\.hip' is already taken",
    ),
    "source above": (KERNEL.replace("a.hip", "../a.hip"), 2, r"goes up with '\.\.'"),
    "source absolute": (KERNEL.replace("a.hip", "/a.hip"), 2, "is not relative to the root"),
    "no TOML": (KERNEL + "flags = [\n", 5, "is not valid TOML"),
    "no TOML in line 2": ('[[kernel]]\nsource "a"\n', 2, "is not valid TOML"),
    "strings that look like keys": (
        '[[kernel]]\nsource = """\n[[kernel]]\nenv = 3\n"""\nsymbols = ["a"]\nenv = ""\n',
        7,
        r"kernel\[0\]\.env",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_name_line_and_key(tmp_path: Path, case: str) -> None:
    text, line, message = WRONG[case]
    with pytest.raises(ManifestError, match=message) as caught:
        load(tmp_path, text)
    assert caught.value.where == f"kernels/kernels.toml:{line}"
    assert caught.value.hint


def test_source_through_a_link_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(ManifestError, match="leads out of the root"):
        load(root, KERNEL.replace("a.hip", "out/a.hip"))


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        load_manifest(tmp_path, Settings())


def test_manifest_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels/kernels.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ManifestError, match="cannot be read"):
        load_manifest(tmp_path, Settings())
