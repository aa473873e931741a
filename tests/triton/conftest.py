"""Compiling Triton's kernels without a GPU; what was compiled is kept by the content of all that makes it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from triton_cases import Case

from rocverify.store.files import replace_file

_KERNELS = Path(__file__).parent / "kernels"


@dataclass(frozen=True)
class Object:
    """Triton's compiled kernel, as it is kept: what `rocverify.load` asks of it."""

    asm: dict[str, bytes]
    metadata: Any


Compile = Callable[[Case, str], Object]


@pytest.fixture(scope="session")
def compile_case(kept: Path) -> Compile:
    """The object of a case for a target."""
    pytest.importorskip("triton", reason="Triton has wheels for Linux on x86-64 only")

    def compiled(case: Case, target: str) -> Object:
        text = (_KERNELS / f"{case.module}.py").read_text(encoding="utf-8")
        made_of = (
            text,
            importlib.metadata.version("triton"),
            target,
            case.kernel,
            *(repr(sorted(one.items())) for one in (case.signature, case.constants, case.options)),
            str(_KERNELS),
        )
        digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
        path = kept / "triton-objects" / f"{digest}.json"
        if not path.is_file():
            replace_file(path, json.dumps(_compiled(case, target)).encode())
        found = json.loads(path.read_text(encoding="utf-8"))
        return Object({"hsaco": bytes.fromhex(found.pop("hsaco"))}, SimpleNamespace(**found))

    return compiled


def _compiled(case: Case, target: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Triton warns as it likes, and this suite takes warnings for errors
        import triton
        import triton.language as tl
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource

        types = {"int32": tl.int32, "float32": tl.float32}
        constants = {name: types.get(value, value) for name, value in case.constants.items()}
        signature = {**case.signature, **dict.fromkeys(constants, "constexpr")}
        source = ASTSource(_kernel(case), signature, constants)
        gpu = GPUTarget("hip", target, _lanes(target))
        made = triton.compile(source, gpu, dict(case.options))
    facts = {name: getattr(made.metadata, name) for name in ("name", "shared", "num_warps")}
    return {"hsaco": made.asm["hsaco"].hex(), **facts}


def _kernel(case: Case) -> Any:
    name = f"triton_kernels_{case.module}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _KERNELS / f"{case.module}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return getattr(sys.modules[name], case.kernel)


def _lanes(target: str) -> int:
    return 64 if target.startswith("gfx9") else 32
