"""The first step of each page that takes a file: receive it, leave it among the uploads, say what fails."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from catalogue.model import Actor, Role
from exchange.acts.register import ActError
from exchange.files.model import Trouble
from exchange.files.uploads import Uploads
from exchange.files.words import TROUBLES
from exchange.node import Node
from exchange.portal.forms import Errors, Form
from exchange.portal.receiving import read_upload
from exchange.portal.rooms import acted
from gateway.errors import RefusedRequestError

GONE = "The upload is gone, after an hour or when another came. Upload it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file among the uploads, for an hour, for the officer who left it."""

    upload: str
    called: str
    """What the browser calls it; for showing."""

    def form(self) -> Form:
        """Return the fields with which the next step begins: nothing is chosen yet."""
        return Form([("called", self.called)])


def may_publish(actor: Actor) -> bool:
    """Whether somebody may bring what their department publishes."""
    return actor.has(Role.OPERATOR) or actor.has(Role.HEAD)


async def receive(
    request: Request, actor: Actor, errors: Errors, *, offer: str = "file.offer"
) -> Left | None:
    """Take the form's file in; None where there is none to take, and then the errors say why.

    `offer` is the act that announces it and decides whether this officer may bring one.
    Raises what the form and the act raise.
    """
    try:
        received = await read_upload(request, name="file")
    except RefusedRequestError:
        zh, en = TROUBLES[Trouble.TOO_LARGE]
        errors.by_field["file"] = en if errors.language == "en" else zh
        return None
    if not received.content:
        errors.at("file", "Choose a file that is not empty")
        return None
    node: Node = request.app.state.node
    upload = await run_in_threadpool(_leave, node, actor, received.content, offer)
    return Left(upload=upload, called=received.called)


def is_gone(error: ActError, errors: Errors) -> bool:
    """Note that an upload is gone; False for any other refusal, which is no matter of the file."""
    if error.code != "UPLOAD_GONE":
        return False
    errors.at("file", GONE)
    return True


def _leave(node: Node, actor: Actor, content: bytes, offer: str) -> str:
    held = str(acted(node, actor, offer)["upload"])
    Uploads(node.files).write(held, content)
    return held
