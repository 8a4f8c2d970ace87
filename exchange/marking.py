"""Marks a certificate's file with why, for which case, for whom and when it was given: a PDF or a picture.

A picture leaves as the page of a PDF, a TIFF as one of as many pages: Chinese can be written on it there
with the font that every reader brings, and no machine has to have one.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas

FONT = "STSong-Light"
"""Chinese without embedding: every reader of PDF brings it (ISO 32000, 9.7.5.2)."""

PAGES_MOST = 300
BYTES_MOST = 20_000_000
PIXELS_MOST = 60_000_000
"""Of a picture; of all pages of one together."""
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
"""How each begins, and its name."""
_PAGED = ("TIFF", "WEBP")
_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "1": "L",
        "L": "L",
        "P": "RGB",
        "RGB": "RGB",
        "RGBX": "RGB",
        "CMYK": "RGB",
        "YCbCr": "RGB",
        "LA": "RGBA",
        "PA": "RGBA",
        "RGBA": "RGBA",
        "RGBa": "RGBA",
    }
)
"""How a page of each mode is drawn. Of other modes (16 bits a sample, CIELAB) nobody says how they look."""
_WHITE = (255, 255, 255)
_LOSSY = ("jpeg", "tiff_jpeg", "webp")
"""Compressions of a TIFF's page that left some of it out: written without one it would grow many times."""
_JPEG_SIDE_MOST = 65_500
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_ORIENTATION, _DOTS_ACROSS, _DOTS_DOWN = 274, 282, 283
_LYING = (5, 6, 7, 8)
"""Orientations in which the rows of a TIFF stand upright."""
_WEBP_CHUNKS = 64
_LONGER_SIDE = 842
"""Points of the longer side of a picture's page: A4's."""
_QUALITY = 95
_SIZE = 11
_GREY = Color(0.45, 0.45, 0.45, alpha=0.35)

registerFont(UnicodeCIDFont(FONT))


def mark(content: bytes, lines: Sequence[str]) -> bytes:
    """Return the file with the lines across every page, a picture as the page of a PDF.

    What is neither, or cannot be marked, stays as it is.
    """
    if len(content) > BYTES_MOST:
        return content
    picture = _kind_of(content)
    try:
        if picture in _PAGED:
            return _paged(content, picture, lines)
        if picture:
            return _pictured(content, picture, lines)
        return _marked(content, lines) if content.startswith(b"%PDF-") else content
    except _UNREADABLE:
        # A file that its reader cannot take apart is still the department's file: its digest is recorded.
        return content


