"""The portal's files: those that were built are those of the table, and none reaches outside."""

import hashlib
import re
from pathlib import Path

from exchange.portal.static import FOLDER, address, files

ROOT = Path(__file__).parents[3]
ROW = re.compile(
    r"^\| `([^`]+)` \| [^|]+ \| ([0-9.]+) \| [^|]+ \| `([0-9a-f]{64})` \|$", re.MULTILINE
)


def test_built_files_are_those_of_the_table() -> None:
    rows = ROW.findall((ROOT / "docs" / "licences.md").read_text(encoding="utf-8"))
    assert {name for name, _, _ in rows} == {"portal.css", "js/htmx.min.js"}
    for name, _version, digest in rows:
        assert hashlib.sha256(files()[name]).hexdigest() == digest


def test_packages_are_locked_at_the_versions_of_the_table_and_name_no_host() -> None:
    rows = ROW.findall((ROOT / "docs" / "licences.md").read_text(encoding="utf-8"))
    wanted = (ROOT / "assets" / "package.json").read_text(encoding="utf-8")
    for _name, version, _digest in rows:
        assert f'"{version}"' in wanted
    lock = (ROOT / "assets" / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in re.sub(r'"url": "[^"]*"', "", lock)


def test_style_sheets_load_nothing_and_carry_no_foreign_identity() -> None:
    for name, body in files().items():
        if not name.endswith(".css"):
            continue
        text = re.sub(r"/\*.*?\*/", "", body.decode(), flags=re.DOTALL)
        for unwanted in ("url(", "@import", "@font-face", "GDS Transport", "crown", "crest"):
            assert unwanted not in text, (name, unwanted)


def test_templates_have_no_script_or_style_of_their_own() -> None:
    for path in (FOLDER.parent / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path.name
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on", text), path.name
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), path.name


def test_what_htmx_changes_is_named_on_each_element() -> None:
    for path in (FOLDER.parent / "templates").glob("*.html"):
        for element in re.findall(
            r"<[^>]*\shx-(?:get|post)=[^>]*>", path.read_text(encoding="utf-8")
        ):
            assert "hx-target=" in element, path.name
            assert "hx-swap=" in element, path.name


def test_an_address_changes_with_its_contents() -> None:
    digest = hashlib.sha256(files()["portal.css"]).hexdigest()
    assert address("portal.css") == f"/static/portal.css?v={digest[:12]}"
