"""No client can keep a connection, flood the log, or have a head of any length read."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra import connections
from tests.server import mutations, raw
from tests.server.harness import ROOT, copied, until
from tests.server.template import sources_yml, without_models, write_rows, write_sources

FILES = 1_024  # the hard limit of a small machine, of which half may be connections
SMALL = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))"


@contextlib.contextmanager
def connected(port, count):
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            for _ in range(count)
        ]


def ended(connection, timeout_s):
    """After how many seconds the server has ended a connection; what it said before."""
    begun, said = time.monotonic(), b""
    connection.settimeout(timeout_s)
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            said += data
    return time.monotonic() - begun, said


def lives(connection):
    """Whether the server has not ended a connection on which it says nothing."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except ConnectionResetError:
        pass
    return False


@pytest.fixture(scope="module")
def cramped(template, tmp_path_factory):
    """A server that may open few files."""
    root = tmp_path_factory.mktemp("cramped") / "project"
    program = ("-c", f"{SMALL}; import sys; from infra.main import main; sys.exit(main())")
    with copied(template, root, program) as found:
        found.start()
        yield found


def test_more_connections_than_may_be_are_dropped_and_files_are_left(cramped):
    with connected(cramped.port, FILES + 100) as clients:
        time.sleep(1.0)
        files = len(list(Path(f"/proc/{cramped.pid}/fd").iterdir()))
        assert files < FILES - 100
        assert sum(map(lives, clients)) <= FILES // 2
        # The owner gets in all the same.
        with socket.socket(socket.AF_UNIX) as owner:
            owner.connect(str(cramped.root / ".dango" / "control.sock"))
            owner.sendall(raw.request("GET", "/api/events", [("Host", "dango")]))
            assert owner.recv(100).startswith(b"HTTP/1.1 200")
    until(lambda: cramped.get_ready() == 200)
    assert "out of system resource" not in cramped.text()


def test_a_connection_that_says_nothing_or_says_it_slowly_is_ended(server):
    with connected(server.port, 4) as (silent, slow, blank, body):
        slow.sendall(b"GET /api/health/live HTTP/1.1\r\n")
        # The body of this one is not waited for, and its rest not for ever.
        body.sendall(raw.request("POST", "/nothing", [("Content-Length", "9")], b"{"))
        begun = time.monotonic()
        while time.monotonic() - begun < connections.HEAD_S - 1:
            time.sleep(0.5)
            slow.sendall(b"X-A: b\r\n")
            blank.sendall(b"\r\n")
        assert ended(silent, 3.0)[0] < 3.0
        assert ended(slow, 3.0)[0] < 3.0
        assert ended(blank, 3.0)[0] < 3.0
        assert ended(body, 3.0)[1].startswith(b"HTTP/1.1 404")


def test_a_later_head_on_the_same_connection_has_its_time_too(server):
    with connected(server.port, 1) as (client,):
        client.sendall(raw.request("GET", "/api/health/live", [("Connection", "keep-alive")]))
        assert 200 == raw._read(client, head=False).status
        client.sendall(b"GET /api/health/live HTTP/1.1\r\n")
        took, said = ended(client, connections.HEAD_S + 3)
        assert connections.HEAD_S - 1 < took < connections.HEAD_S + 2
        assert b"" == said


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"x" * (2 << 20),
        b"GET /" + b"x" * 65_600 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 300_000,
        b"GET / HTTP/1.1\r\nX-A: " + b"y" * (2 << 20),
        b"GET / HTTP/1.1\r\n" + b"X-A: %s\r\n" % (b"y" * 66_000) + b"\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\n0\r\nX-A: " + b"y" * (2 << 20),
    ],
    ids=["url", "whole url", "headers", "value", "whole value", "trailer"],
)
def test_a_head_of_more_than_64_kib_is_431(server, data):
    answer = raw.send(server.port, data)
    assert 431 == answer.status
    assert "close" == answer.headers["connection"]
    assert answer.seconds < 5


def test_a_head_of_60_kib_is_read_and_the_next_one_counts_anew(server):
    pair = [("X-A", "y" * 60_000), ("Connection", "keep-alive")]
    with connected(server.port, 1) as (client,):
        for _ in range(3):
            client.sendall(raw.request("GET", "/api/health/live", pair))
            assert 200 == raw._read(client, head=False).status


def test_a_header_behind_the_body_is_none(server):
    key = server.people.keys["admin"]
    pairs = [mutations.JSON, ("Transfer-Encoding", "chunked"), ("Connection", "close")]
    data = raw.request("POST", "/api/projections/check", pairs)
    trailer = f"2\r\n{{}}\r\n0\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    assert 401 == raw.send(server.port, data + trailer).status


def test_what_clients_can_cause_without_end_is_logged_a_few_times(server):
    for _ in range(50):
        raw.send(server.port, b"\x00\x01\x02\r\n\r\n")
    assert server.text().count("Invalid HTTP request received") < 20


def test_a_refused_socket_leaves_no_line_and_no_query_string(server):
    upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    before = server.text()
    answer = raw.send(server.port, raw.request("GET", "/ws?token=hidden", upgrade))
    assert 401 == answer.status
    long = [*upgrade, ("X-A", "y" * 10_000)]
    assert raw.send(server.port, raw.request("GET", "/ws", long)).status in (400, 401, 431)
    time.sleep(0.2)
    assert "" == server.text()[len(before) :]


def test_nothing_that_the_program_makes_can_be_read_by_others(tmp_path):
    root = tmp_path / "project"

    def dango(*words):
        command = (sys.executable, "-m", "infra.main", *words)
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True, umask=0o022)

    dango("init", str(root))
    without_models(root)
    write_rows(root / "data/uploads/orders/orders.csv", 10)
    write_sources(root, sources_yml("orders"))
    dango("sync", "--project", str(root))
    assert list((root / "warehouse" / "data").rglob("*.parquet"))
    for folder in (".dango", "warehouse", "data"):
        assert 0o700 == (root / folder).stat().st_mode & 0o777
    made = [path for name in (".dango", "warehouse") for path in (root / name).rglob("*")]
    ours = [path for path in made if path.name != "sources.yml"]
    assert [] == [path for path in ours if path.stat().st_mode & 0o077]


def test_port_0_shows_as_the_port_that_was_chosen(own):
    command = (sys.executable, "-m", "infra.main", "serve", "--port", "0")
    process = subprocess.Popen(
        (*command, "--project", str(own.root)), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    own.process = process
    line = next(line for line in process.stderr if "http://" in line)
    own.port = int(line.partition("http://127.0.0.1:")[2].split()[0])
    config = own.client(session="admin").get("/api/config").json()
    process.terminate()
    process.stderr.close()
    process.wait(10)
    assert str(own.port) in str(config)
