"""An entry is composed by a short road: it gives what the definition of its parts gives."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from audit.canonical import b64url, commit_bytes, commit_value, decode_strict, encode, end_of
from audit.compose import Stamp, compose, open_payload, owners, salts_needed
from audit.entry import ByteCommit, Commit, Draft
from audit.errors import MalformedError
from audit.retention import SESSION, STANDARD
from tests.fakes.logs import LogHome, a_call

STAMP = Stamp(entry_id=bytes(16), ts=7, gateway="gw-1", numbers={"consumer:hall": 3}, last_act=-1)
SUBJECTS = (None, ("person", "1"), ("person", "2"))

# Names past U+D7FF are ordered otherwise by UTF-16 code units than by code points.
names = st.text('ab\ue000\U00010000"\\', min_size=1, max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(names, held, max_size=3),
    max_leaves=5,
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    drawn = draw(st.lists(names, unique=True, max_size=6))

    def a_commit(name: str) -> Commit:
        value = draw(values)
        # Whoever knows the canonical form already may give it along, and what of its digest is shared.
        form = encode(value) if draw(st.booleans()) else None
        shared = end_of(encode(name), form) if form is not None and draw(st.booleans()) else None
        subject = draw(st.sampled_from(SUBJECTS))
        return Commit(name=name, value=value, subject=subject, form=form, shared=shared)

    commits: list[Commit | ByteCommit] = [
        a_commit(name)
        if draw(st.booleans())
        else ByteCommit(name=name, content=draw(st.binary(max_size=9)))
        for name in drawn
    ]
    return Draft(kind="call", clear={}, commits=tuple(commits), counters=("consumer:hall",))


@settings(deadline=None)
@given(drafts(), st.data())
def test_each_digest_and_payload_is_what_its_definition_says(
    draft: Draft, data: st.DataObject
) -> None:
    needed = salts_needed(draft)
    salts = data.draw(st.binary(min_size=needed, max_size=needed))
    made = compose(draft, stamp=STAMP, salts=salts)
    digests = decode_strict(made.body)["digests"]
    parts: dict[Any, dict[str, Any]] = {}
    for at, commit in enumerate([*draft.commits, Commit(name="n.consumer:hall", value=3)]):
        salt = b64url(salts[16 * at : 16 * at + 16])
        if isinstance(commit, Commit):
            assert digests[commit.name] == commit_value(salt, commit.name, commit.value)
            opening = {"salt": salt, "value": commit.value}
            parts.setdefault(commit.subject, {})[commit.name] = opening
        else:
            assert digests[commit.name] == commit_bytes(salt, commit.content)
            parts.setdefault(None, {})[commit.name] = {"salt": salt}
    assert made.payloads == {subject: encode(held) for subject, held in parts.items()}
    opened = {
        name: held for one in made.payloads.values() for name, held in open_payload(one).items()
    }
    assert opened == made.openings


@settings(deadline=None)
@given(st.dictionaries(names, values, max_size=4), st.data())
def test_a_member_whose_form_is_given_along_is_written_as_it_would_be(
    clear: dict[str, Any], data: st.DataObject
) -> None:
    known = data.draw(st.sets(st.sampled_from(sorted(clear)))) if clear else set()
    draft = Draft(kind="call", clear=clear)
    formed = structs.replace(draft, forms={name: encode(clear[name]) for name in known})
    assert compose(formed, stamp=STAMP, salts=b"") == compose(draft, stamp=STAMP, salts=b"")


def test_a_form_of_a_member_that_is_not_there_is_refused() -> None:
    draft = Draft(kind="call", clear={"channel": "query"}, forms={"steps": b"[]"})
    with pytest.raises(MalformedError, match=r"not there: steps"):
        compose(draft, stamp=STAMP, salts=b"")


def test_keys_are_made_for_what_may_be_appended_in_a_draft_s_place() -> None:
    other = Draft(
        kind="session.opened", clear={}, commits=(Commit(name="s", value=1, subject=("p", "2")),)
    )
    draft = Draft(
        kind="call",
        clear={},
        commits=(Commit(name="s", value=1, subject=("p", "1")), ByteCommit(name="b", content=b"")),
        otherwise={"replayed": other},
    )
    assert owners([draft]) == {
        (STANDARD, None),
        (STANDARD, ("p", "1")),
        (SESSION, None),
        (SESSION, ("p", "2")),
    }


def test_no_salt_id_or_nonce_of_a_batch_is_given_out_twice(tmp_path: Path) -> None:
    home = LogHome(tmp_path)
    try:
        with home.opened() as log:
            given = [future.result() for future in [log._enter(a_call()) for _ in range(9)]]
            found = [log.open_disclosures(one.index) for one in given]
            salts = [opening.salt for one in found for opening in one.values()]
            ids = [decode_strict(one.body)["id"] for one in given]
            nonces = [part.sealed[:12] for one in given for part in log._store.parts(one.index)]
        for drawn in (salts, ids, nonces):
            assert len(set(drawn)) == len(drawn) > 0
    finally:
        home.close()


async def test_a_loop_is_woken_once_for_all_that_a_batch_answers(tmp_path: Path) -> None:
    home = LogHome(tmp_path)
    entered, held = threading.Event(), threading.Event()

    def at(point: str) -> None:
        if point == "keyed":
            entered.set()
            assert held.wait(30)

    log = home.open(at=at)
    first = log._enter(a_call())
    assert entered.wait(30)
    waiting = [asyncio.ensure_future(log.append_async(a_call())) for _ in range(20)]
    await asyncio.sleep(0)
    loop, woken = asyncio.get_running_loop(), []
    call = loop.call_soon_threadsafe

    def counted(*args: Any, **named: Any) -> Any:
        woken.append(args)
        return call(*args, **named)

    loop.call_soon_threadsafe = counted  # type: ignore[method-assign, assignment]
    try:
        held.set()
        found = await asyncio.gather(*waiting)
    finally:
        loop.call_soon_threadsafe = call  # type: ignore[method-assign]
    assert first.result().index == 0
    assert [one.index for one in found] == list(range(1, 21))
    assert len(woken) == 1
    log.close()
    home.close()
