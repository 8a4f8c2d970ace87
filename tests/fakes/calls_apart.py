"""Questions that differ from one another as calls do: in what is per call, and in what is not."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from policies.model import Network, Question
from tests.fakes.questions import (
    DAY,
    EXPIRES,
    HOUSEHOLD,
    LICENCE,
    MATTER,
    NOW,
    PARCEL,
    a_caller,
    a_case,
    a_grant,
    a_household,
    a_matter,
    a_question,
    a_request,
    a_resource,
    a_subject,
    a_usage,
    an_officer,
    an_open_resource,
)

Change = Callable[[Question], Question]

LISTENING = """package departments.market

deny contains {
	"ref": req.ref,
	"rule": "noon",
	"code": "DEPARTMENT_DENIED",
	"legal_basis": ["章程第一条"],
} if {
	some req in input.requests
	input.hour == 12
}

deny contains {
	"ref": req.ref,
	"rule": "parcels",
	"code": "DEPARTMENT_DENIED",
	"legal_basis": ["章程第二条"],
} if {
	some i
	req := input.requests[i]
	subject := req.subject
	subject.type == "parcel"
}
"""
"""A department's own rules that read per-call members without saying so."""


def three_resources(**changes: Any) -> Question:
    """A permitted question over a licence, an open parcel and a household with consent."""
    members: dict[str, Any] = {
        "catalogue": {
            LICENCE: a_resource(),
            PARCEL: an_open_resource(),
            HOUSEHOLD: a_household(),
        },
        "requests": [
            a_request(),
            a_request(
                ref="s2", resource=PARCEL, items=["number", "area"], matched=[], subject=None
            ),
            a_request(
                ref="s3",
                resource=HOUSEHOLD,
                items=["address"],
                matched=["id_no"],
                subject=a_subject(digest="tok_person", consents=[HOUSEHOLD]),
            ),
        ],
        "grants": [
            a_grant(),
            a_grant(id="grt_0", items=["name"], not_after=NOW + DAY),
            a_grant(id="grt_2", resource=PARCEL, items=["number", "area"], rows=[]),
            a_grant(id="grt_3", resource=HOUSEHOLD, items=["address"], match=["id_no"], rows=[]),
        ],
        "officer": an_officer(authn_level=2, clearance=3),
    }
    return a_question(**members | changes)


def put(question: Question, **members: Any) -> Question:
    return msgspec.structs.replace(question, **members)


def _element(name: str, number: int, **members: Any) -> Change:
    """Change members of one element of a list; a number beyond the list changes nothing."""

    def change(question: Question) -> Question:
        found = list(getattr(question, name))
        if number < len(found):
            found[number] = msgspec.structs.replace(found[number], **members)
        return put(question, **{name: found})

    return change


def _all(**members: Any) -> Change:
    return lambda question: put(question, **members)


_subjects = st.none() | st.builds(
    a_subject,
    type=st.sampled_from(["enterprise", "person", "parcel"]),
    relation=st.sampled_from(["party", "party", "stranger", f"link:{PARCEL}.owner", "", "all"]),
    digest=st.sampled_from(["tok_1", "tok_2", "tok_officer", None]),
    consents=st.sampled_from([[], [HOUSEHOLD]]),
)
_places = st.integers(0, 3)

per_call: st.SearchStrategy[Change] = st.one_of(
    st.builds(_all, now=st.integers(NOW, NOW + 40 * DAY) | st.just(EXPIRES)),
    st.builds(_all, now=st.integers(NOW - DAY - 1, NOW + 60)),
    st.builds(_all, hour=st.integers(0, 23)),
    st.builds(
        _all,
        network=st.builds(
            Network, zone=st.sampled_from(["gov-extranet", "gov-intranet", "internet"])
        ),
    ),
    st.builds(
        _all,
        officer=st.builds(
            an_officer,
            digest=st.sampled_from(["tok_officer", "tok_1", "tok_3"]),
            authn_level=st.integers(0, 3),
            clearance=st.integers(0, 4),
        ),
    ),
    st.builds(
        _all,
        case=st.none()
        | st.builds(
            a_case,
            state=st.sampled_from(["open", "open", "paused", "closed"]),
            matter=st.sampled_from([MATTER, "other"]),
            system=st.sampled_from(["sys_permit", "other"]),
            attested=st.booleans(),
            parties=st.integers(1, 9),
        ),
    ),
    st.builds(_element, st.just("requests"), _places, subject=_subjects),
    st.builds(_element, st.just("grants"), _places, used_today=st.sampled_from([0, 50, 99, 100])),
)
"""What differs between two calls of one system for one operation."""

standing: st.SearchStrategy[Change] = st.one_of(
    st.builds(_all, channel=st.sampled_from(["query", "verify", "bulk"])),
    st.builds(
        _all,
        caller=st.builds(
            a_caller,
            region=st.sampled_from(["330106", "330108", ""]),
            auth=st.sampled_from(["signature", "bearer"]),
        ),
    ),
    st.builds(
        _all,
        usage=st.builds(
            a_usage, purpose=st.sampled_from(["administrative-basis", "work-reference"])
        ),
    ),
    st.builds(
        _all,
        matters=st.sampled_from(
            [{MATTER: a_matter()}, {MATTER: a_matter(relations=[f"{PARCEL}.owner"])}, {}]
        ),
    ),
    st.builds(_element, st.just("requests"), _places, limit=st.integers(0, 30)),
    st.builds(
        _element,
        st.just("requests"),
        _places,
        items=st.sampled_from([["name"], ["area"], ["phone", "name"], []]),
    ),
    st.builds(
        _element,
        st.just("grants"),
        _places,
        status=st.sampled_from(["active", "suspended", "revoked"]),
    ),
    st.builds(_element, st.just("grants"), _places, attested=st.booleans()),
    st.builds(
        _element, st.just("grants"), _places, not_after=st.sampled_from([NOW, NOW + 1, EXPIRES])
    ),
)
"""What makes it another question."""
