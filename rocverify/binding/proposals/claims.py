"""Ways to decide claims about order, cost, fallbacks and layouts, with what the project shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from rocverify.binding.build_costs import METRICS
from rocverify.binding.build_order import THINGS
from rocverify.binding.catalogue_code import CPP, structures_in
from rocverify.binding.model import Draft
from rocverify.binding.project import Contract, Function
from rocverify.binding.proposals.about import MOST, About
from rocverify.binding.proposals.model import Option
from rocverify.binding.reading import code_names

_REPR_C = re.compile(r"#\[\s*repr\(C\)\s*\](?:\s*#\[[^\]]*\])*\s*(?:pub(?:\([^)]*\))?\s+)?struct\s+(\w+)")


def functions_of(about: About, name: str) -> Sequence[Function]:
    """The host functions of a name."""
    return about.subject.named(name) or about.subject.named_in_compiled(name) if name else ()


def order(about: About, match: re.Match[str]) -> Iterator[Option]:
    """Of several functions of a name each, and for a kernel the functions that launch it."""
    one, entries = _things(about, match["one"]), [f.ref for f in functions_of(about, match["entry"] or "")]
    what = (match["what"] or "").lower().replace("-", "").split()
    other = [THINGS[what[-1]]] if what else _things(about, match["another"])
    launched = [name for name in (match["one"], match["another"]) if _is_kernel(about, name)]
    if launched and not entries:
        entries = list(dict.fromkeys(f.ref for name in launched for f in about.users(name)))
    if launched and not entries:
        return
    drafts = []
    for mine, yours, entry in product(one, other, entries or [""]):
        first, then = (mine, yours) if match["when"].lower() == "before" else (yours, mine)
        params = {"first": first, "then": then, **({"entry": entry} if entry else {})}
        why = f"{', '.join(launched)} is launched in {entry}" if launched else f"{first} and {then} are there"
        drafts.append(Draft("call_order", params, why))
    if len(drafts) <= MOST:
        yield from (Option((draft,)) for draft in drafts)


def _is_kernel(about: About, name: str | None) -> bool:
    return name is not None and any(kernel.has(name) for kernel in about.subject.kernels)


def _things(about: About, name: str | None) -> list[str]:
    """What a name may be in an order: a function, in full where there are several; a kernel's launch."""
    if _is_kernel(about, name):
        return ["dispatch"]
    found = list(dict.fromkeys(f.ref for f in functions_of(about, name or "")))
    return [str(name)] if len(found) == 1 else found


def faster(about: About, match: re.Match[str]) -> Iterator[Option]:
    """The contracts of what stands before "than", with those of what stands behind it."""
    begin, end = match.span("than")
    ours = _contracts(about, 0, begin)
    theirs = _contracts(about, end, len(about.text))
    by = 2.0 if match["twice"] else float(match["times"])
    metric = METRICS.get((match.groupdict().get("metric") or "").lower())
    pairs = [(a, b) for a in ours for b in theirs if a != b]
    if by <= 1 or len(pairs) > MOST:
        return
    for a, b in pairs:
        params: dict[str, Any] = {"contract": a.ref, "than": b.ref, "by": by}
        params |= {"metric": metric} if metric else {}
        doubt = "whether these are the two that are meant" if len(pairs) > 1 else ""
        yield Option((Draft("faster", params, f"{a.ref} and {b.ref} drive the two"),), doubt)


def _contracts(about: About, begin: int, end: int) -> list[Contract]:
    """The contracts of what a part of the text names; all where it names nothing."""
    named = [m for m in about.mentions if begin <= m.span[0] < end]
    sources = {m.kernel.source for m in named}
    symbols = {s for m in named for s in m.symbols}
    return [
        c
        for c in about.subject.contracts
        if not named or (c.source in sources and (not symbols or symbols & set(c.symbols)))
    ]


def falls_back(about: About, match: re.Match[str]) -> Iterator[Option]:
    """Each contract of a call whose kernel can be taken away, with the fallback that is named."""
    groups = match.groupdict()
    kernel = (groups.get("kernel") or "").strip("`")
    named = functions_of(about, groups.get("fallback") or "")
    driven = [c for c in about.contracts if c.wrapper and (not kernel or c.has(kernel))]
    drafts = []
    for contract, fallback in product(driven, [f.ref for f in named] or [""]):
        params: dict[str, Any] = {"contract": contract.ref}
        params |= {"kernels": [kernel]} if kernel else {}
        params |= {"fallback": fallback} if fallback else {}
        drafts.append(Draft("fallback", params, f"{contract.ref} drives {contract.wrapper}"))
    if len(drafts) <= MOST:
        yield from (Option((draft,)) for draft in drafts)


def structure(about: About, match: re.Match[str]) -> Iterator[Option]:
    """Each source that defines the structure; of a mirror, each with each of Rust."""
    groups = match.groupdict()
    if groups.get("value"):
        params: dict[str, Any] = {"name": match["name"], "size": int(match["value"])}
        params |= {"align": int(match["align"])} if match["align"] else {}
        for path in structures_in(about.reading, match["name"], CPP):
            why = f"{path} defines {match['name']}"
            yield Option((Draft("struct_layout", {**params, "path": path}, why),))
        return
    drafts = list(_mirrors(about, groups.get("name") or ""))
    if len(drafts) <= MOST:
        yield from (Option((draft,)) for draft in drafts)


def _mirrors(about: About, name: str) -> Iterator[Draft]:
    for mirror in structures_in(about.reading, name or r"\w+", (".rs",), pattern=not name):
        names = [name] if name else _REPR_C.findall(about.subject.text(mirror))
        for one in names:
            for path in structures_in(about.reading, one, CPP):
                params = {"name": one, "path": path, "mirror": mirror}
                yield Draft("struct_layout", params, f"{path} and {mirror} define {one}")


def uploads(about: About, match: re.Match[str]) -> Iterator[Option]:
    """What calls of the named functions upload: nothing, or nothing but what is named beside them."""
    whole = "uploaded as" in " ".join(match[0].lower().split())
    driven = {function.name for function in about.functions}
    names = [name for _, name in code_names(about.text) if name not in driven]
    for function in about.functions:
        for contract in about.subject.contracts_driving(function):
            params: dict[str, Any] = {"entry": function.ref, "contract": contract.ref}
            doubt = "whether nothing at all is uploaded there is meant"
            if whole:
                if not names:
                    continue
                params["allow_uploads"] = names
                doubt = "whether what is uploaded has the bytes that were given: the trace tells of sizes"
            yield Option(
                (Draft("no_host_roundtrip", params, f"{contract.ref} drives {function.ref}"),), doubt
            )
