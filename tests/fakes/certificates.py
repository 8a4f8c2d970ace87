"""E-certificates of two departments: licences of firms, and qualifications of persons."""

from typing import Any

from catalogue.codes import certificate_check
from catalogue.model import (
    CertificateMapping,
    ItemType,
    Resource,
    SharingClass,
    SubjectType,
    Validity,
)
from tests.fakes.calls import a_resource, an_item

LICENCE_TYPE, SKILL_TYPE = "11100000MB0001", "11100000MB0002"


def identifier(type_code: str = LICENCE_TYPE, serial: str = "000123") -> str:
    parts = [type_code, "330106MARKET", serial, "1"]
    return ".".join(["1.2.156.3005.2", *parts, certificate_check("".join(parts))])


def a_licence(**changes: Any) -> Resource:
    """Fire-safety licences: conditional; held by a firm, which may have several."""
    members: dict[str, Any] = {
        "code": "109001/fire",
        "department": "fire",
        "name": "消防安全许可",
        "type_name": "FireLicence",
        "field_name": "fireLicence",
        "list_name": "fireLicences",
        "source": "land-db",
        "single": False,
        "items": (
            an_item("holder", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
            an_item("id", 1, match=True, graphql_name="identifier"),
            an_item("no", 2, match=True),
            an_item("state", 3),
            an_item("until", 4, type=ItemType.DATE),
            an_item("floor", 5),
        ),
        "validity": Validity(status_item="state", valid_words=("有效",), until_item="until"),
        "certificate": CertificateMapping(
            type_code=LICENCE_TYPE,
            type_name="消防安全许可证",
            roles={"identifier": "id", "number": "no", "status": "state", "validUntil": "until"},
            statuses={"有效": "valid", "吊销": "forfeited", "暂扣": "withheld"},
        ),
    }
    return a_resource(**members | changes)


def a_skill(**changes: Any) -> Resource:
    """Qualifications of firms, by another department."""
    members: dict[str, Any] = {
        "code": "331001/skill",
        "department": "housing-bureau",
        "name": "资质",
        "type_name": "Skill",
        "field_name": "skill",
        "list_name": "skills",
        "source": "land-db",
        "items": (
            an_item("holder", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
            an_item("number", 1, match=True),
            an_item("grade", 2),
        ),
        "validity": Validity(status_item=None, valid_words=(), until_item=None),
        "certificate": CertificateMapping(
            type_code=SKILL_TYPE, type_name="资质证书", roles={"number": "number"}
        ),
    }
    return a_resource(**members | changes)


OPEN = SharingClass.UNCONDITIONAL
