"""The example project that the package brings: two kernels with contracts, a host function, and a plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rocverify.scaffold.steps import State, Step, Writer

FOLDER = Path(__file__).parent / "example"
# What runs of a checkout's own example leave behind.
_OUTPUTS = frozenset({".rocverify", "reports", "__pycache__", ".venv"})
_DOCUMENTS = ("-SUMMARY.md", "-VERIFICATION.md")


def example_steps(writer: Writer) -> Iterator[Step]:
    """Writes the example below the writer's root. What is there is kept.

    Raises UsageError where a file cannot be written.
    """
    for path in sorted(FOLDER.rglob("*")):
        name = path.relative_to(FOLDER)
        if not path.is_file() or _OUTPUTS & set(name.parts) or name.name.endswith(_DOCUMENTS):
            continue
        step = writer.new(name.as_posix(), path.read_text(encoding="utf-8"))
        if step.state is State.WRITTEN and not writer.dry and path.suffix == ".sh":
            (writer.root / name).chmod(0o755)
        yield step
