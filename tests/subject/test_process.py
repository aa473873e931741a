"""Code under verification that ends, hangs, floods or lies: what the judge says, and that it goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.errors import ContractError, RocverifyError, SourceError, SubjectError, UsageError
from rocverify.oracle.contract import F32, ContractSpec
from rocverify.oracle.inputs import Kind, draw_inputs
from rocverify.subject import process as processes
from rocverify.subject.contracts import remote_contract
from rocverify.subject.process import HostProcess

CONTRACT = """
from rocverify.oracle.contract import F32, Dims, In, Out, contract
{head}

@contract(source="k.hip", symbol="k", wrapper="kernels.wrapper:run")
class C:
    x = In("n", F32)
    y = Out("n", F32)
    dims = Dims(n=(4,))

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.y, dims.n)

    def reference(self, x):
        {reference}
{more}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "__init__.py").touch()
    return tmp_path


@pytest.fixture
def process(root: Path) -> Iterator[HostProcess]:
    made = HostProcess(root, device=False, timeout_s=20)
    yield made
    made.close()


def enter(process: HostProcess, root: Path, body: str, **arguments: Any) -> Any:
    """Calls a function with this body."""
    names = ", ".join(arguments)
    (root / "kernels" / "wrapper.py").write_text(f"import os, sys\n\n\ndef run({names}):\n    {body}\n")
    return process.ask(
        "enter", about="kernels.wrapper:run", reference="kernels.wrapper:run", arguments=arguments
    )


