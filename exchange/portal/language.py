"""The portal's two languages: English sentences are the keys, Chinese stands in `locale/zh/*.po`."""

from ast import literal_eval
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
FOLDER = Path(__file__).parent / "locale"
_KEYWORDS = ("msgid", "msgstr")


class CatalogueFileError(Exception):
    """A `.po` file cannot be read."""


def translate(language: str, text: str, /, **values: object) -> str:
    """Return the sentence in a language with `%(name)s` filled in; one without translation stays English."""
    said = text if language == "en" else translations(language).get(text, text)
    return said % values if values else said


@cache
def translations(language: str) -> Mapping[str, str]:
    """Return every translated sentence of a language, from all fragments of its folder.

    Raises CatalogueFileError for a file that cannot be read. Fragments agree: a test says so.
    """
    merged: dict[str, str] = {}
    for fragment in fragments(language).values():
        merged |= fragment
    return merged


def fragments(language: str) -> dict[str, dict[str, str]]:
    """Return the sentences of each file of a language, by its name."""
    return {
        path.name: read_po(path.read_text(encoding="utf-8"))
        for path in sorted((FOLDER / language).glob("*.po"))
    }


def read_po(text: str) -> dict[str, str]:
    """Read gettext's text format: msgid and msgstr, continued lines, comments; no plurals, no contexts.

    The header and untranslated or fuzzy messages are left out. Raises CatalogueFileError for anything else.
    """
    found: dict[str, str] = {}
    for block in text.split("\n\n"):
        parts = dict.fromkeys(_KEYWORDS, "")
        current = fuzzy = None
        for line in block.splitlines():
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
                continue
            keyword, _, rest = line.partition(" ")
            if keyword in parts:
                current = keyword
            elif not line.startswith('"') or current is None:
                raise CatalogueFileError(f"neither msgid, msgstr nor text: {line!r}")
            else:
                rest = line
            parts[current] += _unquoted(rest)
        if parts["msgid"] and parts["msgstr"] and not fuzzy:
            found[parts["msgid"]] = parts["msgstr"]
    return found


def _unquoted(text: str) -> str:
    try:
        said = literal_eval(text.strip())
    except (SyntaxError, ValueError) as error:
        raise CatalogueFileError(f"no quoted text: {text!r}") from error
    if not isinstance(said, str):
        raise CatalogueFileError(f"no quoted text: {text!r}")
    return said
