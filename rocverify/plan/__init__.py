"""Parsing of PLAN.md files into immutable records; knows nothing of devices."""

from rocverify.plan.demands import (
    Demand,
    DemandKind,
    phase_demands,
    plan_demands,
    same_demand,
)
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
    "Demand",
    "DemandKind",
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
    "phase_demands",
    "plan_demands",
    "same_demand",
    "trailing_requirements",
    "without_requirements",
]
