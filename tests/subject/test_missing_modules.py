"""What this machine lacks is no fault of the project; what the project itself lacks is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.device.faults import FaultReport
from rocverify.errors import ContractError, LaunchTimeoutError, MissingModuleError, SourceError, SubjectError
from rocverify.subject.border import raise_outcome
from rocverify.subject.process import HostProcess


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "wrappers").mkdir()
    (tmp_path / "wrappers/__init__.py").write_text("")
    return tmp_path


def load(root: Path, text: str) -> None:
    (root / "wrappers/one.py").write_text(text)
    process = HostProcess(root, device=False, timeout_s=30)
    try:
        process.ask("import", about="wrappers.one", reference="wrappers.one")
    finally:
        process.close()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("import torch_of_nowhere\n", MissingModuleError, "needs the module torch_of_nowhere"),
        ("from torch_of_nowhere.sub import x\n", MissingModuleError, "needs the module torch_of_nowhere"),
        (
            "import ctypes\nctypes.CDLL('libnowhere_at_all.so.3')\n",
            MissingModuleError,
            r"needs the library libnowhere_at_all\.so\.3",
        ),
        ("from wrappers import tables\n", SourceError, "cannot be imported: ImportError"),
        ("import wrappers.tables\n", SourceError, "cannot be imported: ModuleNotFoundError"),
        ("x = (\n", SourceError, "cannot be imported: SyntaxError"),
        ("from rocverify.errors import ContractError\nraise ContractError('odd')\n", ContractError, "odd"),
    ],
)
def test_imports(root: Path, text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        load(root, text)


def test_calls(root: Path) -> None:
    foreign = ModuleNotFoundError("No module named 'torch_of_nowhere'", name="torch_of_nowhere")
    with pytest.raises(MissingModuleError):
        raise_outcome("wrappers.one:f", root, foreign, None, None)
    own = ModuleNotFoundError("No module named 'wrappers.tables'", name="wrappers.tables")
    with pytest.raises(SubjectError):
        raise_outcome("wrappers.one:f", root, own, None, None)


def test_a_time_limit_of_the_harness_is_no_fault(root: Path) -> None:
    fault = FaultReport(kind="stopped", kernel="k", message="not finished after 30 s, the time limit")
    with pytest.raises(LaunchTimeoutError, match="not finished after 30 s"):
        raise_outcome("wrappers.one:f", root, None, None, fault)
