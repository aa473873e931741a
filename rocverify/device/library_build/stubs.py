"""What is generated for a library: C for every name that no source implements, and the version script."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rocverify.device.library_build.exports import UNVERSIONED, Export, version_nodes
from rocverify.errors import ToolchainError

PRIVATE_NODE = "rv_private"
"""The symbol version of what our libraries and tools use among themselves."""

_HEAD = """\
/* Generated: the names that are exported and not served. Each says so once, and fails. */
#define RV_API __attribute__((visibility("default")))
int rv_not_served(const char *name);
struct rv_five_ints { int values[5]; };
"""

_BODIES: Mapping[str, str] = {
    "error": 'RV_API int {name}(void) {{ return rv_not_served("{name}"); }}',
    "status": 'RV_API int {name}(void) {{ rv_not_served("{name}"); return {status}; }}',
    "rtc": 'RV_API int {name}(void) {{ rv_not_served("{name}"); return 11; }}',
    "string": 'RV_API const char *{name}(void) {{ rv_not_served("{name}"); return ""; }}',
    "pointer": 'RV_API void *{name}(void) {{ rv_not_served("{name}"); return 0; }}',
    "int": 'RV_API int {name}(void) {{ rv_not_served("{name}"); return -1; }}',
    "bool": 'RV_API _Bool {name}(void) {{ rv_not_served("{name}"); return 0; }}',
    "void": 'RV_API void {name}(void) {{ rv_not_served("{name}"); }}',
    "struct": "RV_API struct rv_five_ints {name}(void) "
    '{{ rv_not_served("{name}"); return (struct rv_five_ints){{{{0}}}}; }}',
}


def stub_source(exports: Sequence[Export], implemented: Collection[str], *, status: int = 7) -> str:
    """C that defines every export that is not among the `implemented`; `status` is what a library of its own
    status codes calls "not supported"."""
    lines = [
        _BODIES[export.returns].format(name=export.name, status=status)
        for export in exports
        if export.name not in implemented
    ]
    return _HEAD + "\n".join(lines) + "\n"


def version_script(exports: Sequence[Export], implemented: Collection[str]) -> str:
    """The linker's version script: every export under its version, our own rv_* names under `PRIVATE_NODE`.

    Raises ToolchainError if a source defines a public name that the data file does not know.
    """
    known = {export.name for export in exports}
    private = sorted(name for name in implemented if name.startswith("rv_"))
    if unknown := sorted(set(implemented) - known - set(private)):
        raise ToolchainError(
            f"the library's sources export names that its list does not have: {', '.join(unknown)}",
            where="rocverify/device/library",
            hint="add them to the list of exports with their symbol version, or make them hidden",
        )
    unversioned = [export.name for export in exports if export.version == UNVERSIONED]
    if unversioned:
        return (
            "{\n  global:\n"
            + "".join(f"    {n};\n" for n in sorted((*unversioned, *private)))
            + "  local: *;\n};\n"
        )
    text, before = "", ""
    for node in version_nodes(exports):
        names = "".join(f"    {export.name};\n" for export in exports if export.version == node)
        local = "" if before else "  local: *;\n"
        text += f"{node} {{\n  global:\n{names}{local}}}{before};\n"
        before = f" {node}"
    if private:
        text += f"{PRIVATE_NODE} {{\n  global:\n" + "".join(f"    {n};\n" for n in private) + "};\n"
    return text
