"""The portal's style sheet, scripts and pictures, from files of this package alone."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
_DAY = 86_400


@cache
def files() -> dict[str, bytes]:
    """Return every file that is served, by its path: nothing outside the folder can be asked for."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in KINDS
    }


@cache
def address(name: str) -> str:
    """Return a file's address, changed by its contents so that browsers may keep it. Raises KeyError."""
    digest = hashlib.sha256(files()[name]).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


async def static(request: Request) -> Response:
    """`GET /static/…`."""
    name = str(request.path_params["path"])
    if name not in files():
        return PlainTextResponse("not found\n", status_code=404)
    kept = f"max-age={365 * _DAY}, immutable" if request.query_params.get("v") else "no-cache"
    return Response(
        files()[name],
        headers={"content-type": KINDS[Path(name).suffix], "cache-control": kept},
    )
