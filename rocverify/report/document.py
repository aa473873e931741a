"""A document with frontmatter and a generated block, brought up to date in what a person may have edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocverify.errors import UsageError
from rocverify.report import frontmatter
from rocverify.report.block import Block, content_digest, find_block, render_block, replace_block
from rocverify.store.files import write_if_changed


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be written. `digest` is of what matters: the same digest means nothing to write.

    `values` are the frontmatter: `owned` keys are always set, the rest is only suggested, and a change
    of `passing` ones alone (dates, durations) is no reason to write. `body` is rendered when needed.
    """

    title: str
    digest: str
    values: Mapping[str, Any]
    owned: frozenset[str]
    passing: frozenset[str]
    body: Callable[[], str]


def update(path: Path, name: str, document: Document) -> bool:
    """Brings the file up to date; False if it already was. `name` is its path in messages.

    Raises UsageError, having changed nothing, where the file cannot be read as UTF-8 text with
    paired markers and a readable frontmatter, or cannot be written.
    """
    try:
        existing = read_text(path, name)
        text = updated(existing, document, name)
        return write_if_changed(path, text)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=name) from None


def updated(existing: str | None, document: Document, name: str) -> str:
    """The new text of the file, given its old one (None if there is none)."""
    text = existing if existing is not None else ""
    found = find_block(text, name)
    attributes = found.attributes if found is not None else {}
    if found is not None and _stands(text, found, document, name):
        return text
    if not text.strip():
        text = f"# {document.title}\n"
    body = document.body()
    written = {"digest": document.digest, "content": content_digest(body)}
    suggested = frontmatter.fingerprints(document.values, document.owned)
    if suggested:
        written["suggested"] = suggested
    text = replace_block(text, render_block(body, written), name)
    return frontmatter.merge(text, document.values, document.owned, attributes.get("suggested", ""), name)


def _stands(text: str, found: Block, document: Document, name: str) -> bool:
    """Whether the file says what matters already, and nobody has edited what is generated."""
    if found.attributes.get("digest") != document.digest:
        return False
    if found.attributes.get("content") != content_digest(found.body(text)):
        return False
    lasting = {key: document.values[key] for key in document.owned - document.passing}
    return frontmatter.holds(text, lasting, name)


def read_text(path: Path, name: str) -> str | None:
    """The text of a document, None where there is none; UsageError where it is not UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"is not UTF-8 text ({error.reason} at byte {error.start}); the file was left as it is",
            where=name,
            hint="save it as UTF-8, or move it away",
        ) from None
