"""Examples at the end of `--help`, by command: each line is one that can be typed as it stands."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "rocverify": ("rocverify init", "rocverify run all", "rocverify report --open"),
    "phase": (
        "rocverify run phase 16",
        "rocverify run phase 16 -v -- -k correctness -x",
        "rocverify run phase 16 --baseline main",
    ),
    "plan": ("rocverify run plan 16-01", "rocverify run plan 16-01 --seed 5 --no-write"),
    "all": ("rocverify run all", "rocverify run all --device emulator --target gfx1201"),
    "explain": ("rocverify explain 16-01",),
    "bind": ("rocverify bind 16-01",),
    "lint": ("rocverify lint",),
    "contract": ("rocverify contract new kernels/scale.hip scale_kernel",),
    "doctor": ("rocverify doctor",),
    "exec": ("rocverify exec --sanitize ./build/bench",),
    "compile": ("rocverify compile kernels/scale.hip",),
    "inspect": ("rocverify inspect kernels/scale.hip",),
    "emulate": ("rocverify emulate scale.hip scale --grid 4 --block 64 --arg f32[256]:random --sanitize",),
    "init": ("rocverify init", "rocverify init --ci github"),
    "report": ("rocverify report --open", "rocverify report build/report.json --output page.html"),
    "cache": ("rocverify cache", "rocverify cache --prune"),
    "completion": ('eval "$(rocverify completion bash)"', "rocverify completion fish | source"),
    "man": ("rocverify man | man -l -",),
}


def with_examples(name: str, epilog: str | None) -> str:
    """An epilog with the examples of a command before it."""
    lines = "\n".join(f"  {line}" for line in EXAMPLES.get(name, ()))
    shown = f"\b\nExamples:\n{lines}" if lines else ""
    return "\n\n".join(filter(None, (shown, epilog)))
