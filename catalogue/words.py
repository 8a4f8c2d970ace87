"""Cuts text into the words that the catalogue's search keeps: alike on the side of entries and of questions.

Runs of Chinese become overlapping pairs of characters, ASCII becomes lower-cased words. Traditional
characters are folded into simplified ones, full-width forms into ordinary ones: either finds the other.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from catalogue.traditional import SIMPLIFIED, TRADITIONAL

_FOLD = str.maketrans(TRADITIONAL, SIMPLIFIED)
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002b81f"
"""Planes that both databases take for letters."""
RUN = re.compile(f"[{_HAN}]+|[0-9a-z]+")
MOST = 8_000
"""Words kept of one entry; positions in PostgreSQL end at 16,383, and title and text follow one another."""
LONGEST = 60
"""Characters of an ASCII word; what is longer is no word that anybody types."""


def fold(text: str) -> str:
    """Return text in one form: NFKC, lower case, no accents on Latin letters, simplified characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if not plain.isascii():
        plain = "".join(
            one for one in unicodedata.normalize("NFD", plain) if not unicodedata.combining(one)
        )
    return plain.translate(_FOLD)


def runs(folded: str) -> Iterator[str]:
    """Yield the runs of Chinese characters and of ASCII letters and digits, in their order."""
    for found in RUN.finditer(folded):
        yield found[0][:LONGEST] if found[0].isascii() else found[0]


def pairs(run: str) -> tuple[str, ...]:
    """Return the overlapping pairs of a Chinese run; a single character stands for itself."""
    return tuple(a + b for a, b in pairwise(run)) or (run,)


def words(texts: Iterable[str]) -> list[str]:
    """Return the words by which texts are found, at most `MOST`.

    A Chinese run ends in its last character alone: so every character begins some word, and a question of
    one character asks for what begins with it, and no phrase goes on into the next run.
    """
    found: list[str] = []
    for text in texts:
        for run in runs(fold(text)):
            found += [run] if run.isascii() else [*pairs(run), *([run[-1]] if len(run) > 1 else [])]
        if len(found) >= MOST:
            break
    return found[:MOST]


def variants(word: str) -> set[str]:
    """Return the word and what is left of it with one letter taken out: words one slip apart share one."""
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def is_spelt(word: str) -> bool:
    """Whether a word is one that may be misspelt: letters alone, not too short for a guess."""
    return word.isascii() and word.isalpha() and 4 <= len(word) <= 24


def is_one_slip(one: str, other: str) -> bool:
    """Whether a letter more, less, another one, or two changed places make one word of the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return one == other
    start = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    rest, far = one[start:], other[start:]
    return (
        rest[1:] == far
        or rest == far[1:]
        or rest[1:] == far[1:]
        or (rest[:2] == far[1::-1] and rest[2:] == far[2:])
    )
