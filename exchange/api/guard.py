"""Who may ask the management API at all, and how its errors are told."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from strawberry.permission import BasePermission
from strawberry.types import Info

from audit.entry import Nonce
from catalogue.model import Actor
from exchange.acts.register import perform
from exchange.ledger import spending
from exchange.node import Node
from exchange.web.problems import code_of
from exchange.words import words_of


class ManagementError(Exception):
    """An error as GraphQL tells it: words for people, the code in `extensions`."""

    def __init__(self, code: str, *, english: bool, detail: str = "") -> None:
        words = words_of(code)
        super().__init__(words.en if english else words.zh)
        self.extensions: dict[str, Any] = {"code": code, "next": words.next}
        if detail:
            self.extensions["detail"] = detail


@dataclass(slots=True, kw_only=True)
class Asking:
    """The context of one operation: who asks, and on which node."""

    node: Node
    actor: Actor | None = field(default=None)
    """None where nobody proved who they are; no field answers then."""
    nonce: Nonce | None = None
    """Of a signed operation, used up with its first entry; None for a session."""
    english: bool = False
    _turn: Lock = field(default_factory=Lock)

    def perform(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out an act as the officer who asks. Blocks. Raises ManagementError."""
        if self.actor is None:
            raise ManagementError("SESSION_UNKNOWN", english=self.english)
        with self._turn:
            try:
                return self._spend(self.actor, name, arguments)
            except Exception as error:
                code = code_of(error)
                detail = "" if code == "INTERNAL" else str(error)
                raise ManagementError(code, english=self.english, detail=detail) from error

    def _spend(self, actor: Actor, name: str, arguments: Mapping[str, Any]) -> Any:
        if self.nonce is None:
            return perform(self.node, actor, name, arguments)
        with spending(self.nonce) as appended:
            try:
                return perform(self.node, actor, name, arguments)
            finally:
                # Until an entry has used it up, every act of the operation has to: also after a refusal.
                if appended:
                    self.nonce = None


class Strict(BasePermission):
    """A permission that holds only where its answer *is* True: a forgotten await is no permission."""

    message = "refused"

    @abstractmethod
    def allows(self, asking: Asking) -> bool:
        """Return True, and nothing that merely looks like it, where the field may be asked."""

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:  # noqa: ARG002 - the library's
        return self.allows(info.context) is True

    def on_unauthorized(self) -> None:
        raise ManagementError("SESSION_UNKNOWN", english=True)


class SignedIn(Strict):
    """Somebody active is signed in, or signed the operation with a registered key."""

    def allows(self, asking: Asking) -> bool:
        officer = asking.actor.officer if asking.actor is not None else None
        return officer is not None and officer.state == "active"
