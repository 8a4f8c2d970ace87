"""Files that support a request: PDF or OFD of at most 20 MB, kept under their digest, never changed."""

import hashlib
import io
import re
import zipfile
from contextlib import suppress
from pathlib import Path

from exchange.files.model import MOST_BYTES
from exchange.home import write_private

PDF = "application/pdf"
OFD = "application/ofd"
_NAME_MOST = 120
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEAD = 1024
_MEMBERS_MOST = 20_000


class AttachmentError(Exception):
    """A file cannot be attached, or is not there as it was."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def media_of(content: bytes) -> str:
    """Return the media type, by what the file is and not by what it is called. Raises AttachmentError."""
    if len(content) > MOST_BYTES:
        raise AttachmentError(
            "FILE_REFUSED", f"{len(content)} bytes, at most {MOST_BYTES} attached"
        )
    if b"%PDF-" in content[:_HEAD] and b"%%EOF" in content[-_HEAD:]:
        return PDF
    if content.startswith(b"PK"):
        with suppress(zipfile.BadZipFile, ValueError), zipfile.ZipFile(io.BytesIO(content)) as held:
            # Only the list of what is in it is read; nothing is unpacked.
            if len(held.namelist()) <= _MEMBERS_MOST and "OFD.xml" in held.namelist():
                return OFD
    raise AttachmentError("FILE_REFUSED", "neither a whole PDF nor an OFD file, one of them needed")


def keep(files: Path, content: bytes) -> str:
    """Keep a file, readable by the exchange alone; return its SHA-256 (hex). The same one is kept once."""
    digest = hashlib.sha256(content).hexdigest()
    with suppress(FileExistsError):
        write_private(_path(files, digest), content)
    return digest


def read(files: Path, digest: str) -> bytes:
    """Return a kept file. Raises AttachmentError where it is not there, or not what was attached any more."""
    if not _DIGEST.fullmatch(digest):
        raise AttachmentError("NOT_FOUND", "no file has this digest")
    try:
        content = _path(files, digest).read_bytes()
    except FileNotFoundError:
        raise AttachmentError("NOT_FOUND", "the file is not there any more") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise AttachmentError("NOT_FOUND", "the kept file was changed since it was attached")
    return content


def shown_name(told: str) -> str:
    """Return a file's name as it may be kept and shown: its last part, printable, bounded."""
    last = told.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in last if one.isprintable()).strip()[:_NAME_MOST]
    if not plain:
        raise AttachmentError("ACT_ARGUMENTS", "the file's name is needed")
    return plain


def _path(files: Path, digest: str) -> Path:
    folder = files / "attachments"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / digest
