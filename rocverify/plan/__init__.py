"""Parsing of PLAN.md files into immutable records; knows nothing of devices."""

from rocverify.plan.locate import Phase, all_phases, find_phase, find_plans
from rocverify.plan.model import (
    Artifact,
    ContextRef,
    DecisionOption,
    ExplicitCheck,
    Item,
    KeyLink,
    MustHave,
    Plan,
    Section,
    Task,
    Truth,
    UserSetup,
    VerifyStep,
)
from rocverify.plan.parse import parse_plan
from rocverify.plan.requirements import is_requirement, trailing_requirements, without_requirements

__all__ = [
    "Artifact",
    "ContextRef",
    "DecisionOption",
    "ExplicitCheck",
    "Item",
    "KeyLink",
    "MustHave",
    "Phase",
    "Plan",
    "Section",
    "Task",
    "Truth",
    "UserSetup",
    "VerifyStep",
    "all_phases",
    "find_phase",
    "find_plans",
    "is_requirement",
    "parse_plan",
    "trailing_requirements",
    "without_requirements",
]
