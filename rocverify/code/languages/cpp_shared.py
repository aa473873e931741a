"""How a HIP kernel indexes its dynamic LDS, from the syntax tree.

Only what is plain is told: sums and products of parameters that are never written to, of counters of `for`
loops, of `threadIdx.x` and of constants. What stands behind a condition about them, or in a loop that is left
early, is none of it, and so is what a helper does with the array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from rocverify.code.languages.cpp_casts import HELD
from rocverify.code.languages.cpp_parts import JUMPS, declared, parameters_of, squeezed, text_of
from rocverify.code.languages.cpp_parts import field as part
from rocverify.code.languages.tree import has_kind
from rocverify.code.shared_memory import Extent, SharedAccess, names_in

_ELEMENT = {
    **dict.fromkeys(("char", "unsigned char", "int8_t", "uint8_t", "bool", "std::byte"), 1),
    **dict.fromkeys(("short", "unsigned short", "int16_t", "uint16_t", "half", "__half", "_Float16"), 2),
    **dict.fromkeys(("float", "int", "unsigned", "unsigned int", "int32_t", "uint32_t", "__half2"), 4),
    **dict.fromkeys(("double", "long", "size_t", "int64_t", "uint64_t", "float2", "int2"), 8),
    **dict.fromkeys(("float4", "int4", "uint4", "double2"), 16),
}
_CONDITIONS = frozenset(
    {"if_statement", "conditional_expression", "while_statement", "do_statement", "switch_statement"}
)
_LEFT = JUMPS | {"lambda_expression"}
_THREADS = "threadIdx"
_THREAD = f"{_THREADS}.x"
_DEEPEST = 12


@dataclass(slots=True)
class _Kernel:
    """What is known of a kernel: its scalar parameters, locals with one value, pointers into the array with
    the size of an element and the offset in bytes' terms, and the names that are written to."""

    parameters: frozenset[str] = frozenset()
    locals: dict[str, Node] = field(default_factory=dict)
    arrays: dict[str, tuple[int, Extent]] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    twice: frozenset[str] = frozenset()
    behind: dict[str, set[str]] = field(default_factory=dict)
    """The names from which a variable was ever computed."""

    def said(self, node: Node | None) -> set[str]:
        """The names in an expression, and those behind them."""
        waiting = _identifiers(node)
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting |= self.behind.get(name, set())
        return found


def shared_accesses(root: Node, source: bytes, kernel: str) -> tuple[SharedAccess, ...]:
    """What the one kernel of that name does; nothing where the file has several, or it cannot be parsed.
    `source` is the text before it was made ready for the parser, in the same layout."""
    found = [node for node in _below(root, "function_definition") if _name(node) == kernel]
    body = part(found[0], "body") if len(found) == 1 else None
    if body is None or found[0].has_error:
        return ()
    known = _known(found[0], body, [*_globals(root), *_below(body, "declaration")], source)
    made = (_access(node, known, body) for node in _below(body, "subscript_expression"))
    return tuple(dict.fromkeys(access for access in made if access is not None))


def _below(root: Node, kind: str) -> Iterator[Node]:
    stack = [root]
    while stack:
        current = stack.pop()
        if current.type == kind:
            yield current
        stack += reversed(current.named_children)


def _name(function: Node) -> str:
    return text_of(declared(part(function, "declarator"))[0])


