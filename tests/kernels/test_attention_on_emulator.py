"""The attention backends on the compiled kernels: both layouts, grouped heads, decoding, stability."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rocverify.checks.context import CheckContext
from rocverify.device.trace.events import Category
from rocverify.settings import Settings
from tests.fakes.hip_device import FakeSession
from tests.fakes.in_process import in_process

TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 2e-2}


@pytest.fixture(scope="module")
def session(repo_root: Path, own_cache: Path) -> Iterator[FakeSession]:
    context = CheckContext(repo_root, Settings(device="emulator", cache_dir=str(own_cache)))
    with in_process(context) as opened:
        yield opened
    context.close()


def numpy_type(dtype: str) -> Any:
    return ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)


def by_definition(q: Any, k: Any, v: Any, causal: bool) -> np.ndarray:
    """Attention of [batch, heads, rows, dim] in float64, head by head, straight from its definition."""
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    out, group = np.zeros(q.shape), q.shape[1] // k.shape[1]
    for batch, head in np.ndindex(q.shape[:2]):
        keys, values = k[batch, head // group], v[batch, head // group]
        scores = q[batch, head] @ keys.T / np.sqrt(q.shape[-1])
        if causal:
            scores[np.triu_indices(len(scores), len(keys) - len(scores) + 1, len(keys))] = -np.inf
        for row, own in enumerate(scores):
            if np.isfinite(own).any():
                weights = np.exp(own - own.max())
                out[batch, head, row] = weights @ values / weights.sum()
    return out


class Attention:
    """One call of `attention_forward` on the device, on tensors in the config's layout."""

    def __init__(self, session: FakeSession, backend: str, spare: int = 0, **config: Any) -> None:
        self.session, self.backend = session, backend
        load = session.load
        self.config = load("kernels.attention_config:AttentionConfig")(
            **config, kv_capacity=config["seq_k"] + spare
        )
        self.tensor = load("kernels.tensor:DeviceTensor")
        self.forward = load("kernels.attention:attention_forward")

    def layout(self, x: np.ndarray) -> np.ndarray:
        if not self.config.seq_major:
            return x
        return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(len(x), x.shape[2], -1)

    def __call__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        """The output, in the layout of the call, and the events of the call."""
        hip, dtype = self.session.device.hip, numpy_type(self.config.dtype)
        arrays = [self.layout(x).astype(dtype) for x in (q, k, v, np.full(q.shape, np.nan))]
        pointers = []
        for array in arrays:
            _, pointer = hip.hipMalloc(array.nbytes)
            raw = np.ascontiguousarray(array).view(np.uint8)
            hip.hipMemcpy(pointer, raw, raw.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
            pointers.append(pointer)
        given = [
            self.tensor(int(p), a.shape, self.config.dtype) for p, a in zip(pointers, arrays, strict=True)
        ]
        with self.session.tracer.record() as events:
            result = self.forward(self.config, *given, backend=self.backend)
        assert (result.backend, result.device, result.fallback) == (self.backend, "gpu", None)
        found = np.empty(arrays[3].nbytes, np.uint8)
        hip.hipMemcpy(found, pointers[3], found.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
        for pointer in pointers:
            hip.hipFree(pointer)
        return found.view(dtype).reshape(arrays[3].shape), list(events)


def drawn(dtype: str, *, batch: int, heads: int, kv_heads: int, seq_q: int, rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seq_q)
    shapes = ((batch, heads, seq_q, 32), (batch, kv_heads, rows, 32), (batch, kv_heads, rows, 32))
    return [rng.standard_normal(shape).astype(numpy_type(dtype)) for shape in shapes]


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("layout", ["head_major", "seq_major"])
@pytest.mark.parametrize(
    ("backend", "dtype"),
    [
        ("flash", "float32"),
        ("flash", "float16"),
        ("pipeline", "float32"),
        ("pipeline", "float64"),
    ],
)
def test_both_layouts_with_grouped_heads(session: FakeSession, backend: str, dtype: str, layout: str) -> None:
    extents = {"batch": 2, "heads": 6, "kv_heads": 2, "seq_q": 19}
    q, k, v = drawn(dtype, **extents, rows=45)
    call = Attention(
        session, backend, **extents, seq_k=45, head_dim=32, dtype=dtype, causal=True, layout=layout
    )
    found, events = call(q, k, v)
    expected = call.layout(by_definition(q, k, v, causal=True))
    np.testing.assert_allclose(
        found.astype(np.float64), expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype]
    )
    assert not [e for e in events if e.category in (Category.D2H, Category.H2D)]
    # The same memory read in the other layout is another attention.
    other = by_definition(
        *(x.reshape(x.shape[0], x.shape[2], x.shape[1], -1).swapaxes(1, 2) for x in (q, k, v)), True
    )
    assert abs(found.astype(np.float64).reshape(-1) - other.swapaxes(1, 2).reshape(-1)).max() > 0.1


def test_one_query_against_a_cache_with_spare_rows(session: FakeSession) -> None:
    extents = {"batch": 1, "heads": 4, "kv_heads": 1, "seq_q": 1}
    q, k, v = drawn("float32", **extents, rows=80)
    k[:, :, 70:] = v[:, :, 70:] = np.nan
    call = Attention(session, "flash", spare=10, **extents, seq_k=70, head_dim=32, causal=True)
    found, _ = call(q, k, v)
    np.testing.assert_allclose(found, by_definition(q, k[:, :, :70], v[:, :, :70], True), atol=2e-6)


@pytest.mark.parametrize("backend", ["flash", "pipeline"])
def test_rows_that_see_no_key_are_zeros_and_extreme_scores_stay_finite(
    session: FakeSession, backend: str
) -> None:
    extents = {"batch": 1, "heads": 2, "kv_heads": 2, "seq_q": 40}
    q, k, v = drawn("float32", **extents, rows=5)
    q *= 1000  # scores of thousands: exp would overflow without the maximum
    found, _ = Attention(session, backend, **extents, seq_k=5, head_dim=32, causal=True)(q, k, v)
    assert (found[:, :, :35] == 0).all()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, by_definition(q, k, v, True), atol=2e-3)


