"""Artifacts and key links bind to the checks that they themselves ask for; the project is only read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.binding import BoundMustHave
from rocverify.binding.calls import chains, parse_call
from rocverify.binding.project import Subject
from rocverify.binding.structural import exported_names
from rocverify.checks.registry import CHECKS
from rocverify.errors import ManifestError
from rocverify.settings import Settings

Bind = Callable[..., tuple[BoundMustHave, ...]]


def test_artifacts(bind_front: Bind) -> None:
    front = r"""must_haves:
  artifacts:
    - path: a.py
      contains: "f\\("
      min_lines: 3
      exports: [f, g]
    - path: b.py
      provides: something
"""
    full, bare = bind_front(front)
    assert dict(full.checks[0].params) == {
        "path": "a.py",
        "contains": r"f\(",
        "min_lines": 3,
        "exports": ["f", "g"],
    }
    assert dict(bare.checks[0].params) == {"path": "b.py"}
    assert "only has to exist" in bare.checks[0].why


def test_key_links(bind_front: Bind) -> None:
    front = """must_haves:
  key_links:
    - {from: a.py, to: b.py, pattern: "b_fn", via: imports it}
    - {from: a.py, to: b.py, via: a_fn() calls b.b_fn()}
    - {from: a.py, to: b.py, via: somehow}
"""
    pattern, call, nothing = bind_front(front)
    assert dict(pattern.checks[0].params) == {
        "from_path": "a.py",
        "to_path": "b.py",
        "via": "imports it",
        "pattern": "b_fn",
    }
    assert "a_fn() has to call b_fn()" in call.checks[0].why
    assert nothing.checks == ()
    assert "neither a pattern nor a via" in nothing.reason


def test_no_must_haves_bind_to_nothing(bind_front: Bind) -> None:
    assert bind_front("wave: 1") == ()


def test_parameters_pass_their_schema_again(bind_front: Bind) -> None:
    front = """must_haves:
  truths: ["Row softmax kernel is compiled and loaded", "softmax_device() matches the reference in bf16"]
"""
    specs = [spec for bound in bind_front(front) for spec in bound.checks]
    assert specs
    for spec in specs:
        CHECKS[spec.kind].params.model_validate(spec.params)


def test_the_subject_is_never_imported(bind_front: Bind) -> None:
    before = set(sys.modules)
    bind_front("must_haves:\n  truths: [Row softmax matches the reference]")
    assert not [name for name in set(sys.modules) - before if name.startswith("kernels")]


def test_what_the_project_has(project: Path) -> None:
    subject = Subject(project, Settings())
    assert [(k.source, k.in_manifest) for k in subject.kernels] == [
        ("kernels/row_softmax.hip", True),
        ("kernels/causal_mask.hip", True),
        ("kernels/unlisted.hip", False),
    ]
    assert [c.name for c in subject.contracts] == ["MaskDevice", "RowSoftmax", "SoftmaxDevice"]
    row = subject.contracts[1]
    assert row.symbols == ("row_softmax_kernel", "row_softmax_kernel_f16")
    assert row.wrapper == "kernels.softmax:row_softmax_gpu"
    assert row.dims == {"rows": (), "heads": (1, 2, 7), "max_seq_len": (1, 4096)}
    assert {f.ref: f.line for f in subject.functions}["kernels.softmax:Pool.reserve_rows"] == 6
    assert [f.ref for f in subject.named("reserve_rows")] == ["kernels.softmax:Pool.reserve_rows"]
    assert not [f for f in subject.functions if "contracts" in f.ref]


def test_a_malformed_manifest_is_an_error(bind_front: Bind, project: Path) -> None:
    (project / "kernels" / "kernels.toml").write_text("[[kernel]\n")
    with pytest.raises(ManifestError):
        bind_front("must_haves:\n  truths: [The row softmax kernel is compiled]")


def test_a_project_without_anything(tmp_path: Path) -> None:
    subject = Subject(tmp_path, Settings())
    assert (subject.kernels, subject.functions, subject.contracts) == ((), (), ())


@pytest.mark.parametrize(
    ("via", "call"),
    [
        ("f() calls g()", ("f", "g")),
        ("`m.f()` invokes `n.g()` twice", ("m.f", "n.g")),
        ("f_one delegates to g", ("f_one", "g")),
        ("f() calls g(), then h()", ("f", "g")),
        ("f() calls g() and moves on", ("f", "g")),
        ("f() calls g() or h()", None),
        ("f() calls g() not h()", None),
        ("f(q, k) must call g(q)", ("f", "g")),
        ("g() is called by f()", ("f", "g")),
        ("the g() call in `f`", ("f", "g")),
        ("f() uses g()", ("f", "g")),
        ("f() uses MAX_TILE", None),
        ("no g() is called in f()", None),
        ("f() does not call g()", None),
        ("tests call g()", None),
        ("helper calls g()", ("helper", "g")),
        ("calls g()", None),
        ("wrapper calls kernel", None),
        ("", None),
    ],
)
def test_calls_in_via(via: str, call: tuple[str, str] | None) -> None:
    assert parse_call(via) == call


def test_chains_end_even_in_circles() -> None:
    edges = {"a": ["b", "c"], "b": ["d"], "d": ["a", "e"]}
    assert list(chains(edges, "a")) == [("b", "d", "e"), ("c",)]
    assert list(chains({"a": ["a"]}, "a")) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rope", ("rope",)),
        ("rope()", ("rope",)),
        ("`rope`", ("rope",)),
        ("pub fn rope(q: &Q, k: &K) -> Q", ("rope",)),
        ("class RopeError(ValueError)", ("RopeError",)),
        ("Rope::new()", ("Rope::new",)),
        ("rope (function)", ("rope",)),
        ("rope, Rope", ("rope", "Rope")),
        ("rope: fn(x)", ("rope",)),
        ("the rope, as a whole", ("the rope, as a whole",)),
        ("kernel-name", ("kernel-name",)),
    ],
)
def test_the_names_that_exports_mean(text: str, names: tuple[str, ...]) -> None:
    assert exported_names(text) == names
