"""Acts on departments, systems, officers and their keys."""

from base64 import b64decode

from catalogue.model import Actor, CodeKind, Department, Role
from catalogue.rows import DEPARTMENT, OFFICER, SYSTEM, SYSTEM_KEY
from catalogue.service import NewOfficer, Taken
from exchange.acts.register import ActError, act
from exchange.node import Node


@act("department.import")
def import_departments(node: Node, actor: Actor, *, rows: list[Department]) -> Taken:
    return node.registry.import_departments(rows, by=actor)


@act("department.list")
def list_departments(node: Node, actor: Actor) -> list[dict[str, object]]:  # noqa: ARG001 - any officer
    found = node.held(DEPARTMENT).values()
    return [
        {
            "code": held.code,
            "kind": held.code_kind.value,
            "name": held.name,
            "name_en": held.name_en,
            "level": held.level,
            "region": held.region,
            "superior": held.superior,
        }
        for held in sorted(found, key=lambda held: (held.code_kind is CodeKind.OTHER, held.code))
    ]


@act("officer.import")
def import_officers(node: Node, actor: Actor, *, rows: list[NewOfficer]) -> Taken:
    return node.registry.import_officers(rows, by=actor)


@act("officer.list")
def list_officers(node: Node, actor: Actor) -> list[dict[str, object]]:
    """Officers of one's own department; the administrator sees all."""
    everyone = actor.has(Role.ADMINISTRATOR)
    return [
        {
            "id": held.id,
            "department": held.department,
            "staff_number": held.staff_number,
            "name": held.name,
            "post": held.post,
            "roles": sorted(role.value for role in held.roles),
            "state": held.state,
        }
        for held in node.held(OFFICER).values()
        if everyone or held.department == actor.department
    ]


@act("officer.roles")
def assign_roles(node: Node, actor: Actor, *, officer: str, roles: list[Role]) -> dict[str, object]:
    held = node.registry.assign_roles(officer, frozenset(roles), by=actor)
    return {"id": held.id, "roles": sorted(role.value for role in held.roles)}


@act("officer.key")
def register_officer_key(node: Node, actor: Actor, *, officer: str, public: str) -> dict[str, str]:
    """`public` is the officer's Ed25519 key: SubjectPublicKeyInfo, DER, base64."""
    try:
        der = b64decode(public, validate=True)
    except ValueError as error:
        raise ActError("ACT_ARGUMENTS", "public is not base64") from error
    return {"key": node.registry.register_officer_key(officer, der, by=actor).id}


@act("officer.link")
def offer_link(node: Node, actor: Actor, *, officer: str) -> dict[str, str]:
    """A one-time sign-in link for an officer; only where the demo profile is on."""
    if not node.settings.demo:
        raise ActError("ACT_UNKNOWN", "sign-in links exist in the demo profile only")
    held = node.held(OFFICER)
    if officer not in held:
        raise ActError("ACT_ARGUMENTS", f"no officer {officer}")
    return {"secret": node.sign_in.offer_link(held[officer], by=actor.officer)}


@act("officer.password")
def set_password(node: Node, actor: Actor, *, officer: str, password: str) -> dict[str, str]:
    """Set a password, one's own or as the administrator; the authenticator's address is told once."""
    held = node.held(OFFICER).get(officer)
    if held is None or actor.officer is None:
        raise ActError("ACT_ARGUMENTS", f"no officer {officer}")
    if actor.id != officer and not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "the administrator sets other officers' passwords")
    return {"authenticator": node.sign_in.set_password(held, password, by=actor.officer)}


@act("system.add")
def add_system(
    node: Node,
    actor: Actor,
    *,
    id: str,  # noqa: A002 - the word of the envelope
    department: str,
    name: str,
    zone: str = "gov-extranet",
    responsible: str | None = None,
    intake: bool = False,
) -> dict[str, str]:
    held = node.registry.add_system(
        by=actor,
        system_id=id,
        department=department,
        name=name,
        zone=zone,
        responsible=responsible,
        intake=intake,
    )
    return {"id": held.id}


@act("system.list")
def list_systems(node: Node, actor: Actor) -> list[dict[str, object]]:  # noqa: ARG001 - any officer
    keys = node.held(SYSTEM_KEY).values()
    return [
        {
            "id": held.id,
            "department": held.department,
            "name": held.name,
            "zone": held.zone,
            "state": held.state,
            "intake": held.intake,
            "keys": [key.id for key in keys if key.system == held.id and key.state == "active"],
        }
        for held in node.held(SYSTEM).values()
    ]


@act("system.invite")
def invite_system(node: Node, actor: Actor, *, system: str) -> dict[str, str]:
    """The code is told once; only its hash is kept."""
    return {"system": system, "invitation": node.registry.invite_system(system, by=actor)}


@act("system.revoke-key")
def revoke_system_key(node: Node, actor: Actor, *, key: str, reason: str = "") -> dict[str, str]:
    return {"key": node.registry.revoke_system_key(key, by=actor, reason=reason).id}
