"""Attention through the registry, on the device of the run: what plan 06-03 asks of its integration tests.

`rocverify run` hands over device, target and code objects in the environment (see tests_pass), and nothing of
the judge; run by hand, the emulator executes what is compiled now."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

LAYOUTS = {"head_major": (0, 1, 2, 3), "seq_major": (0, 2, 1, 3)}
SHAPE: dict[str, int] = {"batch": 2, "heads": 4, "kv_heads": 2, "seq_q": 7, "seq_k": 9, "head_dim": 32}
ROOT = Path(__file__).resolve().parents[2]


class Session:
    """hip-python, and the project's objects by name."""

    hip: Any = None

    def load(self, reference: str) -> Any:
        module, _, name = reference.partition(":")
        return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    if "ROCVERIFY_DEVICE" in os.environ:
        made = Session()
        made.hip = importlib.import_module("rocm.bindings.hip")
        yield made
        return
    context = importlib.import_module("rocverify.checks.context")
    settings = importlib.import_module("rocverify.settings")
    in_process = importlib.import_module("tests.fakes.in_process").in_process
    by_hand = context.CheckContext(ROOT, settings.load_settings(ROOT, {"device": "emulator"}), seed=7)
    with in_process(by_hand) as opened:
        yield opened
    by_hand.close()