def spec_of(
    process: HostProcess, root: Path, *, reference: str = "return x", more: str = "", head: str = ""
) -> ContractSpec:
    text = CONTRACT.format(reference=reference, more=more, head=head)
    (root / "kernels" / "contract.py").write_text(text)
    return remote_contract(process, "kernels.contract:C")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os._exit(0)", "ended its process with exit code 0"),
        ("os._exit(3)", "ended its process with exit code 3"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("import ctypes; ctypes.string_at(8)", "was ended by SIGSEGV"),
        ("print('last words', flush=True); os._exit(1)", "its last words: last words"),
        ("os.closerange(3, 100); import time; time.sleep(60)", "closed its connection"),
    ],
)
def test_a_call_that_ends_its_process_is_told_and_the_next_one_has_another(
    process: HostProcess, root: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    monkeypatch.setattr(processes, "_END_S", 0.3)
    with pytest.raises(SubjectError, match=words) as caught:
        enter(process, root, body)
    assert caught.value.kind == "ProcessEnded"
    assert caught.value.where == "kernels.wrapper:run"
    assert enter(process, root, "return") is None


def test_an_exception_and_sys_exit_are_told_with_class_and_line(process: HostProcess, root: Path) -> None:
    with pytest.raises(SubjectError, match="raised KeyError: 'cols'") as caught:
        enter(process, root, "raise KeyError('cols')")
    assert (caught.value.kind, caught.value.where) == ("KeyError", "kernels/wrapper.py:5")
    with pytest.raises(SubjectError, match="raised SystemExit") as caught:
        enter(process, root, "sys.exit()")
    assert caught.value.kind == "SystemExit"


def test_a_call_that_hangs_is_undecided(root: Path) -> None:
    process = HostProcess(root, device=False, timeout_s=1)
    with pytest.raises(RocverifyError, match=r"did not return within 1 s") as caught:
        enter(process, root, "import time; time.sleep(60)")
    assert not isinstance(caught.value, SubjectError)
    process.timeout_s = 20
    assert enter(process, root, "return") is None
    process.close()


def test_a_flood_of_output_ends_the_call(
    process: HostProcess, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "MOST_OUTPUT", 1 << 20)
    with pytest.raises(SubjectError, match="wrote more than 1 MiB to its standard output"):
        enter(process, root, "while True: os.write(1, b'spam ' * 1000)")
    assert len(capsys.readouterr().out) <= processes._SHOWN_OUTPUT
    assert enter(process, root, "print('seen')") is None


IS_SOCKET = """


def _is_socket(fd):
    import stat
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
"""


def test_an_answer_in_the_host_codes_name_is_refused(process: HostProcess, root: Path) -> None:
    with pytest.raises(SubjectError, match="wrote into the judge's connection"):
        enter(process, root, f"[os.write(n, b'x' * 64) for n in range(3, 99) if _is_socket(n)]{IS_SOCKET}")


SEEN = "found = %s\n    assert not found, found"


@pytest.mark.parametrize(
    "found",
    [
        "[name for name in sys.modules if name.partition('.')[0] == 'rocverify']",
        "[name for name in os.environ if name.startswith('ROCVERIFY')]",
        "[f for f in _frames(sys._getframe()) if 'rocverify' in f]",
        "[a for a in sys.argv + sys.orig_argv if 'rocverify' in a]",
        "[os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if fd.isdigit() and "
        "os.path.exists(f'/proc/self/fd/{fd}') and 'rocverify' in os.readlink(f'/proc/self/fd/{fd}')]",
    ],
)
def test_nothing_tells_that_it_is_verified(
    process: HostProcess, root: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setenv("ROCVERIFY_DEVICE", "emulator")
    spec_of(process, root)
    frames = "\n\n\ndef _frames(frame):\n    while frame:\n        yield frame.f_code.co_filename\n"
    enter(process, root, SEEN % found + frames + "        frame = frame.f_back\n")


def test_the_judge_cannot_be_imported(process: HostProcess, root: Path) -> None:
    for module in ("rocverify.oracle.judge", "rocverify.checks", "rocverify.runner", "rocverify.subject"):
        with pytest.raises(SubjectError, match="belongs to the judge"):
            enter(process, root, f"import {module}")


def test_a_module_that_replaces_functions_of_rocverify_replaces_none_of_the_judges(
    process: HostProcess, root: Path
) -> None:
    before = ContractSpec.canonical
    head = "from rocverify.oracle import contract as c\nc.ContractSpec.canonical = lambda *a: {}\n"
    spec = spec_of(process, root, head=head)
    assert ContractSpec.canonical is before
    array = np.ones(4, np.float32)
    assert spec.canonical({}, {"y": array}, {"n": 4})["y"] is array


def test_references_compute_where_no_output_and_no_device_is(process: HostProcess, root: Path) -> None:
    more = "    def magnitude(self, x):\n        import os\n        return x * 0 + os.getpid()\n"
    spec = spec_of(process, root, reference="return 2 * x", more=more)
    x = np.arange(4.0)
    np.testing.assert_array_equal(spec.reference({"x": x}, {"n": 4})["y"], 2 * x)
    exact, _, magnitude, overflowed = spec.references({"x": x}, {"x": x}, {"n": 4}, F32)
    np.testing.assert_array_equal(exact["y"], 2 * x)
    assert not overflowed
    stored = {"x": np.full(4, 3e38, np.float32)}
    assert spec.references({"x": x}, stored, {"n": 4}, F32)[3]
    assert magnitude is not None
    assert magnitude["y"][0] == process.pid != os.getpid()


def test_mistakes_are_computed_when_they_are_asked_for(process: HostProcess, root: Path) -> None:
    more = "    def wrong(self, x):\n        return {'late': lambda: x + 1, 'early': x + 2}\n"
    mistakes = spec_of(process, root, more=more).wrong({"x": np.zeros(4)}, {"n": 4})
    assert {name: compute()["y"][0] for name, compute in mistakes.items()} == {"late": 1, "early": 2}


def test_inputs_go_on_from_where_prepare_left_the_generator(process: HostProcess, root: Path) -> None:
    more = "    def prepare(self, rng):\n        return {'x': rng.random(4)}\n"
    spec = spec_of(process, root, more=more)
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    np.testing.assert_array_equal(spec.prepare(rng, {"n": 4}, spec.dtypes[0], "plain")["x"], same.random(4))
    assert rng.random() == same.random()
    assert draw_inputs(spec, {"n": 4}, spec.dtypes[0], Kind.PLAIN, 1)["x"].dtype == np.float32


CANONICAL = "    def canonical(self, x, y):\n        {}\n"


def test_canonical_sees_one_result_at_a_time(process: HostProcess, root: Path) -> None:
    body = "kept.append(y)\n        return kept[0]"
    spec = spec_of(process, root, more=CANONICAL.format(body), head="kept = []")
    for value in (1, 2):
        y = np.full(4, value, np.float32)
        found = spec.canonical({"x": y}, {"y": y}, {"n": 4})
        np.testing.assert_array_equal(found["y"], y)


def test_canonical_must_give_the_same_again(process: HostProcess, root: Path) -> None:
    spec = spec_of(process, root, more=CANONICAL.format("import os; return y + os.getpid()"))
    y = np.zeros(4)
    with pytest.raises(ContractError, match="another result for the same arrays"):
        spec.canonical({"x": y}, {"y": y}, {"n": 4})


@pytest.mark.parametrize("body", ["return 1 / 0", "import os; os._exit(0)"])
def test_a_contract_whose_method_fails_is_in_error(process: HostProcess, root: Path, body: str) -> None:
    spec = spec_of(process, root, reference=body, more=CANONICAL.format(body))
    y = np.zeros(4)
    with pytest.raises(ContractError, match=r"reference\(\)"):
        spec.reference({"x": y}, {"n": 4})
    spec = spec_of(process, root, reference=body, more=CANONICAL.format(body))
    with pytest.raises(ContractError, match=r"canonical\(\)"):
        spec.canonical({"x": y}, {"y": y}, {"n": 4})


def test_what_is_no_contract_or_not_there_is_named(process: HostProcess, root: Path) -> None:
    (root / "kernels" / "contract.py").write_text("class C: pass\n")
    with pytest.raises(ContractError, match="is not a kernel contract"):
        remote_contract(process, "kernels.contract:C")
    with pytest.raises(SourceError, match="does not exist"):
        remote_contract(process, "kernels.contract:D")
    with pytest.raises(UsageError, match="names no Python object"):
        remote_contract(process, "kernels/contract")
    (root / "kernels" / "contract.py").write_text("raise ValueError('x')\n")
    with pytest.raises(SourceError, match="cannot be imported: ValueError: x"):
        remote_contract(process, "kernels.contract:C")


def test_a_contract_is_loaded_as_it_stands_now(process: HostProcess, root: Path) -> None:
    x = np.ones(4)
    for factor in (2, 3):
        spec = spec_of(process, root, reference=f"return {factor} * x  # {'-' * factor}")
        assert spec.reference({"x": x}, {"n": 4})["y"][0] == factor
