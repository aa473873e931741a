"""An attack, and the gallery: many attacks on one kernel, each a wrapper of its own, judged by one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.attacks.project import PHASE, WRAPPER, Ran, contract_text, manifest_text, plan_text

CHEATS = "cheats"
"""The kernel source that holds every wrong kernel of the gallery."""


@dataclass(frozen=True)
class Cheat:
    """One attack of the gallery.

    name: of its module, and what docs/cheats.md calls it. verdict: of its must-have, with `says` among the
    words. wrapper: the module, with the function `affine`. kernel: what it does, as the body of a kernel
    `<name>_kernel(x, shift, out, rows, cols)` with `i` the element. contract: replacements in the honest
    contract. text: what the truth says of it. missing: why it is not noticed yet.
    """

    name: str
    verdict: str
    says: tuple[str, ...] = ()
    wrapper: str | None = None
    kernel: str | None = None
    contract: Sequence[tuple[str, str]] = ()
    check: Mapping[str, Any] = field(default_factory=dict)
    long: bool = False
    text: str = "What {} returns agrees with the reference"
    missing: str = ""

    @property
    def symbol(self) -> str:
        return f"{self.name}_kernel" if self.kernel is not None else "affine_kernel"

    @property
    def source(self) -> str:
        return CHEATS if self.kernel is not None else "affine"

    def files(self) -> dict[str, str]:
        """The wrapper's module and the contract."""
        text = contract_text(self.name, self.symbol, self.source)
        for old, new in self.contract:
            assert old in text, old
            text = text.replace(old, new)
        return {f"kernels/{self.name}.py": self._wrapper(), f"kernels/contracts/{self.name}.py": text}

    def _wrapper(self) -> str:
        text = self.wrapper if self.wrapper is not None else WRAPPER
        if self.kernel is None:
            return text
        renamed = text.replace("affine_kernel", self.symbol)
        return renamed.replace(", rows, cols)\n", f', rows, cols, env="{CHEATS.upper()}_HSACO")\n')

    def truth(self) -> tuple[str, dict[str, Any]]:
        """The must-have and the check bound to it."""
        check = {"check": "correctness", "contract": f"kernels.contracts.{self.name}:Affine", **self.check}
        return self.text.format(self.name), check


_HEAD = "#include <hip/hip_runtime.h>\n"
_KERNEL = """
extern "C" __global__ void {symbol}(const float* x, const float* shift, float* out, unsigned rows,
                                    unsigned cols) {{
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  {body}
}}
"""


def gallery_files(cheats: Sequence[Cheat]) -> dict[str, str]:
    """The files of a project whose one plan has a truth for each cheat, in order."""
    bodies = {cheat.symbol: cheat.kernel for cheat in cheats if cheat.kernel is not None}
    symbols = {"affine": ["affine_kernel"], **({CHEATS: sorted(bodies)} if bodies else {})}
    kernels = "".join(_KERNEL.format(symbol=name, body=body) for name, body in bodies.items())
    files = {
        f"{PHASE}/01-01-PLAN.md": plan_text([cheat.truth() for cheat in cheats]),
        "kernels/kernels.toml": manifest_text(symbols),
        **({f"kernels/{CHEATS}.hip": _HEAD + kernels} if bodies else {}),
    }
    for cheat in cheats:
        files |= cheat.files()
    return files


def judged_as_said(cheat: Cheat, gallery: Sequence[Cheat], ran: Ran) -> None:
    """Asserts that the run of a gallery has judged one of its attacks as it says, with its words."""
    tail = f"T{gallery.index(cheat) + 1}"
    said = ran.said(tail)
    assert ran.verdict(tail) == cheat.verdict, said
    for words in cheat.says:
        assert words in said


def each(cheats: Sequence[Cheat]) -> pytest.MarkDecorator:
    """Parametrizes a test by `cheat`; what is not noticed yet is a strict xfail with its reason."""
    return pytest.mark.parametrize("cheat", [_param(cheat) for cheat in cheats])


def _param(cheat: Cheat) -> Any:
    marks = [pytest.mark.xfail(reason=cheat.missing, strict=True)] if cheat.missing else []
    return pytest.param(cheat, id=cheat.name, marks=marks)
