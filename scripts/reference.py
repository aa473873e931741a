"""Writes docs/reference/ from the code: commands, checks, settings, contracts, report, exit codes, targets.

python -m scripts.reference            writes what has changed
python -m scripts.reference --check    exits with 1, naming them, if pages are not those of the code
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rocverify import settings
from rocverify.checks.registry import CHECKS
from rocverify.cli.main import cli
from rocverify.cli.texts import EXIT_CODES
from rocverify.device.emulator.coverage import support
from rocverify.errors import ExitCode
from rocverify.oracle import arrays, contract, dims
from rocverify.report import model

FOLDER = Path(__file__).resolve().parents[1] / "docs/reference"
_HEAD = "<!-- Written by `python -m scripts.reference` from the code; edit the code instead. -->\n"
_HELP_WIDTH = 96
_TARGETS_SAY = """\
What the emulator does with the code of each processor, as its tables have it; `rocverify doctor` tells the
same. Kernels are compiled for any target that the compiler knows. "Modelled" instructions give the result of
a model (reciprocals, exponentials, the order of matrix sums, clocks); reports list those that a run executed.
"""
_CODES_SAY = """\
Where several apply: 130, then 4 (a bug casts doubt on the rest), then 1, then 2, then 3.

`lint`, `init`, `inspect` and `emulate` exit with 1 where they found something; `exec` exits as the program
did, with 1 where something was found in a program that ended with 0. `--help` has each command's codes.
"""
_SETTINGS_SAY = """\
`[tool.rocverify]` in `pyproject.toml`, or `rocverify.toml` at the root (which then is the only one read). The
command line wins. Paths and globs are relative to the root, and lead out of it neither by `..` nor by a link.
An unknown key or a wrong value is refused, with file and key, by exit code 2.
"""
_CHECKS_SAY = """\
The kinds of check. An entry of a plan's `rocverify:` list names one as `check`, beside `proves` and its
parameters; `rocverify explain` shows what inference makes of a plan.
"""
_LISTED = ("elementwise", "reductions", "rows", "products", "rotary", "quantised")


def pages() -> dict[str, str]:
    """Every page, by its name in docs/reference."""
    made: dict[str, Callable[[], Iterator[str]]] = {
        "checks.md": _checks,
        "commands.md": _commands,
        "contract.md": _contract,
        "exit-codes.md": _exit_codes,
        "report.md": _report,
        "settings.md": _settings,
        "targets.md": _targets,
    }
    return {name: "\n".join((_HEAD, *page())).rstrip() + "\n" for name, page in made.items()}


def main(arguments: list[str]) -> int:
    """Writes the pages, or with --check says which are not up to date; the exit code."""
    only_check = arguments == ["--check"]
    if arguments and not only_check:
        print("usage: python -m scripts.reference [--check]", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    old = [name for name, text in pages().items() if _written(FOLDER / name) != text]
    for name in old:
        if not only_check:
            (FOLDER / name).write_text(pages()[name], encoding="utf-8")
        print(f"docs/reference/{name}: {'not up to date' if only_check else 'written'}")
    if old and only_check:
        print("run `python -m scripts.reference`", file=sys.stderr)
    return int(bool(old) and only_check)


def _written(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


# -- pages ---------------------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    yield "# Commands\n\nWhat `--help` of each command says.\n"
    for words, command in _walk(cli, ("rocverify",)):
        settings_of = {**cli.context_settings, **command.context_settings, "max_content_width": _HELP_WIDTH}
        context = click.Context(command, info_name=" ".join(words), terminal_width=_HELP_WIDTH, **settings_of)
        yield f"## {' '.join(words)}\n"
        yield f"```text\n{command.get_help(context).rstrip()}\n```\n"


def _walk(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _walk(inner, (*words, name))


def _checks() -> Iterator[str]:
    yield "# Checks\n"
    yield _CHECKS_SAY
    for name in sorted(CHECKS):
        kind = CHECKS[name]
        said = _cleaned(import_module(kind.run.__module__).__doc__).removeprefix(f"{name}: ")
        yield f"## {name}\n\n{said[:1].upper()}{said[1:]}\n"
        yield f"{_cleaned(kind.params.__doc__)}\n"
        yield from _table(("parameter", "type", "default"), map(_parameter, *_fields(kind.params)))
        for part in _parts(kind.params):
            yield f"`{part.__name__}`: {_cleaned(part.__doc__)}\n"
            yield from _table(("key", "type", "default"), map(_parameter, *_fields(part)))


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield _SETTINGS_SAY
    table = settings.Settings
    yield from _table(("key", "type", "default", "meaning"), map(_setting, *_fields(table)))
    only = ", ".join(f"`{key}`" for key in settings.COMMAND_LINE_ONLY)
    yield f"Of these, {only} are refused in a file: only the command line can say them.\n"
    yield f"## transfers\n\n{_cleaned(settings.Transfers.__doc__)}\n"
    yield from _table(("key", "type", "default", "meaning"), map(_setting, *_fields(settings.Transfers)))


def _contract() -> Iterator[str]:
    yield f"# Contracts\n\n{_cleaned(contract.__doc__)}\n"
    yield "## Arrays and numbers\n"
    names = ("In", "Out", "InOut", "Scratch", "HostIn", "HostOut", "Returned", "Scalar", "Refusal", "Launch")
    yield from _described(arrays, names)
    yield "## Dimensions\n"
    yield from _described(dims, ("boundary", "even", "choices", "divisor_of", "Dims"))
    yield "## Ready references\n"
    yield f"{_cleaned(import_module('rocverify.references').__doc__)}\n"
    for name in _LISTED:
        module = import_module(f"rocverify.references.{name}")
        yield f"### {name}\n\n{_cleaned(module.__doc__)}\n"
        functions = [
            each for each, value in inspect.getmembers(module, inspect.isfunction)
            if value.__module__ == module.__name__ and not each.startswith("_")
        ]  # fmt: skip
        yield from _described(module, functions)


def _described(module: Any, names: Any) -> Iterator[str]:
    for name in names:
        value = getattr(module, name)
        text = re.sub(r"\s+", " ", _cleaned(value.__doc__))
        yield f"- `{name}{_signature(value)}`: {text}"
    yield ""


def _signature(value: Any) -> str:
    shown = []
    for each in inspect.signature(value).parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in shown and not any(one[0] == "*" for one in shown):
            shown.append("*")
        star = "*" * (each.kind is each.VAR_POSITIONAL)
        default = "" if each.default is each.empty else f"={each.default!r}"
        shown.append(f"{star}{each.name}{default}")
    return f"({', '.join(shown)})"


def _report() -> Iterator[str]:
    yield "# JSON report\n"
    yield "{}\n".format(_cleaned(model.__doc__).partition("\n\n")[0])
    yield (
        "The schema lies in the package as `rocverify/report/report.schema.json`. A run writes "
        "`reports/latest/report.json`, and a copy where `--json PATH` asks for it.\n"
    )
    classes = [
        each for _, each in inspect.getmembers(model, inspect.isclass)
        if issubclass(each, BaseModel) and each.__module__ == model.__name__ and each.__name__[0] != "_"
    ]  # fmt: skip
    described = _meanings()
    for each in sorted(classes, key=lambda one: (one is not model.Report, one.__name__)):
        yield f"## {each.__name__}\n\n{_cleaned(each.__doc__)}\n"
        rows = (
            (
                f"`{field.alias or name}`",
                f"`{_type(field)}`",
                described.get((each.__name__, field.alias or name), ""),
            )
            for name, field in each.model_fields.items()
        )
        yield from _table(("field", "type", "meaning"), rows)


def _meanings() -> dict[tuple[str, str], str]:
    """What the schema says of each field, by class and name."""
    schema = json.loads(model.schema_text())
    return {
        (kind, name): " ".join(field.get("description", "").split())
        for kind, table in (("Report", schema), *schema["$defs"].items())
        for name, field in table.get("properties", {}).items()
    }


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes\n\nOf `rocverify run`:\n"
    said = {int(line[1]): line[2] for line in re.finditer(r"(?m)^ *(\d+)  (.*(?:\n {7,}.*)*)", EXIT_CODES)}
    rows = ((f"`{int(code)}`", f"`{code.name}`", " ".join(said[int(code)].split())) for code in ExitCode)
    yield from _table(("code", "name", "meaning"), rows)
    yield _CODES_SAY
    yield "## Errors\n\nWhat rocverify expects to go wrong, and what it makes of it:\n"
    tree = _cleaned(import_module("rocverify.errors").__doc__).partition("\n\n")[2].rpartition("\n\n")[0]
    yield f"```text\n{inspect.cleandoc(tree)}\n```\n"


def _targets() -> Iterator[str]:
    yield "# Targets\n"
    yield _TARGETS_SAY
    yield from support.table()


# -- pieces --------------------------------------------------------------------------------------------------


def _fields(table: type[BaseModel]) -> tuple[list[str], list[FieldInfo]]:
    return list(table.model_fields), list(table.model_fields.values())


def _parameter(name: str, field: FieldInfo) -> tuple[str, ...]:
    return f"`{field.alias or name}`", f"`{_type(field)}`", _default(field)


def _setting(name: str, field: FieldInfo) -> tuple[str, ...]:
    return f"`{name}`", f"`{_type(field)}`", _default(field), field.description or ""


def _parts(table: type[BaseModel]) -> list[type[BaseModel]]:
    """The records that parameters consist of, in order."""
    found: dict[type[BaseModel], None] = {}
    for field in table.model_fields.values():
        waiting: list[Any] = [field.annotation]
        while waiting:
            one = waiting.pop()
            if inspect.isclass(one) and issubclass(one, BaseModel):
                found[one] = None
            waiting += get_args(one)
    return list(found)


def _type(field: FieldInfo) -> str:
    return _named(field.annotation)


def _named(kind: Any) -> str:
    arguments = [each for each in get_args(kind) if each is not Ellipsis]
    if kind is None or kind is type(None):
        return "none"
    if kind is Any:
        return "any"
    origin = getattr(kind, "__origin__", None)
    if isinstance(kind, UnionType) or str(origin) == "typing.Union":
        return " or ".join(dict.fromkeys(map(_named, arguments)))
    if str(origin) == "typing.Literal":
        return " or ".join(f'"{each}"' for each in arguments)
    if hasattr(kind, "__metadata__"):
        return _named(kind.__origin__)
    if origin in (tuple, list, frozenset):
        return f"list of {' or '.join(dict.fromkeys(map(_named, arguments)))}"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"table of {_named(arguments[-1])}"
    names = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "dict": "table"}
    return names.get(kind.__name__, kind.__name__)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ((), {}):
        return ""
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f'`"{each}"`' for each in value)
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    lines = [*rows]
    if not lines:
        return
    for row in (head, tuple("---" for _ in head), *lines):
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""


def _cleaned(text: str | None) -> str:
    return inspect.cleandoc(text or "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
