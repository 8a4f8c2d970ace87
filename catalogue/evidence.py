"""What proves a requirement, who holds it, and what of a matter's materials sharing supplies. Decides only.

Words of the EU once-only system: a requirement is what an applicant has to show, evidence is what shows it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from catalogue.granted import Grant, GrantState
from catalogue.materials import Material
from catalogue.model import Matter, Resource, SharingClass
from catalogue.snapshot import Snapshot
from catalogue.words import fold, words


class Supply(StrEnum):
    """How it stands with sharing a material."""

    SUPPLIED = "supplied"
    """A grant in force lets the department have it for this matter."""
    OWN = "own"
    """The department holds it itself."""
    NOT_ASKED = "not-asked"
    """It is shared, and the department never asked for it for this matter."""
    SUSPENDED = "suspended"
    ENDED = "ended"
    """There was a grant: it has expired, or was revoked."""
    WITHDRAWN = "withdrawn"
    """Its entry was withdrawn from the catalogue."""
    NOT_SHARED = "not-shared"
    """A law says that it is shared with nobody."""
    NOT_CONNECTED = "not-connected"
    """It is named, and nobody has announced it."""
    UNLINKED = "unlinked"
    """Nobody said what would supply it."""


WORKS = frozenset({Supply.SUPPLIED, Supply.OWN})
"""Sharing supplies it today."""
COULD = frozenset({Supply.NOT_ASKED, Supply.SUSPENDED, Supply.ENDED})
"""Sharing would supply it, were there a grant."""
_BEST = tuple(Supply)
LAW = (
    "《国务院关于在线政务服务的若干规定》(国务院令第716号)第七条; "
    "《政务数据共享条例》(国务院令第809号)第十九条"
)
"""What forbids to ask an applicant again for what sharing supplies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """One material of a matter, and how it stands with sharing it."""

    matter: str
    department: str
    """That of the matter."""
    material: Material
    state: Supply
    resource: str | None
    """The one that supplies it, or would; None: none is announced."""
    source: str
    """Department that holds it; empty: nobody knows."""
    grant: str | None = None
    """The grant by which it is so; None: there is none."""

    @property
    def again(self) -> bool:
        """Whether the applicant is asked for what sharing supplies."""
        return not self.material.waived and self.state in WORKS

    @property
    def avoidable(self) -> bool:
        """Whether the applicant need not be asked, once the department has a grant."""
        return not self.material.waived and self.state in COULD

    @property
    def broken(self) -> bool:
        """Whether nobody asks the applicant for it and sharing does not supply it either."""
        return self.material.waived and self.state not in WORKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """A resource that, by its name, may supply a material of which nobody said what does."""

    matter: str
    material: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What is hit when a resource goes."""

    materials: tuple[Supplied, ...]
    """Those that have to be asked of applicants from then on."""
    matters: tuple[str, ...]
    grants: tuple[str, ...]
    """In force, and ending with it."""
    systems: tuple[str, ...]
    departments: tuple[str, ...]
    """Of those matters and grants: whom to tell."""


def supplied(matter: Matter, snapshot: Snapshot, *, at: datetime) -> tuple[Supplied, ...]:
    """Say of each material of a matter how it stands with sharing it."""
    return tuple(_supplied(matter, material, snapshot, at=at) for material in matter.asked)


def duplicates(
    matters: Iterable[Matter], snapshot: Snapshot, *, at: datetime
) -> tuple[Supplied, ...]:
    """Materials that applicants are asked for though sharing supplies them, or would if it were asked."""
    return tuple(
        one
        for matter in matters
        if matter.state == "active"
        for one in supplied(matter, snapshot, at=at)
        if one.again or one.avoidable
    )


def impact(code: str, snapshot: Snapshot, *, at: datetime) -> Impact:
    """Say what is hit when a resource is withdrawn or its grants are suspended."""
    hit = tuple(
        one
        for _code, matter in sorted(snapshot.matters.items())
        if matter.state == "active"
        for one in supplied(matter, snapshot, at=at)
        if one.resource == code and one.state in WORKS
    )
    grants = [
        grant
        for _id, grant in sorted(snapshot.grants.items())
        if grant.resource == code and in_force(grant, at=at)
    ]
    listing = {code_ for code_, held in snapshot.matters.items() if code in held.listed}
    return Impact(
        materials=hit,
        matters=tuple(sorted(listing | {one.matter for one in hit})),
        grants=tuple(grant.id for grant in grants),
        systems=tuple(sorted({system for grant in grants for system in grant.systems})),
        departments=tuple(
            sorted({one.department for one in hit} | {grant.department for grant in grants})
        ),
    )


def in_force(grant: Grant, *, at: datetime) -> bool:
    return grant.state is GrantState.ACTIVE and grant.not_before <= at < grant.not_after


def standing(
    department: str, resource: Resource, snapshot: Snapshot, *, matter: str | None, at: datetime
) -> tuple[Supply, str | None]:
    """Say whether a department has a resource, and by which grant; `matter` None: for any matter."""
    if resource.state == "withdrawn":
        return Supply.WITHDRAWN, None
    if resource.state != "announced":
        return Supply.NOT_CONNECTED, None
    if resource.department == department:
        return Supply.OWN, None
    if resource.sharing_class is SharingClass.NOT_SHARED:
        return Supply.NOT_SHARED, None
    grants = [
        grant
        for grant in snapshot.grants_of(department, resource.code)
        if matter is None or matter in grant.matters
    ]
    for grant in grants:
        if in_force(grant, at=at):
            return Supply.SUPPLIED, grant.id
    if not grants:
        return Supply.NOT_ASKED, None
    suspended = [grant for grant in grants if grant.state is GrantState.SUSPENDED]
    return (Supply.SUSPENDED, suspended[0].id) if suspended else (Supply.ENDED, grants[0].id)


def candidates(material: Material, snapshot: Snapshot) -> list[Resource]:
    """Return the resources that a material names, by itself or by its type of e-certificate."""
    named = snapshot.resources.get(material.resource)
    found = [] if named is None else [named]
    if material.certificate:
        found += [held for held in snapshot.certified(material.certificate) if held is not named]
    return found


def likely(
    materials: Iterable[tuple[str, Material]], resources: Mapping[str, Resource]
) -> Iterator[Likely]:
    """Yield resources by whose name a material may be supplied: most of its words stand in the title.

    It is a guess for an officer to look at: nothing counts it as supplied.
    """
    index: dict[str, set[str]] = defaultdict(set)
    for code, held in resources.items():
        if held.state == "announced" and held.sharing_class is not SharingClass.NOT_SHARED:
            named = [held.name, held.name_en]
            if held.certificate is not None:
                named.append(held.certificate.type_name)
            for word in words(named):
                index[word].add(code)
    known: dict[str, str | None] = {}
    for matter, material in materials:
        name = requirement(material.name)
        if name not in known:
            known[name] = _likeliest(set(words([name])), index)
        best = known[name]
        if best is not None:
            yield Likely(matter=matter, material=material.code, resource=best)


def _likeliest(wanted: set[str], index: Mapping[str, set[str]]) -> str | None:
    """Return the resource that holds most of the words, three quarters at least; None: none does."""
    if len(wanted) < 2:
        return None
    needed = -(-len(wanted) * 3 // 4)
    rarest = sorted(wanted, key=lambda word: len(index.get(word, ())))
    # Whoever holds so many of the words holds one of the rarest; what thousands hold tells nobody apart.
    telling = [
        word
        for word in rarest[: len(wanted) - needed + 1]
        if len(index.get(word, ())) <= _MOST_HOLDERS
    ]
    holders = {code for word in telling for code in index.get(word, ())}
    counts = {code: sum(code in index.get(word, ()) for word in wanted) for code in holders}
    best = [code for code, count in counts.items() if count >= needed]
    return min(best, key=lambda code: (-counts[code], code), default=None)


_MOST_HOLDERS = 2_000
"""A word that more resources hold than these leads to none of them."""
_FORMS = re.compile(
    r"(原件及复印件|原件和复印件|复印件|扫描件|电子版|电子件|照片|原件|正本|副本|加盖公章的?|"
    r"\b(an?|the|copy of|copies of|certified|scanned|original|proof of)\b)"
)
_ASIDE = re.compile(r"[(（〔\[][^)）〕\]]*[)）〕\]]")


def requirement(text: str) -> str:
    """Return what is asked for, without the form in which it is asked: 营业执照, not 营业执照复印件."""
    plain = _FORMS.sub(" ", _ASIDE.sub(" ", fold(text)))
    return " ".join(plain.split()) or text.strip()


def _supplied(matter: Matter, material: Material, snapshot: Snapshot, *, at: datetime) -> Supplied:
    found = [
        (*standing(matter.department, held, snapshot, matter=matter.code, at=at), held)
        for held in candidates(material, snapshot)
    ]
    if not found:
        state = Supply.NOT_CONNECTED if material.linked else Supply.UNLINKED
        return _told(matter, material, state, None, material.department)
    state, grant, held = min(found, key=lambda one: _BEST.index(one[0]))
    return _told(matter, material, state, held.code, held.department, grant)


def _told(
    matter: Matter,
    material: Material,
    state: Supply,
    resource: str | None,
    source: str,
    grant: str | None = None,
) -> Supplied:
    return Supplied(
        matter=matter.code,
        department=matter.department,
        material=material,
        state=state,
        resource=resource,
        source=source,
        grant=grant,
    )


def by_department(found: Sequence[Supplied]) -> dict[str, list[Supplied]]:
    """Return materials by the department whose matter asks for them, in the order of its code."""
    told: dict[str, list[Supplied]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.department, one.matter)):
        told[one.department].append(one)
    return dict(told)
