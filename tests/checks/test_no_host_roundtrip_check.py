"""no_host_roundtrip on this repository's entry points, whole and sabotaged, on the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.errors import CompileError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

ROPE: dict[str, Any] = {"entry": "kernels.rope:apply_rope_device", "allow_uploads": ["cos", "sin"]}
QK: dict[str, Any] = {
    "entry": "kernels.position_embeddings:apply_position_embeddings_device",
    "allow_uploads": ["cos", "sin"],
    "forbid": ["to_host_vec"],
}
PATH = "kernels/rope.py"
CALL = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
SYNC = "        synchronize(stream)\n"
LAUNCH_START = "        rope_gpu_kernel(\n"
IMPORTS = "from kernels.runtime import device_pointer, launch, synchronize, uploaded\n"
DOWNLOAD = """\
def _buffer(tensor: Any) -> Any:
    return np.empty(int(np.prod(tensor.shape)) * (4 if tensor.dtype == "float32" else 2), np.uint8)


def _peek(tensor: Any, {kind}: Any = None) -> Any:
    data = _buffer(tensor)
    hip.hipMemcpy(data, tensor.ptr, data.nbytes, {to_host})
    return data


def _poke(tensor: Any, data: Any) -> None:
    hip.hipMemcpy(tensor.ptr, data, data.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)


"""


def add_helpers(rope: Project, to_host: str = "hip.hipMemcpyKind.hipMemcpyDeviceToHost") -> None:
    helpers = DOWNLOAD.format(kind="kind", to_host=to_host)
    rope.edit(PATH, IMPORTS, f"import numpy as np\nfrom rocm.bindings import hip\n\n{IMPORTS}")
    rope.edit(PATH, "def rope_gpu_kernel(", f"{helpers}def rope_gpu_kernel(")


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("params", [ROPE, QK, {"entry": "kernels.rope:rope_gpu_kernel"}])
def test_a_clean_path_passes(rope: Project, params: dict[str, Any]) -> None:
    outcome = rope.check("no_host_roundtrip", **params)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    traces = outcome.evidence["traces"]
    assert {t["dtype"] for t in traces} == {"float32", "float16", "bfloat16"}
    uploads = {e["what"] for t in traces for e in t["events"] if e.get("transfer") == "h2d"}
    assert uploads == set(params.get("allow_uploads", ()))


def test_uploads_that_the_plan_does_not_name_fail(rope: Project) -> None:
    outcome = rope.check("no_host_roundtrip", **{**ROPE, "allow_uploads": ["cos"]})
    assert "uploads sin" in outcome.message


def failing(rope: Project, **params: Any) -> str:
    outcome = rope.check("no_host_roundtrip", **{**ROPE, **params})
    assert outcome.verdict is CheckVerdict.FAILED
    return "\n".join(f.message for f in outcome.findings)


def test_a_download_and_upload_in_the_entry_fail(rope: Project) -> None:
    add_helpers(rope)
    rope.edit(PATH, SYNC, f"{SYNC}        _poke(tensor, _peek(tensor))\n")
    text = failing(rope)
    assert "_peek copies from the device to the host: hipMemcpy at kernels/rope.py:" in text
    assert "apply_rope_device → _peek (kernels/rope.py:" in text


@pytest.mark.long
def test_the_same_one_call_deeper_in_another_file_fails(rope: Project) -> None:
    rope.write(
        "kernels/debug.py",
        """\
        import numpy as np
        from rocm.bindings import hip

        def snapshot(tensor):
            return _fetch(tensor)

        def _fetch(tensor):
            data = np.empty(4, np.uint8)
            hip.hipMemcpyDtoH(data, tensor.ptr, 4)
            hip.hipMemcpyHtoD(tensor.ptr, data, 4)
        """,
    )
    rope.edit(PATH, IMPORTS, f"from kernels.debug import snapshot\n{IMPORTS}")
    rope.edit(PATH, SYNC, f"{SYNC}        snapshot(tensor)\n")
    text = failing(rope)
    assert "_fetch copies from the device to the host: hipMemcpyDtoH at kernels/debug.py:9" in text
    assert "snapshot (kernels/rope.py:" in text


def test_a_download_hidden_from_the_sources_is_seen_in_the_trace(rope: Project) -> None:
    """The function's name is put together at run time: only the trace can show the copy."""
    add_helpers(rope)
    rope.edit(
        PATH,
        SYNC,
        f"{SYNC}        data = _buffer(tensor)\n"
        "        getattr(hip, 'hipMem' + 'cpy' + 'DtoH')(data, tensor.ptr, data.nbytes)\n"
        "        getattr(hip, 'hipMem' + 'cpy' + 'HtoD')(tensor.ptr, data, data.nbytes)\n",
    )
    text = failing(rope)
    assert "copies 800 bytes of x from the device to the host after the last launch" in text
    assert "sends 800 bytes out again" in text
    assert "uploads 800 bytes into x, the result that lies on the device" in text


def test_a_copy_whose_direction_is_default_may_be_a_download(rope: Project) -> None:
    add_helpers(rope, to_host="hip.hipMemcpyKind.hipMemcpyDefault")
    rope.edit(PATH, SYNC, f"{SYNC}        _peek(tensor)\n")
    assert "in a direction that cannot be seen" in failing(rope)


