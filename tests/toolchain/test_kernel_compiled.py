"""The check kernel_compiled on a temporary project: what passes, what fails and what it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.base import Outcome
from rocverify.checks.context import CheckContext
from rocverify.checks.kinds.kernel_compiled import CHECK, KernelCompiledParams
from rocverify.errors import ManifestError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
from tests.toolchain.support import BARE, Project

MANIFEST = f"""\
[defaults]
flags = {json.dumps(BARE)}

[[kernel]]
source = "kernels/k.hip"
symbols = ["fill"]
env = "K_HSACO"
"""


@pytest.fixture
def built_project(project: Project) -> Project:
    project.write("kernels/kernels.toml", MANIFEST)
    return project


def check(project: Project, **params: Any) -> Outcome:
    settings = Settings(compiler="clang-19", targets=("gfx1100",))
    context = CheckContext(project.root, settings, seed=1)
    return CHECK.run(KernelCompiledParams.model_validate({"source": "kernels/k.hip", **params}), context)


def test_passes_with_evidence(built_project: Project) -> None:
    outcome = check(built_project)
    assert outcome.verdict is CheckVerdict.PASSED
    assert outcome.message == "kernels/k.hip compiles for gfx1100; 1 kernel found: fill"
    assert outcome.evidence["manifest"] == "kernels/kernels.toml:4"
    evidence = outcome.evidence["targets"]["gfx1100"]
    source = (built_project.root / "kernels/k.hip").read_bytes()
    assert evidence["source_sha256"] == hashlib.sha256(source).hexdigest()
    (code_object,) = built_project.cache.glob("objects/*/*.co")
    assert evidence["code_object_sha256"] == hashlib.sha256(code_object.read_bytes()).hexdigest()
    assert evidence["compiler"] == built_project.toolchain.version
    assert evidence["command"].endswith("-c kernels/k.hip -o k.gfx1100.co")
    assert evidence["kernels"]["fill"]["wavefront_size"] == 32
    assert evidence["kernels"]["fill"]["vgprs"] > 0
    assert (evidence["kernels"]["fill"]["waves"], evidence["kernels"]["fill"]["limited_by"]) == (
        16.0,
        "nothing",
    )
    assert {"sgprs", "vgpr_spills", "sgpr_spills", "lds_bytes", "scratch_bytes"} <= set(
        evidence["kernels"]["fill"]
    )
    assert str(built_project.root) not in json.dumps(outcome.evidence)


def test_says_whether_a_compiler_ran(built_project: Project) -> None:
    runs = [check(built_project).evidence["targets"]["gfx1100"]["cached"] for _ in range(2)]
    assert runs == [False, True]


def test_every_target_is_compiled(built_project: Project) -> None:
    outcome = check(built_project, targets=["gfx1030", "gfx90a"])
    assert outcome.verdict is CheckVerdict.PASSED
    waves = {t: e["kernels"]["fill"]["wavefront_size"] for t, e in outcome.evidence["targets"].items()}
    assert waves == {"gfx1030": 32, "gfx90a": 64}


def test_manifests_targets_before_the_settings(built_project: Project) -> None:
    built_project.write("kernels/kernels.toml", MANIFEST + 'targets = ["gfx1201"]\n')
    assert list(check(built_project).evidence["targets"]) == ["gfx1201"]


def test_broken_source_fails_with_the_compilers_words(built_project: Project) -> None:
    built_project.write("kernels/k.hip", "#define VALUE __shfl_down_f32(1.0f, 1)\n\nint x\n")
    outcome = check(built_project)
    assert outcome.verdict is CheckVerdict.FAILED
    (finding,) = outcome.findings
    assert finding.location == "kernels/k.hip:3"
    assert "error: expected ';' after top level declarator" in finding.message
    assert "int x\n" in finding.message  # the source line, as the compiler shows it
    assert "1 error generated" in outcome.evidence["targets"]["gfx1100"]["log"]


def test_source_that_breaks_on_one_target_only(built_project: Project) -> None:
    source = (built_project.root / "kernels/k.hip").read_text()
    built_project.write("kernels/k.hip", "#ifdef __gfx90a__\n#error not here\n#endif\n" + source)
    outcome = check(built_project, targets=["gfx1100", "gfx90a"])
    assert outcome.verdict is CheckVerdict.FAILED
    assert [f.location for f in outcome.findings] == ["kernels/k.hip:2"]
    assert "code_object_sha256" in outcome.evidence["targets"]["gfx1100"]


def test_deleted_source_fails(built_project: Project) -> None:
    check(built_project)
    (built_project.root / "kernels/k.hip").unlink()
    outcome = check(built_project)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "kernels/k.hip does not exist" in outcome.message
    assert outcome.findings[0].location == "kernels/kernels.toml:4"


def test_kernel_taken_out_of_the_manifest_fails_and_says_what_to_add(built_project: Project) -> None:
    built_project.write("kernels/kernels.toml", "")
    outcome = check(built_project, symbols=["fill"])
    assert outcome.verdict is CheckVerdict.FAILED
    assert "not in the build manifest kernels/kernels.toml" in outcome.message
    assert outcome.hint == 'add [[kernel]] with source = "kernels/k.hip", symbols = ["fill"] and env'


def test_symbol_that_is_not_in_the_code_object_fails(built_project: Project) -> None:
    outcome = check(built_project, symbols=["fill", "fill_fast"])
    assert outcome.verdict is CheckVerdict.FAILED
    assert "has no kernel fill_fast; it has fill" in outcome.message
    assert [f.kernel for f in outcome.findings] == ["fill_fast"]


def test_symbols_of_the_manifest_are_the_default(built_project: Project) -> None:
    built_project.write("kernels/kernels.toml", MANIFEST.replace('["fill"]', '["fill", "listed"]'))
    assert "has no kernel listed" in check(built_project).message


def test_source_without_any_kernel_fails(built_project: Project) -> None:
    built_project.write("kernels/k.hip", "int nothing;\n")
    outcome = check(built_project)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "holds no kernel at all" in outcome.message


def test_too_much_lds_fails(built_project: Project) -> None:
    built_project.write(
        "kernels/k.hip",
        'extern "C" __attribute__((global)) void fill(float* x) {\n'
        "  static __attribute__((shared)) float t[33280];\n"
        "  t[__builtin_amdgcn_workitem_id_x()] = x[0];\n  __builtin_amdgcn_s_barrier();\n"
        "  x[0] = t[__builtin_amdgcn_workitem_id_x() ^ 1];\n}\n",
    )
    outcome = check(built_project)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "133120" in outcome.message
    assert "65536" in outcome.message


def test_malformed_manifest_is_not_a_verdict(built_project: Project) -> None:
    built_project.write("kernels/kernels.toml", "[[kernel]]\n")
    with pytest.raises(ManifestError):
        check(built_project)


def test_one_symbol_may_be_given_alone() -> None:
    params = KernelCompiledParams.model_validate({"source": "k.hip", "symbol": "a"})
    assert params.symbols == ("a",)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"source": ""},
        {"source": "k.hip", "symbols": []},
        {"source": "k.hip", "targets": []},
        {"source": "k.hip", "symbol": "a", "symbols": ["b"]},
        {"source": "k.hip", "symbol": 3},
        {"source": "k.hip", "kernel": "a"},
    ],
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KernelCompiledParams.model_validate(wrong)


def test_the_repositorys_own_kernels(repo_root: Path) -> None:
    settings = Settings(compiler="clang-19")
    outcome = CHECK.run(
        KernelCompiledParams(source="kernels/rope.hip"), CheckContext(repo_root, settings, seed=1)
    )
    assert outcome.verdict is CheckVerdict.PASSED
    assert "rope_kernel" in outcome.evidence["targets"]["gfx1100"]["kernels"]
