"""What each kind of check looks for and how to put right what it finds, in the words of a rule for readers of
SARIF and of annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """title: what the check demands, in a sentence; help: what to do where it is not so."""

    title: str
    help: str


_REPLAY = "The report has the smallest case that fails and the command that replays it (`--case`)."

KINDS: Mapping[str, Rule] = {
    "absent": Rule("A name or text that must be gone is nowhere in the code.", "Remove what is left of it."),
    "artifact": Rule(
        "A file exists, says what the plan says, and is not a stub.", "Write what is missing of the file."
    ),
    "backend_selected": Rule(
        "The call takes the backend that the plan names.",
        "Correct the dispatch, so that the named kernel is launched in this situation.",
    ),
    "call_order": Rule(
        "Calls come in the order that the plan states.", "Move the call that comes too early or too late."
    ),
    "command": Rule(
        "A command of the plan succeeds.", "Correct what makes it fail; commands need --allow-commands."
    ),
    "constant_value": Rule(
        "A constant has the stated value wherever it is defined.", "Give every definition the same value."
    ),
    "correctness": Rule(
        "A kernel's results agree with the float64 reference.",
        f"Correct the kernel or its wrapper. {_REPLAY}",
    ),
    "defined": Rule("A name is defined where the plan says.", "Define it, or correct the plan."),
    "documented": Rule(
        "A function documents the path of calls that it really takes.", "Correct the text or the path."
    ),
    "fallback": Rule(
        "What cannot run on the GPU falls back as the plan says.", "Correct the condition of the fallback."
    ),
    "faster": Rule("One kernel does less work than another.", "Compare the counters in the report."),
    "kernel_compiled": Rule(
        "A kernel source compiles for the targets and defines its kernels.",
        "Correct what the compiler names; its whole output is in the SUMMARY.",
    ),
    "key_link": Rule(
        "One file uses another as the plan says, in code that runs.", "Add the call or the reference."
    ),
    "layout": Rule(
        "Arrays are indexed in the layout that the plan states.", f"Correct the indices. {_REPLAY}"
    ),
    "memory_safety": Rule(
        "A kernel stays within its memory, reads nothing uninitialised and has no races.",
        f"Correct the access that the sanitizer names. {_REPLAY}",
    ),
    "no_host_roundtrip": Rule(
        "Nothing comes back to the host on the way to a kernel's result.",
        "Remove the copy or the synchronous read at the place that is named.",
    ),
    "numerical_stability": Rule(
        "Results stay right for extreme, masked and special values.", f"Correct the arithmetic. {_REPLAY}"
    ),
    "performance": Rule(
        "Counters are within the baseline.", "Undo what costs more, or write a new baseline if it is wanted."
    ),
    "program": Rule(
        "The project's program does on the device what the plan says.",
        "Look at the trace in the report: which launches and copies the program made.",
    ),
    "resources": Rule(
        "A kernel keeps to its registers, LDS, spills and occupancy.", "Reduce what the metadata show."
    ),
    "struct_layout": Rule(
        "A struct has the same layout on host and device.", "Correct order, types or alignment of its fields."
    ),
    "tests_pass": Rule(
        "Tests of the project pass.", "Correct what they name; their output is in the SUMMARY."
    ),
    "unsupported_config": Rule(
        "What a kernel does not support is refused with an error.", "Check the arguments before the launch."
    ),
    "wrapper_present": Rule(
        "A wrapper launches its kernel with the arguments that the code object expects.",
        "Correct the launch: symbol, arguments, grid and block are in the report.",
    ),
}

OTHERS: Mapping[str, Rule] = {
    "no_check": Rule(
        "Every must-have is decided by a check.",
        "`rocverify bind` proposes checks; `.planning/ROCVERIFY.md` shows sentences that are understood.",
    ),
    "unverified": Rule(
        "A must-have is verified only by what was executed.",
        "The message says what was not tried or not run.",
    ),
    "demand": Rule(
        "What roadmap and requirements ask for is proved by a must-have.",
        "Name its id in a must-have that proves it.",
    ),
    "plan_refused": Rule("A plan can be read.", "Correct the document at the line that is named."),
    "unbuilt": Rule("Every kernel source compiles.", "Correct what the compiler names."),
}


def rule_of(name: str) -> Rule:
    """The rule of a kind of check, or of what is found beside checks; of an unknown kind, a general one."""
    known = KINDS.get(name) or OTHERS.get(name)
    return known or Rule(f"The check {name} passes.", "The message says what was seen.")
