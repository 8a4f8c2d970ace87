"""Files as the browser sends them: one a form, bounded, in memory alone, the name for showing."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from exchange.files.model import MOST_BYTES
from exchange.portal.forms import FormError
from exchange.portal.session import CSRF_FIELD, check_origin, check_token
from exchange.web.bodies import bounded_body

_AROUND = 64 * 1024
"""Bytes of a form beside its file."""
_FIELDS = 8
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    content: bytes
    called: str
    """What the browser calls the file, without folders; for showing, never for finding anything."""
    fields: Mapping[str, str]
    """The form's other fields."""


class _InMemory(MultiPartParser):
    # A file of the size allowed is not rolled out to the system's folder of temporary files.
    spool_max_size = MOST_BYTES + _AROUND


async def read_upload(request: Request, *, name: str) -> Received:
    """Read the one file of a form of this site and session; nothing chosen is an empty one.

    Raises ForeignFormError, FormError, RefusedRequestError (BODY_TOO_LARGE).
    """
    check_origin(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise FormError(f"content-type is {kind!r}, a form with a file needed")
    body = await bounded_body(request, most=MOST_BYTES + _AROUND)
    parser = _InMemory(
        request.headers, _whole(body), max_files=1, max_fields=_FIELDS, max_part_size=_AROUND
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise FormError("the form with a file is not readable") from error
    try:
        token = form.get(CSRF_FIELD, "")
        check_token(request, token if isinstance(token, str) else "")
        file = form.get(name)
        if not isinstance(file, UploadFile):
            raise FormError(f"the form holds no file {name}")
        told = {key: value for key, value in form.items() if isinstance(value, str)}
        return Received(
            content=await file.read(),
            called=shown_name(file.filename or ""),
            fields=told,
        )
    finally:
        await form.close()


def shown_name(told: str) -> str:
    """Return a file's name as it may be shown: its last part, printable, of bounded length."""
    last = told.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:LONGEST_NAME]


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
