"""Patches of the gateway's front half: planning, contracts and the words of refusals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from graphql import FieldNode, GraphQLError, NoSchemaIntrospectionCustomRule
from graphql.execution.collect_fields import collect_sub_fields
from graphql.validation import ASTValidationRule

import gateway.assemble
import gateway.attempts
import gateway.budgets
import gateway.coded
import gateway.mask
import gateway.parse
import gateway.plan
import gateway.planned
import gateway.rule
import gateway.schema
import gateway.sources.statements
from catalogue.model import Item, Resource, SubjectType
from tests.sabotage.kit import Sabotage, replaced


def _ask_for_everything(_planning: object, resource: Resource, *_: object) -> tuple[Item, ...]:
    return resource.items


def _collect_as_written(
    _schema: object, _fragments: object, _variables: object, _type: object, nodes: list[FieldNode]
) -> dict[str, list[FieldNode]]:
    """Know no aliases, fragments, directives or second mention of a field."""
    selections = nodes[0].selection_set.selections if nodes[0].selection_set else ()
    return {node.name.value: [node] for node in selections if isinstance(node, FieldNode)}


def _read_whatever_there_is(
    planning: Any, subject: SubjectType, key_of: Callable[[Item], Any], **place: Any
) -> None:
    """Ask for each of a subject's records, selected or not."""
    for name, resource in planning.document.contract.records.items():
        if resource.key.subject is subject:
            path = (*place["path"], name)
            key = key_of(resource.key)
            planning._walk_records(resource, key, limit=1, path=path, nodes=place["nodes"])


@contextmanager
def _planned_from_the_letter() -> Iterator[None]:
    with ExitStack() as patches:
        patches.enter_context(replaced(collect_sub_fields, _collect_as_written))
        patches.enter_context(replaced(gateway.plan._Planning._items, _ask_for_everything))
        patches.enter_context(replaced(NoSchemaIntrospectionCustomRule, ASTValidationRule))
        yield


@contextmanager
def _key_like_any_item() -> Iterator[None]:
    with ExitStack() as patches:
        patches.enter_context(replaced(gateway.plan._Planning._items, _ask_for_everything))
        patches.enter_context(
            replaced(gateway.plan._Planning._walk_subject_fields, _read_whatever_there_is)
        )
        patches.enter_context(
            replaced(
                gateway.assemble._Record.value,
                lambda record, item: record.row.get(item.name),
            )
        )
        yield


@contextmanager
def _contracts_that_run_into_each_other() -> Iterator[None]:
    honest = gateway.schema._fitting
    shown: dict[str, Resource] = {}

    def fitting(resources: Sequence[Resource]) -> tuple[list[Resource], list[str]]:
        shown.update({resource.code: resource for resource in resources})
        return honest(sorted(shown.values(), key=lambda resource: resource.code))

    with replaced(honest, fitting):
        yield


def _compared_in_silence() -> AbstractContextManager[None]:
    honest = gateway.rule._share

    def share(*args: Any, **named: Any) -> Any:
        told = honest(*args, **named)
        silent: Any = tuple((items, [], [], []) for items, *_ in told.requests)
        return replace(told, requests=silent)

    return replaced(honest, share)


def _worded_by_the_library(code: str, error: GraphQLError, **facts: Any) -> Mapping[str, Any]:
    return {"message": error.message, "extensions": {"code": code, **facts}}


def _told_without_asking() -> AbstractContextManager[None]:
    honest = gateway.plan._Planning._items

    def items(planning: Any, resource: Resource, collected: Any, key: Any) -> Any:
        beside = gateway.coded.fields(resource)
        asked = {
            key: nodes for key, nodes in collected.items() if nodes[0].name.value not in beside
        }
        return honest(planning, resource, asked, key)

    return replaced(honest, items)


def _uncounted() -> AbstractContextManager[None]:
    return replaced(gateway.attempts.reservations, lambda *_args, **_named: ())


SABOTAGES: dict[str, Sabotage] = {
    "F2": Sabotage(why="the policy is not told what is compared", apply=_compared_in_silence),
    "F3": Sabotage(why="the policy is not told what is compared", apply=_compared_in_silence),
    "F7": Sabotage(
        why="the key is asked for and given like any item",
        apply=_key_like_any_item,
    ),
    "F11": Sabotage(
        why="the plan reads the document by its letters, and introspection is let through",
        apply=_planned_from_the_letter,
    ),
    "F12": Sabotage(
        why="the policy is not told what filters and orders, nor what a link follows",
        apply=_compared_in_silence,
    ),
    "F13": Sabotage(
        why="what was ruled of a list stands for the same list filtered and ordered by other items",
        apply=lambda: replaced(gateway.planned._form_of, lambda _step: ()),
    ),
    "F14": Sabotage(
        why="rows that the grant hides are read, and only then left out of the page",
        apply=lambda: replaced(
            gateway.sources.statements.all_conditions,
            lambda permitted: [gateway.mask.condition_of(one) for one in permitted.step.filters],
        ),
    ),
    "F16": Sabotage(
        why="the name beside a code is told of an item that nobody was asked about",
        apply=_told_without_asking,
    ),
    "F18": Sabotage(
        why="a contract holds whatever any system was shown before",
        apply=_contracts_that_run_into_each_other,
    ),
    "F19": Sabotage(
        why="refusals repeat what graphql-core says about a name",
        apply=lambda: replaced(
            gateway.parse._located,
            _worded_by_the_library,
        ),
    ),
    "O7": Sabotage(
        why="nobody counts about how many different subjects is asked",
        apply=lambda: replaced(gateway.budgets.Budgets._subject, lambda *_args: ()),
    ),
    "F20": Sabotage(why="guesses by verification are not counted", apply=_uncounted),
}
