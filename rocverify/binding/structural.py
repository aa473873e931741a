"""Checks for artifacts and key links, which say themselves what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rocverify.binding.calls import bare, further_callees, parse_call
from rocverify.binding.model import Draft, Undecided
from rocverify.plan.model import Artifact, KeyLink

_EXPORT = re.compile(
    r"(?:(?:pub(?:\([^()]*\))?|export|default|async|unsafe|inline|extern(?:\s+\"C\")?|__global__|void)\s+)*"
    r"(?:(?:fn|def|class|struct|enum|union|trait|type|mod|const|static|function|interface|macro)\s+)?"
    r"(?P<name>[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*)`?(?:!|\s*(?:[(<]|->|:\s|=).*)?"
)
_LISTS = re.compile(
    r"\s*`?(?P<owner>[\w./-]+)`?(?:\s+(?:list|array|table|manifest|section|entries|file))*"
    r"\s+(?:includes|lists|contains|names|registers|has)\s+(?:an?\s+entry\s+(?:for|of)\s+|the\s+)?"
    r"`?(?P<item>[\w./-]*[\w-])`?"
)


def artifact_draft(artifact: Artifact) -> Draft | Undecided:
    """The artifact check; with nothing asked of the file's code, `why` says that it only has to exist."""
    if artifact.unread:
        return Undecided(f"the entry cannot be checked: {artifact.unread}")
    params: dict[str, Any] = {"path": artifact.path}
    asked = []
    if artifact.contains is not None:
        params["contains"] = artifact.contains
        asked.append(f"its code to match {artifact.contains!r}")
    if artifact.not_contains is not None:
        params["not_contains"] = artifact.not_contains
        asked.append(f"its code not to match {artifact.not_contains!r}")
    if artifact.min_lines is not None:
        params["min_lines"] = artifact.min_lines
        asked.append(f"at least {artifact.min_lines} lines")
    if artifact.exports:
        names = [name for text in artifact.exports for name in exported_names(text)]
        prose = next((name for name in names if len(name.split()) != 1), None)
        if prose:
            return Undecided(f"{prose!r} among the exports is not a name; write names alone")
        params["exports"] = names
        asked.append(f"it to define {', '.join(names)}")
    if not asked:
        return Draft(
            "artifact", params, f"{artifact.path} only has to exist: no contains, min_lines or exports"
        )
    return Draft("artifact", params, f"{artifact.path} has to exist; the plan asks {' and '.join(asked)}")


def exported_names(text: str) -> tuple[str, ...]:
    """The names of an entry of `exports`: `rope` of "rope()", "pub fn rope(q: &Q) -> Q" and "rope (code)",
    both of "rope, Rope"; the text itself where it is none of these."""
    parts = re.split(r",(?![^(<\[]*[)>\]])", text)
    found = [_EXPORT.fullmatch(part.strip().strip("`'\"")) for part in parts]
    names = tuple(match["name"] for match in found if match)
    return names if len(names) == len(parts) else (text,)


def key_link_draft(link: KeyLink) -> Draft | Undecided:
    """The key_link check, if the link says how it can be seen."""
    if link.unread:
        return Undecided(f"the entry cannot be checked: {link.unread}")
    params: dict[str, Any] = {"from_path": link.from_path, "to_path": link.to_path}
    call = parse_call(link.via)
    asked = []
    if link.via:
        params["via"] = link.via
    if link.pattern is not None:
        params["pattern"] = link.pattern
        asked.append(f"the code of {link.from_path} has to match {link.pattern!r}")
    if call:
        asked.append(f"{bare(call[0])}() has to call {bare(call[1])}() on the syntax tree")
    params = via_parameters(params)
    asked += [f"and {name}()" for name in params.get("also", ())]
    if "item" in params:
        asked.append(f"{link.from_path} has to list {params['item']}")
    if not asked:
        return Undecided(
            "the link has neither a pattern nor a via of the form 'f() calls g()', so nothing could show it; "
            "add one of them"
        )
    return Draft("key_link", params, f"{' and '.join(asked)}; {link.to_path} has to exist")


def via_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a key_link check with what its `via` says.

    `caller` and `callee` of "f() calls g()", `owner` and `item` of "KERNELS list includes k.hip"; unchanged
    where they say it already, or `via` is prose.
    """
    via = params.get("via")
    if not isinstance(via, str) or {"caller", "callee", "owner", "item"} & params.keys():
        return dict(params)
    call = parse_call(via)
    if call is not None:
        further = further_callees(via)
        return {**params, "caller": call[0], "callee": call[1], **({"also": further} if further else {})}
    listed = _parse_list(via)
    return {**params, "owner": listed[0], "item": listed[1]} if listed else dict(params)


def _parse_list(via: str) -> tuple[str, str] | None:
    """Owner and item of a sentence of the form "KERNELS list includes rope.hip"; None for other prose.

    The item must look like a file or an identifier, not like a plain English word.
    """
    found = _LISTS.match(via)
    if found is None or not re.search(r"[._/\d]", found["item"]):
        return None
    return found["owner"], found["item"]
