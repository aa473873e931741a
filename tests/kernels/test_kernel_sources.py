"""What the sources, the manifest, the wrappers and the contracts say of one another."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest

from kernels.attention_training import backward_lds_bytes, backward_rows
from kernels.contracts import (
    attention,
    attention_backward,
    attention_pipeline,
    attention_steps,
    position_embeddings,
    rope,
)
from kernels.flash import flash_lds_bytes, flash_rows, flash_threads
from kernels.tensor import WORKGROUP
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.shapes import smallest_shape

_KERNEL = re.compile(
    r'extern "C" __global__ __launch_bounds__\([\w()]+\) void (\w+)\(|^[A-Z]+_KERNEL\((\w+), ', re.MULTILINE
)
MODULES = (rope, position_embeddings, attention, attention_steps, attention_pipeline, attention_backward)
CONTRACTS = list(
    {v.reference_name: v for m in MODULES for v in vars(m).values() if isinstance(v, ContractSpec)}.values()
)
TILES = (32, 64, 128, 256)


def manifest(root: Path) -> dict[str, dict]:
    entries = tomllib.loads((root / "kernels/kernels.toml").read_text())["kernel"]
    return {entry["source"]: entry for entry in entries}


def kernels_in(source: str) -> list[str]:
    """The kernels that a source defines, in order; those of a macro by the name that it is given."""
    found = (plain or by_macro for plain, by_macro in _KERNEL.findall(source))
    return [name for name in found if name != "symbol"]


def symbols_of(spec: ContractSpec) -> set[str]:
    """Every kernel that the contract expects for some shape."""
    shape = smallest_shape(spec.dims)
    dims = spec.dims["head_dim"].boundaries() if "head_dim" in spec.dims else (None,)
    return {
        spec.symbol(dtype, {**shape, **({} if dim is None else {"head_dim": dim})})
        for dtype, dim in product(spec.dtypes, dims)
    }


def test_the_manifest_lists_every_source_and_exactly_its_kernels(repo_root: Path) -> None:
    entries = manifest(repo_root)
    sources = {f"kernels/{path.name}" for path in (repo_root / "kernels").glob("*.hip")}
    assert set(entries) == sources
    for source, entry in entries.items():
        assert entry["symbols"] == kernels_in((repo_root / source).read_text())
        assert entry["env"] == f"{Path(source).stem.upper()}_HSACO"


def test_wrappers_and_kernels_agree_on_the_largest_workgroup(repo_root: Path) -> None:
    header = (repo_root / "kernels/rope_pair.h").read_text()
    assert f"kMaxWorkgroup = {WORKGROUP};" in header


def _constexpr(source: str, name: str) -> str:
    """The expression that a constexpr function of one parameter `tile_dim` returns, as Python."""
    found = re.search(
        rf"constexpr unsigned {name}\(unsigned tile_dim\) {{\s*return (.*?);", source, re.DOTALL
    )
    assert found is not None, name
    text = re.sub(r"(\S+ <= \S+) \? (.+) : (.+)", r"(\2) if \1 else (\3)", " ".join(found[1].split()))
    return text.replace(" / ", " // ")


@pytest.mark.parametrize("tile", TILES)
def test_wrappers_and_fused_kernels_agree_on_tiles_workgroups_and_lds(repo_root: Path, tile: int) -> None:
    source = (repo_root / "kernels/flash_attention.h").read_text()
    source += (repo_root / "kernels/flash_backward.h").read_text()
    known: dict[str, object] = {
        name: int(value)
        for name, value in re.findall(r"^constexpr unsigned (k\w+) = (\d+);", source, re.MULTILINE)
    }
    known["kWeightPitch"] = int(known["kFlashKeys"]) + 8  # type: ignore[call-overload]
    for name in ("flash_rows", "backward_rows"):
        text = _constexpr(source, name)
        known[name] = lambda tile_dim, text=text: eval(text, {"tile_dim": tile_dim})

    def value(name: str) -> int:
        return int(eval(_constexpr(source, name), {**known, "tile_dim": tile}))

    assert value("flash_rows") == flash_rows(tile)
    assert value("flash_threads") == flash_threads(tile)
    assert value("flash_lds_bytes") == flash_lds_bytes(tile) <= 65536
    if tile <= 128:
        assert value("backward_rows") == backward_rows(tile)
        assert value("backward_lds_bytes") == backward_lds_bytes(tile) <= 65536


@pytest.mark.parametrize("spec", CONTRACTS, ids=lambda s: s.reference_name)
def test_every_contract_names_a_source_symbols_and_a_wrapper_that_exist(
    repo_root: Path, spec: ContractSpec
) -> None:
    listed = set(manifest(repo_root)[spec.source]["symbols"])
    assert set(spec.symbols.values()) | symbols_of(spec) <= listed
    assert spec.wrapper is not None
    module, function = spec.wrapper.split(":")
    tree = ast.parse((repo_root / f"{module.replace('.', '/')}.py").read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# Kernels that run beside the one that a contract looks for: the backward pass takes three.
BESIDE = re.compile(r"flash_attention_backward_(delta|q)_kernel")


def test_every_symbol_of_the_manifest_is_in_some_contract(repo_root: Path) -> None:
    listed = {symbol for entry in manifest(repo_root).values() for symbol in entry["symbols"]}
    expected = {symbol for spec in CONTRACTS for symbol in symbols_of(spec)}
    assert {symbol for symbol in listed - expected if not BESIDE.match(symbol)} == set()
    assert expected <= listed


def test_the_wrappers_need_no_rocverify(repo_root: Path) -> None:
    modules = "kernels.rope, kernels.position_embeddings, kernels.attention, kernels.attention_training"
    code = f"import sys; sys.modules['rocverify'] = sys.modules['ml_dtypes'] = None; import {modules}"
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