@pytest.mark.drawn(3, fast=1)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(("backend", "causal"), [("flash", False), ("flash", True), ("pipeline", False)])
def test_a_nan_in_v_is_not_lost_where_every_weight_is_zero(
    session: FakeSession, backend: str, causal: bool, dtype: str
) -> None:
    """A score of -infinity that comes from the values hides a key no better than a weight of zero does."""
    extents = {"batch": 1, "heads": 2, "kv_heads": 2, "seq_q": 1}
    q, k, v = drawn(dtype, **extents, rows=1)
    q[:, :, :, 5] = [[[1], [-1]]]  # scores of -infinity in the first head, of +infinity in the second
    k[:, :, :, 5] = -np.inf
    v[:, :, :, 3] = np.nan
    found, _ = Attention(session, backend, **extents, seq_k=1, head_dim=32, dtype=dtype, causal=causal)(
        q, k, v
    )
    (without_weight,), (infinite,) = found[0].astype(np.float64)
    assert np.isnan(without_weight[3])
    assert (np.delete(without_weight, 3) == 0).all()
    assert np.isnan(infinite).all()


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("seq", [1, 2, 15, 16, 17, 31, 32])
def test_every_length_of_a_tile(session: FakeSession, seq: int) -> None:
    extents = {"batch": 1, "heads": 1, "kv_heads": 1, "seq_q": seq}
    q, k, v = drawn("float32", **extents, rows=seq)
    found, _ = Attention(session, "flash", **extents, seq_k=seq, head_dim=32, causal=True)(q, k, v)
    np.testing.assert_allclose(found, by_definition(q, k, v, True), atol=2e-6)


VERIFIED = [
    *(f"attention:{name}" for name in ("Scale", "CausalMask", "Softmax", "QktMatmul", "WeightedMatmul")),
    *(f"attention:{name}" for name in ("Pipeline", "PipelineCausal", "FlashCausal", "FlashNocausal")),
    *(f"attention:{name}" for name in ("FlashMasked", "FlashSeqMajor", "FlashDecode")),
    *(f"attention_backward:{name}" for name in ("FlashDropout", "FlashBackward")),
]
"""Those of the plans: `make verify-all` holds them too."""
OTHERS = [f"attention_pipeline:{name}" for name in ("QktMatmulDouble", "WeightedMatmulDouble")]


@pytest.mark.parametrize(
    "contract",
    [
        *(pytest.param(contract, marks=pytest.mark.exhaustive) for contract in VERIFIED),
        *(pytest.param(contract, marks=pytest.mark.long) for contract in OTHERS),
    ],
)
def test_every_attention_contract_holds(repo_root: Path, contract: str) -> None:
    from rocverify.checks.kinds.correctness import CHECK
    from rocverify.records import CheckVerdict

    settings = Settings(device="emulator", cache_dir=str(repo_root / ".rocverify/cache"))
    context = CheckContext(repo_root, settings, seed=7)
    outcome = CHECK.run(CHECK.params(contract=f"kernels.contracts.{contract}"), context)
    context.close()
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert all(call["refused"] for call in outcome.evidence["refused_calls"])
