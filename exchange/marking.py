"""Marks a certificate's file with why, for which case, for whom and when it was given, where it is a PDF."""

import io
from collections.abc import Sequence

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from reportlab.lib.colors import Color
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas

FONT = "STSong-Light"
"""Chinese without embedding: every reader of PDF brings it (ISO 32000, 9.7.5.2)."""

PAGES_MOST = 300
BYTES_MOST = 20_000_000
_SIZE = 11
_GREY = Color(0.45, 0.45, 0.45, alpha=0.35)

registerFont(UnicodeCIDFont(FONT))


def mark(content: bytes, lines: Sequence[str]) -> bytes:
    """Return the file with the lines across every page; what is no PDF that can be marked stays as it is."""
    if not content.startswith(b"%PDF-") or len(content) > BYTES_MOST:
        return content
    try:
        return _marked(content, lines)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A file that its reader cannot take apart is still the department's file: its digest is recorded.
        return content


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
