"""What a truth is about, as far as the project's sources show it: kernels, functions, contracts, tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath

from rocverify.binding.project import Contract, Function, Kernel, Subject
from rocverify.binding.reading import KernelMention, Reading, code_names
from rocverify.code.files import sources
from rocverify.code.languages import PYTHON
from rocverify.plan.model import Plan

MOST = 8
"""Candidates that are offered singly; of more, only all together are."""


class About:
    """A truth with what it names. What is asked for here counts as read (see `Reading`)."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.mentions: tuple[KernelMention, ...] = reading.kernels()
        self.functions: tuple[Function, ...] = (*reading.functions(), *reading.compiled_functions())

    @property
    def subject(self) -> Subject:
        """The project that the must-have is about."""
        return self.reading.subject

    @property
    def plan(self) -> Plan:
        """The plan that has the must-have."""
        return self.reading.plan

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels that it names, else all that the project builds."""
        named = tuple(dict.fromkeys(mention.kernel for mention in self.mentions))
        return named or tuple(kernel for kernel in self.subject.kernels if kernel.in_manifest)

    def symbols(self, kernel: Kernel) -> list[str]:
        """The symbols of a kernel source that it names."""
        return [s for mention in self.mentions if mention.kernel == kernel for s in mention.symbols]

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """The contracts of what it names; of anything, where it names neither kernel nor function."""
        every = self.subject.contracts
        driven = [c for f in self.functions for c in self.subject.contracts_driving(f)]
        symbols = {s for mention in self.mentions for s in mention.symbols}
        whole = {mention.kernel.source for mention in self.mentions if not mention.symbols}
        driven += [c for c in every if c.source in whole or symbols & set(c.symbols)]
        if driven or self.mentions or self.functions:
            return tuple(dict.fromkeys(driven))
        return every

    @property
    def named(self) -> bool:
        """Whether the must-have names a kernel or a function."""
        return bool(self.mentions or self.functions)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the code in it, those of the project's kernels and functions."""
        found = [name for _, name in code_names(self.text)]
        known = {s for kernel in self.subject.kernels for s in kernel.symbols}
        found = [n for n in found if n in known or self.subject.named(n) or self.subject.named_in_compiled(n)]
        return tuple(dict.fromkeys([*found, *(s for m in self.mentions for s in m.symbols)]))

    def users(self, name: str) -> list[Function]:
        """The functions of the host that say a name: call it, or have it as a text."""
        found = [f for path in self._host_files() for f in self._python_users(path, name)]
        for unit in self.subject.code.units_with(name):
            lines = self.subject.code.live(unit.path).code.splitlines()
            for function in unit.functions:
                body = "\n".join(lines[function.line - 1 : function.last_line])
                usable = not (function.kernel or function.declared or function.dead)
                if usable and function.name != name and re.search(rf"\b{re.escape(name)}\b", body):
                    ref = f"{unit.path}:{function.qualified}"
                    found.append(Function(function.qualified, ref, unit.path, function.line))
        return found

    def _host_files(self) -> list[str]:
        return list(dict.fromkeys(function.path for function in self.subject.functions))

    def _python_users(self, path: str, name: str) -> Iterator[Function]:
        text = self.subject.text(path)
        if name not in text:
            return
        ends = {node.lineno: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        for function in self.subject.functions:
            node = ends.get(function.line) if function.path == path else None
            if node is not None and node.name != name and _says(node, name):
                yield function

    def test_files(self) -> list[str]:
        """The pytest files that say one of the names; all of them where it names nothing."""
        files = [p for p in sources(self.subject.root, PYTHON) if PurePosixPath(p).match("test_*.py")]
        if not self.names:
            return files
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, self.names))})\b")
        return [path for path in files if pattern.search(self.subject.text(path))]


def _says(node: ast.FunctionDef, name: str) -> bool:
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=said) | ast.Attribute(attr=said) | ast.Constant(value=str(said)):
                if said.removesuffix("\0") == name:
                    return True
    return False
