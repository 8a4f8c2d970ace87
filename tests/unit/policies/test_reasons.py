"""Every code of the policy has its texts, and both tables of codes say the same."""

import json
import re

from policies.bundle import default_bundle, packaged_modules
from policies.reasons import REASONS

_CODE = re.compile(r'"([A-Z][A-Z0-9_]{3,})"')
TABLE = default_bundle(expires=1).data["exchange"]["reasons"]


def test_every_code_in_the_rego_has_its_texts_and_every_text_its_code() -> None:
    named = {code for source in packaged_modules().values() for code in _CODE.findall(source)}
    assert named == REASONS.keys()


def test_the_policy_s_table_and_the_texts_name_the_same_rules_and_bases() -> None:
    told = {code: (row["rule"], tuple(row["legal_basis"])) for code, row in TABLE.items()}
    assert told == {code: (row.rule, row.basis) for code, row in REASONS.items()}


def test_each_code_has_its_own_place_in_the_order_of_telling() -> None:
    places = [row["priority"] for row in TABLE.values()]
    assert len(set(places)) == len(places)
    assert max(places) < 1000, "departments' own reasons come after"


def test_a_missing_grant_is_told_before_a_missing_case() -> None:
    assert TABLE["GRANT_MISSING"]["priority"] < TABLE["CASE_MISSING"]["priority"]


def test_every_code_is_worded_in_both_languages_and_based_on_law() -> None:
    for code, reason in REASONS.items():
        assert reason.code == code
        assert re.search(r"[\u4e00-\u9fff]", reason.zh), code
        assert reason.zh.endswith("。"), code
        assert re.fullmatch(r"[ -~]+\.", reason.en), code
        assert reason.basis, code


def test_only_what_may_change_by_itself_is_retryable() -> None:
    waiting = {code for code, reason in REASONS.items() if reason.retryable}
    assert waiting == {"GRANT_SUSPENDED", "GRANT_NOT_YET", "GRANT_QUOTA", "CASE_DECLARED_ONLY"}
    assert all(REASONS[code].next == "wait" for code in waiting)


def test_the_table_is_plain_json() -> None:
    assert json.loads(json.dumps(TABLE)) == TABLE
