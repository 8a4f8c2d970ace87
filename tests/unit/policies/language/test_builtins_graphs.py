"""Graphs: what can be reached, and by which paths."""

from typing import Any

import pytest

from policies.language.errors import NotOfferedError
from tests.fakes.builtin_calls import FAILED, called


@pytest.mark.parametrize(
    ("graph", "initial", "paths"),
    [
        ({}, ["a"], []),
        ({"a": []}, ["a"], [["a"]]),
        ({"a": None}, ["a"], [["a"]]),
        ({"a": ["z"]}, ["a"], [["a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, ["a"], [["a", "b", "c"]]),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, ["a"], [["a", "b", "c"], ["a", "c"]]),
        ({"a": {"b"}, "b": []}, {"a", "b"}, [["a", "b"], ["b"]]),
        ({"a": ["a"]}, ["a"], [["a", "a"]]),
        ({"a": []}, "a", FAILED),
        ([], ["a"], FAILED),
        (1, ["a"], FAILED),
    ],
)
def test_paths_end_where_nothing_follows_or_a_circle_closes(
    graph: object, initial: object, paths: Any
) -> None:
    assert called("graph.reachable_paths", graph, initial) == paths


def test_paths_that_meet_again_are_not_offered() -> None:
    meeting = {"r": ["a"], "a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "e": []}
    with pytest.raises(NotOfferedError):
        called("graph.reachable_paths", meeting, ["r"])


def test_a_graph_with_more_steps_than_a_decision_can_take_is_not_offered() -> None:
    chain = {str(n): [str(n + 1)] for n in range(3000)}
    with pytest.raises(NotOfferedError):
        called("graph.reachable_paths", chain, ["0"])


@pytest.mark.parametrize(
    ("graph", "initial", "found"),
    [
        ({"a": ["b"], "b": ["a", "z"]}, ["a"], ["a", "b"]),
        ({"a": "b", "b": []}, {"a"}, ["a"]),
        ({}, [], []),
        ({}, "a", FAILED),
        ([], [], FAILED),
    ],
)
def test_every_node_of_the_graph_behind_the_start_is_reached(
    graph: object, initial: object, found: Any
) -> None:
    assert called("graph.reachable", graph, initial) == found
