"""What people are told about what is wrong with a file, in Chinese and in English."""

from collections.abc import Mapping

from exchange.files.model import Finding, Trouble

TROUBLES: Mapping[Trouble, tuple[str, str]] = {
    Trouble.TOO_LARGE: ("文件超过 20 MB。", "The file is larger than 20 MB."),
    Trouble.EMPTY: ("文件是空的。", "The file is empty."),
    Trouble.UNREADABLE: (
        "文件不完整或不是 .xlsx 工作簿。",
        "The file is incomplete, or no .xlsx workbook.",
    ),
    Trouble.PROTECTED: (
        "工作簿设有密码，或为旧版 .xls。请去掉密码、另存为 .xlsx。",
        "The workbook has a password, or is an old .xls. Save it as .xlsx without one.",
    ),
    Trouble.BOMB: (
        "工作簿展开后过大，或读取时超出内存、时间限制。",
        "The workbook unfolds to too much, or takes more memory or time than a table does.",
    ),
    Trouble.NO_SHEET: ("没有这个工作表。", "There is no such sheet."),
    Trouble.ENCODING: (
        "有字节不符合所选编码，未做任何猜测。请另选编码。",
        "Some bytes do not fit the encoding; nothing was guessed. Choose another encoding.",
    ),
    Trouble.CONTROL: (
        "含有不可见控制字符，编码可能不对。",
        "It holds control characters: perhaps the encoding is another.",
    ),
    Trouble.CSV: (
        "引号不成对或有多余字符，无法分列。",
        "Quotation marks do not pair: the row cannot be split into cells.",
    ),
    Trouble.NO_HEADER: (
        "未找到标题行，请指明在第几行。",
        "No row of headings was found: say which row it is.",
    ),
    Trouble.NO_ROWS: ("标题行以下没有数据。", "There is no row below the headings."),
    Trouble.TOO_MANY_ROWS: ("数据超过 200,000 行。", "More than 200,000 rows."),
    Trouble.TOO_MANY_COLUMNS: ("超过 500 列。", "More than 500 columns."),
    Trouble.TOO_MANY_CELLS: (
        "单元格超过 4,000,000 个（行数乘列数）。",
        "More than 4,000,000 cells (rows times columns).",
    ),
    Trouble.CELL_TOO_LONG: (
        "单元格超过 32,767 个字符。",
        "A cell has more than 32,767 characters.",
    ),
    Trouble.RAGGED: (
        "单元格数与标题数不一致。",
        "The row has more or fewer cells than there are headings.",
    ),
    Trouble.HEADER_EMPTY: (
        "该列有数据但没有标题。",
        "The column holds values and has no heading.",
    ),
    Trouble.HEADER_TWICE: ("标题重复。", "The heading stands twice."),
    Trouble.HEADER_LONG: (
        "标题超过 100 个字符或含换行。",
        "The heading is longer than 100 characters, or has line ends in it.",
    ),
    Trouble.KEY_UNKNOWN: ("没有这个标题的列。", "No column has this heading."),
    Trouble.DIGITS_LOST: (
        "数字超过 15 位，工作簿已丢失末位。请将该列设为文本后重新填写。",
        "Numbers of over 15 digits: the workbook lost the last ones. Make the column text, enter them anew.",
    ),
    Trouble.FORMULA_EMPTY: ("公式没有结果。", "A formula has no result."),
    Trouble.CELL_ERROR: (
        "单元格是错误值（如 #N/A）。",
        "The cell holds an error such as #N/A.",
    ),
    Trouble.FORMULA: (
        "含公式：按工作簿中最后的计算结果保存。",
        "Formulas: their last results in the workbook are kept.",
    ),
    Trouble.FORMULA_TEXT: (
        "以公式符号开头：作为文本保存，不会计算。",
        "It begins like a formula: kept as text, never computed.",
    ),
    Trouble.APOSTROPHE: (
        "数字前的撇号是文本标记：已去掉，该列按文本保存。",
        "The apostrophe before digits marks text: it is dropped, the column is kept as text.",
    ),
    Trouble.LEADING_ZEROS: (
        "以 0 开头的号码：该列按文本保存。",
        "Numbers that begin with 0: the column is kept as text.",
    ),
    Trouble.MIXED: (
        "与该列其余单元格类型不同：该列按文本保存。",
        "Not of the type of the other cells: the column is kept as text.",
    ),
    Trouble.NO_SUCH_DAY: (
        "日历中没有这一天或时刻：该列按文本保存。",
        "The calendar has no such day or time: the column is kept as text.",
    ),
    Trouble.FAR_DAY: ("日期早于 1900 年或晚于 2100 年。", "A date before 1900 or after 2100."),
    Trouble.MERGED: (
        "合并单元格：只有左上角有值，其余为空。",
        "Merged cells: only the first holds the value, the others are empty.",
    ),
    Trouble.KEY_EMPTY: (
        "主键为空：这些记录查不到。",
        "The key is empty: these records will never be found.",
    ),
    Trouble.KEY_TWICE: (
        "主键重复：同一主键有几条记录。",
        "The key stands more than once: several records have it.",
    ),
    Trouble.NO_KEY: (
        "未选主键列：下一步须选定按哪一列查询。",
        "No key column is chosen: the next step asks by which column a record is found.",
    ),
    Trouble.BLANK_ROWS: ("空行已跳过。", "Blank rows are left out."),
}


def sentence(finding: Finding, language: str) -> str:
    """Return the words for a finding, without its place."""
    zh, en = TROUBLES[finding.trouble]
    return en if language == "en" else zh


def place(finding: Finding, language: str) -> str:
    """Return where it was met; empty for the file as a whole."""
    rows = ", ".join(str(row) for row in finding.rows)
    more = finding.count - len(finding.rows) if finding.rows else 0
    if language == "en":
        parts = [f"column {finding.column}"] if finding.column else []
        parts += [f"row {rows}"] if rows else []
        parts += [f"and {more} more"] if more > 0 else []
        return ", ".join(parts)
    parts = [f"列“{finding.column}”"] if finding.column else []
    parts += [f"第 {rows.replace(', ', '、')} 行"] if rows else []
    parts += [f"另有 {more} 处"] if more > 0 else []
    return "，".join(parts)


def told(finding: Finding) -> str:
    """Return one line in English for an error's detail."""
    where = place(finding, "en")
    return f"{where}: {sentence(finding, 'en')}" if where else sentence(finding, "en")
