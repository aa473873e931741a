"""Entries for a plan's `rocverify:` list that would decide what nothing decides yet."""

from rocverify.binding.proposals.model import Option, Proposal
from rocverify.binding.proposals.propose import propose

__all__ = ["Option", "Proposal", "propose"]