def test_a_name_that_the_plan_forbids_fails(rope: Project) -> None:
    rope.edit(PATH, SYNC, f"{SYNC}        x.pull_back()\n")
    assert "pull_back" in failing(rope, forbid=["pull_back"])


def test_a_kernel_call_replaced_by_a_constant_fails(rope: Project) -> None:
    start = (rope.root / PATH).read_text().index(LAUNCH_START)
    text = (rope.root / PATH).read_text()
    end = text.index(SYNC)
    (rope.root / PATH).write_text(
        f"{text[:start]}        # rope_gpu_kernel(...)\n        return None\n{text[end:]}"
    )
    assert "apply_rope_device reaches no kernel launch in live code" in failing(rope)


@pytest.mark.long
def test_a_call_behind_a_return_fails(rope: Project) -> None:
    rope.edit(PATH, LAUNCH_START, f"        return None\n{LAUNCH_START}")
    assert "reaches no kernel launch" in failing(rope)


def test_an_entry_without_a_launch_proves_nothing(rope: Project) -> None:
    assert "there is no GPU path to examine" in failing(rope, entry="kernels.tables:angle_tables")


@pytest.mark.long
def test_a_wrapper_that_computes_in_numpy_and_uploads_fails(rope: Project) -> None:
    """The launch stays, so that the sources look right; the result is computed on the host."""
    add_helpers(rope)
    rope.edit(PATH, SYNC, f"{SYNC}        _poke(tensor, _buffer(tensor))\n")
    assert "uploads 800 bytes into x, the result that lies on the device" in failing(rope)


@pytest.mark.long
def test_a_result_that_is_copied_from_an_uploaded_buffer_fails(rope: Project) -> None:
    add_helpers(rope)
    rope.edit(
        PATH,
        SYNC,
        f"{SYNC}        data = _buffer(tensor)\n        err, other = hip.hipMalloc(data.nbytes)\n"
        "        hip.hipMemcpyHtoD(other, data, data.nbytes)\n"
        "        hip.hipMemcpyDtoD(tensor.ptr, other, data.nbytes)\n        hip.hipFree(other)\n",
    )
    assert "uploads 800 bytes that no launch takes as an argument" in failing(rope)


@pytest.mark.long
def test_a_result_that_changes_without_the_kernel_fails(rope: Project) -> None:
    """Device to device copies alone: the sources and the transfers are clean, the held-back run is not."""
    add_helpers(rope)
    rope.edit(PATH, SYNC, f"{SYNC}        hip.hipMemcpyDtoD(tensor.ptr, tensor.ptr + 4, 4)\n")
    assert "changes x even when no kernel runs" in failing(rope)


def test_a_fallback_that_swallows_a_failed_launch_fails(rope: Project) -> None:
    rope.edit(PATH, CALL, f"    try:\n    {CALL}    except Exception:\n        _on_the_cpu(x_ptr)\n")
    text = (rope.root / PATH).read_text()
    (rope.root / PATH).write_text(
        f"import numpy as np\n{text}\n\ndef _on_the_cpu(x):\n    return np.cos(1.0)\n"
    )
    found = failing(rope)
    assert "rope_gpu_kernel swallows a failed launch" in found
    assert "computes on the host" in found


def test_a_shape_that_goes_to_the_cpu_fails(rope: Project) -> None:
    rope.edit(PATH, LAUNCH_START, f"        if seq < 2:\n            return _small(tensor)\n{LAUNCH_START}")
    text = (rope.root / PATH).read_text()
    (rope.root / PATH).write_text(f"import numpy as np\n{text}\n\ndef _small(x):\n    return np.cos(1.0)\n")
    assert "returns without a launch, after computing on the host" in failing(rope)


def test_an_error_code_that_is_ignored_fails(rope: Project) -> None:
    add_helpers(rope)
    rope.edit(PATH, SYNC, f"{SYNC}        hip.hipFree(12345)\n")
    assert "hipFree returned" in failing(rope)


def test_device_memory_read_by_numpy_fails(rope: Project) -> None:
    add_helpers(rope)
    rope.edit(PATH, SYNC, f"{SYNC}        np.asarray(tensor)\n")
    assert "reads device memory on the host: asarray of tensor" in failing(rope)


@pytest.mark.long
def test_a_kernel_that_the_manifest_lacks_fails(rope: Project) -> None:
    manifest = rope.root / "kernels" / "kernels.toml"
    text = manifest.read_text()
    manifest.write_text(text[: text.index("[[kernel]]")] + text[text.rindex("[[kernel]]") :])
    assert "has no entry for kernels/rope.hip" in failing(rope)


@pytest.mark.long
def test_a_broken_kernel_is_a_compile_error(rope: Project) -> None:
    rope.edit("kernels/rope.hip", "head_dim / 2;", "head_dim /;")
    with pytest.raises(CompileError):
        rope.check("no_host_roundtrip", **ROPE)


def test_an_absent_entry_is_a_source_error(rope: Project) -> None:
    with pytest.raises(SourceError):
        rope.check("no_host_roundtrip", **{**ROPE, "entry": "kernels.rope:nope"})
