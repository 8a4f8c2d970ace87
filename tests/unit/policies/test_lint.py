"""The authoring rules that a machine checks, and the facts that departments' rules read."""

import pytest

from policies.bundle import packaged_modules
from policies.engine import LoadError
from policies.lint import facts_read, lint

DENIAL = '{"ref": req.ref, "rule": "r", "code": "MARKET_NO", "legal_basis": ["x"]}'

RULES = "import data.exchange.matters\n\nknown contains 1\n\nhelper(x) if x == 1\n\n"


def findings(body: str, *, package: str = "exchange.guards", name: str = "") -> list[str]:
    file = name or f"{package.replace('.', '/')}.rego"
    return [finding.rule for finding in lint({file: f"package {package}\n\n{body}\n"})]


def department(body: str) -> list[str]:
    return findings(body, package="departments.market", name="departments/market/rules.rego")


def reads(condition: str) -> list[str]:
    source = f"package departments.market\n\ndeny contains {DENIAL} if {{\n\t{condition}\n}}\n"
    return list(facts_read({"departments/market/rules.rego": source})["market"])


def test_the_shipped_policy_has_no_finding() -> None:
    assert lint(packaged_modules(tests=True)) == []


@pytest.mark.parametrize(
    "condition",
    [
        'not input.user in {"bob"}',
        "not input.a == 1",
        'not object.get(input.officer, "authn_level", 0) >= 3',
        "not input.ready",
        "not helper(input.x)",
        "not helper(count(x))",
        "not startswith(x, y)",
        "not resource.personal",
        "not known[input.x]",
    ],
)
def test_not_before_more_than_a_rule_or_a_helper_is_found(condition: str) -> None:
    assert findings(f"{RULES}p if {{\n\tresource := 1\n\tx := 1\n\ty := 1\n\t{condition}\n}}") == [
        "not"
    ]


@pytest.mark.parametrize(
    "condition",
    ["not known", "not known[x]", "not helper(x)", 'not helper("a")', "not matters.known"],
)
def test_not_before_a_bare_rule_or_a_helper_is_fine(condition: str) -> None:
    assert findings(f"{RULES}p if {{\n\tx := 1\n\t{condition}\n}}") == []


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "x"})',
        "time.now_ns()",
        'rand.intn("x", 3)',
        "opa.runtime()",
        'net.lookup_ip_addr("x")',
        'rego.parse_module("x", "y")',
    ],
)
def test_whatever_reaches_outside_the_question_is_found(call: str) -> None:
    assert findings(f"p := {call}") == ["io"]


def test_a_code_without_text_and_basis_is_found() -> None:
    assert findings('p contains "MADE_UP"') == ["code"]
    assert findings('p contains "NOT_SHARED"') == []


def test_a_module_s_path_says_its_package() -> None:
    assert findings("p := 1", name="exchange/other.rego") == ["package"]
    assert findings("p := 1", package="attic.rules") == ["package"]
    rules = {"departments/land/r.rego": "package departments.market\n"}
    assert [finding.rule for finding in lint(rules)] == ["package"]


def test_a_department_s_denial_is_fine() -> None:
    assert department(f"deny contains {DENIAL} if some req in input.requests") == []


@pytest.mark.parametrize(
    "element",
    [
        '{"ref": "s1", "rule": "r", "code": "MARKET_NO", "legal_basis": []}',
        '{"ref": "s1", "rule": "r", "code": "MARKET_NO"}',
        '{"ref": "s1", "rule": "r", "code": "no", "legal_basis": ["x"]}',
        '{"rule": "r", "code": "MARKET_NO", "legal_basis": ["x"]}',
        '{"ref": "s1", "rule": "r", "code": input.code, "legal_basis": ["x"]}',
        '"no"',
    ],
)
def test_a_denial_without_code_and_legal_basis_is_found(element: str) -> None:
    assert department(f"deny contains {element}") == ["code"]


