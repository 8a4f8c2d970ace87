"""A report of an import is told in Chinese as in English."""

import ast
from collections.abc import Iterator
from pathlib import Path

from exchange.interchange.words import said

ROOT = Path(__file__).parents[3]
FOLDERS = ("catalogue/interchange", "exchange/interchange")
OURS = {"Said", "CellError"}


def sentences() -> Iterator[tuple[str, str]]:
    """Every sentence that a report can hold, blanks filled in, with the file it stands in."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = node.func
                name = (
                    called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                )
                place = 0 if name in OURS else 1 if name == "note" else None
                if place is not None and len(node.args) > place:
                    text = _text(node.args[place])
                    if text:
                        yield text, path.name


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str()):
            return str(node.value)
        case ast.JoinedStr(values=parts):
            return "".join(
                str(one.value) if isinstance(one, ast.Constant) else "7" for one in parts
            )
        case _:
            return ""


def test_every_sentence_of_a_report_has_its_chinese() -> None:
    found = list(sentences())
    assert len(found) > 50
    assert [(text, place) for text, place in found if said(text, "zh") == text] == []
    assert all(said(text, "en") == text for text, _place in found)
