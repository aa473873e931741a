"""The table of check kinds, and what their parameters refuse."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from rocverify.checks.base import CheckKind, CheckParams
from rocverify.checks.registry import CHECKS, MODULES

KINDS = {
    "absent",
    "artifact",
    "backend_selected",
    "call_order",
    "command",
    "constant_value",
    "correctness",
    "defined",
    "documented",
    "fallback",
    "faster",
    "kernel_compiled",
    "key_link",
    "layout",
    "memory_safety",
    "no_host_roundtrip",
    "numerical_stability",
    "performance",
    "program",
    "resources",
    "struct_layout",
    "tests_pass",
    "unsupported_config",
    "wrapper_present",
}


def test_every_kind_loads_under_its_own_name() -> None:
    assert set(CHECKS) == KINDS == set(MODULES)
    assert len(CHECKS) == len(KINDS)
    for name, kind in CHECKS.items():
        assert isinstance(kind, CheckKind)
        assert kind.name == name
        assert issubclass(kind.params, CheckParams)


def test_an_unknown_kind_is_a_key_error() -> None:
    assert "nope" not in CHECKS
    with pytest.raises(KeyError):
        CHECKS["nope"]


def test_text_checks_load_neither_compiler_nor_device() -> None:
    program = (
        "import sys; from rocverify.checks.registry import CHECKS; "
        "[CHECKS[k] for k in ('artifact', 'key_link', 'documented')]; "
        "[CHECKS[k] for k in ('wrapper_present', 'no_host_roundtrip')]; "
        "print([m for m in sys.modules if m.split('.')[0] in ('llvmlite', 'rocm', 'elftools')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("artifact", {}),
        ("artifact", {"path": ""}),
        ("artifact", {"path": "a", "min_lines": 0}),
        ("artifact", {"path": "a", "contain": "x"}),
        ("key_link", {"from_path": "a"}),
        ("key_link", {"from_path": "a", "to_path": "b", "pattern": ""}),
        ("documented", {"entry": "kernels.a:f", "flow": []}),
        ("documented", {"entry": "kernels.a", "flow": ["f"]}),
        ("documented", {"entry": "kernels/a.py:f", "flow": ["f"]}),
        ("wrapper_present", {"wrapper": "kernels.a:f", "source": "a.hip"}),
        ("wrapper_present", {"wrapper": "kernels.a:", "source": "a.hip", "symbol": "k"}),
        ("no_host_roundtrip", {"entry": ":f"}),
        ("no_host_roundtrip", {"entry": "a:f", "contract": "no reference"}),
    ],
)
def test_wrong_parameters_are_refused(kind: str, params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CHECKS[kind].params(**params)
