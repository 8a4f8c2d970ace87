"""Marks of a certificate's file: on every page of a PDF, on a picture's page, and nothing half-marked."""

import io
import struct
import zlib

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from exchange.marking import mark

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
