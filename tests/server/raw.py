"""HTTP over a bare socket: what no client library would send, and what comes back."""

import contextlib
import socket
import time

import msgspec

ANSWER_S = 15.0
CHUNK = 65_536


class Answer(msgspec.Struct):
    """One answer; `status` is 0 when the server closed the connection without any."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    seconds: float = 0.0

    @property
    def json(self):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(self.body)
        return None


def send(
    port: int, data: bytes, *, head: bool = False, cut: bool = False, timeout_s: float = ANSWER_S
) -> Answer:
    """Send bytes on a new connection and read one answer. Raises TimeoutError.

    `cut`: the client says that nothing more comes, so that a server does not wait for the rest.
    """
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        # The server may answer and close before it has read everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            if cut:
                connection.shutdown(socket.SHUT_WR)
        answer = _read(connection, head=head)
    answer.seconds = time.monotonic() - begun
    return answer


def _read(connection: socket.socket, *, head: bool, data: bytes = b"") -> Answer:
    while b"\r\n\r\n" not in data:
        if not (more := _receive(connection)):
            return Answer(0, body=data)
        data += more
    top, _, body = data.partition(b"\r\n\r\n")
    if top.startswith(b"HTTP/1.1 1") and not head:  # 100: only that the body may come
        return _read(connection, head=head, data=body)
    lines = top.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = 0 if head else int(headers.get("content-length", "0"))
    while len(body) < length:
        if not (more := _receive(connection)):
            break
        body += more
    return Answer(int(lines[0].split()[1]), headers, body)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(CHUNK)
    except ConnectionResetError:
        return b""


def request(
    method: str | bytes,
    target: str | bytes,
    headers: list[tuple[str | bytes, str | bytes]] = [],  # noqa: B006 - never changed
    body: bytes | None = None,
) -> bytes:
    """One request as bytes; nothing is checked, a Content-Length is added when there is a body."""
    names = {_bytes(name).lower() for name, _ in headers}
    lines = [_bytes(method) + b" " + _bytes(target) + b" HTTP/1.1"]
    if b"host" not in names:
        lines.append(b"Host: 127.0.0.1")
    lines.extend(_bytes(name) + b": " + _bytes(value) for name, value in headers)
    if body is not None and not names & {b"content-length", b"transfer-encoding"}:
        lines.append(b"Content-Length: %d" % len(body))
    if b"connection" not in names:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def _bytes(value: str | bytes) -> bytes:
    return value.encode("latin-1") if isinstance(value, str) else value
