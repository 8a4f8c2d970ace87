"""Marks of a certificate's file: on every page of a PDF, on a picture's page, and nothing half-marked."""

import cProfile
import io
import pstats
import random
import struct
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader, PdfWriter

from exchange.marking import PAGES_MOST, mark
from tests.examples import examples

LINES = ["仅供 市政务服务中心 使用", "办件 SG-1", "施工许可核发"]


def a_picture(kind: str, mode: str = "RGB", *, size: tuple[int, int] = (300, 200)) -> bytes:
    drawn = io.BytesIO()
    colour: dict[str, float | tuple[float, ...]] = {
        "RGB": (10, 120, 200),
        "RGBA": (10, 120, 200, 90),
        "L": 120,
        "1": 1,
        "CMYK": (9, 9, 9, 9),
    }
    Image.new(mode, size, colour.get(mode, 1)).save(drawn, kind)
    return drawn.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "L"),
        ("PNG", "1"),
        ("PNG", "P"),
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_a_picture_of_any_kind_becomes_one_marked_page(kind: str, mode: str) -> None:
    marked = mark(a_picture(kind, mode), LINES)
    (page,) = PdfReader(io.BytesIO(marked)).pages
    assert all(line in page.extract_text() for line in LINES)
    assert len(page.images) >= 1
    assert (float(page.mediabox.width), round(float(page.mediabox.height))) == (842.0, 561)


@pytest.mark.parametrize("turn", [1, 6])
def test_a_turned_picture_stands_upright_and_none_brings_what_the_camera_wrote(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Camera of somebody"
    drawn = io.BytesIO()
    Image.new("RGB", (300, 200)).save(drawn, "JPEG", exif=exif)
    marked = mark(drawn.getvalue(), LINES)
    (page,) = PdfReader(io.BytesIO(marked)).pages
    assert (float(page.mediabox.height) > float(page.mediabox.width)) is (turn == 6)
    assert b"somebody" not in marked


def a_claimed(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be of any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encrypted() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text",
        b"%PDF-1.7 and nothing",
        b"\x89PNG\r\n\x1a\n and nothing",
        a_picture("JPEG")[:200],
        a_picture("PNG")[:-60],
        a_claimed(40_000, 40_000),
        a_claimed(9_000, 9_000),
        encrypted(),
    ],
    ids=[
        "empty",
        "text",
        "no PDF",
        "no PNG",
        "half a JPEG",
        "half a PNG",
        "bomb",
        "large",
        "encrypted",
    ],
)
def test_what_cannot_be_marked_stays_as_it_is(content: bytes) -> None:
    assert mark(content, LINES) == content


def a_tiff(*pages: Image.Image, **options: Any) -> bytes:
    drawn = io.BytesIO()
    pages[0].save(drawn, "TIFF", save_all=True, append_images=list(pages[1:]), **options)
    return drawn.getvalue()


def a_webp(picture: Image.Image, **options: Any) -> bytes:
    drawn = io.BytesIO()
    picture.save(drawn, "WEBP", **options)
    return drawn.getvalue()


def a_page(mode: str, size: tuple[int, int] = (300, 200)) -> Image.Image:
    page = Image.new("RGB", size, "white")
    page.paste((200, 10, 20), (20, 20, 120, 90))
    return page.convert(mode)


def pages_of(marked: bytes) -> list[Any]:
    assert marked.startswith(b"%PDF-")
    pages = list(PdfReader(io.BytesIO(marked)).pages)
    for page in pages:
        assert all(line in page.extract_text() for line in LINES)
        assert len(page.images) == 1
    return pages


def size_of(page: Any) -> tuple[int, int]:
    return round(float(page.mediabox.width)), round(float(page.mediabox.height))


def seen(page: Any, at: tuple[int, int]) -> tuple[int, ...]:
    """The colour of one point of a page's picture."""
    found = page.images[0].image.convert("RGB").getpixel(at)
    return tuple(found)


