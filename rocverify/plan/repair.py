"""Frontmatter that is not as the workflow documents it, made so: each change is a warning with its line.

Nothing that was asked for gets lost. A misspelled key is read as the one it is near to; an entry that cannot
be read as what it should be becomes a must-have that says so (`unread`), and is then unverified.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from rocverify.errors import PlanError
from rocverify.plan.frontmatter import Frontmatter, WrittenFloat, WrittenInt, dotted
from rocverify.plan.mending import quoted
from rocverify.plan.model import KeyPath
from rocverify.plan.schema import ArtifactModel, FrontmatterModel, KeyLinkModel, MustHavesModel

Values = dict[str, Any]
ListName = Literal["truths", "prohibitions", "artifacts", "key_links"]

_DECIDING = ("must_haves", "rocverify")
_LISTS: tuple[ListName, ...] = ("truths", "prohibitions", "artifacts", "key_links")
_STATEMENT = ("statement", "truth", "prohibition", "text", "description", "claim", "must_have")
_LINES = re.compile(
    r"\s*(?:[>=\u2265~\u2248]{1,2}|min\.?)?\s*(?P<number>[1-9]\d{0,6})\s*\+?\s*(?:lines?)?\s*", re.ASCII
)


def validate(front: Frontmatter) -> FrontmatterModel:
    """The frontmatter as a record, what is odd in it repaired with a warning.

    PlanError where a `rocverify:` entry is malformed, or a colon made a mapping of a sentence: the first
    would drop a check, of the second nobody knows what was meant.
    """
    values = _renamed(front, dict(front.values), (), _DECIDING)
    values["must_haves"] = _must_haves(front, values.get("must_haves"), _loose_lists(front, values))
    values["user_setup"] = [_user_setup(entry) for entry in _listed(values.get("user_setup"))]
    _drop_odd(front, values)
    try:
        return FrontmatterModel.model_validate(values)
    except ValidationError as error:
        faults = [_fault(front, e["loc"], e["type"], e["msg"]) for e in error.errors()]
        first, *rest = faults
        more = "".join(f"\n  {f.where}: {f.message}" for f in rest)
        raise PlanError(first.message + more, where=first.where, hint=first.hint) from None


def _drop_odd(front: Frontmatter, values: Values) -> None:
    """Leaves out the keys beside must_haves whose values are not what they should be."""
    rest = {key: value for key, value in values.items() if key not in _DECIDING}
    try:
        FrontmatterModel.model_validate(rest)
    except ValidationError as error:
        for fault in error.errors():
            key = fault["loc"][0]
            if values.pop(str(key), None) is not None:
                text = fault["msg"].removeprefix("Value error, ")
                front.warn(fault["loc"], f"{text}; it is not used")


def _loose_lists(front: Frontmatter, values: Values) -> Values:
    """The lists of must-haves that stand at the margin, where they belong to nothing, taken out."""
    found: Values = {}
    for name in [name for name in _LISTS if name in values]:
        front.warn((name,), "stands outside must_haves: read as of it", hint="indent it below must_haves:")
        _move(front, (name,), ("must_haves", name), 0)
        found[name] = values.pop(name)
    return found


def _must_haves(front: Frontmatter, value: Any, loose: Values) -> Values:
    """The four lists, each entry a mapping that its schema takes; those of `loose` go to the others."""
    here: KeyPath = ("must_haves",)
    if isinstance(value, list) or _text(value):
        front.warn(here, "is not a mapping: its entries are read as truths")
        value = {"truths": value}
    if value is not None and not isinstance(value, dict):
        front.warn(here, "is not a mapping of keys to values: not read")
        value = None
    given = _renamed(front, dict(value or {}), here, _LISTS)
    for name, items in loose.items():
        given[name] = [*_listed(items), *_listed(given.get(name))]
    for key in given.keys() - set(_LISTS):
        front.warn((*here, key), "is not a known key: not read", hint=f"the keys are: {', '.join(_LISTS)}")
    return {name: _entries(front, name, given.get(name)) for name in _LISTS}


def _entries(front: Frontmatter, name: ListName, value: Any) -> list[Values]:
    found = []
    for index, entry in enumerate(_listed(value)):
        here: KeyPath = ("must_haves", name, index)
        if entry is None or entry == {} or (isinstance(entry, str) and not entry.strip()):
            front.warn(here, "is empty: not read")
        else:
            read = _artifact if name == "artifacts" else _key_link if name == "key_links" else _statement
            found.append({**read(front, entry, here), "index": index})
    return found


def _statement(front: Frontmatter, entry: Any, here: KeyPath) -> Values:
    if text := _text(entry):
        return {"statement": text}
    if not isinstance(entry, dict):
        front.warn(here, "is not text: put it in quotes")
        return {"statement": _words(entry), "unread": "it is not text; put it in quotes"}
    key = next((key for key in _STATEMENT if _text(entry.get(key)).strip()), None)
    if key:
        rest = {k: v for k, v in entry.items() if k not in (key, "unread", "index")}
        return {**rest, "statement": _text(entry[key])}
    if len(entry) == 1:
        raise _colon(front, entry, here)
    front.warn(here, "has no statement", hint="write statement: and the sentence")
    return {"statement": _words(entry), "unread": "it has no statement"}


def _colon(front: Frontmatter, entry: Values, here: KeyPath) -> PlanError:
    """A sentence with a colon, which YAML takes for a mapping."""
    ((key, value),) = entry.items()
    source = front.source
    line = front.ref(*here).line
    written = source.text.split("\n")[line - 1]
    lead = re.match(r"\s*(?:-\s+)*", written)
    begin = lead.end() if lead else 0
    fault = front.error(here, f"must be text; the colon behind {key!r} makes a YAML mapping of it")
    column = f", column {begin + len(key) + 1}" if written[begin:].startswith(key) else ""
    sentence = written[begin:].strip() if column else f"{key}: {_words(value)}"
    hint = f"write the line as\n{written[:begin]}{quoted(sentence)}"
    return PlanError(f"{fault.message}{column}", where=fault.where, hint=hint)


def _artifact(front: Frontmatter, entry: Any, here: KeyPath) -> Values:
    text = _text(entry)
    if text and len(text.split()) > 2 and " or " not in text:
        front.warn(here, "is a sentence: not checked", hint="write path: FILE, and what is asked of it")
        return {"path": text, "unread": "it is a sentence, which names no path and what is asked of it"}
    if text:
        return {"path": text}
    if not isinstance(entry, dict):
        front.warn(here, "is not a mapping of keys to values: not checked")
        return {"path": _words(entry), "unread": "it is not a mapping of keys to values"}
    made = _known(front, entry, here, ArtifactModel)
    made["min_lines"] = _line_count(front, made.get("min_lines"), (*here, "min_lines"))
    made = _texts(front, made, here, lists=("exports",))
    if not (made.get("path") or "").strip():
        front.warn(here, "has no path: not checked", hint="write path: and the file")
        return {"path": _words(entry), "unread": "it has no path"}
    return made


def _key_link(front: Frontmatter, entry: Any, here: KeyPath) -> Values:
    text = _text(entry)
    if text:
        front.warn(here, "is a sentence: not checked", hint="write from:, to: and pattern:")
        return {"via": text, "unread": "it is a sentence, without from, to and pattern"}
    if not isinstance(entry, dict):
        front.warn(here, "is not a mapping of keys to values: not checked")
        return {"via": _words(entry), "unread": "it is not a mapping of keys to values"}
    made = _texts(front, _known(front, entry, here, KeyLinkModel), here)
    gone = [key for key in ("from", "to") if not (made.get(key) or "").strip()]
    if gone:
        front.warn(here, f"has no {' and no '.join(gone)}: not checked")
        made["unread"] = f"it has no {' and no '.join(gone)}"
    return made


def _known(front: Frontmatter, entry: Values, here: KeyPath, model: type[BaseModel]) -> Values:
    """The keys of an entry that its schema knows; the others are told of."""
    fields = model.model_fields.items()
    keys = [field.alias or name for name, field in fields if name not in ("unread", "index")]
    made = _renamed(front, dict(entry), here, keys)
    for key in sorted(made.keys() - set(keys)):
        if near := _near(key, keys):
            front.warn((*here, key), f"may be meant as {near}, which is there too: not checked")
            del made[key]
            made["unread"] = f"{key} may be meant as {near}, which is there too; keep one of them"
            continue
        front.warn((*here, key), "is not a known key: not read", hint=f"the keys are: {', '.join(keys)}")
        del made[key]
    return made


def _texts(front: Frontmatter, made: Values, here: KeyPath, lists: tuple[str, ...] = ()) -> Values:
    """The values as the texts that they should be: numbers as written, several joined by commas."""
    for key, value in list(made.items()):
        if key == "min_lines" or value is None:
            continue
        if key in ("contains", "not_contains", "pattern") and value == "":
            front.warn((*here, key), "is empty: not read")
            del made[key]
            continue
        if key in lists:
            made[key] = [text for item in _listed(value) if (text := _text(item) or _words(item))]
        else:
            made[key] = _text(value) or (_words(value) if value != "" else "")
            if made[key] and not _text(value):
                front.warn((*here, key), f"is not text: read as {made[key]!r}")
    return made


def _line_count(front: Frontmatter, value: Any, here: KeyPath) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return int(value)
    found = _LINES.fullmatch(_text(value) or "")
    read = int(found["number"]) if found else None
    how = f"read as {read}" if read else "not checked"
    front.warn(here, f"{_words(value)!r} is not a number of lines: {how}")
    return read


def _renamed(front: Frontmatter, values: Values, here: KeyPath, known: tuple[str, ...] | list[str]) -> Values:
    """The mapping, misspelled keys under the names they are near to: what they ask must not disappear. Where
    the right key is there too, lists are put together."""
    found: Values = {key: value for key, value in values.items() if key in known}
    for key, value in values.items():
        near = _near(key, known)
        if key in known or not near:
            found.setdefault(key, value)
            continue
        before = found.get(near)
        both = _together(before, value) if near in found else value
        if both is None:
            found[key] = value
            continue
        front.warn((*here, key), f"is not a known key: read as {near}")
        _move(front, (*here, key), (*here, near), len(before) if isinstance(before, list) else 0)
        found[near] = both
    return found


def _near(key: str, known: tuple[str, ...] | list[str]) -> str | None:
    folded = key.lower().replace("-", "_")
    return next(iter(difflib.get_close_matches(folded, known, n=1, cutoff=0.8)), None)


def _together(first: Any, second: Any) -> Any:
    """Two values of what should be one key; None for texts, of which nobody knows which is meant."""
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, dict) and isinstance(second, dict):
        parts = {key: _together(first.get(key), second.get(key)) for key in (*first, *second)}
        return None if any(v is None and (first.get(k) or second.get(k)) for k, v in parts.items()) else parts
    return (
        [*_listed(first), *_listed(second)] if isinstance(first, list) or isinstance(second, list) else None
    )


def _move(front: Frontmatter, path: KeyPath, there: KeyPath, first: int) -> None:
    """Has the lines of what is below a key known under another one, items of a list from `first` on."""
    for old, line in list(front.lines.items()):
        if old[: len(path)] == path:
            rest = old[len(path) :]
            if rest and isinstance(rest[0], int):
                rest = (rest[0] + first, *rest[1:])
            front.lines.setdefault((*there, *rest), line)


def _user_setup(entry: Any) -> Any:
    return {"service": entry} if _text(entry) else entry


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """A text or number as written; empty for anything else."""
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.raw
    return value if isinstance(value, str) else ""


def _words(value: Any) -> str:
    """Any value on one line, for a person to recognise it."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_words(item)}" for key, item in value.items()) or "{}"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "[]"
    return " ".join((_text(value) or str(value).lower()).split())


def _fault(front: Frontmatter, loc: KeyPath, kind: str, message: str) -> PlanError:
    text = message.removeprefix("Value error, ")
    if kind == "missing":
        return PlanError(f"{dotted(loc)}: is missing", where=str(front.ref(*loc)))
    if kind in ("model_type", "model_attributes_type"):
        text = "must be a mapping of keys to values"
    return front.error(loc, text)


assert set(_LISTS) == set(MustHavesModel.model_fields)
