"""The correctness check on the compiled kernels: right ones pass, wrong ones fail and say how."""

from __future__ import annotations

import ctypes
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.checks.base import Outcome
from rocverify.checks.context import CheckContext
from rocverify.checks.kinds.correctness import CHECK
from rocverify.errors import CompileError, ContractError, RocverifyError
from rocverify.oracle.contract import F32, ContractSpec, Dims, In, InOut, Launch, choices, contract, even
from rocverify.oracle.verify import Plan, verify_dtype
from rocverify.records import CheckVerdict
from rocverify.settings import load_settings
from tests.fakes.in_process import in_process

CONTRACTS = [
    "rope:Rope",
    "position_embeddings:PositionEmbeddingsDevice",
    *(
        pytest.param(name, marks=pytest.mark.long)
        for name in (
            "rope:RopeInterleaved",
            "rope:RopeDevice",
            "position_embeddings:PositionEmbeddings",
            "position_embeddings:PositionEmbeddingsInterleaved",
        )
    ),
]


def context_of(root: Path, cache: Path, seed: int = 7) -> CheckContext:
    """A context on the emulator; what is compiled is kept in `cache`."""
    return CheckContext(root, load_settings(root, {"device": "emulator", "cache_dir": str(cache)}), seed=seed)


def check(context: CheckContext, contract: str, **params: Any) -> Outcome:
    return CHECK.run(CHECK.params(contract=f"kernels.contracts.{contract}", **params), context)


@pytest.fixture(scope="module")
def context(repo_root: Path, own_cache: Path) -> Iterator[CheckContext]:
    made = context_of(repo_root, own_cache)
    yield made
    made.close()


