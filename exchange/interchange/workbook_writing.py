"""Sheets as an .xlsx workbook: texts stay texts, whatever they look like."""

import io
from collections.abc import Sequence

import xlsxwriter

from catalogue.interchange.survey import Grid

_WIDTH = 16
_ROOM = 2_000
"""Rows below the last one that offer their words too."""
_TEXTS = {
    "in_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write_workbook(grids: Sequence[Grid]) -> bytes:
    """Return a workbook with these sheets in their order; merged cells hold the value of their first."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, _TEXTS) as book:
        plain = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        heading = book.add_format(
            {"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter", "border": 1}
        )
        for grid in grids:
            sheet = book.add_worksheet(grid.name)
            sheet.set_column(0, max(map(len, grid.rows), default=1), _WIDTH, plain)
            sheet.freeze_panes(grid.headings, 0)
            for number, row in enumerate(grid.rows):
                style = heading if number < grid.headings else plain
                for place, cell in enumerate(row):
                    if cell:
                        sheet.write_string(number, place, cell, style)
            for place, words in grid.choices.items():
                sheet.data_validation(
                    grid.headings,
                    place,
                    len(grid.rows) + _ROOM,
                    place,
                    {"validate": "list", "source": words, "error_type": "warning"},
                )
            for merge in grid.merges:
                style = heading if merge.first_row < grid.headings else plain
                value = grid.rows[merge.first_row][merge.first_column]
                sheet.merge_range(
                    merge.first_row,
                    merge.first_column,
                    merge.last_row,
                    merge.last_column,
                    value,
                    style,
                )
    return held.getvalue()