def _globals(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        current = stack.pop()
        if current.type == "declaration":
            yield current
        elif current.type != "function_definition":
            stack += reversed(current.named_children)


def _known(function: Node, body: Node, declarations: list[Node], source: bytes) -> _Kernel:
    _, around = declared(part(function, "declarator"))
    scalars = [p for p in parameters_of(around) if _is_scalar(part(p, "declarator"))]
    names = [text_of(part(p, "declarator")) for p in scalars]
    written = {text_of(part(n, "left")) for n in _below(body, "assignment_expression")}
    written |= {text_of(part(n, "argument")) for n in _below(body, "update_expression")}
    written |= {text_of(part(n, "argument")) for n in _below(body, "pointer_expression")}
    seen: list[str] = []
    for declaration in declarations:
        seen += [text_of(declared(d)[0]) for d in declaration.children_by_field_name("declarator")]
    twice = frozenset(name for name in seen if seen.count(name) + names.count(name) > 1)
    known = _Kernel(frozenset(names) - twice, written=frozenset(written), twice=twice, behind=_behind(body))
    for declaration in declarations:
        _declare(declaration, known, source)
    return known


def _identifiers(node: Node | None) -> set[str]:
    return {text_of(one) for one in _below(node, "identifier")} if node is not None else set()


def _behind(body: Node) -> dict[str, set[str]]:
    """For each variable of a body the names in what it is declared with or assigned."""
    found: dict[str, set[str]] = {}
    for kind, name, value in (
        ("init_declarator", "declarator", "value"),
        ("assignment_expression", "left", "right"),
    ):
        for node in _below(body, kind):
            target = part(node, name)
            named = text_of(declared(target)[0]) if kind == "init_declarator" else text_of(target)
            found.setdefault(named, set()).update(_identifiers(part(node, value)))
    return found


def _is_scalar(declarator: Node | None) -> bool:
    return declarator is not None and declarator.type == "identifier"


def _declare(declaration: Node, known: _Kernel, source: bytes) -> None:
    """A declaration: the dynamic array itself, a pointer into it, or a variable with one value."""
    element = _ELEMENT.get(squeezed(part(declaration, "type")), 0)
    for declarator in declaration.children_by_field_name("declarator"):
        name, value = text_of(declared(declarator)[0]), part(declarator, "value")
        if name in known.twice or name in known.written:
            continue
        if declarator.type == "array_declarator" and part(declarator, "size") is None:
            if b"__shared__" in source[declaration.start_byte : declaration.end_byte] and element:
                known.arrays[name] = element, 0.0
        elif value is not None and _is_scalar(part(declarator, "declarator")):
            known.locals[name] = value
        elif value is not None and element and (moved := _pointer(value, known)) is not None:
            width, offset = moved
            if width == element or offset == 0:
                known.arrays[name] = element, offset


def _pointer(value: Node | None, known: _Kernel, depth: int = 0) -> tuple[int, Extent] | None:
    """The element and the offset of a pointer into the array, casts left out."""
    if value is None or depth > _DEEPEST:
        return None
    if value.type == "identifier":
        return known.arrays.get(text_of(value))
    if value.type == "parenthesized_expression":
        return _pointer(value.named_children[-1], known, depth + 1)
    if value.type == "cast_expression":
        return _as_type(part(value, "type"), _pointer(part(value, "value"), known, depth + 1))
    if value.type == "call_expression" and (cast := _cast_of(value)) is not None:
        return _as_type(cast, _pointer(_only_argument(value), known, depth + 1))
    if value.type == "binary_expression" and text_of(part(value, "operator")) == "+":
        inner = _pointer(part(value, "left"), known, depth + 1)
        offset = _extent(part(value, "right"), known, {})
        if inner is not None and offset is not None:
            return inner[0], ("+", inner[1], offset)
    return None


def _as_type(kind: Node | None, inner: tuple[int, Extent] | None) -> tuple[int, Extent] | None:
    """A pointer cast to one of another type; of one that was moved, only within the same size."""
    element = _ELEMENT.get(squeezed(part(kind, "type")), 0)
    if inner is None or not element or (inner[1] != 0 and inner[0] != element):
        return None
    return element, inner[1]


def _cast_of(call: Node) -> Node | None:
    """The type of `static_cast<T>(x)` and `reinterpret_cast<T>(x)`."""
    function = part(call, "function")
    if function is None or function.type != "template_function":
        return None
    arguments = part(function, "arguments")
    named = text_of(part(function, "name")) in ("static_cast", "reinterpret_cast")
    return arguments.named_children[0] if named and arguments and arguments.named_children else None


def _only_argument(call: Node) -> Node | None:
    arguments = part(call, "arguments")
    return arguments.named_children[0] if arguments and len(arguments.named_children) == 1 else None


def _access(node: Node, known: _Kernel, body: Node) -> SharedAccess | None:
    """What an indexed array or pointer reaches; None where that does not show or depends on a condition."""
    array, indices = part(node, "argument"), part(node, "indices")
    base = _pointer(array, known)
    if base is None or indices is None or len(indices.named_children) != 1:
        return None
    around = list(_around(node, body))
    loops = {name: loop for one in around if (name := _counter(one[0])) for loop in [one[0]]}
    index = _extent(indices.named_children[0], known, loops)
    if index is None:
        return None
    extent: Extent = ("+", base[1], index)
    names = names_in(extent)
    told = {*names, *loops, _THREADS}
    if any(_depends(one, child, told, known) for one, child in around) or _asked(body, names, known):
        return None
    why = ", ".join(_as_written(part(loop, "condition")) for n, loop in loops.items() if _says(indices, n))
    parameters = names & known.parameters
    return SharedAccess(_as_written(node), why, node.start_point[0] + 1, base[0], extent, parameters)


def _around(node: Node, body: Node) -> Iterator[tuple[Node, Node]]:
    """What stands around a node in a body, the innermost first, each with the part in which the node is."""
    child, current = node, node.parent
    while current is not None and child != body:
        yield current, child
        child, current = current, current.parent


def _as_written(node: Node | None) -> str:
    return squeezed(node).replace(HELD, "")


def _says(node: Node | None, name: str) -> bool:
    return node is not None and any(text_of(one) == name for one in _below(node, "identifier"))


def _depends(around: Node, child: Node, told: set[str], known: _Kernel) -> bool:
    """Whether a run may leave out what stands there because of a condition about these names, or because a
    loop is left before."""
    if around.type == "for_statement":
        return child == part(around, "body") and has_kind(child, _LEFT)
    if around.type == "binary_expression" and text_of(part(around, "operator")) in ("&&", "||"):
        return child == part(around, "right")
    if around.type == "lambda_expression":
        return True
    condition = part(around, "condition") if around.type in _CONDITIONS else None
    if condition is None or child == condition:
        return False
    said = known.said(condition)
    return bool(said & told) or not said <= known.parameters


def _asked(body: Node, names: frozenset[str], known: _Kernel) -> bool:
    """Whether a condition anywhere but in a `for` asks about one of the parameters, which may keep it small;
    of a thread's index, whether threads leave by one."""
    for kind in _CONDITIONS:
        for one in _below(body, kind):
            said = known.said(part(one, "condition"))
            if said & names or (_THREAD in names and _THREADS in said and has_kind(one, _LEFT)):
                return True
    return any(known.said(call) & names for call in _below(body, "call_expression") if _asserts(call))


def _asserts(call: Node) -> bool:
    return "assert" in text_of(part(call, "function")) or "assume" in text_of(part(call, "function"))


def _counter(loop: Node) -> str:
    """The variable of `for (int i = a; i < b; i += c)`; empty for any other loop and for what is no loop."""
    if loop.type != "for_statement":
        return ""
    begun, condition, update = (part(loop, name) for name in ("initializer", "condition", "update"))
    declarators = begun.children_by_field_name("declarator") if begun is not None else []
    if len(declarators) != 1 or condition is None or condition.type != "binary_expression" or update is None:
        return ""
    name = text_of(part(declarators[0], "declarator"))
    step = text_of(part(update, "operator"))
    counted = text_of(part(update, "left") or part(update, "argument"))
    upwards = update.type in ("update_expression", "assignment_expression") and step in ("++", "+=")
    below = text_of(part(condition, "left")) == name and text_of(part(condition, "operator")) in ("<", "<=")
    body = part(loop, "body")
    changed = body is not None and any(
        text_of(part(n, "left") or part(n, "argument")) == name
        for kind in ("assignment_expression", "update_expression")
        for n in _below(body, kind)
    )
    return name if counted == name and upwards and below and not changed else ""


def _extent(node: Node | None, known: _Kernel, loops: Mapping[str, Node], depth: int = 0) -> Extent | None:
    """The largest value of an expression; None where that does not show."""
    if node is None or depth > _DEEPEST:
        return None
    if node.type == "number_literal":
        digits = text_of(node).rstrip("uUlL").replace("'", "")
        return float(digits) if digits.isdecimal() else None
    if node.type == "identifier":
        return _named(text_of(node), known, loops, depth)
    if node.type == "field_expression":
        return _THREAD if "".join(text_of(node).split()) == _THREAD else None
    if node.type == "parenthesized_expression":
        return _extent(node.named_children[-1], known, loops, depth + 1)
    if node.type == "cast_expression":
        return _extent(part(node, "value"), known, loops, depth + 1)
    if node.type == "call_expression" and (text_of(part(node, "function")) == HELD or _cast_of(node)):
        return _extent(_only_argument(node), known, loops, depth + 1)
    sign = text_of(part(node, "operator"))
    if node.type == "binary_expression" and sign in ("+", "*"):
        left = _extent(part(node, "left"), known, loops, depth + 1)
        right = _extent(part(node, "right"), known, loops, depth + 1)
        return (sign, left, right) if left is not None and right is not None else None
    return None


def _named(name: str, known: _Kernel, loops: Mapping[str, Node], depth: int) -> Extent | None:
    if name in loops:
        condition = part(loops[name], "condition")
        bound = _extent(part(condition, "right"), known, {}, depth + 1)
        if bound is None:
            return None
        return bound if text_of(part(condition, "operator")) == "<=" else ("+", bound, -1.0)
    if name in known.written or name in known.twice:
        return None
    if name in known.parameters:
        return name
    return _extent(known.locals.get(name), known, loops, depth + 1)
