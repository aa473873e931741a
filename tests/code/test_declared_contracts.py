"""Contracts found by reading, not by running."""

from __future__ import annotations

from pathlib import Path

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
