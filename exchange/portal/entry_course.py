"""What an entry's page shows of its checks and returns, and which of the forms an officer has."""

from typing import Any

from catalogue.examination import Check, CheckKind, Conclusion, ReturnCode, unexamined
from catalogue.lifecycle import Registration
from catalogue.model import Actor, Role
from exchange.node import Node
from exchange.portal.rooms import Names

LINES = 4
"""Reasons that the form takes at once; whoever has more adds them to the last."""


def told_course(
    node: Node, actor: Actor, posted: Actor, held: Registration, names: Names
) -> dict[str, Any]:
    """What the entry's page shows of its checks and returns, and which of the forms this officer has.

    `posted` is the officer with the posts that they stand in for.
    """
    resource, course = held.resource, held.course
    own = resource.department == actor.department
    draft = resource.state == "draft"
    head = own and posted.has(Role.HEAD) and held.drafted_by != actor.id
    authority = posted.has(Role.AUTHORITY) and actor.id not in {held.drafted_by, held.signed_by}
    titles = {item.name: item.title for item in resource.items}

    def check(one: Check | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {
            "kind": one.kind.value,
            "by": names.officer(one.by),
            "at": one.at.astimezone(node.zone).strftime("%Y-%m-%d %H:%M"),
            "conclusion": one.conclusion.value,
            "words": one.words,
            "file": one.file,
            "digest": one.digest,
        }

    return {
        "checks_told": [one for one in (check(course.secrecy), check(course.assessment)) if one],
        "unexamined": [*unexamined(resource, course)],
        "check_kinds": [one.value for one in CheckKind],
        "conclusions": [one.value for one in Conclusion],
        "may_examine": own and draft and (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)),
        "may_return": (draft and head) or (resource.state == "submitted" and authority),
        "return_codes": [one.value for one in ReturnCode],
        "return_lines": range(LINES),
        "returns": [
            {
                "by": names.officer(one.by),
                "at": one.at.astimezone(node.zone).strftime("%Y-%m-%d %H:%M"),
                "revision": one.revision,
                "reasons": [
                    (reason.code.value, titles.get(reason.about, reason.about), reason.text)
                    for reason in one.reasons
                ],
            }
            for one in reversed(course.returns)
        ],
    }
