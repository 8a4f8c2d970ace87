"""What reviews ask of a department: its inbox of questions, and the answer."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue.model import Actor
from exchange.acts.register import ActError
from exchange.node import Node
from exchange.portal.forms import Errors, read_form
from exchange.portal.pages.reviews import question_line
from exchange.portal.render import page
from exchange.portal.rooms import acted, names_for, tried
from exchange.portal.session import signed_in


async def inbox(request: Request) -> Response:
    """`GET /questions`."""
    actor = await signed_in(request)
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "review.questions")
    names = names_for(request)
    return page(
        request,
        "questions.html",
        waiting=[question_line(one, names, node) for one in said["waiting"]],
        answered=[question_line(one, names, node) for one in said["answered"]],
        done=request.query_params.get("done", ""),
    )


async def question(request: Request) -> Response:
    """`GET /questions/{id}`."""
    actor = await signed_in(request)
    return await _question(request, actor, Errors.of(request))


async def answer(request: Request) -> Response:
    """`POST /questions/{id}/answer`."""
    actor = await signed_in(request)
    form = await read_form(request)
    errors = Errors.of(request)
    text = form.text("text")
    if not text:
        errors.at("text", "Fill this in")
    else:
        key = request.path_params["id"]
        await tried(errors, request, actor, "review.answer", question=key, text=text)
    if errors:
        return await _question(request, actor, errors, text=text)
    return RedirectResponse("/questions?done=answer", status_code=303)


async def _question(request: Request, actor: Actor, errors: Errors, *, text: str = "") -> Response:
    node: Node = request.app.state.node
    said = await run_in_threadpool(acted, node, actor, "review.questions")
    key = request.path_params["id"]
    held = next((one for one in said["waiting"] + said["answered"] if one["id"] == key), None)
    if held is None:
        raise ActError("NOT_FOUND", f"no question {key} to your department")
    return page(
        request,
        "questions_entry.html",
        status=400 if errors else 200,
        errors=errors.by_field,
        question=question_line(held, names_for(request), node),
        text=text,
    )


ROUTES = [
    Route("/questions", inbox, methods=["GET"]),
    Route("/questions/{id}", question, methods=["GET"]),
    Route("/questions/{id}/answer", answer, methods=["POST"]),
]
