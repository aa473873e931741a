"""A project of another kind than this repository's, for binding: two sources, two host modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.binding import BoundMustHave, bind
from rocverify.plan import parse_plan
from rocverify.settings import Settings

FILES = {
    "kernels/kernels.toml": """
[[kernel]]
source = "kernels/row_softmax.hip"
symbols = ["row_softmax_kernel", "row_softmax_kernel_f16"]
env = "SOFTMAX_HSACO"

[[kernel]]
source = "kernels/causal_mask.hip"
symbols = ["causal_mask_kernel"]
env = "MASK_HSACO"
""",
    "kernels/row_softmax.hip": "",
    "kernels/causal_mask.hip": "",
    "kernels/unlisted.hip": "",
    "kernels/softmax.py": '''
"""Says row_softmax_gpu() in a docstring."""
def row_softmax_gpu(x): ...
def softmax_device(x): row_softmax_gpu(x)
class Pool:
    def reserve_rows(self): ...
''',
    "kernels/mask.py": """
def mask_gpu(x): ...
def mask_device(x): mask_gpu(x)
def helper_twice(): ...
""",
    "kernels/other.py": "def helper_twice(): ...\n",
    "kernels/broken.py": "def broken_one(:\n",
    "kernels/contracts/softmax.py": """
from rocverify.oracle.contract import *
raise SystemExit("contracts are not imported by binding")
SOURCE = "kernels/row_softmax.hip"
NAMES = {F32: "row_softmax_kernel", F16: "row_softmax_kernel_f16"}
class _Base:
    dims = Dims(rows=boundary(1, 4096), heads=choices(1, 2, 7), max_seq_len=(1, 4096))
@contract(source=SOURCE, symbol=NAMES, wrapper="kernels.softmax:row_softmax_gpu")
class RowSoftmax(_Base): ...
@contract(source=SOURCE, symbol=NAMES, wrapper="kernels.softmax:softmax_device")
class SoftmaxDevice(_Base): ...
""",
    "kernels/contracts/mask.py": """
@contract(source="kernels/causal_mask.hip", symbol="causal_mask_kernel", wrapper="kernels.mask:mask_device")
class MaskDevice:
    dims = Dims(seq=boundary(1, 64))
class NotDecorated: ...
""",
}

LINKS = """
  key_links:
    - {from: kernels/softmax.py, to: kernels/softmax.py, via: softmax_device() calls row_softmax_gpu()}
"""

Bind = Callable[..., tuple[BoundMustHave, ...]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def bind_front(project: Path) -> Bind:
    """Binds a plan with this frontmatter (and body) in the project."""

    def run(front: str, body: str = "") -> tuple[BoundMustHave, ...]:
        path = project / ".planning/phases/09-softmax/09-01-PLAN.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nphase: 09-softmax\nplan: 01\n{front}\n---\n{body}")
        return bind(parse_plan(path, project), Settings())

    return run


@pytest.fixture
def bind_truth(bind_front: Bind) -> Callable[..., BoundMustHave]:
    """Binds one truth; `links` is what follows the truths in must_haves."""

    def run(truth: str, links: str = "", body: str = "") -> BoundMustHave:
        quoted = truth.replace("'", "''")
        return bind_front(f"must_haves:\n  truths:\n    - '{quoted}'\n{links}", body)[0]

    return run


@pytest.fixture
def links() -> str:
    return LINKS
