"""From must-haves to the checks that decide them."""

from rocverify.binding.bind import bind
from rocverify.binding.catalogue import CATALOGUE, Phrase
from rocverify.binding.model import BoundMustHave

__all__ = ["CATALOGUE", "BoundMustHave", "Phrase", "bind"]
