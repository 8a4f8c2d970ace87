"""A department's file, and how its officers bring it to the exchange."""

import hashlib
from typing import Any

from exchange.demo import district
from exchange.files.uploads import Uploads
from tests.fakes.node import Standing

NAME = "market.permits"
CODE = "307/000055"
LINES = (
    "统一社会信用代码,企业名称,联系电话,许可金额,发证日期",
    f"{district.APPLICANT},云岫建设,13800138000,1200000.50,2024-03-01",
    f"{district.DESIGNER},云岫设计,13900139000,7.00,2024-04-01",
)
FILE = ("\n".join(LINES) + "\n").encode("gb18030")


def upload(here: Standing, content: bytes = FILE, *, officer: str = "market.operator") -> str:
    """Leave a file among the officer's uploads; returns its id."""
    held = str(here.act(officer, "file.offer")["upload"])
    Uploads(here.node.files).write(held, content)
    return held


def register(
    here: Standing, file: bytes = FILE, *, officer: str = "market.operator", **changed: Any
) -> Any:
    """Upload and register a file, with what is changed."""
    held = upload(here, file, officer=officer)
    told = {
        "upload": held,
        "content": hashlib.sha256(file).hexdigest(),
        "name": NAME,
        "as_of": "2024-05-01",
        "choices": {"key": ["统一社会信用代码"]},
    }
    return here.act(officer, "file.register", **(told | changed))
