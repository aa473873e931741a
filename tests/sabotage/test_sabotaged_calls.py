"""Sabotage of the calls: kernels that are named, but not launched."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import CALL, LAUNCH, LAYER, ROPE, TABLES, commented
from tests.sabotage.sabotage import TEXTS, At, Delete, Edit, Sabotage, check, every

SABOTAGES = (
    Sabotage(
        "the call to the kernel is commented out and a constant returned",
        (Edit(ROPE, CALL, f"{commented(CALL)}        return 0\n"),),
        failed={
            "16-01/T1": "wrapper_present.3",
            "16-01/T2": "no_host_roundtrip*2",
            "16-01/T3": "documented.2",
            "16-01/L4": "key_link",
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness.3",
        },
        says={
            "16-01/T1/wrapper_present.3": (
                "apply_rope_device reaches no launch",
                At(ROPE, "def apply_rope_device("),
                "must launch rope_kernel of kernels/rope.hip",
            ),
            "16-01/T2/no_host_roundtrip": (
                "apply_rope_device reaches no kernel launch in live code",
                At(ROPE, "def apply_rope_device("),
            ),
            "16-01/T2/no_host_roundtrip.2": (
                "returns without a launch, after computing on the host",
                At(LAYER, "        apply_rope_device("),
            ),
            "16-01/L4/key_link": (
                "only comments or docstrings",
                At(ROPE, "# rope_gpu_kernel("),
                "make the link in live code",
            ),
            "16-02/T2/correctness": (
                "rope_kernel was not launched (launched: nothing)",
                "still what was there before the launch",
            ),
        },
    ),
    Sabotage(
        "the launch is commented out and a constant returned",
        (Edit(ROPE, LAUNCH, f"    # {LAUNCH.strip()}\n    return 0\n"),),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip*2",
            "16-01/T3": "documented",
            "16-01/L3": "key_link",
        },
        says={
            "16-01/T1/wrapper_present": (
                "rope_gpu_kernel reaches no launch",
                At(ROPE, "def rope_gpu_kernel("),
            ),
            "16-01/L3/key_link": (
                "rope_gpu_kernel does not call launch",
                "only in a comment",
                At(ROPE, "# launch("),
            ),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "the kernel's name stands only in a docstring",
        (
            Edit(ROPE, CALL, "        synchronize(stream)\n"),
            Edit(ROPE, "by the angles of its tokens' positions.", "by rope_gpu_kernel(x, cos, sin)."),
        ),
        failed={"16-01/T3": "documented*2", "16-01/L4": "key_link"},
        says={
            "16-01/T3/documented.2": (
                "rope_gpu_kernel is not on the call path from apply_position_embeddings_device",
            ),
            "16-01/L4/key_link": (
                "apply_rope_device does not call rope_gpu_kernel",
                "comment or docstring",
                At(ROPE, "by rope_gpu_kernel(x"),
            ),
        },
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "the name of the other path stands only in the docstring of the layer",
        (
            Edit(
                LAYER,
                """\
        apply_rope_device(
            q, positions, max_seq_len=max_seq_len, theta=theta, interleaved=interleaved, stream=stream
        )
        return