class Call:
    """Random q, k and v in device memory, and a result that nothing has written yet."""

    def __init__(self, session: Session, stack: ExitStack, **config: Any) -> None:
        self._hip = session.hip
        self._stack = stack
        self.config = session.load("kernels.attention:AttentionConfig")(**{**SHAPE, **config})
        rng = np.random.default_rng(3)
        name = self.config.dtype
        self.dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
        shapes = (self.config.query_shape, self.config.key_shape, self.config.key_shape)
        self.host = [rng.standard_normal(shape).astype(self.dtype) for shape in shapes]
        self.tensors = [self._tensor(session, array) for array in self.host]
        self.out = self._tensor(session, np.full(self.config.query_shape, np.nan, self.dtype))

    def _tensor(self, session: Session, array: Any) -> Any:
        memory = self._checked(self._hip.hipMalloc(array.nbytes))
        self._stack.callback(self._hip.hipFree, memory)
        image = np.frombuffer(array.tobytes(), np.uint8).copy()
        self._checked(self._hip.hipMemcpy(memory, image, image.nbytes, self._hip.hipMemcpyKind(1)))
        return session.load("kernels.tensor:DeviceTensor")(int(memory), array.shape, self.config.dtype)

    def result(self) -> Any:
        image = np.empty(self.config.query_shape, self.dtype).view(np.uint8)
        self._checked(self._hip.hipMemcpy(image, self.out.ptr, image.nbytes, self._hip.hipMemcpyKind(2)))
        return image.view(self.dtype).astype(np.float64)

    @staticmethod
    def _checked(returned: Any) -> Any:
        assert int(returned[0]) == 0, returned
        return returned[1] if len(returned) > 1 else None


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def expected(call: Call, *, causal: bool = False) -> Any:
    """Attention by its definition, query by query; shares nothing with kernels or contracts."""
    order = LAYOUTS[str(call.config.layout)]
    sizes = (call.config.heads, call.config.shared_heads, call.config.shared_heads)
    rows = (call.config.seq_q, call.config.seq_k, call.config.seq_k)
    dim, batch = call.config.head_dim, call.config.batch
    q, k, v = (
        array.astype(np.float64)
        .reshape((batch, n, h, dim) if order[1] == 2 else (batch, h, n, dim))
        .transpose(order)
        for array, h, n in zip(call.host, sizes, rows, strict=True)
    )
    out = np.zeros(q.shape)
    group = sizes[0] // sizes[1]
    for b in range(batch):
        for h in range(sizes[0]):
            for i in range(rows[0]):
                seen = i + rows[1] - rows[0] + 1 if causal else rows[1]
                scores = k[b, h // group, :seen] @ q[b, h, i] / np.sqrt(dim)
                weights = np.exp(scores - scores.max())
                out[b, h, i] = weights / weights.sum() @ v[b, h // group, :seen]
    return out.transpose(order).reshape(call.config.query_shape)


def forward(session: Session, call: Call, **options: Any) -> Any:
    run = session.load("kernels.attention:attention_forward")
    return run(call.config, *call.tensors, call.out, **options)


def test_backends_are_found_by_name(session: Session) -> None:
    get_backend = session.load("kernels.attention:get_backend")
    assert {name: get_backend(name).device for name in ("flash", "pipeline", "reference")} == {
        "flash": "gpu",
        "pipeline": "gpu",
        "reference": "cpu",
    }
    assert get_backend("flash") is not get_backend("pipeline")
    with pytest.raises(
        session.load("kernels.errors:UnsupportedConfigError"), match="flash, pipeline, reference"
    ):
        get_backend("cudnn")


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("backend", ["flash", "pipeline"])
def test_backends_agree_with_the_reference(
    session: Session, stack: ExitStack, backend: str, layout: str
) -> None:
    call = Call(session, stack, layout=layout, causal=True)
    result = forward(session, call, backend=backend)
    assert (result.backend, result.device, result.fallback) == (backend, "gpu", None)
    np.testing.assert_allclose(call.result(), expected(call, causal=True), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("dtype", "allowed"), [("float16", 2e-3), ("bfloat16", 1.6e-2)])
def test_narrow_types_agree_too(session: Session, stack: ExitStack, dtype: str, allowed: float) -> None:
    call = Call(session, stack, dtype=dtype, causal=True)
    forward(session, call)
    np.testing.assert_allclose(call.result(), expected(call, causal=True), rtol=allowed, atol=allowed)


def test_causal_and_non_causal_attention_differ_where_they_must(session: Session, stack: ExitStack) -> None:
    """The last query sees every key, so it alone is the same in both."""
    causal, full = Call(session, stack, causal=True), Call(session, stack)
    results = [forward(session, call) for call in (causal, full)]
    assert [r.kernels for r in results] == [
        ("flash_attention_causal_gpu_kernel",),
        ("flash_attention_nocausal_gpu_kernel",),
    ]
    hidden, seen = causal.result(), full.result()
    np.testing.assert_allclose(seen, expected(full), rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(hidden[:, :, -1], seen[:, :, -1], rtol=1e-5, atol=1e-6)
    assert not np.isclose(hidden[:, :, :-1], seen[:, :, :-1]).all(axis=-1).any()


def test_a_causal_attention_takes_an_additive_mask_as_well(session: Session, stack: ExitStack) -> None:
    """Hiding in the mask all that the causal one hides is the same attention, without `causal`."""
    causal, full = Call(session, stack, causal=True, masked=True), Call(session, stack, masked=True)
    mask = np.random.default_rng(5).normal(0, 2, (SHAPE["seq_q"], SHAPE["seq_k"])).astype(np.float32)
    hides = np.triu(np.full(mask.shape, -np.inf, np.float32), SHAPE["seq_k"] - SHAPE["seq_q"] + 1)
    for call, added in ((causal, mask), (full, mask + hides)):
        result = forward(session, call, mask=call._tensor(session, added))
        assert (result.kernels, result.fallback) == (("flash_attention_gpu_kernel",), None)
    np.testing.assert_allclose(causal.result(), full.result(), rtol=1e-6, atol=1e-7)
    unmasked = Call(session, stack, causal=True)
    assert not np.isclose(causal.result(), expected(unmasked, causal=True)).all(axis=-1)[:, :, 1:].any()


@pytest.mark.parametrize(
    ("config", "backend", "supported_by"),
    [
        ({"dtype": "float64"}, "flash", "pipeline, reference"),
        ({"head_dim": 18}, "flash", "pipeline, reference"),
        ({"masked": True}, "pipeline", "flash, reference"),
        ({"masked": True, "causal": True}, "pipeline", "flash, reference"),
    ],
)
def test_unsupported_configurations_name_who_supports_them(
    session: Session,
    config: dict[str, Any],
    backend: str,
    supported_by: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = session.load("kernels.attention:AttentionConfig")(**{**SHAPE, **config})
    chosen = session.load("kernels.attention:get_backend")(backend)
    assert not chosen.supports(made)
    error = session.load("kernels.errors:UnsupportedConfigError")
    called: list[str] = []
    for name in ("hipMalloc", "hipMemcpy", "hipModuleLoadData", "hipModuleLaunchKernel"):
        monkeypatch.setattr(session.hip, name, lambda *_, name=name: called.append(name))
    with pytest.raises(error, match=f"supported by: {supported_by}"):
        chosen.forward(made, None, None, None, None)
    assert called == []


def test_a_fallback_is_asked_for_and_recorded(
    session: Session, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where launches fail: an error without the caller's leave, the CPU and the reason with it."""
    call = Call(session, stack, causal=True)
    failure = session.hip.hipError_t.hipErrorLaunchFailure
    with monkeypatch.context() as failing:
        failing.setattr(session.hip, "hipModuleLaunchKernel", lambda *_: (failure,))
        with pytest.raises(session.load("kernels.errors:HipError"), match="hipErrorLaunchFailure"):
            forward(session, call)
        result = forward(session, call, allow_cpu_fallback=True)
    assert (result.backend, result.device) == ("reference", "cpu")
    assert "hipModuleLaunchKernel" in result.fallback
    np.testing.assert_allclose(call.result(), expected(call, causal=True), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "module", ["attention", "attention_config", "attention_reference", "attention_steps", "flash"]
)
def test_every_module_imports_without_a_build(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.endswith("_HSACO")]:
        monkeypatch.delenv(variable)
    assert importlib.import_module(f"kernels.{module}").__doc__
