"""From must-haves to the checks that decide them."""

from rocverify.binding.bind import bind
from rocverify.binding.catalogue import CATALOGUE
from rocverify.binding.model import BoundMustHave
from rocverify.binding.phrases import Phrase

__all__ = ["CATALOGUE", "BoundMustHave", "Phrase", "bind"]