""",
                "        return\n",
            ),
            Edit(LAYER, "those of `apply_rope_device`,", "those of `apply_rope_device(q, positions)`,"),
        ),
        failed={"16-01/T3": "documented.2", "16-01/L6": "key_link"},
        says={
            "16-01/L6/key_link": (
                "does not call apply_rope_device",
                At(LAYER, "`apply_rope_device(q, positions)`"),
            ),
            "16-01/T3/documented.2": ("apply_rope_device is not on the call path",),
        },
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "the launch stands under if False",
        (Edit(ROPE, LAUNCH, f"    if False:\n    {LAUNCH}"),),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip*2",
            "16-01/T3": "documented",
            "16-01/L3": "key_link",
        },
        says={
            "16-01/T1/wrapper_present": ("rope_gpu_kernel reaches no launch: no live call",),
            "16-01/L3/key_link": ("can never run", At(ROPE, "        launch(CODE_OBJECT")),
        },
        run="plan 16-01",
        fast=True,
    ),
    Sabotage(
        "the launch depends on the environment",
        (
            Edit(ROPE, "import ctypes\n", "import ctypes\nimport os\n"),
            Edit(ROPE, LAUNCH, f'    if os.environ.get("ROPE_ON_GPU"):\n    {LAUNCH}'),
        ),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip",
        },
        says={
            "16-01/T1/wrapper_present": (
                "kernels.rope:rope_gpu_kernel launched no kernel, rope_kernel was expected",
                At(ROPE, "def rope_gpu_kernel("),
            ),
            "16-01/T2/no_host_roundtrip": ("kernels.rope:apply_rope_device launched no kernel at all",),
        },
        run="plan 16-01",
    ),
    Sabotage(
        "not implemented",
        (Edit(ROPE, LAUNCH, '    raise NotImplementedError("todo")\n'),),
        failed={
            "16-01/T1": "wrapper_present*3",
            "16-01/T2": "no_host_roundtrip*2",
            "16-01/T3": "documented",
            "16-01/L3": "key_link",
        },
        says={"16-01/T1/wrapper_present": ("rope_gpu_kernel reaches no launch",)},
        run="plan 16-01",
    ),
    Sabotage(
        "a syntax error in the wrapper",
        (Edit(ROPE, "    arguments = (\n", "    arguments = ((\n"),),
        failed={
            "16-01/T1": "wrapper_present*6",
            "16-01/T3": "documented*2",
            "16-01/A4": "artifact",
            "16-01/L3": "key_link",
            "16-01/L4": "key_link",
            "16-01/L6": "key_link",
            "16-02/T1": "correctness*2",
            "16-02/T2": "correctness*2",
            "16-02/T3": "correctness*6",
            "16-02/L3": "key_link",
        },
        undecided=("16-01/T2",),
        says={
            "16-01/T1/wrapper_present": (
                "is not valid Python: '(' was never closed",
                At(ROPE, "arguments = (("),
            ),
            "16-02/T1/correctness": ("cannot be imported: SyntaxError", At(ROPE, "arguments = ((")),
        },
    ),
    Sabotage(
        "the wrapper's file is deleted",
        (Delete(LAYER),),
        failed={
            "16-01/T1": "wrapper_present.4 wrapper_present.5 wrapper_present.6",
            "16-01/T3": "documented*2",
            "16-01/A5": "artifact",
            "16-01/L5": "key_link",
            "16-01/L6": "key_link",
            "16-02/T1": "correctness.2",
            "16-02/T2": "correctness.2",
            "16-02/T3": "correctness.4 correctness.5 correctness.6",
            "16-02/L4": "key_link",
        },
        undecided=("16-01/T2",),
        says={
            "16-01/A5/artifact": ("kernels/position_embeddings.py: does not exist",),
            "16-01/T1/wrapper_present.4": (
                "there is no module kernels.position_embeddings",
                "expected kernels/position_embeddings.py",
            ),
        },
    ),
    Sabotage(
        "a step of the documented flow is renamed",
        (
            Edit(TABLES, "def angle_tables(", "def rotation_tables("),
            Edit(ROPE, "import angle_tables, checked", "import checked"),
            Edit(ROPE, "checked_positions\n", "checked_positions, rotation_tables\n"),
            Edit(ROPE, "cos, sin = angle_tables(", "cos, sin = rotation_tables("),
            Edit(
                LAYER, "import angle_tables, checked_positions", "import checked_positions, rotation_tables"
            ),
            Edit(LAYER, "cos, sin = angle_tables(", "cos, sin = rotation_tables("),
        ),
        failed={"16-01/T3": "documented*2"},
        says={
            "16-01/T3/documented": (
                "angle_tables does not exist",
                At(LAYER, "def apply_position_embeddings_device("),
            )
        },
        run="plan 16-01",
        options=TEXTS,
    ),
)


@every(SABOTAGES)
def test_sabotaged_calls(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
