"""The survey as departments fill it in: two levels of headings, an item a row, the resource's cells merged."""

# ruff: noqa: E501 - rows of a form, wide characters count twice

import io
from collections.abc import Sequence

import xlsxwriter

TOP = (
    "序号", "信息资源分类", "", "", "关联分类", "信息资源代码", "信息资源名称", "内设部门名称", "信息资源摘要",
    "信息资源格式", "", "", "信息项信息", "", "", "", "", "共享属性", "", "开放属性", "", "更新周期", "发布日期",
)  # fmt: skip
BELOW = (
    "", "项", "目", "细目1", "", "", "", "", "", "分类", "类型", "其他", "信息项名称", "数据元", "关联代码集",
    "数据类型", "数据长度", "共享类型", "共享条件/不予共享依据", "是否向社会开放", "开放条件", "", "",
)  # fmt: skip
PERMITS = (
    ("1", "部门信息资源", "市场监管", "许可", "行政许可", "307001/000101", "食品经营许可信息", "行政审批股",
     "本区食品经营许可证的发放信息", "数据库", "MySQL", "", "经营者名称", "", "", "字符型C", "100",
     "有条件共享", "用于核发行政许可时核验", "否", "", "每日", "2026年3月1日"),
    ("", "", "", "", "", "", "", "", "", "", "", "", "统一社会信用代码", "", "GB 32100", "C", "18",
     "", "", "", "", "", ""),
    ("", "", "", "", "", "", "", "", "", "", "", "", "许可证有效期至", "", "", "日期型", "",
     "", "", "", "", "", ""),
)  # fmt: skip
AUDITS = (
    ("2", "部门信息资源", "统计", "", "", "307001/000102", "统计调查对象原始资料", "综合股", "", "电子表格",
     "xlsx", "", "调查对象", "", "", "字符型", "50", "不予共享",
     "《中华人民共和国统计法》第二十八条 统计调查中获得的能够识别单个调查对象的资料不得对外提供", "否", "", "不定期", ""),
)  # fmt: skip
NEEDS_TOP = (
    "序号",
    "所需资源名称",
    "提供方",
    "描述",
    "是否已获取",
    "建议获取方式",
    "期望使用频率",
    "用途",
    "所需机构",
)
NEEDS = (
    (
        "1",
        "婚姻登记信息",
        "民政局",
        "结婚与离婚登记",
        "否",
        "接口",
        "实时",
        "核验不动产共有人",
        "审批股",
    ),
)


def a_survey(
    *resources: Sequence[Sequence[str]],
    needs: Sequence[Sequence[str]] = NEEDS,
    merged: Sequence[tuple[int, int, int, int]] | None = None,
    tops: tuple[Sequence[str], Sequence[str]] = (TOP, BELOW),
) -> bytes:
    """Return a filled-in survey; `merged` None merges each resource's cells over its items, as the form asks."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet = book.add_worksheet("信息资源产生清单")
        _merge(sheet, 0, 0, 0, len(tops[0]) - 1, "云岫区政务信息资源产生清单")
        _headings(sheet, *tops)
        row = 3
        for resource in resources or (PERMITS, AUDITS):
            for place, line in enumerate(resource):
                for column, cell in enumerate(line):
                    if cell:
                        sheet.write_string(row + place, column, cell)
            if merged is None and len(resource) > 1:
                for column in (*range(12), *range(17, 23)):
                    _merge(sheet, row, column, row + len(resource) - 1, column, resource[0][column])
            row += len(resource)
        for first, left, last, right in merged or ():
            sheet.merge_range(first, left, last, right, "")
        wanted = book.add_worksheet("信息资源需求清单")
        _merge(wanted, 0, 0, 0, 8, "信息资源需求清单")
        for number, line in enumerate((NEEDS_TOP, *needs), 1):
            wanted.write_row(number, 0, line)
    return held.getvalue()


def _headings(
    sheet: "xlsxwriter.worksheet.Worksheet", top: Sequence[str], below: Sequence[str]
) -> None:
    for column, heading in enumerate(top):
        end = column
        while end + 1 < len(top) and not top[end + 1] and below[end + 1]:
            end += 1
        if heading and end > column:
            _merge(sheet, 1, column, 1, end, heading)
        elif heading and not below[column]:
            _merge(sheet, 1, column, 2, column, heading)
        if below[column]:
            sheet.write_string(2, column, below[column])


def _merge(
    sheet: "xlsxwriter.worksheet.Worksheet", top: int, left: int, bottom: int, right: int, text: str
) -> None:
    sheet.merge_range(top, left, bottom, right, text)
