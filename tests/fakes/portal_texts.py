"""Every sentence that the portal's templates and modules ask the locale for."""

import ast
from collections.abc import Iterator
from pathlib import Path

from exchange.portal.labels import LABELS, TAGS
from exchange.portal.render import TEMPLATES, environment

PORTAL = TEMPLATES.parent
CALLS = {"at": 1, "say": 1, "translate": 1, "note": 0, "N_": 0, "_": 0}
"""Function or method → position of the sentence among its arguments."""
KEYWORDS = {"title", "about", "text_key"}


def asked_for() -> dict[str, str]:
    """Return sentence → where it stands."""
    found = {text: "labels.py" for text, _colour in TAGS.values()}
    found |= {text: "labels.py" for group in LABELS.values() for text in group.values()}
    for path in sorted(TEMPLATES.glob("*.html")):
        for _line, function, said in environment("en").extract_translations(  # type: ignore[attr-defined] # the extension adds it
            path.read_text(encoding="utf-8")
        ):
            # Chinese knows no plural: of two forms the second is translated.
            plural = function == "ngettext"
            text = said[1 if plural else 0] if isinstance(said, tuple) else said
            if text:
                found[text] = path.name
    for path in sorted(PORTAL.rglob("*.py")):
        found |= dict.fromkeys(_in_module(path), path.name)
    return found


def _in_module(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        place = CALLS.get(name)
        if place is not None and len(node.args) > place:
            yield from _text(node.args[place])
        if name in {"Room", "Waiting"}:
            for keyword in node.keywords:
                if keyword.arg in KEYWORDS:
                    yield from _text(keyword.value)


def _text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
