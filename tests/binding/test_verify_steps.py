"""Lines of `<verify>` that could not fail are told, with their line; the others are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.binding.verify_steps import VacuousStep, vacuous_steps
from rocverify.plan import parse_plan
from rocverify.runner.bound import bind_plan
from rocverify.runner.judgement import judge_run
from rocverify.settings import Settings

FILES = {
    "src/rope.rs": (
        "fn apply_rope_device(x: &T) {\n    to_host_vec(x);\n}\n#[test]\nfn test_rope_small() {}\n"
    ),
    "kernels/rope.py": "def apply(x):\n    copy_to_host(x)\n",
    "tests/test_rope.py": (
        "def test_rotation():\n    assert True\n\n\nclass TestTables:\n    def test_sizes(self): ...\n"
    ),
}


def steps(root: Path, line: str) -> tuple[VacuousStep, ...]:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    path = root / ".planning/phases/16-demo/16-01-PLAN.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '---\nphase: 16-demo\nplan: 01\nmust_haves:\n  truths: []\n---\n<tasks>\n<task type="auto">\n'
        f"  <name>One</name>\n  <verify>\n    It is right:\n    {line}\n  </verify>\n</task>\n</tasks>\n"
    )
    return vacuous_steps(parse_plan(path, root))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '! grep -A100 "pub fn apply_rope_device" src/rope.rs | grep to_host_vec',
            "'pub fn apply_rope_device' is not in src/rope.rs, so nothing is searched",
        ),
        ("! grep -n -A 20 'def missing' kernels/rope.py | grep -q copy_to_host", "'def missing' is not in"),
        ("1. ! grep x src/rope.rs", None),
        ("pytest tests/test_rope.py || true", "it ends in '|| true'"),
        ("cargo test rope ; true", "it ends in '; true'"),
        ("pytest tests/test_rope.py -k attention", "no test's name has 'attention'"),
        ("python -m pytest -k attention tests/test_rope.py", "no test's name has 'attention'"),
        ("cargo test attention_kernels", "has 'attention_kernels' in its name"),
        (
            "cargo test rope | tee log.txt",
            "status is that of 'tee', which succeeds whatever 'cargo' does",
        ),
        ("cd src && cargo test 2>&1 | tail -20", "its exit status is that of 'tail'"),
        ("./build.sh --all | head -n 5", "whatever './build.sh' does"),
        ("pytest tests/test_rope.py | tail -3 && make test | tail -3", "whatever 'make' does"),
        ("set -o pipefail; cargo test rope | tee log.txt", None),
        ("bash -o pipefail -c 'cargo test rope | tail'", None),
        ("cargo test rope | grep -q 'test result: ok'", None),
        ("cargo test rope | tee log.txt && grep -q ok log.txt", None),
        ("grep rope src/rope.rs && cargo test rope | tail -3", None),
        ("! grep absent src/rope.rs | head", None),
        ("pytest 'tests/a|tail.py'", None),
        ("pytest tests/test_rope.py -k rotation", None),
        ("pytest tests/test_rope.py -k 'rotation or nothing'", None),
        ("pytest tests/test_rope.py -k TestTables", None),
        ("cargo test rope_small --features rocm", None),
        ("cargo test --lib -- --nocapture", None),
        ('! grep -A100 "fn apply_rope_device" src/rope.rs | grep to_host_vec', None),
        (r'! grep -E "fn (apply|other)_rope" src/rope.rs | grep to_host_vec', None),
        (r'! grep "fn \(apply\|other\)_rope" src/rope.rs | grep to_host_vec', None),
        ("! grep -rn to_host_vec src/ | grep -v test", None),
        ("! grep nothing_there src/rope.rs", None),
        ('! grep "apply" src/absent.rs | grep to_host_vec', None),
        ("All kernels in build.rs, or true", None),
        ("grep rope build.rs && echo found", None),
        ('! grep "(" src/rope.rs | grep x', None),
        ("! grep 'unclosed src/rope.rs | grep x", None),
    ],
)
def test_lines(tmp_path: Path, line: str, said: str | None) -> None:
    found = steps(tmp_path, line)
    if said is None:
        assert found == ()
    else:
        (step,) = found
        assert said in step.reason
        assert (step.id, str(step.source)) == (
            "16-01/task1/verify1",
            ".planning/phases/16-demo/16-01-PLAN.md:12",
        )


def test_a_vacuous_line_is_a_gap_of_the_plan(tmp_path: Path) -> None:
    steps(tmp_path, "pytest tests/test_rope.py || true")
    path = tmp_path / ".planning/phases/16-demo/16-01-PLAN.md"
    run = judge_run(tmp_path, [bind_plan(path, tmp_path, Settings())], {})
    assert run.status == "gaps_found"
    assert [d.reason for d in run.demands] == [
        "vacuous (.planning/phases/16-demo/16-01-PLAN.md:12): it ends in '|| true', "
        "so it succeeds whatever happens"
    ]
