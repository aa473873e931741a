"""Right wrappers in many styles: none of them is accused, by any check that looks at wrappers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.attacks.project import PHASE, Ran, contract_text, manifest_text, plan_text, ran_once
from tests.styles.wrappers import KERNELS, STYLES, SYMBOLS, Style

pytestmark = pytest.mark.long


def contract_of(style: Style) -> str:
    symbol = style.symbols[0]
    text = contract_text(style.name, symbol, "affine")
    text = text.replace(f'wrapper="kernels.{style.name}:affine"', f'wrapper="{style.reference}"')
    for old, new in style.contract:
        assert old in text, (style.name, old)
        text = text.replace(old, new)
    text = text.replace("F32, Dims, In, Out,", "F32, Dims, In, InOut, Out,")
    if style.second:
        tall = text[text.index("@contract") :].replace("class Affine:", "class AffineTall:")
        text += "\n\n" + tall.replace("rows=boundary(1, 300)", "rows=boundary(301, 700)")
    return text


def truths_of(style: Style) -> list[tuple[str, dict[str, Any]]]:
    """A truth for each check, its words those of the catalogue's examples."""
    contract = f"kernels.contracts.{style.name}:Affine"
    about = {"contract": contract, "entry": style.reference}
    launched = {
        "wrapper": style.reference,
        "source": "kernels/affine.hip",
        "symbol": style.symbols[0],
        "contract": contract,
    }
    found = [
        (f"{style.name} agrees with the reference", {"check": "correctness", "contract": contract}),
        (f"{style.name} launches what it wraps", {"check": "wrapper_present", **launched}),
        (
            f"{style.name} copies nothing back",
            {"check": "no_host_roundtrip", **about, "allow_uploads": [*style.uploads]},
        ),
        (
            f"{style.name} has no way around its kernels",
            {"check": "backend_selected", **about, "kernels": [*style.symbols]},
        ),
    ]
    found += [
        (
            f"{style.name} launches what else it wraps",
            {"check": "wrapper_present", **launched, "symbol": symbol},
        )
        for symbol in style.symbols[1:]
    ]
    if style.second:
        second = {"check": "correctness", "contract": f"{contract}Tall"}
        found.append((f"{style.name} agrees with the reference when tall", second))
    return found


def files_of(styles: tuple[Style, ...]) -> dict[str, str]:
    files = {
        "kernels/affine.hip": KERNELS,
        "kernels/kernels.toml": manifest_text({"affine": list(SYMBOLS)}),
        f"{PHASE}/01-01-PLAN.md": plan_text([truth for style in styles for truth in truths_of(style)]),
        "rocverify.toml": 'host_globs = ["kernels/**/*.py", "src/**/*.py"]\n',
    }
    for style in styles:
        files[f"kernels/contracts/{style.name}.py"] = contract_of(style)
        files |= style.files or {f"kernels/{style.name}.py": style.text}
    return files


@pytest.fixture(scope="session")
def ran(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run of all styles, shared by the workers of a session."""
    return ran_once(tmp_path_factory.getbasetemp(), kept, "styles", files_of(STYLES))


FIRST = {style.name: 1 + sum(len(truths_of(s)) for s in STYLES[:n]) for n, style in enumerate(STYLES)}


def test_there_are_enough() -> None:
    assert len(STYLES) >= 25


@pytest.mark.parametrize("style", STYLES, ids=lambda style: str(style.name))
def test_style(ran: Ran, style: Style) -> None:
    for offset, (text, _) in enumerate(truths_of(style)):
        tail = f"T{FIRST[style.name] + offset}"
        assert ran.must_have(tail)["text"] == text
        unseen = style.opaque and text.endswith("copies nothing back")
        assert ran.verdict(tail) == ("unverified" if unseen else "verified"), ran.said(tail)
