"""Emergency access in the founded district: what its people announce, ask for and confirm."""

from dataclasses import replace
from typing import Any

from catalogue.cases import NamedParty
from catalogue.emergency import EmergencyAccess, Sought
from catalogue.model import Actor, Resource, SubjectType
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from tests.fakes.node import Standing

ITEMS = ("entName", "status", "phone")


def licence(here: Standing) -> Resource:
    held = here.node.live.load().resources.values()
    return next(one for one in held if one.field_name == "businessLicence")


def by(here: Standing, handle: str, *, auth: str = "two-factor") -> Actor:
    officer = here.node.live.load().officers[here.place.ids[handle]]
    return Actor(officer=officer, auth=auth)


def names(resource: Resource, *fields: str) -> tuple[str, ...]:
    return tuple(item.name for item in resource.items if item.graphql_name in fields)


def offer(here: Standing, *fields: str) -> None:
    resource = licence(here)
    handle = f"{short_of(here, resource)}.head"
    here.node.registry.offer_for_emergencies(
        resource.code, names(resource, *fields), by=by(here, handle, auth="key")
    )


def short_of(here: Standing, resource: Resource) -> str:
    heads = (handle for handle in here.place.ids if handle.endswith(".head"))
    return next(
        handle.removesuffix(".head")
        for handle in heads
        if by(here, handle).department == resource.department
    )


def ask(here: Standing, *, auth: str = "two-factor", **changes: Any) -> EmergencyAccess:
    resource = licence(here)
    sought = Sought(
        resource=resource.code,
        system=SYSTEM,
        matter=district.MATTER,
        purpose="administrative-basis",
        items=names(resource, "entName", "status"),
        reason="工地坍塌，须即刻核实施工单位主体资格",
        minutes=30,
    )
    subject = NamedParty(
        type=SubjectType.ENTERPRISE, identifier=district.DESIGNER, role="emergency"
    )
    return here.node.registry.ask_emergency(
        replace(sought, **changes), subject, by=by(here, "hall.operator", auth=auth)
    )


def confirmed(here: Standing) -> EmergencyAccess:
    asked = ask(here)
    return here.node.registry.confirm_emergency(asked.id, by=by(here, "hall.head"))
