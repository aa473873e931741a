"""What a kernel's text shows of its parameters: how arrays are indexed, what bounds the indices, how it is
launched. Text alone: what it does not show is left open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rocverify.code.syntax import Function

_NAME = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")
_ASSIGNED = re.compile(r"\s*(?P<operator>[-+*/%&|^]?|<<|>>)=(?!=)|\s*(?P<step>\+\+|--)")
_BLOCK_INDEX = re.compile(r"\bblockIdx\s*\.\s*x\b")
_GLOBAL_INDEX = re.compile(
    r"\bblockIdx\s*\.\s*x\s*\*[^;]*\+\s*threadIdx\s*\.\s*x\b|\bthreadIdx\s*\.\s*x\s*\+[^;]*\bblockIdx\s*\.\s*x\s*\*"
)
_BOUND = r"\b{0}\s*(?:<|>=)\s*(?P<bound>[\w*+ ()]+?)\s*(?:$|&&|\|\||\))"
_HIDING = re.compile(r"[/%]|>>|\b(?:blockIdx|threadIdx)\s*\.\s*[yz]\b")
_FIXED_BLOCK = re.compile(
    r"\bblockIdx\s*\.\s*x\s*\*\s*(?!blockDim\b)(\w+)\s*\+\s*threadIdx\s*\.\s*x\b(?!\s*[*/%])"
)
_REMAINDER = re.compile(r"[\w.() *+-]*%\s*(?P<length>\w+)")
"""An index that wraps around after a length."""
_SIMPLE = re.compile(r"[\w*+\- ()]+")


@dataclass(frozen=True)
class Uses:
    """A kernel's record with its text (comments and dead code blanked)."""

    function: Function
    text: str
    integers: tuple[str, ...]
    """Its parameters that are integers by value: what lengths can be made of."""

    values: dict[str, str] = field(init=False)
    """The texts of its variables, by name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {v.name: v.text for v in self.function.values if v.text})

    @cached_property
    def conditions(self) -> list[str]:
        return [branch.text for branch in self.function.branches if branch.kind in ("if", "loop")]

    def indices(self, array: str) -> list[str]:
        """The texts between the brackets behind a parameter, each once."""
        return list(dict.fromkeys(self.text[start:end].strip() for start, end in self._brackets(array)))

    def written(self, array: str) -> bool:
        return any(_ASSIGNED.match(self.text, end + 1) for _, end in self._brackets(array))

    def read(self, array: str) -> bool:
        """Whether an element's value is used: not only assigned to."""
        for _, end in self._brackets(array):
            assigned = _ASSIGNED.match(self.text, end + 1)
            if assigned is None or assigned["operator"] or assigned["step"]:
                return True
        return False

    def handed_on(self, array: str) -> bool:
        """Whether the array itself goes elsewhere (`x + i`, `f(x)`), where what happens to it is not seen."""
        body = self.text.partition("{")[2]
        return re.search(rf"(?<![\w.>]){re.escape(array)}\b(?!\s*\[)", body) is not None

    def lengths(self, array: str) -> list[str]:
        """The integers that an array's indices are made of or bounded by, in the parameters' order."""
        found: set[str] = set()
        for index in self.indices(array):
            rest = _REMAINDER.fullmatch(index)
            found |= {rest["length"]} if rest and rest["length"] in self.integers else self._reached(index)
        return [name for name in self.integers if name in found]

    def hides_lengths(self, array: str) -> bool:
        """Whether an index has parts that its lengths do not show: something divided, one along y or z."""
        plain = [index for index in self.indices(array) if not _REMAINDER.fullmatch(index)]
        texts = [*plain, *(self.values.get(name, "") for name in self._names_behind(" + ".join(plain)))]
        return any(_HIDING.search(text) for text in texts)

    def launch_doubts(self) -> list[str]:
        """What of a launch along x alone, with a block of any size, the text speaks against."""
        found = [axis for axis in "yz" if re.search(rf"\b(?:blockIdx|threadIdx)\s*\.\s*{axis}\b", self.text)]
        doubts = [f"the kernel counts along {' and '.join(found)} too"] if found else []
        sizes = dict.fromkeys(_FIXED_BLOCK.findall(self.text))
        return doubts + [f"blockIdx.x * {size} + threadIdx.x wants blocks of {size}" for size in sizes]

    def global_index(self) -> str | None:
        """The variable that counts work-items over all workgroups."""
        return next((name for name, text in self.values.items() if _GLOBAL_INDEX.search(text)), None)

    def workgroup_index(self) -> str | None:
        """The variable, or `blockIdx.x` itself, that counts workgroups."""
        named = (
            n for n, text in self.values.items() if re.fullmatch(r"\(?[\w: ]*\)?\s*blockIdx\s*\.\s*x", text)
        )
        return next(named, "blockIdx.x" if _BLOCK_INDEX.search(self.text) else None)

    def by_workgroup(self, array: str) -> bool:
        """Whether an index of the array moves with the workgroup by an index that nothing bounds."""
        index = self.workgroup_index()
        if index is None or self.global_index() is not None or self.bound(index) is not None:
            return False
        return any(index in self._names_behind(text) for text in self.indices(array))

    def bound(self, variable: str) -> str | None:
        """What a variable is compared with (`i < rows * cols`), where that is made of lengths alone."""
        for condition in self.conditions:
            found = re.search(_BOUND.format(re.escape(variable)), condition)
            if found and self.of_lengths(found["bound"]):
                return found["bound"].strip()
        return None

    def of_lengths(self, text: str) -> bool:
        names = _names(text)
        return bool(names) and set(names) <= set(self.integers) and _SIMPLE.fullmatch(text) is not None

    def _brackets(self, array: str) -> Iterator[tuple[int, int]]:
        for found in re.finditer(rf"(?<![\w.>]){re.escape(array)}\s*\[", self.text):
            depth, at = 1, found.end()
            while at < len(self.text) and depth:
                depth += {"[": 1, "]": -1}.get(self.text[at], 0)
                at += 1
            yield found.end(), at - 1

    def _reached(self, text: str) -> set[str]:
        """The lengths behind the names of a text: by the variables' own texts, and what those are compared
        with."""
        return self._names_behind(text) & set(self.integers)

    def _names_behind(self, text: str) -> set[str]:
        seen: set[str] = set()
        left = _names(text)
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left += _names(self.values.get(name, ""))
                if name not in self.integers and (bound := self.bound(name)) is not None:
                    left += _names(bound)
        return seen


def _names(text: str) -> list[str]:
    """The names in a text, `blockIdx.x` as one."""
    return ["blockIdx.x"] * bool(_BLOCK_INDEX.search(text)) + _NAME.findall(text)


def dims_text(expression: str, integers: Sequence[str]) -> str:
    """`rows * cols` as `dims.rows * dims.cols`."""
    return _NAME.sub(lambda m: f"dims.{m[0]}" if m[0] in integers else m[0], expression)
