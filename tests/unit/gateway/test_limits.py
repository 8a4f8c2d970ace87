"""Documents larger than allowed are refused before anything is validated or asked."""

import pytest

from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.limits import Limits, Measure, check_body, check_measure, check_steps, check_text
from gateway.parse import parse_document
from gateway.schema import build_contract
from tests.fakes.documents import RESOURCES, a_plan

LIMITS = Limits()
NOTHING = Measure(
    aliases=0, repeats=0, selections=0, directives=0, fragments=0, depth=0, root_fields=0
)


def nested(depth: int) -> str:
    return "{" + "a{" * depth + "b" + "}" * depth + "}"


def spreading(fragments: int) -> str:
    chain = "".join(f"fragment f{n} on Query {{ ...f{n + 1} }} " for n in range(fragments))
    return f"{{ ...f0 }} {chain} fragment f{fragments} on Query {{ contract }}"


ATTACKS = {
    "DOCUMENT_TOO_LARGE": "{ contract }" + " " * 16_384,
    "TOO_MANY_TOKENS": "{" + "a " * 2_000 + "}",
    "TOO_DEEP": nested(13),
    "TOO_MANY_ALIASES": "{" + " ".join(f"a{n}: contract" for n in range(31)) + "}",
    "TOO_MANY_REPEATS": "{" + "contract " * 9 + "}",
    "TOO_MANY_SELECTIONS": "{ x {" + " ".join(f"f{n}" for n in range(201)) + "} }",
    "TOO_MANY_DIRECTIVES": "{" + "contract @skip(if: false) " * 8 + "@a " * 13 + "}",
    "TOO_MANY_FRAGMENTS": spreading(50),
    "TOO_MANY_ROOT_FIELDS": "{" + " ".join(f"f{n}" for n in range(21)) + "}",
}


@pytest.mark.parametrize("code", ATTACKS)
def test_an_attack_by_size_is_refused_with_what_was_found_and_allowed(code: str) -> None:
    with pytest.raises(RefusedDocumentError) as caught:
        parse_document(ATTACKS[code], build_contract(RESOURCES), limits=LIMITS)
    assert caught.value.code == code
    assert caught.value.facts["found"] > caught.value.facts["allowed"]
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "document",
    [
        nested(400),
        "query(" + "$a:" + "[" * 500 + "Int" + "]" * 500 + "){ contract }",
        "{ contract(a: " + "[" * 900 + "]" * 900 + ") }",
        "{" + "... {" * 600 + " contract " + "}" * 600 + "}",
    ],
)
def test_brackets_are_counted_before_the_parser_recurses(document: str) -> None:
    with pytest.raises(RefusedDocumentError) as caught:
        parse_document(document, build_contract(RESOURCES), limits=LIMITS)
    assert caught.value.code == "TOO_DEEP"


def test_repeats_are_counted_through_fragments() -> None:
    document = "{ ...a ...b } " + "".join(
        f"fragment {name} on Query {{ {'contract ' * 5} }} " for name in "ab"
    )
    with pytest.raises(RefusedDocumentError) as caught:
        parse_document(document, build_contract(RESOURCES), limits=LIMITS)
    assert caught.value.code == "TOO_MANY_REPEATS"
    assert caught.value.facts["found"] == 10


def test_fragments_that_contain_themselves_end_as_invalid_and_not_in_a_loop() -> None:
    document = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a contract }"
    with pytest.raises(RefusedDocumentError) as caught:
        parse_document(document, build_contract(RESOURCES), limits=LIMITS)
    assert caught.value.code == "DOCUMENT_INVALID"


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("aliases", "TOO_MANY_ALIASES"),
        ("repeats", "TOO_MANY_REPEATS"),
        ("selections", "TOO_MANY_SELECTIONS"),
        ("directives", "TOO_MANY_DIRECTIVES"),
        ("fragments", "TOO_MANY_FRAGMENTS"),
        ("depth", "TOO_DEEP"),
        ("root_fields", "TOO_MANY_ROOT_FIELDS"),
    ],
)
def test_each_limit_lets_its_own_number_through_and_not_one_more(member: str, code: str) -> None:
    allowed = getattr(LIMITS, member)
    zero = dict.fromkeys(Measure.__dataclass_fields__, 0)
    check_measure(Measure(**zero | {member: allowed}), limits=LIMITS)
    with pytest.raises(RefusedDocumentError) as caught:
        check_measure(Measure(**zero | {member: allowed + 1}), limits=LIMITS)
    assert caught.value.code == code


def test_a_body_and_a_text_of_just_the_size_pass() -> None:
    check_body(b"x" * LIMITS.body_bytes, limits=LIMITS)
    check_text("好" * (LIMITS.document_bytes // 3), limits=LIMITS)
    check_measure(NOTHING, limits=LIMITS)
    check_steps(LIMITS.steps, limits=LIMITS)
    with pytest.raises(RefusedRequestError) as caught:
        check_body(b"x" * (LIMITS.body_bytes + 1), limits=LIMITS)
    assert caught.value.status == 413


def test_fan_out_by_aliases_within_fragments_is_bounded_by_steps() -> None:
    query = """
      { e: enterprise(uscc: "A") { ...five } f: enterprise(uscc: "B") { ...five }
        g: enterprise(uscc: "C") { ...five } h: enterprise(uscc: "D") { ...five }
        i: enterprise(uscc: "E") { ...five } }
      fragment five on Enterprise {
        a: businessLicence { name } b: businessLicence { name } c: businessLicence { name }
        d: businessLicence { name } e: businessLicence { name }
      }
    """
    with pytest.raises(RefusedDocumentError) as caught:
        a_plan(query)
    assert caught.value.code == "TOO_MANY_STEPS"