@pytest.mark.proves("P11")
@pytest.mark.parametrize(
    "body",
    [
        "allow := true",
        "default deny := false",
        "deny if input.hour < 6",
        "deny(x) if x",
        "night if input.hour < 6",
    ],
)
def test_a_department_defines_denials_only(body: str) -> None:
    assert department(body) == ["department"]


def test_a_department_reads_no_other_rules() -> None:
    assert "department" in department("import data.exchange.authz")
    open_door = f"deny contains {DENIAL} if {{ some req in input.requests; data.exchange.x }}"
    assert department(open_door) == ["department"]


def test_a_finding_says_where() -> None:
    found = lint({"exchange/guards.rego": "package exchange.guards\n\np if {\n\tnot input.x\n}\n"})
    assert str(found[0]).startswith("exchange/guards.rego:4:")


def test_what_is_no_rego_is_refused() -> None:
    with pytest.raises(LoadError, match=r"exchange/guards\.rego:"):
        lint({"exchange/guards.rego": "package exchange.guards\n\np := := 1\n"})


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        ("some req in input.requests; input.hour < 6", []),
        ('some req in input.requests; input.officer.digest == "x"', []),
        ("some req in input.requests; input.case.parties > 3", ["case"]),
        ('some req in input.requests; req.subject.type == "person"', ["subject"]),
        ('some req in input.requests; req.subject.digest == "x"', ["subject", "digest"]),
        ('some req in input.requests; object.get(req, "x", 1) == 1', ["case", "subject", "digest"]),
        ('some req in input.requests; req[k] == "person"', ["case", "subject", "digest"]),
        ("some req in input.requests; some k, v in req", ["case", "subject", "digest"]),
        ("some req in input.requests; input[k] == null", ["case", "subject", "digest"]),
        ("some req in input.requests; count(input) > 1", ["case", "subject", "digest"]),
    ],
)
def test_the_facts_that_a_department_s_rule_reads_are_named(
    condition: str, facts: list[str]
) -> None:
    assert reads(condition) == facts


@pytest.mark.parametrize(
    "condition",
    [
        "not x > 1",
        "not x != y",
        "not x in input.xs",
        "not 1, x in input.xs",
        "not [x][0]",
        "not {x}",
        "not helper(x).y",
        "not helper([x])",
        "not helper(known)[x.y]",
        "not known[x][input.y]",
        "not data.exchange.matters.known[input.x]",
        "not count(input.xs)",
        "not input.x with input as {}",
        "not x = y",
    ],
)
def test_every_shape_of_not_that_evaluates_operands_outside_is_found(condition: str) -> None:
    body = f"{RULES}p if {{\n\tx := 1\n\ty := 1\n\t{condition}\n}}"
    assert findings(body) == ["not"]


@pytest.mark.parametrize(
    "body",
    [
        "p := [x | some x in input.xs; not x > 1]",
        "p if every x in input.xs { not x > 1 }",
        "p if {\n\tinput.x\n} else := 2 if {\n\tnot input.y\n}",
        "p[x] contains y if {\n\tsome x, y in input.o\n\tnot input.y\n}",
    ],
)
def test_not_is_found_wherever_it_stands(body: str) -> None:
    assert findings(body) == ["not"]


@pytest.mark.parametrize(
    "body",
    [
        'deny contains x if x := "no"',
        "deny[x] contains 1 if x := 1",
        'permit contains {"ref": "s1"}',
        "data_of := input.requests",
    ],
)
def test_a_department_s_package_only_denies(body: str) -> None:
    assert department(body) != []


@pytest.mark.parametrize(
    "body",
    [
        'cleared[ref] contains "NO_SUCH_CODE" if some ref in input.refs',
        'p := "NO_SUCH_CODE" if input.x',
        'f("NO_SUCH_CODE") if input.x',
        'p if some code in {"NOT_SHARED", "NO_SUCH_CODE"}',
    ],
)
def test_an_unknown_code_is_found_wherever_it_is_written(body: str) -> None:
    assert findings(body) == ["code"]
