"""Programs read the catalogue: stock clients of CKAN, harvesters of DCAT, a browser that saves a file."""

import json
from collections.abc import Iterator

import httpx
import pyoxigraph
import pytest

from audit.canonical import decode_strict
from catalogue.interchange.entries import told_of
from catalogue.model import Resource
from catalogue.rows import OFFICER, RESOURCE
from exchange.client.signing import SignatureAuth, TokenAuth
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from exchange.interchange.parsing import Asked, parse_file
from exchange.interchange.writing import FORMS
from exchange.portal.session import COOKIE
from tests.fakes.files import upload
from tests.fakes.node import Founded, Standing, standing

ckanapi = pytest.importorskip(
    "ckanapi", reason="ckanapi is not installed: CKAN's own client is not tried"
)


@pytest.fixture(scope="module")
def town(origin: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("town") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def token(town: Standing) -> str:
    """A plain bearer token of the hall's system, as a stock client has it."""
    auth = TokenAuth(town.place.systems[SYSTEM], system=SYSTEM, base_url=town.url, bound=False)
    with httpx.Client(trust_env=False) as client:
        issued = client.send(auth.token_request()).json()
    return f"Bearer {issued['access_token']}"


def announced(town: Standing) -> dict[str, Resource]:
    return {
        code: one.resource
        for code, one in town.node.held(RESOURCE).items()
        if one.resource.state == "announced"
    }


def a_browser(town: Standing, officer: str = "hall.operator") -> httpx.Client:
    node = town.node
    officers = node.held(OFFICER)
    link = node.sign_in.offer_link(officers[town.place.ids[officer]], by=None)
    secret = node.sign_in.redeem_link(link, officers=officers).secret
    return httpx.Client(base_url=town.url, cookies={COOKIE: secret}, timeout=60, trust_env=False)


def test_ckans_own_client_finds_what_is_announced_and_nothing_else(
    town: Standing, token: str
) -> None:
    held = announced(town)
    with ckanapi.RemoteCKAN(town.url, apikey=token) as ckan:
        assert ckan.action.package_list() == sorted(held)
        code, resource = next(iter(sorted(held.items())))
        shown = ckan.action.package_show(id=code)
        assert (shown["title"], shown["organization"]["name"]) == (
            resource.name,
            resource.department,
        )
        found = ckan.action.package_search(q=resource.name, rows=5)
        assert found["results"][0]["name"] == code
        of_one = ckan.action.package_search(fq=f"organization:{district.MARKET.code}")
        assert {one["owner_org"] for one in of_one["results"]} == {district.MARKET.code}
        assert district.MARKET.code in ckan.action.organization_list()
        with pytest.raises(ckanapi.NotFound):
            ckan.action.package_show(id="307/none")
        with pytest.raises(ckanapi.ValidationError):
            ckan.action.package_search(fq="license_id:cc-by")
    last = decode_strict(town.node.log.entry(town.node.log.size - 1))
    assert last["kind"] == "catalogue.read"


def test_a_stranger_is_told_nothing_by_ckans_api_and_by_exports(town: Standing) -> None:
    with ckanapi.RemoteCKAN(town.url) as ckan, pytest.raises(ckanapi.NotAuthorized):
        ckan.action.package_list()
    with httpx.Client(base_url=town.url, trust_env=False) as stranger:
        answer = stranger.get("/catalogue/export/json")
        assert answer.status_code == 401
        assert not any(code in answer.text for code in announced(town))


def test_a_draft_is_seen_by_its_own_department_alone(town: Standing, token: str) -> None:
    entry = {"code": "307/000777", "name": "尚未公布的资源", "items": [{"title": "名称"}]}
    content = json.dumps(
        {"format": "exchange-catalogue/1", "needs": [], "entries": [entry]}
    ).encode()

    held = upload(town, content)
    asked = {"file": "a.json"}
    seen = town.act("market.operator", "catalogue.preview-import", upload=held, asked=asked)
    town.act(
        "market.operator", "catalogue.import", upload=held, asked=asked, looked_at=seen["looked_at"]
    )
    with ckanapi.RemoteCKAN(town.url, apikey=token) as ckan:
        assert "307/000777" not in ckan.action.package_list()
        assert ckan.action.package_search(q="尚未公布的资源")["results"] == []
        with pytest.raises(ckanapi.NotFound):
            ckan.action.package_show(id="307/000777")
    for officer, sees in (("hall.operator", False), ("market.operator", True)):
        with a_browser(town, officer) as browser:
            text = browser.get("/catalogue/export/json?drafts=1").text
            assert ("307/000777" in text) is sees
            assert "307/000777" not in browser.get("/catalogue/export/json").text


@pytest.mark.parametrize("form", FORMS)
def test_an_officer_saves_the_catalogue_in_every_form(town: Standing, form: str) -> None:
    with a_browser(town) as browser:
        answer = browser.get(f"/catalogue/export/{form}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(FORMS[form].media_type.split(";")[0])
    assert f"catalogue.{FORMS[form].suffix}" in answer.headers["content-disposition"]
    if form in {"dcat", "json", "jsonld", "csv", "workbook"}:
        read = parse_file(answer.content, Asked(file=f"catalogue.{FORMS[form].suffix}"))
        assert {one.code: one.fields for one in read.told} == {
            code: told_of(one).fields for code, one in announced(town).items()
        }


def test_the_address_of_an_entry_gives_a_harvester_what_its_accept_asks_for(town: Standing) -> None:
    code = next(iter(sorted(announced(town))))
    with httpx.Client(
        base_url=town.url,
        trust_env=False,
        auth=SignatureAuth(town.place.systems[SYSTEM]),
    ) as harvester:
        seen = harvester.get(f"/catalogue/{code}", headers={"accept": "text/turtle"})
        assert seen.status_code == 303
        answer = harvester.get(seen.headers["location"])
    assert answer.headers["content-type"].startswith("text/turtle")
    subjects = {
        str(quad.subject) for quad in pyoxigraph.parse(answer.content, pyoxigraph.RdfFormat.TURTLE)
    }
    assert f"<{town.url}/catalogue/{code}>" in subjects
