"""constant_value: a constant has its value wherever it is.

Of C++ and HIP as the compiler evaluates it, of Python and Rust where it is a literal.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.code.files import existing_file
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.targets import files_of, find_target
from rocverify.errors import ManifestError, RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_RUST_NUMBER = re.compile(r"(-?)((?:0[xob])?[\d_a-fA-F]+?(?:\.\d+)?)_?(?:[iuf](?:8|16|32|64|128|size))?")


class ConstantValueParams(CheckParams):
    """`name` is a constant, macro or enumerator (qualified as at the end of the file), `value` its value;
    `paths` are files, folders and globs: every one whose code has the name is looked at (default: all kernel
    sources of the build)."""

    name: str = Field(pattern=r"^[A-Za-z_][\w:]*$")
    value: int | float
    paths: tuple[str, ...] = ()


def run(params: ConstantValueParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a path that is not there, RocverifyError for a value that cannot be told."""
    word = params.name.rpartition(":")[2]
    files = [path for path in _files(params, ctx) if ctx.code.search_word(path, word).code]
    where = ", ".join(params.paths) or "the kernel sources"
    if not files:
        message = f"{params.name} is not in the code of {where}"
        return Outcome.failed(message, findings=(Finding(message, params.paths[0] if params.paths else ""),))
    findings = [finding for path in files for finding in _of_file(params, ctx, path)]
    evidence: dict[str, Any] = {"name": params.name, "value": params.value, "files": files}
    if findings:
        hint = "correct the constant, or the plan"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), **evidence)
    return Outcome.passed(f"{params.name} is {params.value:g} in {', '.join(files)}", **evidence)


def _files(params: ConstantValueParams, ctx: CheckContext) -> list[str]:
    if not params.paths:
        return [entry.source for entry in ctx.manifest.entries]
    found: dict[str, None] = {}
    for path in params.paths:
        target = find_target(ctx.root, path)
        if target is None:
            raise RocverifyError(f"{path!r} is no path", hint="name files, folders or globs below the root")
        files = files_of(ctx.root, target)
        found |= dict.fromkeys(f for f in files if is_c_family(f) or is_rust(f) or f.endswith(".py"))
    return list(found)


def _of_file(params: ConstantValueParams, ctx: CheckContext, path: str) -> list[Finding]:
    if is_c_family(path):
        return _compiled(params, ctx, path)
    text = existing_file(ctx.root, path).read_text(encoding="utf-8", errors="replace")
    values = _of_rust(text, params.name) if is_rust(path) else _of_python(text, params.name)
    if not values:
        raise RocverifyError(
            f"the value of {params.name} cannot be told: it is not set once to a literal", where=path
        )
    wrong = [(line, value) for line, value in values if value != params.value]
    return [
        Finding(f"{params.name} is {value:g}, not {params.value:g}, in {path}:{line}", f"{path}:{line}")
        for line, value in wrong
    ]


def _compiled(params: ConstantValueParams, ctx: CheckContext, path: str) -> list[Finding]:
    from rocverify.toolchain.assertions import Side, ask

    sides: tuple[Side, ...] = ("device", "host")
    found = []
    for side in sides:
        answer = ask(ctx.toolchain, source_of(ctx, path), [f"({params.name}) == ({params.value!r})"], side)
        if answer.log:
            raise RocverifyError(
                f"the value of {params.name} cannot be told on the {side}: {answer.log[:300]}", where=path
            )
        for _, told in answer.false:
            is_now = f": the compiler says {told}" if told else ""
            lines = {
                n.line: n.text for n in ctx.code.unit(path).named if n.name == params.name and not n.dead
            }
            line, value = next(iter(lines.items())) if len(lines) == 1 else (0, "")
            where = f"{path}:{line}" if line else path
            is_now = is_now or (f": it is {value}" if value else "")
            text = f"{params.name} is not {params.value:g} on the {side} in {where}{is_now}"
            found.append(Finding(text, where, params.name))
    return found


def source_of(ctx: CheckContext, path: str) -> Any:
    """The file as the compiler is to see it, with the flags of the build where it has an entry."""
    from rocverify.toolchain.assertions import Source

    try:
        entries = ctx.manifest.entries
    except ManifestError:
        entries = ()
    entry = next((e for e in entries if e.source == path), None)
    text = existing_file(ctx.root, path).read_text(encoding="utf-8", errors="replace")
    # What no build names, as a header, may include what any source may.
    folders = (flag for e in entries for flag in e.flags if flag.startswith("-I"))
    flags = tuple(entry.flags) if entry is not None else tuple(dict.fromkeys(folders))
    return Source(ctx.root, path, text, ctx.settings.targets[0], flags)


def _of_rust(text: str, name: str) -> list[tuple[int, float]]:
    """Lines and values of its definitions; empty where one is no literal."""
    found = []
    pattern = rf"^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const|static)\s+{re.escape(name)}\s*:\s*[^=;]+=\s*([^;]+);"
    for match in re.finditer(pattern, text, re.MULTILINE):
        number = _RUST_NUMBER.fullmatch(match[1].strip())
        if number is None:
            return []
        value = ast.literal_eval(f"{number[1]}{number[2].replace('_', '')}")
        found.append((text.count("\n", 0, match.start(1)) + 1, float(value)))
    return found


def _of_python(text: str, name: str) -> list[tuple[int, float]]:
    found = []
    for node in ast.parse(text).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value
            if not isinstance(value, ast.Constant) or not isinstance(value.value, int | float):
                return []
            found.append((node.lineno, float(value.value)))
    return found


CHECK = CheckKind("constant_value", ConstantValueParams, run)
