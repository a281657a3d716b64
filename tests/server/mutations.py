"""Hostile requests over the route table, from a seed: the same seed gives the same requests."""

import json
import re
from collections.abc import Iterator, Sequence
from random import Random
from urllib.parse import quote_from_bytes

import msgspec

from api.table import Route
from tests.server import raw

JSON = ("Content-Type", "application/json")
LONG = 10_000
DEEP = 100_000
LARGE = 2 * 1024 * 1024

# Bodies that carry the field names that routes know, so that mutants come past the first check.
BODIES: tuple[dict[str, object], ...] = (
    {},
    {"email": "a@example.org", "password": "x"},
    {"current_password": "x", "new_password": "y"},
    {"name": "probe", "expires_at": "2030-01-01T00:00:00Z"},
    {"email": "b@example.org", "role": "viewer", "display_name": "b", "generate_password": True},
    {"full_refresh": False, "start_date": "2026-01-01", "end_date": "2026-01-02"},
    {"sources": ["nothing"], "full_refresh": False, "backfill": "1d"},
    {"sql": "select 1"},
    {"token": "A" * 43, "password": "an owl over the river", "display_name": "b"},
    {"password": "x", "code": "123456"},
    {"code": "123456", "is_recovery": True},
    {"role": "viewer"},
    {"confirm_email": "a@example.org"},
    {"name": "probe", "permissions": ["source.view"]},
    {"key": "PROBE", "value": "a value"},
    {"name": "probe", "type": "csv", "options": {"directory": "data/probe"}},
    {"enabled": True, "description": "a probe", "tags": ["a"], "options": {"directory": "data/p"}},
)
# As they stand in a JSON document.
VALUES = (
    *("null", "true", "0", "-1", "1.5", '""', "[]", "{}", "[[]]", '{"a":1}', "1e999", "-1e999"),
    *("NaN", "Infinity", str(2**31), str(2**63), str(-(2**63) - 1), str(2**64), "1" * 5_000),
    *("1e400", "0." + "9" * 400, '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\\ud83d\\ude00"'),
    *('"' + "x" * LONG + '"', '"2026-13-45"', '"0001-01-01T00:00:00+23:59"', '"9999-12-31"'),
    *('"9999-12-31T23:59:59-23:59"', '"../../etc/passwd"', '"orders\\n"', '"\\u202eabc"', "-0"),
    *('"Robert\'); DROP TABLE x;--"', '"%00"', '"${ENV}"', '"{{7*7}}"', "01", "+1", "1.", ".5"),
    *('"\\x"', "'x'", '"\t"', "tru", "[1,2", '{"a":', '"', "\\", "/*x*/1", "1 2", "[,]", "[1,]"),
)
BODY_BYTES = (
    b"", b" ", b"\x00", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"{", b"}", b"[]", b"null", b"0",
    b'{"a":"\xff"}', b'{"\xc3\x28":1}', b'{"sql":"\xed\xa0\x80"}', b'{"name":"\xf5\x80\x80\x80"}',
    b'{"sql":"a\x00b"}', b'{"a":1,"a":2}', b'{"sql":"select 1","sql":"select 2"}',
    b'{"name":{"a":1,"a":2}}', b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP,
    b'{"sql":' + b"[" * DEEP + b"]" * DEEP + b"}", b"a=1&b=2", b"<xml/>", b"--x\r\n\r\n--x--\r\n",
    b'{"name":"' + b"x" * LARGE + b'"}', b"x" * LARGE, b'{"sql":"' + b"x" * 102_401 + b'"}',
    b'{"sources":[' + b'"x",' * 50_000 + b'"x"]}', b'{"a":1}{"b":2}', b'{"a":1}\n{"b":2}\n',
    b'{"name":"ok"}' + b" " * 1000, b"\r\n" * 100, b"true", b'"text"', b"1e999", b"-", b"NaN",
    b'{"__proto__":1}', b'{"name":"x","role":"admin","user_id":"x","is_admin":true}',
    b'{"":""}', b'{"\\u0000":1}', b'{"name":"\\u0000"}', b'{"name":"\\ud800"}', b'{"\\ud800":1}',
)  # fmt: skip
TYPES: tuple[str | bytes | None, ...] = (
    *(None, "", "text/plain", "text/html", "application/x-www-form-urlencoded", "*/*", "json"),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"),
    *("application/json; charset=utf-16", "application/json;" * 200, "APPLICATION/JSON", ";"),
    *("application/problem+json", "application/xml", b"application/\xff", "x" * 5_000),
    *("application/msgpack", "application/x-msgpack", "application/json, text/plain"),
)
PARTS: tuple[bytes, ...] = (
    *(b"0", b"-1", b"1", b"%31", b"1.5", b"1e3", b"abc", b"%00", b"a%00b", b"%2e%2e", b"..", b"."),
    *(b"%2e%2e%2fetc", b"..%2f..", b"%", b"%z", b"%1", b"%gg", b"%ff", b"%c3%28", b"%ed%a0%80"),
    *(b"%F0%9F%98%80", b"\xc3\xa4", b"\xff", b"a" * LONG, b"%41" * 3_000, b"", b"%20", b"+", b"~"),
    *(str(2**63).encode(), str(2**63 - 1).encode(), str(2**64).encode(), b"9" * 100, b"9" * 5_000),
    *(b"-" + b"9" * 40, b"0x10", b"1_000", b"%D9%A1", b"null", b"orders%0a", b"orders%0d%0aX:%20y"),
    *(b"orders;a=b", b"orders'--", b"orders%22", b"<script>", b"{x}", b"a|b", b"a\\b", b"[::1]"),
)
QUERIES: tuple[bytes, ...] = (
    *(b"limit=abc", b"limit=-1", b"limit=0", b"limit=1", b"limit=" + b"9" * 31, b"limit=1.5"),
    *(b"limit=%00", b"limit=1&limit=2", b"limit=", b"limit", b"=", b"&&&", b"%", b"%zz=%zz"),
    *(b"limit=" + b"9" * 5_000, b"limit=%D9%A1", b"limit=true", b"limit[]=1", b"limit=NaN"),
    *(b"after=-1", b"after=" + b"9" * 30, b"after=x", b"before=0", b"before=%ff", b"type=%00"),
    *(b"type=" + b"x" * LONG, b"stream=%ed%a0%80", b"actor=%c3%28", b"correlation=%0d%0a"),
    *(b"since=x", b"since=2026-01-01", b"since=2026-01-01T00:00:00Z", b"until=" + b"9" * 40),
    *(b"since=0001-01-01T00:00:00%2B23:59", b"until=9999-12-31T23:59:59-23:59", b"since="),
    *(b"as_of=-1", b"as_of=0", b"as_of=1", b"as_of=x", b"as_of=", b"as_of=" + b"9" * 30),
    *(b"as_of=0001-01-01T00:00:00%2B23:59", b"as_of=9999-12-31T23:59:59-23:59", b"as_of=%00"),
    *(b"as_of=2026-01-01", b"as_of=1&as_of=2", b"as_of=%D9%A1", b"as_of=2026-01-01T00:00:00Z"),
    *(b"min_position=-1", b"min_position=x", b"min_position=" + b"9" * 30, b"min_position=%D9%A1"),
    *(b"min_position=1", b"category=x", b"category=%ff", b"category=core&category=core"),
    *(b"a=" * 2_000, b"x" * LONG, b"\xff=\xff", b"limit=1;type=x", b"unknown=1"),
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *((b"Cookie", value) for value in (b"\xff", b"dango_session", b"=", b";;;", b"a" * LONG)),
    *((b"Cookie", b"dango_session=" + v) for v in (b"\xff", b"%00", b"x" * 43, b'"x"', b"\\", b"")),
    *((b"Authorization", value) for value in (b"Bearer", b"Bearer ", b"Basic eDp5", b"\xff", b"")),
    *((b"Authorization", b"Bearer " + v) for v in (b"dango_ak_" + b"A" * 38, b"\xff", b"x" * LONG)),
    *((b"X-Request-ID", value) for value in (b"\xff", b"a" * 65, b"a b", b"", b"ok", b"<x>")),
    *((b"Idempotency-Key", v) for v in (b"\xff", b"a" * 256, b"a b", b"", b"\xc3\xa4", b"k")),
    *((b"Origin", value) for value in (b"null", b"\xff", b"http://evil.example", b"x" * LONG)),
    *((b"Sec-Fetch-Site", value) for value in (b"cross-site", b"\xff", b"none", b"")),
    *((b"X-Forwarded-For", value) for value in (b"1.2.3.4", b"\xff", b"," * 1_000)),
    *((b"Accept", value) for value in (b"\xff", b"text/html", b"application/xml", b"x" * LONG)),
    *((b"Host", v) for v in (b"", b"\xff", b"evil.example", b"a:b:c", b"[::1", b"x" * LONG)),
    *((b"Accept-Encoding", v) for v in (b"gzip", b"\xff")),
    *((b"Content-Encoding", v) for v in (b"gzip", b"br", b"\xff")),
    (b"Upgrade", b"websocket"),
    (b"Upgrade", b"h2c"),
    (b"Expect", b"100-continue"),
    (b"Expect", b"nonsense"),
    (b"Range", b"bytes=0-0,-1"),
    (b"If-None-Match", b"*"),
    (b"X" * LONG, b"x"),
    (b"\xff", b"x"),
    (b"A B", b"x"),
    (b"A", b"x\x00y"),
    (b"A", b"x\r\n folded"),
)
METHODS = (
    *("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"),
    *("get", "FOO", "G" * 1_000, "PRI", "LINK", "PURGE", "M-SEARCH", "\x00"),
)
FRAMINGS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Content-Length", "2"), ("Transfer-Encoding", "chunked")),
    (("Transfer-Encoding", "chunked"), ("Content-Length", "2")),
    (("Content-Length", "2"), ("Content-Length", "3")),
    (("Content-Length", "2, 2"),),
    (("Content-Length", "-1"),),
    (("Content-Length", "+2"),),
    (("Content-Length", "0x2"),),
    (("Content-Length", "2 "),),
    (("Content-Length", "9" * 30),),
    (("Content-Length", str(LARGE)),),  # and does not send it
    (("Transfer-Encoding", "identity"),),
    (("Transfer-Encoding", "chunked, identity"),),
    (("Transfer-Encoding", " chunked"),),
    (("Transfer-Encoding", "xchunked"),),
    (("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")),
    (("Transfer-Encoding", "chunked"),),
)
FRAMED = (
    *(b"{}", b"2\r\n{}\r\n0\r\n\r\n", b"0\r\n\r\n", b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}", b""),
    *(
        b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"2;ext=1\r\n{}\r\n0\r\nX: y\r\n\r\n",
        b"-2\r\n{}\r\n",
    ),
    *(
        b"2\n{}\n0\n\n",
        b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\nGET /api/events HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
)


class Attack(msgspec.Struct):
    """One request: what is sent, and a line that says what it is."""

    data: bytes
    label: str
    head: bool = False
    page: bool = False  # what answers may be HTML
    cut: bool = False  # the client ends its side: the request is not complete


def attacks(routes: Sequence[Route], seed: int, count: int, auth: str) -> Iterator[Attack]:
    """`count` requests; each route gets its share of each kind."""
    random = Random(seed)  # noqa: S311 - the same attacks for the same seed
    makers = (_body, _body, _value, _value, _type, _path, _path, _query, _query, _header, _method)
    for number in range(count):
        route = routes[number % len(routes)]
        maker = makers[number // len(routes) % len(makers)]
        if random.random() < 0.05:
            maker = _framing
        headers = [("Authorization", f"Bearer {auth}")] if random.random() < 0.8 else []
        yield maker(route, random, headers)


def path_of(route: Route, part: bytes = b"1") -> bytes:
    return re.sub(rb"\{[^}]*\}", lambda _: part, route.path.encode())


def _sent(route, headers, body=None, *, method=None, target=None, label="", cut=False) -> Attack:
    method, target = method or route.method, target or path_of(route)
    data = raw.request(method, target, headers, body)
    label = f"{route.method} {route.path} {label}"[:300]
    return Attack(
        data,
        label,
        method == "HEAD",
        route.page or route.browsed or not route.path.startswith("/api/"),
        cut,
    )


def _body(route, random, headers) -> Attack:
    body = random.choice(BODY_BYTES)
    if random.random() < 0.3:
        body = _flip(json.dumps(random.choice(BODIES)).encode(), random)
    return _sent(route, [*headers, JSON], body, label=f"body {body[:60]!r} of {len(body)}")


def _flip(body: bytes, random: Random) -> bytes:
    changed = bytearray(body)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(changed) + 1)
        choice = random.random()
        if choice < 0.4:
            changed[place:place] = random.randbytes(random.randint(1, 3))
        elif choice < 0.7:
            del changed[place : place + random.randint(1, 5)]
        else:
            changed[place : place + 1] = random.choice((b'"', b"\\", b"\x00", b"\xff", b"9" * 30))
    return bytes(changed)


def _value(route, random, headers) -> Attack:
    fields = {name: json.dumps(value) for name, value in random.choice(BODIES).items()}
    name = random.choice([*fields, "unknown", ""]) if fields else "unknown"
    fields[name] = random.choice(VALUES)
    text = ",".join(f'"{key}":{value}' for key, value in fields.items())
    return _sent(
        route, [*headers, JSON], f"{{{text}}}".encode(), label=f"{name}: {fields[name][:60]}"
    )


def _type(route, random, headers) -> Attack:
    kind = random.choice(TYPES)
    body = random.choice((b"{}", b"", json.dumps(random.choice(BODIES)).encode(), b"a=b"))
    more = [] if kind is None else [("Content-Type", kind)]
    return _sent(route, [*headers, *more], body, label=f"type {kind!r:.60}")


def _path(route, random, headers) -> Attack:
    part = random.choice(PARTS)
    if random.random() < 0.2:
        part = quote_from_bytes(random.randbytes(6)).encode()
    target = path_of(route, part)
    if b"{" not in route.path.encode():
        target += random.choice((b"/", b"//", b"/" + part, b"%2f", b"?", b"#x", b";x", b"%00"))
    more = [JSON] if route.method != "GET" else []
    return _sent(
        route, [*headers, *more], b"{}" if more else None, target=target, label=repr(target[:99])
    )


def _query(route, random, headers) -> Attack:
    target = path_of(route) + b"?" + b"&".join(random.sample(QUERIES, random.randint(1, 2)))
    return _sent(route, headers, target=target, label=repr(target[:120]))


def _header(route, random, headers) -> Attack:
    more = random.sample(HEADERS, random.randint(1, 2))
    names = {name.lower() for name, _ in more}
    kept = [pair for pair in headers if pair[0].lower().encode() not in names]
    body = b"{}" if route.method != "GET" else None
    kind = [JSON] if body else []
    return _sent(route, [*kept, *kind, *more], body, label=repr(more)[:120])


def _method(route, random, headers) -> Attack:
    method = random.choice(METHODS)
    target = random.choice(
        (path_of(route), path_of(route), b"*", b"http://x/api", b"127.0.0.1:80", b"//")
    )
    body = random.choice((None, b"{}"))
    return _sent(
        route,
        [*headers, JSON],
        body,
        method=method,
        target=target,
        label=f"{method[:20]} {target!r}",
    )


def _framing(route, random, headers) -> Attack:
    framing, body = random.choice(FRAMINGS), random.choice(FRAMED)
    label = f"framing {framing!r:.80} {body[:30]!r}"
    return _sent(route, [*headers, JSON, *framing], body, label=label, cut=True)
