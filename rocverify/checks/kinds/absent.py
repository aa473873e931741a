"""absent: names or texts that must not be in the code of the files named, or in none of the project's.

The project's are its sources, what says how it is built or set up, its scripts and the code of its notebooks.
Comments and what no build has do not count; a marker of unfinished work (TODO) counts in comments too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, named
from rocverify.checks.support.matching import forbidden_finding
from rocverify.code.files import build_files, read_text, sources
from rocverify.code.languages import C_FAMILY, CUDA, PYTHON
from rocverify.code.masking import Mask, mask
from rocverify.code.search import SearchResult, search_word
from rocverify.code.targets import files_of, find_target, is_binary
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_SHOWN = 20
_NOTEBOOK = ".ipynb"
_LOOKED_AT = frozenset({*C_FAMILY, *CUDA, *PYTHON, ".rs", ".toml", ".sh", ".bash", _NOTEBOOK})


class AbsentParams(CheckParams):
    """`names`: identifiers, found as words, or other texts and regular expressions; `paths`: files, folders
    and globs relative to the root; where none is given, all sources, files of the build, scripts and
    notebooks of the project."""

    names: tuple[str, ...] = Field(min_length=1)
    paths: tuple[str, ...] = ()


class AbsentEvidence(Evidence):
    """What was looked for in how many files, and how often it was found."""

    names: list[str] = Field(default_factory=list)
    files: int | None = None
    found: int | None = None

    def lines(self) -> Iterator[str]:
        """What was looked for, in how many files, and how often it was found, as lines of a Markdown list."""
        if self.files is not None:
            yield f"- looked for {', '.join(map(named, self.names))} in {self.files} files"
        if self.found:
            yield f"- found {self.found} times"


def run(params: AbsentParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a path that is not there, RocverifyError where there is no file to look into."""
    files = _files(params, ctx)
    where = ", ".join(params.paths) or "the project's sources"
    if not files:
        raise RocverifyError(f"{where}: no source file to look into", hint="name paths that hold code")
    findings: list[Finding] = []
    for name in params.names:
        for path in files:
            results = _searched(path, name, ctx)
            findings += [finding for result in results if (finding := forbidden_finding(result))]
    evidence = AbsentEvidence(names=list(params.names), files=len(files))
    if findings:
        hint = "take it out, or correct the plan"
        evidence.found = len(findings)
        shown = tuple(findings[:_SHOWN])
        return Outcome.failed(findings[0].message, hint=hint, findings=shown, seen=evidence)
    number = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
    return Outcome.passed(f"{', '.join(params.names)}: in none of {number} of {where}", seen=evidence)


def _searched(path: str, name: str, ctx: CheckContext) -> list[SearchResult]:
    if path.endswith(_NOTEBOOK):
        cells = _code_of_notebook(path, ctx)
        if name.isidentifier():
            return [search_word(name, "", path, cells, cells.code)]
        return ctx.code.pattern(name).forbidden(path, cells, cells.code)
    return [ctx.code.search_word(path, name)] if name.isidentifier() else ctx.code.forbidden(path, name)


def _code_of_notebook(path: str, ctx: CheckContext) -> Mask:
    """The code of a notebook's cells. RocverifyError for a file that is no notebook."""
    key = ("notebook", path)
    if key not in ctx.memo:
        try:
            cells = json.loads(read_text(ctx.root, path))["cells"]
            parts = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
            text = "\n".join("".join(part) for part in parts)
        except (ValueError, KeyError, TypeError):
            raise RocverifyError("is not a notebook that can be read", where=path) from None
        ctx.memo[key] = mask(text, "cells.py")
    found: Mask = ctx.memo[key]
    return found


def _files(params: AbsentParams, ctx: CheckContext) -> list[str]:
    if not params.paths:
        found = {*sources(ctx.root, _LOOKED_AT), *build_files(ctx.root)}
        return [path for path in sorted(found) if not is_binary(ctx.root / path)]
    files: dict[str, None] = {}
    for path in params.paths:
        target = find_target(ctx.root, path)
        if target is None:
            raise RocverifyError(
                f"{path!r} is not a path", hint="name files, folders or globs relative to the root"
            )
        files |= dict.fromkeys(f for f in files_of(ctx.root, target) if not is_binary(ctx.root / f))
    return list(files)


CHECK = CheckKind("absent", AbsentParams, run, evidence=AbsentEvidence)
