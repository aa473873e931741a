"""The schema of a plan's frontmatter: what comes out of YAML goes through here, once.

At the top level unknown keys are kept (the workflow adds some of its own). Below `must_haves` they are
errors, since a misspelled `key_links` or `contains` would quietly drop what it asked for.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from rocverify.errors import PlanError
from rocverify.plan.frontmatter import Frontmatter, WrittenFloat, WrittenInt, dotted
from rocverify.plan.model import KeyPath


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


class ArtifactModel(_Strict):
    path: Path
    provides: Remark = ""
    contains: Text | None = None
    min_lines: int | None = Field(default=None, ge=1)
    exports: Sentences = []

    @model_validator(mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:
        if isinstance(value, str) and len(value.split()) > 2:
            raise ValueError("is a sentence; write path: FILE, and what is asked of it beside it")
        return {"path": value} if isinstance(value, str) else value


class KeyLinkModel(_Strict):
    from_path: Path = Field(alias="from")
    to_path: Path = Field(alias="to")
    via: Remark = ""
    pattern: Text | None = None


class MustHavesModel(_Strict):
    truths: Sentences = []
    artifacts: Annotated[list[ArtifactModel], BeforeValidator(_as_list)] = []
    key_links: Annotated[list[KeyLinkModel], BeforeValidator(_as_list)] = []


class ExplicitModel(BaseModel):
    """An entry of `rocverify:`; its other keys are the check's parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)

    proves: Annotated[list[Sentence], BeforeValidator(_as_list), Field(min_length=1)]
    check: Sentence


class UserSetupModel(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    service: Remark = ""
    why: Remark = ""

    @model_validator(mode="before")
    @classmethod
    def _bare_text(cls, value: Any) -> Any:
        return {"service": value} if isinstance(value, str) else value


class FrontmatterModel(BaseModel):
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


_DECIDING = ("must_haves", "rocverify")


def validate(front: Frontmatter) -> FrontmatterModel:
    """The frontmatter as a record; PlanError with key path and line of everything that is wrong."""
    _check_spelling(front)
    try:
        return FrontmatterModel.model_validate(front.values)
    except ValidationError as error:
        faults = [_fault(front, e["loc"], e["type"], e["msg"]) for e in error.errors()]
        first, *rest = faults
        more = "".join(f"\n  {f.where}: {f.message}" for f in rest)
        raise PlanError(first.message + more, where=first.where, hint=first.hint) from None


def _check_spelling(front: Frontmatter) -> None:
    """A misspelled top-level key must not make what decides the plan disappear."""
    for key in front.values:
        close = difflib.get_close_matches(key.lower().replace("-", "_"), _DECIDING, n=1, cutoff=0.8)
        if close and key not in _DECIDING:
            raise front.error((key,), "is not a key of a plan", hint=f"did you mean {close[0]}?")


def _fault(front: Frontmatter, loc: KeyPath, kind: str, message: str) -> PlanError:
    text = message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return front.error(loc, "is not a known key", hint=_known_keys(loc))
    if kind == "missing":
        return PlanError(f"{dotted(loc)}: is missing", where=str(front.ref(*loc)))
    if kind in ("model_type", "model_attributes_type"):
        text = "must be a mapping of keys to values"
    return front.error(loc, text)


def _known_keys(loc: KeyPath) -> str:
    models: dict[KeyPath, type[BaseModel]] = {
        ("must_haves",): MustHavesModel,
        ("must_haves", "artifacts"): ArtifactModel,
        ("must_haves", "key_links"): KeyLinkModel,
    }
    model = models[tuple(key for key in loc[:-1] if isinstance(key, str))]
    keys = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(loc[-1]), keys, n=1)
    return f"did you mean {close[0]}?" if close else f"the keys are: {', '.join(keys)}"
