"""Graphs: nodes with an order of their own, made once and launched many times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item, Kind, new_handle, nothing
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.event import Event
    from rocverify.device.hip.streams import Stream, Streams
    from rocverify.device.trace.log import Entry


@dataclass(frozen=True, slots=True)
class Told:
    """What a trace says of a piece of work each time that it is done: see TraceEvent."""

    category: Category
    fields: dict[str, Any]

    @classmethod
    def by(cls, entry: Entry) -> Told:
        """What it says of a call."""
        fields = {name: entry.fields[name] for name in _TOLD if entry.fields.get(name) is not None}
        return cls(entry.category, fields)


_TOLD = ("kernel", "grid", "block", "shared_bytes", "args", "code_object", "bytes", "dst", "src")


@dataclass(slots=True, eq=False)
class Node:
    """A node of a graph. `item` is the work of a launch, copy, memset or host function, `event` what an event
    node records or waits for, `child` the graph of a child node, `told` what a trace says of the work."""

    handle: int
    kind: Kind
    graph: Graph
    after: list[Node]
    item: Item | None = None
    event: Event | None = None
    child: Graph | None = None
    told: Told | None = None


class Graph:
    """A graph; nodes are in the order in which they were added. `twins` are a clone's nodes by the originals'
    handles."""

    def __init__(self, site: int = 0) -> None:
        self.handle = new_handle()
        self.site = site
        self.nodes: list[Node] = []
        self.twins: dict[int, Node] = {}

    def add(self, kind: Kind, after: Iterable[Node], **what: Any) -> Node:
        """A new node that comes after others; hipErrorInvalidValue for others twice or elsewhere."""
        before = list(after)
        if len(set(before)) != len(before) or any(one.graph is not self for one in before):
            raise HipError("hipErrorInvalidValue", "a dependency is named twice, or is not of this graph")
        node = Node(new_handle(), kind, self, before, **what)
        self.nodes.append(node)
        return node

    def connect(self, first: Node, last: Node) -> None:
        """Has one node come after another."""
        if first.graph is not self or last.graph is not self or first is last or first in last.after:
            raise HipError(
                "hipErrorInvalidValue", "the nodes are not two of this graph, or connected already"
            )
        last.after.append(first)

    def disconnect(self, first: Node, last: Node) -> None:
        """Takes an edge away."""
        if last.graph is not self or first not in last.after:
            raise HipError("hipErrorInvalidValue", "the nodes are not two of this graph that are connected")
        last.after.remove(first)

    def remove(self, node: Node) -> None:
        """Takes a node and its edges away."""
        self.nodes.remove(node)
        for one in self.nodes:
            if node in one.after:
                one.after.remove(node)

    def roots(self) -> list[Node]:
        """The nodes that come after none."""
        return [node for node in self.nodes if not node.after]

    def edges(self) -> list[tuple[Node, Node]]:
        """Pairs of a node and one that comes after it."""
        return [(first, node) for node in self.nodes for first in node.after]

    def order(self) -> list[Node]:
        """The nodes, each behind those that it comes after; hipErrorInvalidValue if they form a circle."""
        done: dict[Node, None] = {}
        left = list(self.nodes)
        while left:
            ready = [node for node in left if all(one in done for one in node.after)]
            if not ready:
                raise HipError("hipErrorInvalidValue", "the graph's dependencies go round in a circle")
            done.update(dict.fromkeys(ready))
            left = [node for node in left if node not in done]
        return list(done)

    def clone(self) -> Graph:
        """A graph of the same nodes and edges."""
        copy = Graph(self.site)
        for node in self.order():
            copy.twins[node.handle] = copy.add(
                node.kind,
                [copy.twins[one.handle] for one in node.after],
                item=node.item,
                event=node.event,
                child=node.child.clone() if node.child is not None else None,
                told=node.told,
            )
        return copy


@dataclass(slots=True, eq=False)
class Step:
    """A node as an executable graph has it. `after` are places of steps; `component` is of clocks."""

    node: int
    kind: Kind
    after: tuple[int, ...]
    item: Item | None
    event: Event | None
    told: Told | None
    component: int = 0
    enabled: bool = True


def _flat(graph: Graph, steps: list[Step], outer: tuple[int, ...]) -> tuple[int, ...]:
    """Adds a graph's steps, which come after `outer`; the places of those that nothing comes after."""
    ends: dict[Node, tuple[int, ...]] = {}
    for node in graph.order():
        after = tuple(dict.fromkeys(place for one in node.after for place in ends[one])) or outer
        if node.child is not None:
            ends[node] = _flat(node.child, steps, after) or after
        else:
            steps.append(Step(node.handle, node.kind, after, node.item, node.event, node.told))
            ends[node] = (len(steps) - 1,)
    inner = {one for node in graph.nodes for one in node.after}
    return tuple(
        dict.fromkeys(place for node, places in ends.items() if node not in inner for place in places)
    )


