"""What a request to `/graphql` says over HTTP: media types, sites, methods, queries of a GET."""

from typing import Any

import pytest

from exchange.web.reading import (
    GRAPHQL,
    JSON,
    Head,
    check_content_type,
    check_method,
    check_site,
    choose_media,
    read_parameters,
)
from gateway.errors import RefusedRequestError

DIGEST = "0f" * 32


def a_head(method: str = "POST", query: str = "", **fields: str) -> Head:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Head(method=method, query_string=query.encode(), fields=named)


def refused(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(RefusedRequestError) as caught:
        call(*arguments, **more)
    return caught.value.code


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*;q=0.1", JSON),
        ("text/html, */*;q=0.8", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("APPLICATION/GRAPHQL-RESPONSE+JSON ; q=1", GRAPHQL),
    ],
)
def test_the_media_type_is_the_one_that_the_client_likes_best(
    accept: str | None, media: str
) -> None:
    assert choose_media(accept) == media


@pytest.mark.proves("I9")
@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/json;q=0", "application/json;charset=gbk", "x", "*/*;q=nan"],
)
def test_a_client_that_takes_neither_media_type_is_told_which_there_are(accept: str) -> None:
    assert refused(choose_media, accept) == "NOT_ACCEPTABLE"


@pytest.mark.proves("I9")
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=gb18030",
        "application/json, text/plain",
    ],
)
def test_no_body_that_a_form_can_send_is_read(content_type: str) -> None:
    assert refused(check_content_type, a_head(content_type=content_type)) == (
        "MEDIA_TYPE_UNSUPPORTED"
    )


def test_json_in_utf_8_is_read() -> None:
    for content_type in ("application/json", "Application/JSON; charset=UTF-8"):
        check_content_type(a_head(content_type=content_type))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "else"])
def test_what_a_browser_sends_for_another_site_is_refused(site: str) -> None:
    assert refused(check_site, a_head(sec_fetch_site=site)) == "CROSS_SITE"


def test_what_no_browser_or_the_own_site_sends_is_taken() -> None:
    check_site(a_head())
    for site in ("same-origin", "none"):
        check_site(a_head(sec_fetch_site=site))


@pytest.mark.proves("I9")
def test_get_is_for_known_documents_only_unless_any_is_allowed() -> None:
    named = f"documentId=sha256:{DIGEST}"
    persisted = (
        "extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22"
        f"{DIGEST}%22%7D%7D"
    )
    for query in (named, persisted):
        check_method(a_head("GET", query), any_by_get=False)
    both = f"{named}&query=%7Ba%7D"
    for query in ("", "query=%7Ba%7D", both, "extensions=%7B%7D", "documentId=a&documentId=b"):
        assert refused(check_method, a_head("GET", query), any_by_get=False) == "METHOD_NOT_ALLOWED"
        check_method(a_head("GET", query), any_by_get=True)
    for method in ("PUT", "HEAD", "DELETE", "OPTIONS"):
        assert refused(check_method, a_head(method, named), any_by_get=True) == "METHOD_NOT_ALLOWED"


def test_the_query_of_a_get_is_read_as_the_members_of_a_request() -> None:
    read = read_parameters(b"query=%7Ba%7D&variables=%7B%22e%22%3A1%7D&operationName=&else=1")
    assert read == {"query": "{a}", "variables": {"e": 1}, "operationName": ""}


@pytest.mark.proves("B4")
@pytest.mark.parametrize(
    "query",
    [
        b"query",
        b"query=%ff",
        b"query=a&query=b",
        b"variables=%7B",
        b"extensions=%7B%22a%22%3A1%2C%22a%22%3A2%7D",
        b"&".join(b"a%d=1" % n for n in range(9)),
        "query=好".encode(),
    ],
)
def test_a_query_that_is_no_request_is_refused(query: bytes) -> None:
    assert refused(read_parameters, query) == "BODY_INVALID"


def test_a_field_sent_twice_is_seen_twice() -> None:
    scope = {
        "method": "POST",
        "query_string": b"",
        "headers": [(b"exchange-partial", b"deny"), (b"Exchange-Partial", b"allow")],
    }
    assert Head.of(scope).get("exchange-partial") == "deny, allow"
