"""What is exported as DCAT conforms to DCAT-AP 3.0.1, by shapes that others check with."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from catalogue.granted import GrantState
from catalogue.interchange.dcat import Publisher, catalogue
from catalogue.interchange.entries import told_of
from catalogue.interchange.model import Told
from catalogue.interchange.odrl import agreements
from catalogue.interchange.rdf import turtle
from catalogue.metadata import Contact, Distribution, Openness, SharingMethod, UpdateCycle
from catalogue.model import Resource, SharingClass
from tests.examples import examples
from tests.fakes.catalogue import MARKET, a_department, a_grant, a_resource
from tests.fakes.interchange import entries

pyshacl = pytest.importorskip("pyshacl", reason="pyshacl is not installed: no shapes are checked")
rdflib = pytest.importorskip("rdflib", reason="rdflib is not installed: no shapes are checked")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).parents[3]
CORE = ROOT / "tests" / "data" / "dcat-ap-core.shapes.ttl"
PUBLISHED = Path(
    os.environ.get("EXCHANGE_DCAT_AP_SHAPES") or ROOT.parent / "shared" / "data" / "dcat-ap"
)
HERE = Publisher(base="https://exchange.example", departments={MARKET: a_department(MARKET)})


@cache
def shapes(folder: Path) -> Any:
    graph = rdflib.Graph()
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.ttl")):
        graph.parse(path, format="turtle")
    return graph


def violations(written: str, wanted: Path = CORE) -> str:
    """Return what the shapes say against a document; empty where they say nothing."""
    data = rdflib.Graph().parse(data=written, format="turtle")
    conforms, _graph, text = pyshacl.validate(data, shacl_graph=shapes(wanted), inference="none")
    return "" if conforms else str(text)


def document(*told: Told) -> str:
    return "".join(turtle(catalogue(told, HERE)))


def an_entry(**changes: Any) -> Resource:
    return a_resource(
        abstract="本区企业营业执照",
        keywords=("执照", "企业"),
        openness=Openness.NOT_OPEN,
        update_cycle=UpdateCycle.DAILY,
        contact=Contact(unit="数据科", telephone="010-1234", email="data@yunxiu.example"),
        methods=(SharingMethod.INTERFACE, SharingMethod.FILE),
        distributions=(
            Distribution(method=SharingMethod.INTERFACE),
            Distribution(method=SharingMethod.FILE, title="月报", media_type="text/csv"),
        ),
        **changes,
    )


LAW = ("中华人民共和国统计法", "第二十八条", "单个调查对象的资料不得提供", "law")


@pytest.mark.parametrize("sharing", list(SharingClass))
def test_an_entry_of_every_class_conforms(sharing: SharingClass) -> None:
    basis = LAW if sharing is SharingClass.NOT_SHARED else ()
    assert (
        violations(document(told_of(an_entry(sharing_class=sharing, no_share_basis=basis)))) == ""
    )


@given(told=entries(most=2))
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_an_entry_holds_conforms(told: list[Told]) -> None:
    assert violations(document(*told)) == ""


def test_the_shapes_bite() -> None:
    written = document(told_of(an_entry()))
    assert "dct:description" in violations(written.replace("dct:description", "dct:abstract"))
    assert violations(written.replace("dcat:accessURL", "dcat:page"))


@pytest.mark.skipif(
    not PUBLISHED.exists(), reason=f"the published shapes are not in {PUBLISHED.name}/"
)
@pytest.mark.parametrize("sharing", list(SharingClass))
def test_an_entry_conforms_to_the_published_shapes(sharing: SharingClass) -> None:
    basis = LAW if sharing is SharingClass.NOT_SHARED else ()
    told = told_of(an_entry(sharing_class=sharing, no_share_basis=basis))
    assert violations(document(told), PUBLISHED) == ""


@pytest.mark.skipif(
    not PUBLISHED.exists(), reason=f"the published shapes are not in {PUBLISHED.name}/"
)
@given(told=entries(most=2))
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_an_entry_holds_conforms_to_the_published_shapes(told: list[Told]) -> None:
    assert violations(document(*told), PUBLISHED) == ""


PROFILED = (
    "http://purl.org/dc/terms/",
    "http://www.w3.org/ns/dcat#",
    "http://data.europa.eu/r5r/",
    "http://xmlns.com/foaf/0.1/",
    "http://www.w3.org/ns/odrl/2/hasPolicy",
)
OUTSIDE = {
    ("http://xmlns.com/foaf/0.1/Agent", "http://purl.org/dc/terms/identifier"),
}
"""What the export says beyond the profile, which bounds it nowhere."""


@given(told=entries(most=2))
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_shapes_bound_all_that_the_export_says_in_the_profile_s_words(told: list[Told]) -> None:
    data = rdflib.Graph().parse(data=document(*told, told_of(an_entry())), format="turtle")
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    bounded = {
        (str(target), str(path))
        for shape, target in shapes(CORE).subject_objects(sh.targetClass)
        for known in shapes(CORE).objects(shape, sh.property)
        for path in shapes(CORE).objects(known, sh.path)
    }
    classes = {target for target, _path in bounded}
    said = {
        (str(one), str(name))
        for subject, name in data.subject_predicates(unique=True)
        for one in data.objects(subject, rdflib.RDF.type)
        if str(one) in classes and str(name).startswith(PROFILED)
    }
    assert said - bounded == OUTSIDE


def test_what_is_not_shared_is_prohibited_and_names_its_law() -> None:
    told = told_of(an_entry(sharing_class=SharingClass.NOT_SHARED, no_share_basis=LAW))
    graph = rdflib.Graph().parse(data=document(told), format="turtle")
    found = graph.query(
        """PREFIX odrl: <http://www.w3.org/ns/odrl/2/> PREFIX dcatap: <http://data.europa.eu/r5r/>
        PREFIX dct: <http://purl.org/dc/terms/>
        SELECT ?law WHERE { ?d odrl:hasPolicy/odrl:prohibition/odrl:action odrl:use ;
          dcatap:applicableLegislation/dct:title ?law .
          FILTER NOT EXISTS { ?d odrl:hasPolicy/odrl:permission ?p } }"""
    )
    assert [str(row[0]) for row in found] == [LAW[0]]


def test_a_grant_in_force_is_an_agreement_and_one_that_ended_is_none() -> None:
    grants = [a_grant("grt_1"), a_grant("grt_2", state=GrantState.REVOKED)]
    nodes = agreements(grants, entry=HERE.entry, department=HERE.department)
    graph = rdflib.Graph().parse(data="".join(turtle(nodes)), format="turtle")
    odrl = rdflib.Namespace("http://www.w3.org/ns/odrl/2/")
    (agreement,) = graph.subjects(rdflib.RDF.type, odrl.Agreement)
    assert str(agreement).endswith("#grt_1")
    assert graph.value(agreement, odrl.assigner) == rdflib.URIRef(
        HERE.department(grants[0].provider)
    )
    assert graph.value(agreement, odrl.assignee) == rdflib.URIRef(
        HERE.department(grants[0].department)
    )
