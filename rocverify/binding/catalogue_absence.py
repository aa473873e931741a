"""Phrases that say what is gone from the code."""

from __future__ import annotations

import re

from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.phrases import Phrase, owning_row
from rocverify.binding.reading import Reading
from rocverify.code.written import is_written_as_code

_NAME = r"`?[A-Za-z_][\w.:]*!?`?(?:\(\s*\))?`?"
_NAMES = rf"(?P<names>{_NAME}(?:\s*(?:,\s*(?:and\s+|or\s+)?|\s(?:and|or)\s|/)\s*{_NAME})*)"
_SORTS = (
    r"(?:\s+(?:calls?|markers?|comments?|intrinsics?|instructions?|uses?|usages?|references?|constants?|imports?"
    r"|symbols?|functions?))?"
)
_PATH = r"`?(?P<path>[\w.-]*/[\w./*-]*|[\w.-]+\.[A-Za-z]\w*|\w+(?=\s+(?:folder|directory)))`?"
_IN = rf"(?:in|from|inside|within|under|anywhere\s+in)\s+(?:the\s+)?{_PATH}(?:\s+(?:folder|directory|file))?"

_MARKERS = frozenset({"todo", "fixme", "xxx", "hack", "tbd"})


def _absent(reading: Reading) -> Built:
    """The absent check; Undecided for words that are no names of the code."""
    text = reading.group("names")
    split = re.split(r"\s*(?:,\s*(?:and\s+|or\s+)?|\s(?:and|or)\s|/)\s*", text)
    names = [re.sub(r"\(\s*\)\Z", "", part.strip("`")).strip("`") for part in split if part.strip()]
    plain = [n for n in names if not is_written_as_code(reading.text, n) and n.lower() not in _MARKERS]
    if plain:
        return Undecided(f"{', '.join(plain)} may not be a name in the code; put names in backticks")
    path = reading.group("path")
    params = {
        "names": [name.upper() if name.lower() in _MARKERS else name for name in names],
        "paths": [path],
    }
    return (Draft("absent", params, f"{', '.join(names)} must be nowhere in the code of {path}"),)


def _undefined(reading: Reading) -> Built:
    """The defined check, for one function that a file defines no longer."""
    name, path = reading.group("name").rstrip(".:"), reading.group("path")
    params = {"names": [name], "path": path, "absent": True}
    return (Draft("defined", params, f"{path} must define {name} no longer"),)


ABSENCE: tuple[Phrase, ...] = (
    owning_row(
        "function-removed",
        "defined",
        "old_softmax() is removed from src/ops.rs",
        r"(?:\bfunction\s+)?`?(?P<name>[A-Za-z_][\w.:]*)`?\(\s*\)`?\s+(?:(?:is|was)\s+)?(?:fully\s+|completely\s+)?"
        rf"(?:removed|deleted|gone|dropped)\s+{_IN}",
        _undefined,
    ),
    owning_row(
        "none-remains",
        "absent",
        "No __shfl_down_f32 remains in kernels/",
        rf"\b(?:no|none\s+of(?:\s+(?:these|the))?(?:\s+named)?)\s+(?:(?:more|vendor|raw|direct|hard-?coded|CUDA|remaining|intrinsics?|constants?|calls?)\s+)*"
        rf"{_NAMES}{_SORTS}\s+"
        rf"(?:remains?|is\s+left|are\s+left|left|exists?)\s+{_IN}",
        _absent,
    ),
    owning_row(
        "has-none",
        "absent",
        "src/a.rs has no TODO markers",
        rf"{_PATH}\s+(?:has|contains|holds|uses)\s+no\s+(?:more\s+)?{_NAMES}{_SORTS}(?![\w-])",
        _absent,
    ),
    owning_row(
        "removed-from",
        "absent",
        "OLD_TILE and OLD_WIDTH are removed from src/ops.rs",
        rf"(?:\bfunction\s+)?{_NAMES}{_SORTS}\s+(?:(?:is|are|was|were)\s+)?(?:fully\s+|completely\s+)?"
        rf"(?:removed|deleted|gone|dropped)\s+{_IN}",
        _absent,
    ),
)
"""Every phrase about what is gone."""
