"""Forms are read as they were typed, from this site and this session alone."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from exchange.portal.forms import Errors, FormError, parse_form
from exchange.portal.session import ForeignFormError, check_origin, own_path, sign_in_address

TYPED = st.text(st.characters(exclude_categories=["Cs"]))


def a_request(path: str = "/", query: str = "", method: str = "GET", **headers: str) -> Request:
    told = {"host": "exchange.example:8800"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
            "scheme": "http",
            "server": ("exchange.example", 8800),
        }
    )


@pytest.mark.proves("B3")
@given(st.lists(st.tuples(TYPED, TYPED), max_size=6))
def test_what_is_typed_is_read_back(pairs: list[tuple[str, str]]) -> None:
    form = parse_form(urlencode(pairs).encode())
    assert form.getlist("x") == [v.replace("\r\n", "\n") for k, v in pairs if k == "x"]
    for name, value in reversed(pairs):
        assert name in form
        assert value.replace("\r\n", "\n") in form.getlist(name)


def test_line_ends_are_as_they_were_typed() -> None:
    assert parse_form(b"words=one%0D%0Atwo").get("words") == "one\ntwo"


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"&".join([b"a=1"] * 8001)])
def test_what_no_browser_of_ours_sends_is_refused(body: bytes) -> None:
    with pytest.raises(FormError):
        parse_form(body)


def test_a_field_that_was_not_sent_is_empty() -> None:
    form = parse_form(b"a=1&a=2&b=+x+")
    assert (form.get("c"), form.get("a"), form.getlist("a"), form.text("b"), len(form)) == (
        "",
        "1",
        ["1", "2"],
        "x",
        2,
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site", "origin": "http://exchange.example:8800"},
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"origin": ""},
        {},
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ForeignFormError):
        check_origin(a_request(method="POST", **headers))


@pytest.mark.parametrize(
    "headers", [{"sec_fetch_site": "same-origin"}, {"origin": "http://exchange.example:8800"}]
)
def test_a_form_of_this_site_is_taken(headers: dict[str, str]) -> None:
    check_origin(a_request(method="POST", **headers))


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "elsewhere",
        "javascript:alert(1)",
        "/a\r\nset-cookie: x",
        "",
    ],
)
def test_nobody_is_led_to_another_site(address: str) -> None:
    assert own_path(address) == "/"


def test_the_way_back_is_kept() -> None:
    asked = a_request("/audit", query="kind=call&case=办件")
    assert sign_in_address(asked) == "/sign-in?to=/audit%3Fkind%3Dcall%26case%3D%E5%8A%9E%E4%BB%B6"
    assert own_path("/audit?kind=call") == "/audit?kind=call"


def test_a_page_that_was_sent_a_form_is_no_way_back() -> None:
    assert sign_in_address(a_request("/inbox/1/grant", method="POST")) == "/sign-in"


def test_the_first_error_of_a_field_stays_and_is_in_the_readers_language() -> None:
    errors = Errors(language="zh")
    errors.at("password", "Enter your password")
    errors.at("password", "Enter your staff number")
    assert errors.by_field == {"password": "请填写密码"}
    assert errors