def near(one: tuple[int, ...], other: tuple[int, ...], *, by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P", "CMYK", "RGBX"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_of_any_kind_becomes_a_marked_page(mode: str, compression: str | None) -> None:
    (page,) = pages_of(mark(a_tiff(a_page(mode), compression=compression), LINES))
    assert size_of(page) == (842, 561)
    assert near(seen(page, (250, 150)), (255, 255, 255))
    if mode in {"RGB", "RGBA", "CMYK", "RGBX"}:
        assert near(seen(page, (60, 50)), (200, 10, 20))


@pytest.mark.parametrize("compression", ["group4", "group3"])
def test_a_fax_has_its_pages_as_wide_as_they_were_sent(compression: str) -> None:
    sent = a_page("1", (1728, 1145))
    marked = mark(a_tiff(sent, sent, compression=compression, dpi=(204, 98)), LINES)
    assert [size_of(page) for page in pages_of(marked)] == [(610, 842)] * 2


@pytest.mark.parametrize("begins", ["II", "MM"])
def test_every_page_of_a_tiff_is_marked_whichever_its_size_and_order_of_bytes(begins: str) -> None:
    pages = [a_page("RGB", (300, 200)), a_page("L", (100, 200)), a_page("1", (80, 80))]
    content = a_tiff(*pages) if begins == "II" else a_big_endian_tiff(3)
    assert content.startswith(begins.encode())
    marked = pages_of(mark(content, LINES))
    if begins == "II":
        assert [size_of(page) for page in marked] == [(842, 561), (421, 842), (842, 842)]
    else:
        assert len(marked) == 3


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_becomes_a_marked_page(mode: str, *, lossless: bool) -> None:
    (page,) = pages_of(mark(a_webp(a_page(mode), lossless=lossless), LINES))
    assert size_of(page) == (842, 561)
    assert near(seen(page, (250, 150)), (255, 255, 255))
    assert near(seen(page, (60, 50)), (200, 10, 20), by=40)
    filter_ = page["/Resources"]["/XObject"]
    filters = {str(one.get_object().get("/Filter")) for one in filter_.values()}
    assert any("DCTDecode" in one for one in filters) is not lossless


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_what_is_clear_is_drawn_on_white(kind: str) -> None:
    drawn = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(drawn, kind, **options)
    (page,) = pages_of(mark(drawn.getvalue(), LINES))
    assert seen(page, (20, 20)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
@pytest.mark.parametrize("turn", [1, 6])
def test_a_turned_tiff_or_webp_stands_upright_without_what_the_camera_wrote(
    kind: str, turn: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Camera of somebody"
    drawn = io.BytesIO()
    a_page("RGB").save(drawn, kind, exif=exif)
    marked = mark(drawn.getvalue(), LINES)
    (page,) = pages_of(marked)
    assert (size_of(page) == (561, 842)) is (turn == 6)
    assert (size_of(page) == (842, 561)) is (turn == 1)
    assert b"somebody" in drawn.getvalue()
    assert b"somebody" not in marked


def test_a_scan_kept_as_jpeg_within_a_tiff_does_not_grow_many_times() -> None:
    noisy = Image.effect_noise((1200, 900), 60).convert("RGB")
    content = a_tiff(noisy, noisy, compression="jpeg", quality=60)
    marked = mark(content, LINES)
    assert len(pages_of(marked)) == 2
    assert len(marked) < 5 * len(content)


def a_tiff_of(
    pages: int,
    *,
    size: tuple[int, int] = (1, 1),
    tags: dict[int, int] | None = None,
    loops: int = 0,
) -> bytes:
    """A TIFF made by hand: so many pages of that size, all of them the same few bytes of grey.

    `tags` stand in the first page beside or in place of the usual ones; after the last page the file ends,
    or goes on with the page of number `loops`, counted from one.
    """
    content = bytearray(b"II*\0" + struct.pack("<I", 12) + b"\xee\xee\xee\xee")
    for number in range(pages):
        held = {256: size[0], 257: size[1], 258: 8, 259: 1, 262: 1, 273: 8, 278: size[1], 279: 4}
        held |= tags if tags and number == 0 else {}
        content += struct.pack("<H", len(held))
        for tag, value in sorted(held.items()):
            content += struct.pack("<HHII", tag, 4, 1, value)
        each = 2 + 12 * len(held) + 4
        last = 12 + (loops - 1) * each if loops else 0
        content += struct.pack("<I", last if number == pages - 1 else len(content) + 4)
    return bytes(content)


def a_big_endian_tiff(pages: int) -> bytes:
    content = bytearray(b"MM\0*" + struct.pack(">I", 12) + b"\xee\xee\xee\xee")
    for number in range(pages):
        held = {256: 2, 257: 2, 258: 8, 259: 1, 262: 1, 273: 8, 278: 2, 279: 4}
        content += struct.pack(">H", len(held))
        for tag, value in sorted(held.items()):
            content += struct.pack(">HHII", tag, 4, 1, value)
        content += struct.pack(">I", 0 if number == pages - 1 else len(content) + 4)
    return bytes(content)


def a_moving_webp() -> bytes:
    return a_webp(a_page("RGB"), save_all=True, append_images=[a_page("RGB").rotate(180)])


def a_claimed_webp(width: int, height: int) -> bytes:
    """A WebP of a few bytes that claims to be of any size."""
    head = struct.pack("<I", 0x10) + (width - 1).to_bytes(3, "little")
    head += (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(head)) + head
    return b"RIFF" + struct.pack("<I", len(body)) + body


SCAN = a_tiff(*[a_page("RGB")] * 3, compression="tiff_lzw")
HOSTILE = {
    "no TIFF": b"II*\0 and nothing",
    "no WebP": b"RIFF\x10\0\0\0WEBP and nothing",
    "half a TIFF": SCAN[: len(SCAN) // 2],
    "a TIFF without its end": SCAN[:-20],
    "half a WebP": a_webp(a_page("RGB"))[:200],
    "a WebP without its end": a_webp(Image.effect_noise((300, 200), 50))[:-400],
    "a large TIFF": a_tiff_of(1, size=(9_000, 9_000)),
    "a TIFF that is a bomb": a_tiff_of(1, size=(60_000, 60_000)),
    "a TIFF larger than any": a_tiff_of(1, size=(4_294_967_295, 4_294_967_295)),
    "a TIFF of no size": a_tiff_of(1, size=(0, 0)),
    "a TIFF of one large tile": a_tiff_of(
        1, tags={259: 8, 322: 40_000, 323: 40_000, 324: 8, 325: 4}
    ),
    "large pages together": a_tiff_of(7, size=(3_000, 3_000)),
    "a page too many": a_tiff_of(PAGES_MOST + 1),
    "a hundred thousand pages": a_tiff_of(100_000),
    "a TIFF that loops": a_tiff_of(PAGES_MOST + 1, loops=2),
    "a large WebP": a_claimed_webp(9_000, 9_000),
    "a WebP that is a bomb": a_claimed_webp(16_000_000, 250),
    "a moving WebP": a_moving_webp(),
    "sixteen bits of grey": a_tiff(Image.new("I;16", (30, 30), 40_000)),
    "numbers": a_tiff(Image.new("F", (30, 30), 0.5)),
    "OFD": b"PK\x03\x04\x14\0\0\0OFD.xml",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_tiff_or_webp_that_cannot_be_marked_stays_as_it_is(content: bytes) -> None:
    assert mark(content, LINES) == content


def profiled(content: bytes) -> pstats.Stats:
    profile = cProfile.Profile()
    profile.runcall(mark, content, LINES)
    return pstats.Stats(profile)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        "a large TIFF",
        "a TIFF that is a bomb",
        "a TIFF larger than any",
        "a TIFF of one large tile",
        "large pages together",
        "a page too many",
        "a TIFF that loops",
        "a large WebP",
        "a WebP that is a bomb",
        "a moving WebP",
    ],
)
def test_of_what_is_too_large_nothing_is_unpacked(name: str) -> None:
    called = {function for _, _, function in profiled(HOSTILE[name]).stats}  # type: ignore[attr-defined]
    assert "_kind_of" in called
    assert not called & {"load_prepare", "_load_libtiff"}


def test_no_more_is_done_for_a_hundred_thousand_pages_than_for_a_few_too_many() -> None:
    few, many = (
        profiled(a_tiff_of(pages)).total_calls  # type: ignore[attr-defined]
        for pages in (PAGES_MOST + 10, 100_000)
    )
    assert many <= few + 10


def test_a_tiff_whose_pages_come_round_again_ends_there() -> None:
    assert len(pages_of(mark(a_tiff_of(3, loops=1), LINES))) == 3
    most = mark(a_tiff_of(PAGES_MOST), LINES)
    assert len(PdfReader(io.BytesIO(most)).pages) == PAGES_MOST


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(
        [
            a_tiff(*[a_page("RGB", (30, 20))] * 2, compression="tiff_lzw"),
            a_tiff(*[a_page("1", (30, 20))] * 2, compression="group4"),
            a_tiff(a_page("RGB", (30, 20)), compression="jpeg"),
            a_tiff_of(3),
            a_webp(a_page("RGBA", (30, 20))),
            a_webp(a_page("RGB", (30, 20)), lossless=True),
            a_picture("PNG", size=(30, 20)),
            a_picture("JPEG", size=(30, 20)),
        ]
    ),
    st.integers(0, 2**32),
    st.integers(1, 6),
    st.booleans(),
)
def test_a_file_that_was_tampered_with_is_marked_on_every_page_or_stays_as_it_is(
    content: bytes, seed: int, changes: int, cut: bool
) -> None:
    drawn = random.Random(seed)  # noqa: S311
    tampered = bytearray(content)
    for _ in range(changes):
        tampered[drawn.randrange(4, len(tampered))] = drawn.choice([0, 1, 127, 128, 255, 13])
    held = bytes(tampered[: drawn.randrange(4, len(tampered))] if cut else tampered)
    marked = mark(held, LINES)
    if marked != held:
        pages_of(marked)
