"""Opens files of the built web app, compressed as the browser takes them."""

import re
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

BUILD = Path(__file__).parent / "build"
"""What `make install` builds; absent where it did not."""
_COMPRESSED = (("br", ".br"), ("gzip", ".gz"))
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
_FOREVER = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Trapper</title></head>
<body><h1>The web app is not built</h1>
<p>Run <code>make install</code> in the project's folder, with a connection to the npm registry, and load this page
again. The <a href="/docs">HTTP interface</a> works without it.</p></body></html>
"""


@dataclass(frozen=True)
class BuiltFile:
    """The bytes of a file with the headers of its reply."""

    content: bytes
    media_type: str
    headers: dict[str, str]
    is_built: bool = True


def open_page(accepted_encodings: str) -> BuiltFile:
    """Returns the page of every address of the app, or one that says what to run when it is not built."""
    page = _read(BUILD / "index.html", accepted_encodings)
    if page is None:
        return BuiltFile(_NOT_BUILT.encode(), "text/html", {"Cache-Control": "no-store"}, is_built=False)
    content, headers = page
    return BuiltFile(content, "text/html", headers | {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY})


def open_asset(name: str, accepted_encodings: str) -> BuiltFile | None:
    """Returns a script, style or picture of the app; None when there is none of this name."""
    if not _NAME.fullmatch(name) or name.endswith((".map", ".br", ".gz")):
        return None
    asset = _read(BUILD / "assets" / name, accepted_encodings)
    if asset is None:
        return None
    content, headers = asset
    headers["Cache-Control"] = _FOREVER if _HASHED.search(name) else "no-cache"
    headers["Content-Security-Policy"] = _WORKER_POLICY
    return BuiltFile(content, guess_type(name)[0] or "application/octet-stream", headers)


def _read(path: Path, accepted_encodings: str) -> tuple[bytes, dict[str, str]] | None:
    accepted = {each.split(";")[0].strip() for each in accepted_encodings.split(",")}
    for encoding, suffix in _COMPRESSED:
        compressed = path.with_name(path.name + suffix)
        if encoding in accepted and compressed.is_file():
            return compressed.read_bytes(), {"Content-Encoding": encoding, "Vary": "Accept-Encoding"}
    return (path.read_bytes(), {"Vary": "Accept-Encoding"}) if path.is_file() else None