_UNREADABLE = (
    PyPdfError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What the libraries raise for a file that is not what it begins like."""


def _kind_of(content: bytes) -> str:
    """Return which picture a file begins like; empty for none."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for start, kind in _PICTURES.items() if content.startswith(start)), "")


def _pictured(content: bytes, kind: str, lines: Sequence[str]) -> bytes:
    """Return a PDF with the picture on its one page. What the camera wrote beside it does not come along."""
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        if picture.width * picture.height > PIXELS_MOST:
            return content
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        scale = _LONGER_SIDE / max(upright.size)
        width, height = upright.width * scale, upright.height * scale
        drawn = io.BytesIO()
        canvas = Canvas(drawn, pagesize=(width, height))
        held = io.BytesIO(content)
        if kind == "JPEG" and picture.getexif():
            # A JPEG goes in as it is, with all that stands beside the picture: then it is written anew.
            held = io.BytesIO()
            upright.save(held, "JPEG", quality=_QUALITY, exif=b"")
            held.seek(0)
        canvas.drawImage(ImageReader(held), 0, 0, width=width, height=height, mask="auto")
        canvas.save()
    return _marked(drawn.getvalue(), lines)


def _paged(content: bytes, kind: str, lines: Sequence[str]) -> bytes:
    """Return a PDF with each page of a TIFF, or the picture of a WebP, on a page of its own.

    All of them or none: a file of which one page cannot be drawn, or that moves, stays as it is.
    """
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        pages = _pages_of(picture)
        if pages is None or (kind == "WEBP" and pages > 1):
            return content
        drawn = io.BytesIO()
        canvas = Canvas(drawn)
        for number in range(pages):
            picture.seek(number)
            squeezed, lossy = _squeezed(picture), _is_lossy(content, picture)
            picture.load()
            shown = _shown(ImageOps.exif_transpose(picture))
            if shown is None:
                return content
            scale = _LONGER_SIDE / max(shown.width, shown.height * squeezed)
            width, height = shown.width * scale, shown.height * squeezed * scale
            canvas.setPageSize((width, height))
            canvas.drawImage(_held(shown, lossy=lossy), 0, 0, width=width, height=height)
            _write(canvas, width, height, lines)
            canvas.showPage()
        canvas.save()
    return drawn.getvalue()


def _pages_of(picture: ImageFile.ImageFile) -> int | None:
    """Return how many pages a picture has; None where they are too many, or too large together.

    Nothing is unpacked for it, and of a hundred thousand pages only the first ones are looked at.
    """
    pixels = 0
    for number in range(PAGES_MOST + 1):
        try:
            picture.seek(number)
        except EOFError:
            return number
        pixels += picture.width * picture.height
        if max(pixels, _tile_of(picture)) > PIXELS_MOST:
            return None
    return None


def _tags_of(picture: ImageFile.ImageFile) -> Mapping[int, Any]:
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    return tags


def _tile_of(picture: ImageFile.ImageFile) -> int:
    """Return the pixels of one tile of a TIFF: it is unpacked whole, however little of it is seen."""
    tags = _tags_of(picture)
    return int(tags.get(_TILE_WIDTH, 0)) * int(tags.get(_TILE_LENGTH, 0))


def _squeezed(picture: ImageFile.ImageFile) -> float:
    """Return how much higher than wide a dot is drawn. A fax has twice as many of them across as down."""
    tags = _tags_of(picture)
    across, down = float(tags.get(_DOTS_ACROSS, 1)), float(tags.get(_DOTS_DOWN, 1))
    if tags.get(_ORIENTATION) in _LYING:
        across, down = down, across
    squeezed = across / down if down > 0 else 0.0
    return squeezed if 0.25 <= squeezed <= 4 else 1.0


def _is_lossy(content: bytes, picture: ImageFile.ImageFile) -> bool:
    """Say whether a picture was kept by leaving some of it out."""
    if picture.format != "WEBP":
        return picture.info.get("compression") in _LOSSY
    at = 12
    for _ in range(_WEBP_CHUNKS):
        if content[at : at + 4] in {b"VP8 ", b"VP8L"}:
            return content[at : at + 4] == b"VP8 "
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return True


def _shown(picture: Image.Image) -> Image.Image | None:
    """Return a picture as it is drawn, on white where it is clear; None where nobody says how it looks."""
    mode = "RGBA" if "transparency" in picture.info else _SHOWN.get(picture.mode)
    if mode is None or picture.mode not in _SHOWN:
        return None
    shown = picture if picture.mode == mode else picture.convert(mode)
    if mode != "RGBA":
        return shown
    paper = Image.new("RGB", shown.size, _WHITE)
    paper.paste(shown, mask=shown.getchannel("A"))
    return paper


def _held(picture: Image.Image, *, lossy: bool) -> ImageReader:
    if not lossy or max(picture.size) > _JPEG_SIDE_MOST:
        return ImageReader(picture)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY)
    written.seek(0)
    return ImageReader(written)


def _marked(content: bytes, lines: Sequence[str]) -> bytes:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted or len(reader.pages) > PAGES_MOST:
        return content
    writer = PdfWriter(clone_from=reader)
    for page in writer.pages:
        box = page.mediabox
        page.merge_page(_overlay(float(box.width), float(box.height), lines))
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _overlay(width: float, height: float, lines: Sequence[str]) -> PageObject:
    drawn = io.BytesIO()
    canvas = Canvas(drawn, pagesize=(width, height))
    _write(canvas, width, height, lines)
    canvas.save()
    return PdfReader(io.BytesIO(drawn.getvalue())).pages[0]


def _write(canvas: Canvas, width: float, height: float, lines: Sequence[str]) -> None:
    """Write the lines across the page that a canvas is at."""
    canvas.setFont(FONT, _SIZE)
    canvas.setFillColor(_GREY)
    for down in (0.2, 0.5, 0.8):
        canvas.saveState()
        canvas.translate(width * 0.12, height * down)
        canvas.rotate(24)
        for number, line in enumerate(lines):
            canvas.drawString(0, -number * _SIZE * 1.5, line)
        canvas.restoreState()
