"""Deputies (代理): who may decide in a head's place, from when until when. Decides only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from catalogue.errors import InvalidError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import check_roles, require_decider
from catalogue.model import Actor, Officer, Role

POSTS = (Role.HEAD, Role.AUTHORITY)
"""Posts that decide, and so may have a deputy."""
_APART = frozenset(Role) - {Role.OPERATOR, Role.HEAD, Role.AUTHORITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deputy:
    """One officer who stands in for another's post for a time, named by the one who holds it."""

    id: str
    department: str
    post: Role
    principal: str
    """Officer id of who holds the post."""
    deputy: str
    """Officer id of who stands in."""
    begins: datetime
    ends: datetime
    """First moment at which the deputy decides no more."""
    named_at: datetime
    ended_at: datetime | None = None
    """None unless it was taken back before its time."""

    def stands(self, at: datetime) -> bool:
        over = self.ends if self.ended_at is None else min(self.ends, self.ended_at)
        return self.begins <= at < over


def name_deputy(
    post: Role,
    deputy: Officer,
    *,
    id_: str,
    begins: datetime,
    ends: datetime,
    by: Actor,
    at: datetime,
) -> Deputy:
    """Return the deputy whom the holder of a post names. Raises NotAllowedError, InvalidError.

    Nobody passes on a post that they only stand in for: `by` is the actor without any deputy's rights.
    """
    if post not in POSTS:
        raise InvalidError(Flaw("post {0}: {1} needed", post, " or ".join(POSTS)))
    holder = require_decider(by, post)
    findings = []
    if deputy.department != holder.department:
        findings.append(Flaw("a deputy is of the same department"))
    if deputy.id == holder.id:
        findings.append(Flaw("nobody is their own deputy"))
    if deputy.state != "active":
        findings.append(Flaw("an active officer needed"))
    if deputy.roles & _APART:
        findings.append(Flaw("an officer with a separated role stands in for nobody"))
    if ends <= begins or ends <= at:
        findings.append(Flaw("the time ends before it begins, or is over already"))
    if findings:
        raise InvalidError(*findings)
    return Deputy(
        id=id_,
        department=holder.department,
        post=post,
        principal=holder.id,
        deputy=deputy.id,
        begins=begins,
        ends=ends,
        named_at=at,
    )


def end_deputy(held: Deputy, *, by: Actor, at: datetime) -> Deputy:
    """Take a deputy back before the time: who named them, or who holds the post meanwhile."""
    require_decider(by, held.post, department=held.department)
    if held.ended_at is not None or at >= held.ends:
        raise StateError(f"deputy {held.id} decides no more already")
    return replace(held, ended_at=at)


def standing_for(
    actor: Actor, known: Iterable[Deputy], officers: Iterable[Officer], *, at: datetime
) -> tuple[Actor, tuple[Deputy, ...]]:
    """Return the actor with the posts that they stand in for now, and by whose word.

    A post whose holder lost it, left or changed departments has no deputy either.
    """
    if actor.officer is None:
        return actor, ()
    by_id = {one.id: one for one in officers}
    standing = tuple(
        one
        for one in known
        if one.deputy == actor.id
        and one.department == actor.department
        and one.stands(at)
        and one.post not in actor.officer.roles
        and _holds(by_id.get(one.principal), one)
    )
    posts = frozenset(one.post for one in standing)
    if not posts or actor.officer.roles & _APART:
        return actor, ()
    roles = check_roles(actor.officer.roles | posts)
    return replace(actor, officer=replace(actor.officer, roles=roles)), standing


def _holds(principal: Officer | None, held: Deputy) -> bool:
    return (
        principal is not None
        and principal.state == "active"
        and principal.department == held.department
        and held.post in principal.roles
    )
