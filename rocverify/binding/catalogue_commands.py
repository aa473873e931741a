"""Rows of the catalogue about commands: builds, tests, warnings."""

from __future__ import annotations

from rocverify.binding import build_commands
from rocverify.binding.phrases import Phrase, owning_row

_PASSES = (
    r"(?:pass(?:es)?|succeeds?|(?:is|are|stays?)\s+green|exits?\s+(?:with\s+)?(?:code\s+|status\s+)?0"
    r"|(?:completes?|finish(?:es)?|runs?|ends?)\s+(?:successfully|cleanly|without\s+errors?))\b"
)
_ARGUMENTS = (
    r"(?:\s+(?:--(?:features|test|package|test-dir|preset)\s+[\w./,-]+|-[pjLR]\s+[\w-]+|--?[\w=./:,-]*"
    r"|[\w-]+[./:][\w./:-]*))*"
)
_PLAIN = (
    rf"(?:cargo\s+(?:test|build|check|clippy|run|bench){_ARGUMENTS}|ctest{_ARGUMENTS}"
    r"|make\s+(?:check|test|tests|verify|all))"
)
_CLASS = r"`?-?[A-Za-z][\w:=-]*`?"
_FEATURE = r"(?:the\s+)?(?:(?:Cargo\s+)?feature\s+)?`?(?P<feature>[\w-]+)`?(?:\s+feature)?"
_GPU_TESTS = r"(?:all\s+|the\s+|existing\s+|GPU\s+|HIP\s+|device\s+|unit\s+|integration\s+)*tests?"

COMMANDS: tuple[Phrase, ...] = (
    owning_row(
        "command-passes",
        "command",
        "`cargo test --features rocm` passes",
        rf"(?:\bthe\s+command\s+)?(?:`(?P<quoted>[^`\n]+\s[^`\n]+|ctest|pytest|make|ninja)`|\b(?P<plain>{_PLAIN}))"
        rf"\s+(?:still\s+)?{_PASSES}",
        build_commands.passes,
    ),
    owning_row(
        "no-warnings",
        "command",
        "No warnings of class unused_variables remain",
        rf"\b(?:no|zero)\s+(?:compiler\s+)?(?:warnings?\s+of\s+(?:the\s+)?class(?:es)?\s+"
        rf"(?P<classes>{_CLASS}(?:\s*(?:,|\band\b|\bor\b)\s*{_CLASS})*)\s+(?:remains?|(?:is|are)\s+left)"
        r"|(?:compiler\s+)?warnings?\s+(?:remains?|(?:is|are)\s+left)\s+in\s+the\s+build)\b",
        build_commands.no_warnings,
    ),
    owning_row(
        "build-makes-code-objects",
        "command",
        "The build script makes HSACO files when feature rocm is on",
        r"\b(?:the\s+)?(?:build\s+script|build\.rs|cargo\s+build)\s+(?:makes|produces|emits|generates|writes)\s+(?:the\s+)?"
        rf"(?:HSACO|\.hsaco)(?:\s+files?)?\s+(?:when|if|with)\s+{_FEATURE}\s+(?:is\s+)?(?:on|enabled|active)\b",
        build_commands.build_with_feature,
    ),
    owning_row(
        "build-without-feature",
        "command",
        "The build stays intact with feature rocm off",
        r"\b(?:the\s+)?build\s+(?:stays\s+intact|still\s+works|works|succeeds|passes)\s+(?:when|if|with)\s+"
        rf"{_FEATURE}\s+(?:is\s+)?(?:off|disabled|inactive)\b",
        build_commands.build_without_feature,
    ),
    owning_row(
        "build-succeeds",
        "command",
        "The build succeeds",
        rf"\b(?:the|a)\s+(?:(?:full|whole|clean|project's)\s+)*build\s+(?:still\s+)?(?:{_PASSES}|works\b)",
        build_commands.build_succeeds,
    ),
    owning_row(
        "tests-skip",
        "command",
        "GPU tests skip without a GPU",
        rf"\b{_GPU_TESTS}\s+(?:are\s+)?skip(?:ped)?\s+(?:cleanly\s+|gracefully\s+)?"
        r"(?:without|(?:when|if|where)\s+there\s+is\s+no|when\s+no|if\s+no)\s+(?:an?\s+)?(?:GPU|device)"
        r"(?:\s+is\s+(?:present|available|found))?\b",
        build_commands.skips,
    ),
)
"""Every phrase about commands."""
