"""Entries added to the `rocverify:` lists of plans that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rocverify.errors import UsageError
from rocverify.plan.insertion import entry_lines, with_entries
from rocverify.scaffold.steps import State, Step, Writer
from rocverify.store.files import write_if_changed
from rocverify.store.gate import place


def add_entries(writer: Writer, entries: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Step]:
    """Adds to plans, by path; all texts are made before the first is written. Raises PlanError where a list
    cannot be added to, UsageError where a plan cannot be written."""
    texts = {name: with_entries(writer.root / name, writer.root, added) for name, added in entries.items()}
    for name, text in texts.items():
        path = place(writer.root, name)
        try:
            if not writer.dry:
                write_if_changed(path, text)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror or error}", where=name) from None
        number = len(entries[name])
        lines = "".join(entry_lines(entry, "  ") for entry in entries[name])
        yield Step(name, State.ADDED, f"{number} {'entry' if number == 1 else 'entries'}", lines)
