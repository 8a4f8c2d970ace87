"""Forms as the browser sends them: read strictly, from this site and session only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from exchange.portal.language import translate
from exchange.portal.render import language_of
from exchange.portal.session import CSRF_FIELD, check_origin, check_token
from exchange.web.bodies import bounded_body

MOST = 1024 * 1024
FIELDS = 8000
"""A table of 426 columns has some five fields each."""


class FormError(Exception):
    """What was sent is no form that a page of ours makes."""


class Form(Mapping[str, str]):
    """The fields of a form. A field that was not sent reads as the default, empty."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self._pairs if key == name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self._pairs))

    def __len__(self) -> int:
        return len({key for key, _ in self._pairs})

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _ in self._pairs)

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override] # never None here
        return next(iter(self.getlist(name)), default)

    def text(self, name: str) -> str:
        """Return a field without the white space around it."""
        return self.get(name).strip()

    def getlist(self, name: str) -> list[str]:
        """Return every value of a field, as boxes send them."""
        return [value for key, value in self._pairs if key == name]


async def read_form(request: Request, *, session: bool = True) -> Form:
    """Read the request's form.

    `session` says that it must carry this session's token; the sign-in page alone has none to carry.
    Raises ForeignFormError, FormError, RefusedRequestError (BODY_TOO_LARGE).
    """
    check_origin(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError(f"content-type is {kind!r}, a form needed")
    form = parse_form(await bounded_body(request, most=MOST))
    if session:
        check_token(request, form.get(CSRF_FIELD))
    return form


def parse_form(body: bytes) -> Form:
    """Raises FormError for what is not UTF-8 or has too many fields.

    Line ends come as CRLF whatever was typed (HTML, 4.10.21.5), and are made LF again.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=FIELDS,
        )
    except ValueError as error:
        raise FormError("the form is not readable: UTF-8 and at most 8,000 fields") from error
    return Form([(key, value.replace("\r\n", "\n")) for key, value in pairs])


@dataclass(slots=True)
class Errors:
    """What is wrong with a form: one sentence a field, in the reader's language, in the form's order."""

    language: str
    by_field: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request) -> "Errors":
        return cls(language=language_of(request))

    def at(self, name: str, text: str, /, **values: object) -> None:
        """Note an error at a field; the first one stays. `text` is English, a key of the locale."""
        self.by_field.setdefault(name, translate(self.language, text, **values))

    def __bool__(self) -> bool:
        return bool(self.by_field)
