"""The pages' own files (style, module, mark), held in memory and addressed by their content's hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response
from fastapi.responses import PlainTextResponse

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file's bytes, its media type and the start of its SHA-256."""

    content: bytes
    media_type: str
    digest: str


def load_static(folder: Path = FOLDER) -> Mapping[str, StaticFile]:
    """Every file of a folder by its name."""
    return {
        path.name: StaticFile(
            content := path.read_bytes(), TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12]
        )
        for path in sorted(folder.iterdir())
        if path.suffix in TYPES
    }


class StaticFiles:
    """Answers for static files without touching a disk or a thread."""

    def __init__(self) -> None:
        self._files = load_static()

    def address(self, name: str) -> str:
        """The address of a file; it changes with the content, so that a browser may keep what it has."""
        return f"/static/{self._files[name].digest}/{name}"

    def answer(self, digest: str, name: str) -> Response:
        """The file; one asked for by an older hash is served too, but not kept."""
        file = self._files.get(name)
        if file is None:
            return PlainTextResponse("no such file", status_code=404)
        kept = "public, max-age=31536000, immutable" if digest == file.digest else "no-cache"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        return Response(file.content, media_type=file.media_type, headers=headers)
