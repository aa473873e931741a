"""What a kernel's text shows of its parameters: how arrays are indexed, what bounds the indices, how it is
launched. Text alone: what it does not show is left open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rocverify.code.syntax import Function
from rocverify.scaffold.pointers import Touched, touched

_NAME = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")
_BLOCK_INDEX = re.compile(r"\bblockIdx\s*\.\s*x\b")
_GLOBAL_INDEX = re.compile(
    r"\bblockIdx\s*\.\s*x\s*\*[^;]*\+\s*threadIdx\s*\.\s*x\b|\bthreadIdx\s*\.\s*x\s*\+[^;]*\bblockIdx\s*\.\s*x\s*\*"
)
_BOUND = r"\b{0}\s*(?:<|>=)\s*(?P<bound>[\w*+ ()]+?)\s*(?:$|&&|\|\||\))"
_HIDING = re.compile(r"[/%]|>>|\b(?:blockIdx|threadIdx)\s*\.\s*[yz]\b")
_FACTOR = re.compile(r"\*\s*\d|(?<![\w.])\d+\s*\*")
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
    _touched: dict[str, Touched] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {v.name: v.text for v in self.function.values if v.text})
        object.__setattr__(self, "_touched", {})

    @cached_property
    def conditions(self) -> list[str]:
        """The conditions of branches and loops, as they are written."""
        return [branch.text for branch in self.function.branches if branch.kind in ("if", "loop")]

    def touched(self, array: str) -> Touched:
        """Where the body touches the elements of a parameter."""
        if array not in self._touched:
            types = {p.name: p.type for p in self.function.parameters}
            own = re.sub(r"\b(?:const|volatile)\b", " ", types.get(array, "").partition("*")[0])
            values = [(name, text) for name, text in self.values.items() if name != array]
            body = self.text.partition("{")[2]
            self._touched[array] = touched(array, " ".join(own.split()), body, values)
        return self._touched[array]

    def indices(self, array: str) -> list[str]:
        """Which elements of a parameter are touched, or begin what is handed on, each once."""
        uses = self.touched(array)
        return list(dict.fromkeys(one.index for one in (*uses.accesses, *uses.handed_on)))

    def written(self, array: str) -> bool:
        """Whether the kernel writes to an array."""
        return any(one.writes for one in self.touched(array).accesses)

    def read(self, array: str) -> bool:
        """Whether an element's value is used: not only assigned to."""
        return any(one.reads for one in self.touched(array).accesses)

    def handed_on(self, array: str) -> bool:
        """Whether the array itself goes elsewhere (`f(x + i)`), where what happens to it is not seen."""
        return bool(self.touched(array).handed_on)

    def times(self, array: str) -> str:
        """What its last length is multiplied by where vectors of elements are counted: `*4`, or nothing."""
        vector = re.fullmatch(r"\w*?[a-z](2|3|4|8|16)", self.touched(array).element)
        return f"*{vector[1]}" if vector is not None and self.lengths(array) else ""

    def shape_doubts(self, array: str) -> list[str]:
        """What of an array's shape its uses hide, in words."""
        uses = self.touched(array)
        doubts = [f"what becomes of it in {uses.handed_on[0].shown}"] if uses.handed_on else []
        doubts += [f"how far {uses.moving} moves"] if uses.moving else []
        return doubts + ([f"its length, which counts {uses.element} here"] if uses.element else [])

    def lengths(self, array: str) -> list[str]:
        """The integers that an array's indices are made of or bounded by, in the parameters' order."""
        found: set[str] = set()
        for index in self.indices(array):
            rest = _REMAINDER.fullmatch(index)
            found |= {rest["length"]} if rest and rest["length"] in self.integers else self._reached(index)
        return [name for name in self.integers if name in found]

    def hides_lengths(self, array: str) -> bool:
        """Whether an index has parts that its lengths do not show: something divided, one along y or z, a
        factor that is a number."""
        plain = [index for index in self.indices(array) if not _REMAINDER.fullmatch(index)]
        texts = [*plain, *(self.values.get(name, "") for name in self._names_behind(" + ".join(plain)))]
        return any(_HIDING.search(text) for text in texts) or any(map(_FACTOR.search, plain))

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
        """Whether a text is an expression of lengths alone."""
        names = _names(text)
        return bool(names) and set(names) <= set(self.integers) and _SIMPLE.fullmatch(text) is not None

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
