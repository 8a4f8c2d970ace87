"""The test zone: its address, and the synthetic subjects by what comes of each."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalogue.model import SubjectType
from exchange.node import Node
from exchange.portal.render import page
from exchange.portal.session import signed_in
from exchange.testzone.synthetic import Magic, subject

MEANT = {
    Magic.GIVEN: "Everything that was asked for is given",
    Magic.NOT_FOUND: "The department has no record",
    Magic.EXPIRED: "The certificate has expired",
    Magic.WITHHELD: "One item is withheld",
    Magic.MASKED: "Items are masked",
    Magic.REFUSED: "The subject is no party of the case",
    Magic.SOURCE_DOWN: "The department's source is down",
    Magic.GRANT_EXPIRED: "The grant has ended",
    Magic.DISPUTED: "Given with a mark: it is being corrected; a verification says UNDETERMINED",
}


async def testzone(request: Request) -> Response:
    await signed_in(request)
    node: Node = request.app.state.node
    rows = [
        {"meant": MEANT[magic], "subjects": [subject(type_, magic) for type_ in SubjectType]}
        for magic in Magic
    ]
    url = f"{node.settings.base_url}/test/graphql"
    return page(request, "testzone.html", rows=rows, url=url)


ROUTES = [Route("/testzone", testzone, methods=["GET"])]
