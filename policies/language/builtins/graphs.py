"""Built-ins on graphs: objects that name, for each node, an array or a set of the nodes that follow."""

from dataclasses import dataclass
from typing import Any

from policies.language.builtins.operands import LONGEST_LIST, Builtin, mapping, sequence
from policies.language.errors import NotOfferedError
from policies.language.values import UNDEFINED, RegoSet, Value, identity, step


def _followers(edges: Value) -> list[Value]:
    return sequence(edges) if type(edges) in {list, RegoSet} else []


def _reachable(graph: Value, initial: Value) -> RegoSet:
    edges = mapping(graph)
    found = RegoSet()
    waiting = list(sequence(initial))
    while waiting:
        node = waiting.pop()
        following = step(edges, node)
        if node in found or following is UNDEFINED:
            continue
        found.add(node)
        waiting += _followers(following)
    return found


def _reachable_paths(graph: Value, initial: Value) -> RegoSet:
    paths = _Paths(mapping(graph))
    for node in sequence(initial):
        paths.start(node)
    return paths.found


@dataclass(frozen=True, slots=True)
class _Walk:
    """A path so far, the nodes that it passed, and the node that it goes to."""

    path: list[Value]
    passed: frozenset[Any]
    node: Value


class _Paths:
    """The longest paths from a node: each ends where nothing follows, or what follows was passed."""

    def __init__(self, graph: dict[Any, Value]) -> None:
        self.found = RegoSet()
        self._graph = graph
        self._steps = 0

    def start(self, node: Value) -> None:
        edges = step(self._graph, node)
        if edges is UNDEFINED:
            return
        following = _followers(edges)
        if not following:
            self._add([node])
        # The node itself may follow once more: only what comes behind it counts as passed.
        for one in following:
            self._go(_Walk([node], frozenset({identity(node)}), one))

    def _go(self, first: _Walk) -> None:
        waiting = [first]
        met: set[Any] = set()
        while waiting:
            walk = waiting.pop()
            edges = step(self._graph, walk.node)
            if edges is UNDEFINED:
                self._add(walk.path)
            elif following := _followers(edges):
                # Releases of OPA differ here: some end a path where another one went already.
                if identity(walk.node) in met:
                    raise NotOfferedError("paths that meet again behind their start")
                met.add(identity(walk.node))
                waiting += self._onward(walk, following)
            else:
                self._add([*walk.path, walk.node])

    def _onward(self, walk: _Walk, following: list[Value]) -> list[_Walk]:
        path, passed = [*walk.path, walk.node], walk.passed | {identity(walk.node)}
        free = [one for one in following if identity(one) not in passed]
        if len(free) < len(following):
            self._add(path)
        self._charge(len(path) * len(free))
        return [_Walk(path, passed, one) for one in free]

    def _add(self, path: list[Value]) -> None:
        self._charge(len(path))
        self.found.add(path)

    def _charge(self, steps: int) -> None:
        self._steps += steps
        if self._steps > LONGEST_LIST:
            raise NotOfferedError(f"paths of more than {LONGEST_LIST} steps together")


GRAPHS = {
    "graph.reachable": Builtin(_reachable, 2),
    "graph.reachable_paths": Builtin(_reachable_paths, 2),
}
