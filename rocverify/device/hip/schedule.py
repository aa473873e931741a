"""In which order pending items are executed: as they were submitted, or as a seed says."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

from rocverify.device.hip.items import Item

CHOICE = 64
"""Of so many items, the first that are pending, a seed picks what is executed early."""


class Schedule:
    """`seed` is None where items are executed in the order of submission."""

    def __init__(self, seed: int | None) -> None:
        self._random = None if seed is None else random.Random(seed)

    def chance(self, pending: Iterable[Item]) -> list[Item]:
        """Items that the seed has executed early."""
        heads = list(itertools.islice(pending, CHOICE)) if self._random is not None else []
        if self._random is None or not heads:
            return []
        count = min(self._random.choice((0, 0, 1, 2, 3)), len(heads))
        return self._random.sample(heads, count)

    def sequence(self, targets: Iterable[Item]) -> list[Item]:
        """Targets and all they come after, in an order in which they can be executed."""
        needed: dict[Item, None] = {}
        stack = [one for one in targets if not one.done]
        while stack:
            item = stack.pop()
            if item not in needed:
                needed[item] = None
                stack.extend(one for one in item.after if not one.done)
        items = sorted(needed, key=lambda item: item.serial)
        return items if self._random is None else _shuffled(items, self._random)


def _shuffled(items: list[Item], chosen: random.Random) -> list[Item]:
    missing = {item: sum(1 for one in item.after if not one.done) for item in items}
    followers: dict[Item, list[Item]] = {}
    for item in items:
        for one in item.after:
            followers.setdefault(one, []).append(item)
    heads = [item for item in items if not missing[item]]
    order = []
    while heads:
        index = chosen.randrange(len(heads))
        heads[index], heads[-1] = heads[-1], heads[index]
        order.append(heads.pop())
        for item in followers.get(order[-1], ()):
            missing[item] -= 1
            if not missing[item]:
                heads.append(item)
    return order
