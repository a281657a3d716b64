"""Looking for what should be nowhere, in every byte and every usual spelling."""

import base64
from urllib.parse import quote


def spellings(text):
    """A mark as any file may hold it."""
    raw = text.encode()
    yield raw
    yield text.casefold().encode()
    yield text.encode("utf-16-le")
    yield raw.hex().encode()
    yield quote(text).encode()
    for start in range(3):  # whatever stands before it
        yield base64.b64encode(b"x" * start + raw)[4:-4]
        yield base64.urlsafe_b64encode(b"x" * start + raw)[4:-4]


def found(server, marks, *, but=()):
    """Where one of these byte strings stands: in the project's folder, or the server's log.

    `but`: names of files that people write themselves.
    """
    files = [path for path in server.root.rglob("*") if path.is_file() and path.name not in but]
    return sorted(
        {
            str(path.relative_to(server.root.parent))
            for path in (*files, server.log)
            if any(mark in path.read_bytes() for mark in marks)
        }
    )