class Executable:
    """An instantiated graph. Its launches come one after the other."""

    def __init__(self, graph: Graph, streams: Streams) -> None:
        self.handle = new_handle()
        self.source = graph.clone()
        self.steps: list[Step] = []
        self._ends = _flat(graph, self.steps, ())
        self._last: Item | None = None
        self._components(streams)

    def _components(self, streams: Streams) -> None:
        """A chain of steps has one component of the clocks, a branch one of its own."""
        continued: set[int] = set()
        for step in self.steps:
            free = [place for place in step.after if place not in continued]
            if free:
                continued.add(free[0])
                step.component = self.steps[free[0]].component
            else:
                step.component = streams.new_component()

    def step(self, node: int) -> Step:
        """The step of a node of the graph; hipErrorInvalidValue if there is none."""
        for step in self.steps:
            if step.node == node:
                return step
        raise HipError("hipErrorInvalidValue", f"{node:#x} is not a node of the instantiated graph")

    def launch(self, streams: Streams, stream: Stream, site: int) -> list[tuple[Step, Item]]:
        """Queues all steps; what follows in the stream comes after them. Returns the items."""
        first = Item(nothing, "begin of a graph", site=site)
        streams.queue(stream, first, [self._last] if self._last is not None else ())
        items: list[Item] = []
        for step in self.steps:
            item, also = self._item(step, streams, site)
            before = [items[place] for place in step.after] or [first]
            streams.queue_apart(item, stream, step.component, [*before, *also])
            items.append(item)
        last = Item(nothing, "end of a graph", site=site)
        streams.queue(stream, last, [items[place] for place in self._ends])
        self._last = last
        return list(zip(self.steps, items, strict=True))

    def _item(self, step: Step, streams: Streams, site: int) -> tuple[Item, Sequence[Item]]:
        if step.kind is Kind.EVENT_RECORD and step.event is not None:
            return streams.events.marker(step.event, site), ()
        if step.kind is Kind.WAIT_EVENT and step.event is not None:
            waited = step.event.item
            return Item(nothing, "wait for an event", site=site, kind=step.kind), [waited] if waited else ()
        if step.item is None or not step.enabled:
            return Item(nothing, "empty node", site=site), ()
        return step.item.again(), ()


class Graphs:
    """The graphs of one context, their nodes, and what was instantiated."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._graphs: dict[int, Graph] = {}
        self._executables: dict[int, Executable] = {}

    def clear(self) -> None:
        """Forgets all."""
        self._graphs.clear()
        self._executables.clear()

    def enter(self, graph: Graph) -> Graph:
        """Makes a graph known to the client."""
        self._graphs[graph.handle] = graph
        return graph

    def find(self, number: int) -> Graph:
        """The graph; hipErrorInvalidValue if there is none (any more)."""
        if number not in self._graphs:
            raise HipError("hipErrorInvalidValue", f"{number:#x} is not a graph of this device")
        return self._graphs[number]

    def node(self, number: int) -> Node:
        """The node; hipErrorInvalidValue if there is none (any more)."""
        for graph in self._graphs.values():
            for node in graph.nodes:
                if node.handle == number:
                    return node
        raise HipError("hipErrorInvalidValue", f"{number:#x} is not a node of a graph of this device")

    def memory(self) -> set[int]:
        """Addresses of what nodes of any graph allocate and free."""
        graphs = [*self._graphs.values(), *(one.source for one in self._executables.values())]
        found: set[int] = set()
        while graphs:
            for node in graphs.pop().nodes:
                if node.child is not None:
                    graphs.append(node.child)
                if node.item is not None and node.item.memory:
                    found.add(node.item.memory)
        return found

    def executable(self, number: int) -> Executable:
        """What was instantiated; hipErrorInvalidValue if there is none (any more)."""
        if number not in self._executables:
            raise HipError("hipErrorInvalidValue", f"{number:#x} is not an instantiated graph of this device")
        return self._executables[number]

    def instantiate(self, graph: Graph) -> Executable:
        """An executable of what a graph is now."""
        made = Executable(graph, self._streams)
        self._executables[made.handle] = made
        return made

    def destroy(self, number: int) -> None:
        """Ends a graph and its nodes, with the graphs within it."""
        ended = [self.find(number)]
        while ended:
            graph = ended.pop()
            self._graphs.pop(graph.handle, None)
            ended += [node.child for node in graph.nodes if node.child is not None]

    def destroy_executable(self, number: int) -> None:
        """Ends an executable; launches that are queued are done all the same."""
        self.executable(number)
        del self._executables[number]
