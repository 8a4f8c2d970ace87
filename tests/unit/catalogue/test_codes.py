"""Codes: published examples, and check characters that catch every single slip."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import codes
from catalogue.errors import CodeError
from catalogue.model import CodeKind, MatterKind, SubjectType
from tests.examples import examples

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REAL_DEPARTMENTS = (
    Path(__file__).parents[4] / "shared/data/d01-guangan-approval-items/departments.csv"
)
firsts = st.text(ALPHABET, min_size=17, max_size=17)


def test_a_real_unified_code_is_one() -> None:
    assert codes.check_uscc("11511301008778183N") == "11511301008778183N"


@given(firsts)
def test_every_completed_unified_code_is_accepted(first: str) -> None:
    assert codes.is_uscc(codes.complete_uscc(first))


@given(firsts, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_in_a_unified_code_is_found(first: str, place: int, other: str) -> None:
    whole = codes.complete_uscc(first)
    wrong = whole[:place] + other + whole[place + 1 :]
    assert codes.is_uscc(wrong) == (wrong == whole)


def test_a_code_that_is_none_is_kept_as_other() -> None:
    assert codes.department_code("TE5116020105116050") == ("TE5116020105116050", CodeKind.OTHER)
    assert codes.department_code("11511301008778183N")[1] is CodeKind.USCC


@pytest.mark.parametrize("text", ["", " ", "a b", "../x", "码", "a" * 129, "a\n"])
def test_what_is_no_code_at_all_is_refused(text: str) -> None:
    with pytest.raises(CodeError):
        codes.department_code(text)


@pytest.mark.skipif(not REAL_DEPARTMENTS.exists(), reason="the real input lies beside the project")
def test_the_real_directory_holds_one_code_that_is_no_unified_code() -> None:
    with REAL_DEPARTMENTS.open(encoding="utf-8-sig", newline="") as file:
        kinds = [codes.department_code(row["main_uscc"])[1] for row in csv.DictReader(file)]
    assert (len(kinds), kinds.count(CodeKind.OTHER)) == (34, 1)


def test_the_standards_own_example_of_a_residents_number_is_accepted() -> None:
    # GB 11643-1999, annex: 11010519491231002X.
    assert codes.check_resident_id("11010519491231002X") == "11010519491231002X"
    assert codes.check_resident_id("11010519491231002x") == "11010519491231002X"


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",
        "11010519491231002Y",
        "1101051949123100",
        codes.complete_resident_id("11010519490231002"),
        "１１０１０５１９４９１２３１００２X",
        "",
    ],
)
def test_a_wrong_residents_number_is_refused_without_being_repeated(number: str) -> None:
    with pytest.raises(CodeError) as raised:
        codes.check_resident_id(number)
    assert not number or number not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_area_code_that_nobody_lists_is_no_error() -> None:
    number = codes.complete_resident_id("99010619850412031")
    assert codes.check_resident_id(number) == number


@given(st.integers(0, 10**17 - 1))
def test_every_residents_number_is_completed_to_eighteen_characters(first: int) -> None:
    whole = codes.complete_resident_id(f"{first:017d}")
    assert len(whole) == 18
    assert whole[-1] in "0123456789X"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("001130001000", MatterKind.BASE),
        ("511Z07001006-511602000000-000-11511301008778183N-1-00", MatterKind.IMPLEMENTATION),
        ("1151130100877818XN4510115001000", MatterKind.IMPLEMENTATION),
        ("G-000007-001-511602000000-000-115113010833722043-1-00", MatterKind.LOCAL),
        ("511A0138000000-511602000000-000-115113010833722043-1-00", MatterKind.LOCAL),
        ("x", MatterKind.LOCAL),
    ],
)
def test_a_matters_code_tells_its_kind(code: str, kind: MatterKind) -> None:
    assert codes.matter_kind(code) is kind


def test_the_check_character_is_that_of_iso_7064() -> None:
    # The example of the GRid standard: A1-2425G-ABC1234002-M, ISO 7064 MOD 37,36.
    assert codes.certificate_check("A12425GABC1234002") == "M"


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=20), st.data())
def test_one_wrong_character_in_a_certificates_identifier_is_found(
    serial: str, data: st.DataObject
) -> None:
    parts = ["11100000MB0279177U001", "11511301008778183N", serial, "001"]
    check = codes.certificate_check("".join(parts))
    text = "1.2.156.3005.2." + ".".join([*parts, check])
    assert codes.check_certificate_identifier(text) == text
    place = data.draw(st.integers(0, len(serial) - 1))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    wrong_serial = serial[:place] + other + serial[place + 1 :]
    if wrong_serial != serial:
        with pytest.raises(CodeError):
            codes.check_certificate_identifier(text.replace(f".{serial}.", f".{wrong_serial}.", 1))


@pytest.mark.parametrize("text", ["", "1.2.156.3005.2.", "1.2.3", "1.2.156.3005.2.a.b.c.d.e"])
def test_what_is_no_certificates_identifier_is_refused(text: str) -> None:
    with pytest.raises(CodeError):
        codes.check_certificate_identifier(text)


@given(firsts)
@settings(max_examples=examples(50))
def test_normalising_a_subject_twice_changes_nothing(first: str) -> None:
    once = codes.normalise_subject(SubjectType.ENTERPRISE, codes.complete_uscc(first).lower())
    assert codes.normalise_subject(SubjectType.ENTERPRISE, once) == once


@pytest.mark.parametrize("subject", list(SubjectType))
@pytest.mark.parametrize("text", ["", "\0", "a\nb", "%2e%2e/", "𝟏𝟏", "x" * 129])
def test_an_identifier_of_no_known_form_is_refused_for_every_kind_of_subject(
    subject: SubjectType, text: str
) -> None:
    with pytest.raises(ValueError, match="CODE_INVALID"):
        codes.normalise_subject(subject, text)


def test_numbers_of_projects_and_parcels_keep_their_signs() -> None:
    assert codes.normalise_subject(SubjectType.PROJECT, " 2026-990106-47-01-000001 ") == (
        "2026-990106-47-01-000001"
    )
    assert (
        codes.normalise_subject(SubjectType.PARCEL, "云国用（2026）第3号") == "云国用（2026）第3号"
    )
