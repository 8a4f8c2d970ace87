"""The built-in functions that are offered. What is not in this table is refused at load.

Nothing here reads a clock, a network, a file, an environment or a source of randomness.
"""

from collections.abc import Mapping

from policies.language.builtins.certificates import CERTIFICATES
from policies.language.builtins.crypto import CRYPTO
from policies.language.builtins.documents import DOCUMENTS
from policies.language.builtins.encodings import ENCODINGS
from policies.language.builtins.globs import GLOBS
from policies.language.builtins.graphs import GRAPHS
from policies.language.builtins.intersections import INTERSECTIONS
from policies.language.builtins.networks import NETWORKS
from policies.language.builtins.operands import Builtin
from policies.language.builtins.regexes import REGEXES
from policies.language.builtins.requests import REQUESTS
from policies.language.builtins.schemas import SCHEMAS
from policies.language.builtins.templates import TEMPLATES
from policies.language.builtins.texts import TEXTS
from policies.language.builtins.times import TIMES
from policies.language.builtins.tokens import TOKENS
from policies.language.builtins.units import UNITS
from policies.language.builtins.urls import URLS
from policies.language.builtins.values import VALUES
from policies.language.builtins.versions import VERSIONS

BUILTINS: Mapping[str, Builtin] = {
    **VALUES,
    **TEXTS,
    **REGEXES,
    **DOCUMENTS,
    **ENCODINGS,
    **UNITS,
    **GLOBS,
    **INTERSECTIONS,
    **NETWORKS,
    **VERSIONS,
    **URLS,
    **GRAPHS,
    **TOKENS,
    **CRYPTO,
    **TIMES,
    **SCHEMAS,
    **REQUESTS,
    **CERTIFICATES,
    **TEMPLATES,
}

# Refused wherever they would be called; known only so that `with` may replace them.
REPLACEABLE: Mapping[str, int] = {
    "time.now_ns": 0,
    "http.send": 1,
    "opa.runtime": 0,
    "rand.intn": 2,
    "net.lookup_ip_addr": 1,
    "uuid.rfc4122": 1,
}

OPERATORS: Mapping[str, str] = {
    "+": "plus",
    "-": "minus",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "|": "or",
    "&": "and",
}


def python_name(name: str) -> str:
    """Return what generated code calls the built-in."""
    return name.replace(".", "_")
