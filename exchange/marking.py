"""Marks a certificate's file with why, for which case, for whom and when it was given: a PDF or a picture.

A picture leaves as a page of a PDF: Chinese can be written on it there with the font that every reader
brings, and no machine has to have one.
"""

import io
from collections.abc import Sequence

from PIL import Image, ImageOps, UnidentifiedImageError
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
_PICTURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
"""How each begins, and its name."""
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
    picture = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
    try:
        if picture is not None:
            return _pictured(content, picture, lines)
        return _marked(content, lines) if content.startswith(b"%PDF-") else content
    except _UNREADABLE:
        # A file that its reader cannot take apart is still the department's file: its digest is recorded.
        return content


_UNREADABLE = (
    PyPdfError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What the libraries raise for a file that is not what it begins like."""


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
    canvas.setFont(FONT, _SIZE)
    canvas.setFillColor(_GREY)
    for down in (0.2, 0.5, 0.8):
        canvas.saveState()
        canvas.translate(width * 0.12, height * down)
        canvas.rotate(24)
        for number, line in enumerate(lines):
            canvas.drawString(0, -number * _SIZE * 1.5, line)
        canvas.restoreState()
    canvas.save()
    return PdfReader(io.BytesIO(drawn.getvalue())).pages[0]