@pytest.fixture
def copy(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the kernels that a test may damage."""
    shutil.copytree(repo_root / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repo_root / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_contract_holds(context: CheckContext, contract: str) -> None:
    outcome = check(context, contract)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    evidence = json.loads(json.dumps(outcome.evidence, allow_nan=False))
    assert evidence["seed"] == 7
    assert set(evidence["dtypes"]) == {"float32", "float16", "bfloat16"}
    assert len(evidence["code_object_sha256"]) == 64
    assert set(evidence["sanitized"]) == set(evidence["dtypes"])
    assert all(call["refused"] for call in evidence["refused_calls"])
    for seen in evidence["dtypes"].values():
        assert seen["cases"] == context.settings.cases_per_dtype
        assert seen["ghost_replay"]["rejected"] is True
        assert all(c["rejected"] > 0 for c in (*seen["controls"], *seen["mistakes"]))
        assert seen["max_ulp"]["index"]
        assert (seen["repeat"]["same"], seen["repeat"]["problem"], seen["order_spread"]) == (True, None, [])
        assert 0 <= seen["budget_used"] <= 1


def test_the_same_seed_sees_the_same_errors(context: CheckContext) -> None:
    first, again = (check(context, "rope:Rope", cases=6, dtypes=("float32",)) for _ in range(2))
    assert first.evidence["dtypes"] == again.evidence["dtypes"]


def test_a_plan_may_choose_lengths_and_types(context: CheckContext) -> None:
    outcome = check(
        context,
        "rope:RopeDevice",
        dims={"max_seq_len": "max", "heads": [7, 9]},
        dtypes=("bfloat16",),
        cases=5,
    )
    assert outcome.verdict is CheckVerdict.PASSED
    shapes = outcome.evidence["dtypes"]["bfloat16"]["shapes"]
    assert len(shapes) == 5
    assert all("max_seq_len=131072" in shape for shape in shapes)
    assert all("heads=7" in shape or "heads=9" in shape for shape in shapes)


@pytest.mark.parametrize(
    "params",
    [{"dims": {"head_dim": 3}}, {"dims": {"rows": 1}}, {"dtypes": ("float64",)}, {"dims": {"seq": "x"}}],
)
def test_a_choice_outside_the_contract_is_its_error(context: CheckContext, params: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        check(context, "rope:Rope", **params)


def test_only_position_zero_cannot_discriminate(context: CheckContext) -> None:
    outcome = check(context, "rope:RopeDevice", dims={"max_seq_len": 1}, dtypes=("float32",), cases=6)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "cannot discriminate" in outcome.message
    assert "untouched" in " ".join(f.message for f in outcome.findings)


def damaged(copy: Path, file: str, old: str, new: str) -> None:
    path = copy / "kernels" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


POINTER_CHECK = '    device_pointer(tensor.ptr, "x")\n'
NUMPY_INSTEAD = """    device_pointer(tensor.ptr, "x")
    import numpy as np
    from rocm.bindings import hip
    h = np.empty((seq, heads, head_dim), np.float32)
    hip.hipMemcpy(h, tensor.ptr, h.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
    a, b = np.split(h, 2, axis=-1); c, s = cos[:, None], sin[:, None]
    with np.errstate(all="ignore"):
        h = np.concatenate([a * c - b * s, a * s + b * c], axis=-1).astype(h.dtype)
    hip.hipMemcpy(tensor.ptr, h, h.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
    return
"""
PAST_THE_END = """if (token + 1 == seq && head + 1 == heads && !pair) store_rounded(row + head_dim, 1.0f);
  rotate_pair<T, layout>(row"""
ORDERED = "        ctypes.c_uint32(seq),\n        ctypes.c_uint32(heads),"
SWAPPED = "        ctypes.c_uint32(heads),\n        ctypes.c_uint32(seq),"

ROPE, DEVICE, LAYER = "rope:Rope", "rope:RopeDevice", "position_embeddings:PositionEmbeddings"
HALF = "store_rounded(row + low, static_cast<float>(static_cast<_Float16>(first)) * cosine"
SPLIT = "rope<float, PairLayout::kHalfSplit>"
INTERLEAVED = "rope<float, PairLayout::kInterleaved>"
LATER = "(positions + 1)[:, None].astype"
ACCEPTED = "must refuse this call with PositionError: position max_seq_len; it launched rope_kernel"
WRONG, OUTSIDE = "elements of x are wrong", "outside every allocation"
MISTAKE = "the result matches this mistake: "

# name, file, what is replaced, by what, the contract that must notice, what the report must say
SABOTAGES = [
    ("sign", "rope_pair.h", "cosine - second", "cosine + second", ROPE, "head_dim indices 0 to 4 of 10"),
    ("sin-cos", "rope.hip", "cos[angle], sin[", "sin[angle], cos[", DEVICE, MISTAKE + "cos and sin swapped"),
    (
        "layout",
        "rope.hip",
        SPLIT,
        INTERLEAVED,
        ROPE,
        MISTAKE + "the other pair",
    ),
    ("last-head", "rope.hip", "head >= heads", "head + 1 >= heads", ROPE, MISTAKE + "the last head"),
    ("last-token", "rope.hip", "token >= seq", "token + 1 >= seq", DEVICE, MISTAKE + "the last token"),
    ("positions", "tables.py", "positions[:, None].astype", LATER, DEVICE, MISTAKE + "positions off by one"),
    ("bound", "tables.py", "(given >= max_seq_len)", "(given > max_seq_len)", DEVICE, ACCEPTED),
    (
        "argument",
        "rope.py",
        "        ctypes.c_uint32(head_dim),\n",
        "",
        ROPE,
        "hipModuleLaunchKernel returned",
    ),
    ("swapped", "rope.py", ORDERED, SWAPPED, ROPE, WRONG),
    ("grid", "tensor.py", "grid = (seq,", "grid = (max(1, seq - 1),", ROPE, MISTAKE + "the last token"),
    ("beyond", "rope.hip", "rotate_pair<T, layout>(row", PAST_THE_END, ROPE, OUTSIDE),
    ("half", "rope_pair.h", "store_rounded(row + low, first * cosine", HALF, ROPE, WRONG),
    ("numpy", "rope.py", POINTER_CHECK, NUMPY_INSTEAD, DEVICE, "was not launched (launched: nothing)"),
    (
        "keys",
        "position_embeddings.hip",
        "q_heads + k_heads ||",
        "q_heads ||",
        LAYER,
        MISTAKE + "the keys not",
    ),
    ("key-heads", "position_embeddings.hip", "(is_query ? q_heads : k_heads)", "q_heads", LAYER, OUTSIDE),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "old", "new", "contract", "words"), [s[1:] for s in SABOTAGES], ids=[s[0] for s in SABOTAGES]
)
def test_a_damaged_kernel_or_wrapper_fails(
    own_cache: Path, copy: Path, file: str, old: str, new: str, contract: str, words: str
) -> None:
    damaged(copy, file, old, new)
    context = context_of(copy, own_cache)
    outcome = check(context, contract, cases=20, dtypes=("float32",))
    context.close()
    assert outcome.verdict is CheckVerdict.FAILED
    told = " ".join([outcome.message, outcome.hint or "", *(f.message for f in outcome.findings)])
    assert words in told
    json.dumps(outcome.evidence, allow_nan=False)


SIGNATURE = "void rope_kernel(\n    float* x,"
LONGER = "void rope_kernel(\n    unsigned u, float* x,"


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("rotate_pair<T", "rotate_pear<T", CompileError, "rotate_pear"),
        (SIGNATURE, LONGER, ContractError, "6 arguments are given, the kernel takes 7"),
    ],
    ids=["broken", "signature"],
)
def test_what_decides_nothing_about_the_result_is_an_error_of_its_own(
    own_cache: Path, copy: Path, old: str, new: str, error: type[RocverifyError], words: str
) -> None:
    damaged(copy, "rope.hip", old, new)
    with pytest.raises(error, match=words):
        check(context_of(copy, own_cache), "rope:Rope")


class RotationOfOne:
    """What the contracts of this file's own launches have in common."""

    x = InOut("seq heads head_dim", F32)
    cos = In("seq head_dim/2", F32)
    sin = In("seq head_dim/2", F32)
    dims = Dims(seq=choices(3, 5), heads=choices(2, 7), head_dim=even(2, 64))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        angles = rng.uniform(-3, 3, (dims.seq, dims.head_dim // 2))
        return {"cos": np.cos(angles), "sin": np.sin(angles)}

    def reference(self, x: Any, cos: Any, sin: Any) -> Any:
        a, b = np.split(x, 2, axis=-1)
        c, s = cos[:, None], sin[:, None]
        return np.concatenate([a * c - b * s, a * s + b * c], axis=-1)

    def magnitude(self, x: Any, cos: Any, sin: Any) -> Any:
        a, b = np.split(abs(x), 2, axis=-1)
        c, s = abs(cos[:, None]), abs(sin[:, None])
        return np.concatenate([a * c + b * s, a * s + b * c], axis=-1)


def direct(*, superfluous: int = 0) -> ContractSpec:
    """A contract that launches rope_kernel itself, with a number of arguments too many."""

    @contract(source="kernels/rope.hip", symbol="rope_kernel")
    class Direct(RotationOfOne):
        def launch(self, arrays: Any, dims: Any) -> Launch:
            pointers = [ctypes.c_void_p(int(arrays[name])) for name in ("x", "cos", "sin")]
            sizes = [ctypes.c_uint32(dims[name]) for name in ("seq", "heads", "head_dim")]
            extra = [ctypes.c_uint32(0)] * superfluous
            return Launch((dims.seq, dims.heads, 1), (32, 1, 1), (*pointers, *sizes, *extra))

    return Direct  # type: ignore[return-value]


def test_a_contract_without_wrapper_launches_the_code_object(context: CheckContext) -> None:
    plan = Plan(3, 4, code_object=context.built("kernels/rope.hip").path)
    with in_process(context) as session:
        report = verify_dtype(direct(), session, F32, plan)  # type: ignore[arg-type]
    assert report.failures == ()
    assert report.shortcomings == ()
    assert len(report.cases) == 4
    assert report.ghost is not None
    assert report.ghost.rejected


def test_its_launch_is_held_against_the_kernels_signature(context: CheckContext) -> None:
    plan = Plan(3, 4, code_object=context.built("kernels/rope.hip").path)
    problem = "7 arguments are given, the kernel takes 6"
    with in_process(context) as session, pytest.raises(ContractError, match=problem):
        verify_dtype(direct(superfluous=1), session, F32, plan)  # type: ignore[arg-type]


@pytest.mark.long
def test_a_failure_is_made_small_and_run_under_the_sanitizer(copy: Path, own_cache: Path) -> None:
    text = (copy / "kernels/rope.hip").read_text()
    barrier = "  volatile __shared__ float shared[4]; x[0] = x[0] + 0 * shared[threadIdx.x & 3];\n"
    place = text.index("{", text.index("__global__")) + 2
    (copy / "kernels/rope.hip").write_text(text[:place] + barrier + text[place:])
    with closing(context_of(copy, own_cache)) as context:
        outcome = check(context, "rope:Rope", cases=6, dtypes=("float32",))
    assert outcome.verdict is CheckVerdict.FAILED
    assert outcome.evidence["smallest_case"]["dims"]["seq"] <= 2
    assert any("the sanitizer" in finding.message for finding in outcome.findings)
