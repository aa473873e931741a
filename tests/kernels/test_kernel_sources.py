"""What the sources, the manifest, the wrappers and the contracts say of one another."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kernels.contracts import position_embeddings, rope
from kernels.tensor import WORKGROUP
from rocverify.oracle.contract import ContractSpec

_KERNEL = re.compile(r'extern "C" __global__ [^(]*\(kMaxWorkgroup\) void (\w+)\(')
CONTRACTS = [v for m in (rope, position_embeddings) for v in vars(m).values() if isinstance(v, ContractSpec)]


def manifest(root: Path) -> dict[str, dict]:
    entries = tomllib.loads((root / "kernels/kernels.toml").read_text())["kernel"]
    return {entry["source"]: entry for entry in entries}


def test_the_manifest_lists_every_source_and_exactly_its_kernels(repo_root: Path) -> None:
    entries = manifest(repo_root)
    sources = {f"kernels/{path.name}" for path in (repo_root / "kernels").glob("*.hip")}
    assert set(entries) == sources
    for source, entry in entries.items():
        assert entry["symbols"] == _KERNEL.findall((repo_root / source).read_text())


def test_wrappers_and_kernels_agree_on_the_largest_workgroup(repo_root: Path) -> None:
    header = (repo_root / "kernels/rope_pair.h").read_text()
    assert f"kMaxWorkgroup = {WORKGROUP};" in header


@pytest.mark.parametrize("spec", CONTRACTS, ids=lambda s: s.reference_name)
def test_every_contract_names_a_source_symbols_and_a_wrapper_that_exist(
    repo_root: Path, spec: ContractSpec
) -> None:
    assert set(spec.symbols.values()) <= set(manifest(repo_root)[spec.source]["symbols"])
    assert spec.wrapper is not None
    module, function = spec.wrapper.split(":")
    tree = ast.parse((repo_root / f"{module.replace('.', '/')}.py").read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_symbol_of_the_manifest_is_in_some_contract(repo_root: Path) -> None:
    listed = {symbol for entry in manifest(repo_root).values() for symbol in entry["symbols"]}
    assert listed == {symbol for spec in CONTRACTS for symbol in spec.symbols.values()}


def test_the_wrappers_need_no_rocverify(repo_root: Path) -> None:
    code = "import sys; sys.modules['rocverify'] = None; import kernels.rope, kernels.position_embeddings"
    done = subprocess.run([sys.executable, "-c", code], cwd=repo_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_flow_that_a_docstring_describes_is_in_the_order_of_the_calls() -> None:
    from kernels.position_embeddings import apply_position_embeddings_device

    text = apply_position_embeddings_device.__doc__ or ""
    flow = text[text.index("GPU RoPE execution flow") :]
    named = [
        "apply_position_embeddings_device",
        "angle_tables",
        "uploaded",
        "position_embeddings_gpu_kernel",
        "launch",
        "position_embeddings_kernel",
        "synchronize",
    ]
    places = [flow.index(f"`{name}`") for name in named]
    assert places == sorted(places)
