"""What a question to the catalogue's search asks for, and how what was found is ranked; knows no database.

Chinese is segmented into words, each a phrase of pairs of characters; one character asks for what begins
with it; an ASCII word is the beginning of one. A question becomes tiers, the strictest first.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import rjieba

from catalogue.words import fold, pairs, runs

LONGEST = 200
"""Characters of a question; what follows is not looked at."""
MOST_WORDS = 12
_CODE = re.compile(r"(?=[^0-9]*[0-9])[0-9a-z][0-9a-z/._-]*")
_PIECE = re.compile(r"[^\s,;，。；、？?!！]+")
_FILLERS = frozenset(
    [
        "的", "了", "和", "与", "及", "或", "在", "是", "有", "我", "要", "想", "查", "找", "吗", "呢", "里",
        "请问", "如何", "怎么", "怎样", "查询", "查找", "查看", "哪里", "哪些", "哪儿", "什么", "有没有",
        "需要", "没有", "the", "of", "and", "for", "in", "on", "a", "an", "to", "is", "are", "where", "what",
        "how", "do", "does",
    ]
)  # fmt: skip
"""Words that say nothing of an entry; they count where there is nothing else."""
_SOFT = frozenset(["信息", "数据", "资料", "data", "information"])
"""Words that half of all entries bear: they order what is found, and leave nothing out."""
_K1, _B = 1.2, 0.75
"""The usual constants of BM25."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand one after the other; of an `open` one the last is but the beginning of a word."""

    words: tuple[str, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One word of the question: any of its phrases will do."""

    phrases: tuple[Phrase, ...]
    soft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked. No terms: everything is wanted."""

    terms: tuple[Term, ...]
    code: str | None = None
    """The beginning of a resource code; None where it cannot be one."""

    @property
    def hard(self) -> tuple[Term, ...]:
        """The terms that must be there."""
        return tuple(term for term in self.terms if not term.soft) or self.terms

    def singles(self) -> tuple[Phrase, ...]:
        """The words of the question one by one, for when not all are found together."""
        found: dict[Phrase, None] = {}
        for term in self.terms:
            for phrase in term.phrases:
                for place, word in enumerate(phrase.words):
                    last = place == len(phrase.words) - 1
                    found[Phrase((word,), open=phrase.open and last)] = None
        return tuple(found)


def read_question(text: str, *, synonyms: Mapping[str, tuple[str, ...]]) -> Question:
    """Read what somebody typed. `synonyms` is as `catalogue.synonyms.by_word` gives it."""
    folded = fold(text[:LONGEST])
    known = _Known(synonyms)
    found = [term for piece in _pieces(folded, known) for term in _terms(piece, known)]
    telling = [term for term in found if not _is_filler(term)] or found
    unique = tuple(dict.fromkeys(telling))[:MOST_WORDS]
    asked = folded.strip()
    return Question(terms=unique, code=asked if _CODE.fullmatch(asked) else None)


def corrected(question: Question, spelling: Mapping[str, Sequence[str]]) -> Question:
    """Return the question with words that nobody wrote replaced by those that they were meant to be."""
    return replace(
        question, terms=tuple(_corrected_term(term, spelling) for term in question.terms)
    )


def rank(
    titles: Sequence[str], singles: Sequence[Phrase], *, documents: Sequence[int], whole: int
) -> list[float]:
    """Return the BM25 of each title (its words, separated by spaces) for the words of a question.

    `documents` says how many titles hold each of `singles`, out of `whole`.
    """
    weights = [
        math.log(1 + (whole - n + 0.5) / (n + 0.5)) for n in (min(n, whole) for n in documents)
    ]
    cut = [title.split() for title in titles]
    usual = sum(map(len, cut)) / len(cut) if cut else 1.0
    return [_bm25(words, singles, weights, usual=usual) for words in cut]


def _bm25(
    words: Sequence[str], singles: Sequence[Phrase], weights: Sequence[float], *, usual: float
) -> float:
    counts = Counter(words)
    damping = _K1 * (1 - _B + _B * len(words) / usual)
    total = 0.0
    for single, weight in zip(singles, weights, strict=True):
        word = single.words[0]
        often = counts[word]
        if single.open:
            often = sum(n for held, n in counts.items() if held.startswith(word))
        total += weight * often * (_K1 + 1) / (often + damping)
    return total


class _Known:
    """Synonyms, with what it takes to find them in running text."""

    def __init__(self, synonyms: Mapping[str, tuple[str, ...]]) -> None:
        self.synonyms = synonyms
        chinese = sorted((w for w in synonyms if not w.isascii()), key=len, reverse=True)
        spoken = sorted((w for w in synonyms if " " in w), key=len, reverse=True)
        self.chinese = re.compile("|".join(map(re.escape, chinese)) or r"(?!)")
        self.spoken = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in spoken) or r"(?!)")


def _pieces(folded: str, known: _Known) -> Iterator[str]:
    """Yield what belongs together: a synonym of several words, or what no space or comma divides."""
    place = 0
    for found in known.spoken.finditer(folded):
        yield from _PIECE.findall(folded[place : found.start()])
        yield found[0]
        place = found.end()
    yield from _PIECE.findall(folded[place:])


def _terms(piece: str, known: _Known) -> Iterator[Term]:
    if piece in known.synonyms:
        yield _meaning(known.synonyms[piece])
        return
    found = list(runs(piece))
    if len(found) > 1 and all(run.isascii() for run in found):
        # A code or a compound: what is written together stands together.
        yield Term((Phrase(tuple(found), open=True),))
        return
    for run in found:
        if run.isascii():
            yield _meaning(known.synonyms.get(run, (run,)))
        else:
            yield from _chinese(run, known)


def _chinese(run: str, known: _Known) -> Iterator[Term]:
    place = 0
    for found in known.chinese.finditer(run):
        yield from map(_plain, rjieba.cut(run[place : found.start()]))
        yield _meaning(known.synonyms[found[0]])
        place = found.end()
    yield from map(_plain, rjieba.cut(run[place:]))


def _plain(word: str) -> Term:
    return Term((_phrase(word),), soft=word in _SOFT)


def _meaning(words: Sequence[str]) -> Term:
    return Term(tuple(map(_phrase, words)), soft=words[0] in _SOFT)


def _phrase(text: str) -> Phrase:
    held = list(runs(text))
    if len(held) == 1 and not held[0].isascii():
        return Phrase(pairs(held[0]), open=len(held[0]) == 1)
    if all(run.isascii() for run in held):
        return Phrase((*held[:-1], _stem(held[-1])), open=True) if held else Phrase((text,))
    return Phrase(tuple(word for run in held for word in ([run] if run.isascii() else pairs(run))))


def _stem(word: str) -> str:
    """Take an English plural's ending off: the rest is looked for as a beginning."""
    if len(word) < 5 or not word.isalpha() or word.endswith("ss"):
        return word
    return word[:-3] if word.endswith("ies") else word.removesuffix("s")


def _is_filler(term: Term) -> bool:
    return any(phrase in _SAID for phrase in term.phrases)


def _corrected_term(term: Term, spelling: Mapping[str, Sequence[str]]) -> Term:
    only = term.phrases[0]
    meant = spelling.get(only.words[0]) if len(term.phrases) == len(only.words) == 1 else None
    if not meant:
        return term
    return Term(tuple(Phrase((word,), open=True) for word in meant), soft=term.soft)


_SAID = frozenset(map(_phrase, _FILLERS))
