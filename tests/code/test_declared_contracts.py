"""Contracts found by reading, not by running."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.code.contract_faults import contract_faults
from rocverify.code.contracts import declared_contracts
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings
from tests.code.conftest import MakeIndex

TEXT = """
from rocverify.oracle import contract as oracle
from rocverify.oracle.contract import In, InOut, HostIn, contract
SOURCE = "kernels/a.hip"
class Base:
    x = InOut("n", 1)
@contract(source=SOURCE, symbol="k", wrapper="kernels.a:f")
class A(Base):
    y = In("n", 1)
    z = HostIn("n", 1)
@oracle.contract(source=SOURCE, symbol="k", wrapper=unknown())
class B:
    pass
class C:
    pass
if False:
    @contract(source=SOURCE, symbol="k", wrapper="kernels.a:dead")
    class D: ...
"""


def test_decorated_classes_are_contracts(project: MakeIndex) -> None:
    found = declared_contracts(project({"kernels/contracts/a.py": TEXT}), ("kernels/contracts/*.py",))
    assert [(c.ref, c.wrapper, c.source) for c in found] == [
        ("kernels.contracts.a:A", "kernels.a:f", "kernels/a.hip"),
        ("kernels.contracts.a:B", None, "kernels/a.hip"),
    ]
    assert found[0].device_arrays == {"x", "y"}


def test_this_repositorys_contracts_are_found(repo_root: Path) -> None:
    found = declared_contracts(CodeIndex(repo_root, Settings()), Settings().contract_globs)
    wrappers = {c.wrapper for c in found}
    assert {"kernels.rope:rope_gpu_kernel", "kernels.rope:apply_rope_device"} <= wrappers


FAULTY = """
from rocverify.oracle.contract import *
@contract(source="k.hip", symbol="k")
class A:
    x = In("n", U8)
    y = InOut("n", U32)
    z = Out("n", U32)
    flag = Scalar(I32, 0, 1)
    count = Scalar(I32)
    dims = Dims(n=boundary(1, 9))
    parameters = (
        "x", "y", "z", "flag", "count", "n",
        "eps",
    )
"""


def faults(project: MakeIndex, text: str) -> list[tuple[str, str]]:
    index = project({"kernels/contracts/a.py": text, "kernels/contracts/b.py": "def broken(:"})
    return [(f.place, f.message) for f in contract_faults(index, ("kernels/contracts/*.py",))]


def test_contracts_that_cannot_run(project: MakeIndex) -> None:
    assert faults(project, FAULTY) == [
        ("kernels/contracts/a.py:13", "parameter 'eps' is not an array, a scalar or a dimension"),
        ("kernels/contracts/a.py:5", "prepare() must supply x, y, count: integers are never random"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class A:", "class A(Base):"),
        ("class A:", "class A(metaclass=Meta):"),
        ("    dims =", "    exec(DECLARED)\n    dims ="),
        ("@contract", "@added\n@contract"),
        ("@contract(", "@other("),
    ],
)
def test_contracts_that_do_not_say_everything_are_not_judged(project: MakeIndex, old: str, new: str) -> None:
    assert faults(project, FAULTY.replace(old, new)) == []


def test_what_declares_and_prepares(project: MakeIndex) -> None:
    prepared = FAULTY + "    def prepare(self, rng, dims): ...\n"
    assert [m for _, m in faults(project, prepared)] == [
        "parameter 'eps' is not an array, a scalar or a dimension"
    ]
    assert faults(project, prepared.replace("(n=", "(eps=(1, 2), n=")) == []
    assert faults(project, prepared.replace("Dims(n=", "Dims(**MORE, n=")) == []
    assert faults(project, prepared + "    eps = Scalar(F32)\n") == []
