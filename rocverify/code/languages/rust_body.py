"""The body of a Rust function: its calls, and which of them can never run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tree_sitter import Node

from rocverify.code.languages.computing import ends_of, fails, stored_in
from rocverify.code.languages.rust_flow import constant, leaves, never_turns
from rocverify.code.languages.rust_macros import MacroCalls
from rocverify.code.languages.rust_parts import (
    ATTRIBUTES,
    COMMENTS,
    arguments_of,
    elements_of,
    held_type,
    is_cfg,
    path_of,
    pattern_names,
    squeezed,
    text_of,
    type_name,
    unbuilt,
)
from rocverify.code.languages.tree import mentions, used_after
from rocverify.code.languages.walking import OWN, VARIABLE, Bind, Step, begin_of, end_of
from rocverify.code.syntax import Value

_SCOPES = frozenset(
    {"match_arm", "closure_expression", "for_expression", "if_expression", "while_expression"}
)

_VARIABLES = frozenset({"identifier"})
_STORING = frozenset({"assignment_expression", "compound_assignment_expr", "call_expression"})
_OTHERWISE = frozenset({"unwrap_or_else", "or_else", "unwrap_or", "or", "map_or_else", "map_or"})
"""What takes the place of a failure or of nothing: their first argument."""


class Body(MacroCalls):
    """Collects the calls of a body. `constants`: the file's constants that are true or false."""

    def __init__(self, owner: str, types: Mapping[str, str], constants: Mapping[str, bool]) -> None:
        super().__init__(owner, types)
        self._constants = constants
        self.imports: list[tuple[Node, str]] = []
        """The `use` declarations in it, and why they are not built."""

    def visit(self, node: Node, dead: str) -> None:
        """Reads one node of a function; `dead` says why what it holds is never run, or is empty."""
        kind = node.type
        if kind in _SCOPES:
            self.next(self.scope_end())
        if kind in _STORING and not dead and (loop := stored_in(node)) is not None:
            self.store(node, loop)
        if kind == "block":
            self._block(node, dead)
        elif kind == "let_declaration":
            self._let(node, dead)
        elif kind == "use_declaration":
            self.imports.append((node, dead))
        elif kind in ("if_expression", "while_expression"):
            self._branches(node, dead)
        elif kind == "macro_invocation":
            self._macro(node, dead)
        elif kind in ("identifier", "scoped_identifier"):
            self._mention(node, dead)
        elif kind == "call_expression":
            self._call(node, dead)
        elif kind in ("match_arm", "for_expression", "let_condition", "closure_expression"):
            self._binding(node, dead)
        elif kind == "match_expression":
            value = node.child_by_field_name("value")
            self.branch("match", squeezed(value), node, value, None if dead else node)
            self.children(node, dead)
        elif kind == "loop_expression":
            self.branch("loop", "", node)
            self.next(*self.part("loop", node, *((child, dead) for child in node.named_children)))
        elif kind == "binary_expression":
            self._binary(node, dead)
        elif kind == "async_block":
            self.next(*self.part("closure", node, *((child, dead) for child in node.named_children)))
        elif kind == "return_expression":
            text = squeezed(node)
            self.branch("leave", text, node, ends="raise" if fails(text) else "")
            self.children(node, dead)
        elif kind not in ("macro_definition", *COMMENTS, *ATTRIBUTES):
            self.children(node, dead)

    def _binary(self, node: Node, dead: str) -> None:
        """The right of `&&` and `||` may be left out."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = text_of(node.child_by_field_name("operator"))
        skipped = sign in ("&&", "||")
        for side in (left, right) if sign == "||" and not dead else ():
            if side is not None:
                self.branch("arm", squeezed(side), side, of=node)
        why = dead or _skips(sign, constant(left, self._constants))
        self.next((left, dead), *(self.part("if", right, (right, why)) if skipped else ((right, dead),)))

    def _block(self, node: Node, dead: str) -> None:
        """A block: what stands behind a jump, or what attributes keep out, is dead."""
        attributes: list[str] = []
        steps: list[Step] = []
        for child in node.named_children:
            if child.type == "inner_attribute_item":
                dead = dead or unbuilt([text_of(child)])
            elif child.type == "attribute_item":
                attributes.append(text_of(child))
            elif child.type not in COMMENTS:
                here = dead or unbuilt(attributes)
                if child.type == "function_item":
                    name = text_of(child.child_by_field_name("name"))
                    used = any(mentions(c, name, _VARIABLES) for c in node.named_children if c != child)
                    unused = "" if used else f"the function {name} is never called"
                    steps.insert(0, Bind((name,), OWN))
                    steps += self.part("closure", child, (child.child_by_field_name("body"), here or unused))
                else:
                    steps.append((child, here))
                if not dead and not any(map(is_cfg, attributes)) and leaves(child):
                    dead = f"it stands behind line {child.start_point[0] + 1}, which leaves the block"
                attributes = []
        if any(child.type == "label" for child in node.children):  # `break 'a` may leave it early
            steps = list(self.part("block", node, *steps))
        self.next(*steps, self.scope_end())

    def _let(self, node: Node, dead: str) -> None:
        """A variable: of a type that shows, or a closure, whose calls count if it is used."""
        pattern = node.child_by_field_name("pattern")
        value = node.child_by_field_name("value")
        names = pattern_names(pattern)
        kind, made = VARIABLE, held_type(node.child_by_field_name("type")) or _made_by(value, self._owner)
        inner = dead
        if value is not None and value.type == "closure_expression":
            kind, name = OWN, text_of(pattern).removeprefix("mut ")
            inner = dead or (
                "" if used_after(node, name, _VARIABLES) else f"the closure {name} is never used"
            )
        elif value is not None and value.type == "identifier":
            made = made or self.types.get(text_of(value), "")
        written = squeezed(node.child_by_field_name("type"))
        line, elements = node.start_point[0] + 1, elements_of(value)
        begin, end = (begin_of(value), end_of(value)) if value is not None else ((0, 0), (0, 0))
        text = squeezed(value)
        self.values += [Value(name, written, text, line, elements, begin, end) for name in names]
        single = made if len(names) == 1 and pattern is not None and pattern.type != "tuple_pattern" else ""
        alternative = node.child_by_field_name("alternative")
        if alternative is not None and value is not None and not dead:
            asked = f"let {squeezed(pattern)}"
            self.branch("asked", asked, value, of=node)
            self.branch("else", asked, alternative, of=node, ends=ends_of(alternative))
        other = self.part("else", alternative, (alternative, dead))
        self.next((value, inner), *other, Bind(names, kind, single))

    def _branches(self, node: Node, dead: str) -> None:
        """`if` and `while`: what a condition that never changes keeps out is dead."""
        asked = node.child_by_field_name("condition")
        known = {name: value for name, value in self._constants.items() if name not in self.known}
        value = constant(asked, known)
        why = f"its condition is always {str(value).lower()}"
        body = node.child_by_field_name("consequence") or node.child_by_field_name("body")
        kind, of = ("if", None if dead else node) if node.type == "if_expression" else ("loop", None)
        self.branch(kind, squeezed(asked), node, body, of, ends_of(body))
        if asked is not None:
            self.branch("asked", squeezed(asked), asked, of=of)
        if (other := node.child_by_field_name("alternative")) is not None:
            self.branch("else", squeezed(asked), other, of=of, ends=ends_of(other))
        inner: tuple[Step, ...] = ((body, dead or (why if value is False else "")),)
        self.next(
            (asked, dead),
            *(inner if value and node.type == "if_expression" else self.part("if", body, *inner)),
            *self.part("else", other, (other, dead or (why if value is True else ""))),
        )

    def _binding(self, node: Node, dead: str) -> None:
        """What gives names to parts of a value, for what stands inside of it."""
        value = (node.child_by_field_name("value"), dead)
        pattern = node.child_by_field_name("pattern")
        names = Bind(pattern_names(pattern), VARIABLE)
        if node.type == "let_condition":
            self.next(value, names)
        elif node.type == "for_expression":
            self.branch("loop", squeezed(node.child_by_field_name("value")), node)
            body = node.child_by_field_name("body")
            empty = "its range holds nothing" if never_turns(node.child_by_field_name("value")) else ""
            self.next(value, names, *self.part("loop", body, (body, dead or empty)))
        elif node.type == "match_arm":
            text = squeezed(pattern)
            around = None if dead or node.parent is None else node.parent.parent
            kind = "handler" if text.startswith("Err(") else "case"
            self.branch(kind, text, node, of=around, ends=ends_of(node.child_by_field_name("value")))
            guard = pattern.child_by_field_name("condition") if pattern is not None else None
            self.next(*self.part("case", node, names, (guard, dead), value))
        else:
            parameters = pattern_names(node.child_by_field_name("parameters"))
            body = node.child_by_field_name("body")
            self.next(Bind(parameters, VARIABLE), *self.part("closure", body, (body, dead)))

    def _mention(self, node: Node, dead: str) -> None:
        """A name that stands for a value: a function that is handed on may be called."""
        *scope, name = path_of(node) or ("",)
        if name and (scope or name not in self.known):
            self.add(self._made(name, tuple(scope), None, node, dead, sure=False))

    def _call(self, node: Node, dead: str) -> None:
        function = node.child_by_field_name("function")
        if function is not None and function.type == "generic_function":
            function = function.child_by_field_name("function")
        handed = node.child_by_field_name("arguments")
        arguments = arguments_of(handed)
        inside: Node | None = function
        made: list[Step] = []
        if function is not None and function.type == "field_expression":
            inside = function.child_by_field_name("value")
            name = function.child_by_field_name("field")
            if name is not None and name.type == "field_identifier":
                receiver = _type_of(inside, self._owner, self.types)
                method = self._made(text_of(name), (), receiver, name, dead, arguments=arguments)
                made.append(replace(method, at=end_of(node)))
                self._otherwise(text_of(name), node, inside, handed, dead)
        elif function is not None and function.type in ("identifier", "scoped_identifier"):
            inside = None
            *scope, called = path_of(function)
            kind = None if scope else self.known.get(called)
            if kind != OWN:
                sure = kind is None
                made.append(self._made(called, tuple(scope), None, node, dead, sure, arguments))
        self.next((inside, dead), (handed, dead), *made)

    def _otherwise(self, name: str, node: Node, tried: Node | None, handed: Node | None, dead: str) -> None:
        """What stands in for a call that fails: `launch(x).unwrap_or_else(|_| compute(x))`."""
        if name not in _OTHERWISE or tried is None or handed is None or not handed.named_children or dead:
            return
        instead = handed.named_children[0]
        body = instead.child_by_field_name("body") if instead.type == "closure_expression" else instead
        self.branch("try", "", tried, of=node)
        self.branch("handler", f".{name}", instead, of=node, ends=ends_of(body))


def _skips(sign: str, left: bool | None) -> str:
    """Why the right of `&&` or `||` never runs."""
    never = left is not None and left is (sign == "||") and sign in ("&&", "||")
    return f"what is before it is always {str(left).lower()}" if never else ""


def _made_by(value: Node | None, owner: str) -> str:
    """The type of a value that is made by its type: `W::new()`, `W::load(path)?`, `W { .. }`."""
    value = _unwrapped(value)
    if value is not None and value.type == "struct_expression":
        return type_name(value.child_by_field_name("name"))
    if value is None or value.type != "call_expression":
        return ""
    made = path_of(value.child_by_field_name("function"))
    if len(made) > 1 and made[-1].startswith(_MAKING) and made[-2][:1].isupper():
        return owner if made[-2] == "Self" else made[-2]
    return ""


_MAKING = ("new", "from", "default", "with", "load", "open", "create", "alloc", "init", "build")
"""How functions begin that give a value of the type whose they are."""


def _unwrapped(value: Node | None) -> Node | None:
    """Without `?`, `.unwrap()` and `.expect(...)`."""
    while value is not None:
        called = value.child_by_field_name("function") if value.type == "call_expression" else None
        if value.type == "try_expression":
            value = value.named_children[0] if value.named_children else None
        elif (
            called is not None
            and called.type == "field_expression"
            and text_of(called.child_by_field_name("field")) in ("unwrap", "expect")
        ):
            value = called.child_by_field_name("value")
        else:
            break
    return value


def _type_of(node: Node | None, owner: str, types: Mapping[str, str]) -> str:
    """The type of a receiver, as far as it shows (`Type.field` for a field); empty for one that does not."""
    while node is not None and node.type in ("parenthesized_expression", "reference_expression"):
        node = node.named_children[-1] if node.named_children else None
    if node is not None and node.type == "field_expression":
        outer = _type_of(node.child_by_field_name("value"), owner, types)
        return f"{outer}.{text_of(node.child_by_field_name('field'))}" if outer and "." not in outer else ""
    if node is None or node.type not in ("self", "identifier"):
        return ""
    text = text_of(node)
    return owner if text == "self" else types.get(text, "")
