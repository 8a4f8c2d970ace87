"""Acts are found by name, their arguments checked before anything happens, their results plain JSON."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from catalogue.model import Actor
from exchange.acts.register import ACTS, ActError, act, perform
from exchange.desk import ACT_MODULES

NAME = "test.count"


@pytest.fixture
def counted() -> Iterator[list[dict[str, Any]]]:
    """An act that notes what it was given; gone when the test ends."""
    given: list[dict[str, Any]] = []

    @act(NAME)
    def count(
        node: Any,
        actor: Actor,
        *,
        rows: list[int],
        reason: str = "",
        kinds: frozenset[str] | None = None,
    ) -> dict[str, object]:
        given.append({"node": node, "actor": actor, "rows": rows, "reason": reason})
        return {"rows": tuple(rows), "kinds": kinds or frozenset({"b", "a"})}

    yield given
    del ACTS[NAME]


def test_an_act_gets_node_actor_and_its_typed_arguments(counted: list[dict[str, Any]]) -> None:
    actor = Actor()
    said = perform("the node", actor, NAME, {"rows": [1, 2]})
    assert counted == [{"node": "the node", "actor": actor, "rows": [1, 2], "reason": ""}]
    assert msgspec.json.decode(msgspec.json.encode(said)) == {"rows": [1, 2], "kinds": ["a", "b"]}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"rows": "1"},
        {"rows": ["1"]},
        {"rows": [1], "unknown": 1},
        {"rows": [1], "reason": None},
        {"rows": [1], "actor": "somebody"},
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_happens(
    counted: list[dict[str, Any]], arguments: dict[str, Any]
) -> None:
    with pytest.raises(ActError) as refused:
        perform(None, Actor(), NAME, arguments)
    assert refused.value.code == "ACT_ARGUMENTS"
    assert counted == []


def test_an_unknown_act_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ActError, match=r"grant\.give") as refused:
        perform(None, Actor(), "nosuch.act", {})
    assert refused.value.code == "ACT_UNKNOWN"


def test_what_an_act_raises_passes_through(counted: list[dict[str, Any]]) -> None:
    @act("test.fail")
    def fail(node: Any, actor: Actor) -> None:
        raise LookupError("as it is")

    try:
        with pytest.raises(LookupError, match="as it is"):
            perform(None, Actor(), "test.fail", {})
    finally:
        del ACTS["test.fail"]


def test_every_declared_act_has_a_noun_and_a_verb_and_comes_from_a_module_of_acts() -> None:
    modules = {module.__name__ for module in ACT_MODULES}
    for name, (function, shape) in ACTS.items():
        noun, _, verb = name.partition(".")
        assert noun.isalpha(), name
        assert verb.replace("-", "").isalpha(), name
        assert function.__module__ in modules, name
        assert not {"node", "actor"} & set(shape.__struct_fields__), name
