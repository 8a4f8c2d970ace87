"""The group of commands; each noun's module is imported only when it is used."""

import click

from exchange.cli.lazy import LazyGroup

# noun → (module, one line of help): `exchange --help` imports none of them.
NOUNS = {
    "init": ("home", "make an exchange home with keys and its first officers"),
    "serve": ("home", "serve the exchange"),
    "demo": ("demo", "tell the building-permit story in a fictional district, then serve"),
    "doctor": ("home", "look the home over and say what is wrong"),
    "department": ("catalogue", "departments"),
    "officer": ("catalogue", "officers and their keys"),
    "system": ("catalogue", "systems, invitations and keys"),
    "matter": ("matters", "matters, their versions and materials"),
    "evidence": ("matters", "what proves a requirement, and what is asked twice"),
    "source": ("catalogue", "where departments' data is read"),
    "resource": ("catalogue", "data resources"),
    "quality": ("quality", "how well entries are kept, and what to mend next"),
    "indicator": ("indicators", "by how much a district's targets are reached"),
    "catalogue": ("finding", "search, import and export the catalogue, synonyms, demands"),
    "request": ("sharing", "ask for data, sign off, answer, pass on"),
    "basket": ("sharing", "ask for several resources at once"),
    "emergency": ("emergency", "look up one subject within the hour, on two officers' word"),
    "document": ("documents", "trusted documents: what systems send, by digest"),
    "grant": ("granting", "agree, pause, narrow, amend, end"),
    "deputy": ("supervision", "who decides in a head's place"),
    "correction": ("differing", "wrong values: report, answer, close"),
    "dispute": ("differing", "negotiate, bring up, decide"),
    "workdays": ("supervision", "working days, year by year"),
    "rule": ("supervision", "the numbers of the law"),
    "notice": ("supervision", "what your department was told"),
    "supervision": ("supervision", "what is late, who broke a rule"),
    "import-district": ("district", "import a district's departments and matters"),
    "import-catalogue": ("district", "take a published catalogue over, in the authority's name"),
    "contract": ("contract", "what a system may name, as GraphQL says it"),
    "call": ("call", "send one governed query"),
    "export": ("outlets", "all records of a resource as files"),
    "pull": ("outlets", "keep a table like a resource"),
    "backup": ("backups", "copies of the home: take, check, put back, throw away"),
    "audit": ("audit", "search the log, prove, verify"),
    "policy": ("policy", "lint, test and try the policy"),
    "docs": ("docs", "generate documentation"),
}


@click.group(cls=LazyGroup, table=NOUNS)
@click.version_option(package_name="district-data-exchange")
def main() -> None:
    """Share government data between departments: with a reason, a right and a trace."""
