"""The schema of a plan's frontmatter: what comes out of YAML goes through here, once.

What the workflow writes otherwise than it documents (unknown keys, sentences where a path should be, odd
numbers) is read as far as it can be, with a warning: see `rocverify.plan.repair`. Only the project's own
`rocverify:` list is taken at its word, since a slip there would quietly drop a check.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rocverify.plan.frontmatter import WrittenFloat, WrittenInt


def _as_text(value: Any) -> Any:
    """Numbers as they were written; anything else that is no text is told so."""
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.raw
    if isinstance(value, dict):
        raise ValueError("must be text; a colon makes a YAML mapping of it, so put it in quotes")
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return value


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _collapsed(value: Any) -> Any:
    """A sentence on one line, however YAML folded it."""
    text = _as_text(value)
    return " ".join(text.split()) if isinstance(text, str) else text


def _or_empty(value: Any) -> Any:
    return "" if value is None else _collapsed(value)


Text = Annotated[str, BeforeValidator(_as_text)]
Sentence = Annotated[str, BeforeValidator(_collapsed), Field(min_length=1)]
Remark = Annotated[str, BeforeValidator(_or_empty)]
Path = Annotated[str, BeforeValidator(_collapsed), Field(min_length=1)]
Paths = Annotated[list[Path], BeforeValidator(_as_list)]
Sentences = Annotated[list[Sentence], BeforeValidator(_as_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StatementModel(BaseModel):
    """A truth or prohibition: a sentence, or a mapping with a `statement`; its other keys are kept.

    `unread`: why the entry could not be read as what it should be; empty for one that could. `index`: its
    place in the list, from 0.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    statement: Sentence
    unread: str = ""
    index: int = 0


class ArtifactModel(_Strict):
    """`unread` as for a statement: then `path` holds the entry's words."""

    path: Path
    provides: Remark = ""
    contains: Text | None = None
    not_contains: Text | None = None
    min_lines: int | None = Field(default=None, ge=1)
    exports: Sentences = []
    unread: str = ""
    index: int = 0


class KeyLinkModel(_Strict):
    """`unread` as for a statement: then `via` holds the entry's words."""

    from_path: Remark = Field(default="", alias="from")
    to_path: Remark = Field(default="", alias="to")
    via: Remark = ""
    pattern: Text | None = None
    unread: str = ""
    index: int = 0


class MustHavesModel(_Strict):
    """The plan's `must_haves`."""

    truths: Annotated[list[StatementModel], BeforeValidator(_as_list)] = []
    prohibitions: Annotated[list[StatementModel], BeforeValidator(_as_list)] = []
    artifacts: Annotated[list[ArtifactModel], BeforeValidator(_as_list)] = []
    key_links: Annotated[list[KeyLinkModel], BeforeValidator(_as_list)] = []


class ExplicitModel(BaseModel):
    """An entry of `rocverify:`; its other keys are the check's parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)

    proves: Annotated[list[Sentence], BeforeValidator(_as_list), Field(min_length=1)]
    check: Sentence


class UserSetupModel(BaseModel):
    """An entry of `user_setup`: a service that a person sets up, and why."""

    model_config = ConfigDict(extra="allow", frozen=True)

    service: Remark = ""
    why: Remark = ""


class FrontmatterModel(BaseModel):
    """The frontmatter of a PLAN.md. Unknown keys are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    phase: Text | None = None
    plan: Text | None = None
    type: Text = "execute"
    wave: int | None = Field(default=None, ge=0)
    depends_on: Sentences = []
    files_modified: Paths = []
    autonomous: bool = True
    gap_closure: bool = False
    requirements: Sentences = []
    user_setup: Annotated[list[UserSetupModel], BeforeValidator(_as_list)] = []
    must_haves: Annotated[MustHavesModel, BeforeValidator(lambda v: {} if v is None else v)] = (
        MustHavesModel()
    )
    rocverify: Annotated[list[ExplicitModel], BeforeValidator(lambda v: [] if v is None else v)] = []
