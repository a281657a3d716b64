"""A provider on loopback: its browser side as a method, its server side over real HTTP.

It does what Google and GitHub do, and checks what they check: client, secret, redirect address,
code (once), PKCE. `crooked` makes it send something else.
"""

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "dango-client", "marked-client-secret"


@functools.cache
def key(_):
    """A pair of keys, made once for each name: it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "k1"})


def unsigned(claims, header):
    """A token without a signature (RFC 7515, appendix A.5)."""
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    )
    return b".".join((*parts, b"")).decode()


class Double:
    """One provider; `who` is who is logged in there."""

    def __init__(self, clock):
        self.clock, self.who = clock, {"sub": "108", "email": "ben@a.io", "email_verified": True}
        self.key, self.other = key("the provider's"), key("somebody's")
        self.codes, self.calls, self.asked = {}, [], None
        self.crooked = {}  # path -> (status, headers, body), in place of the answer
        self.claims = {}  # over those of the token
        self.sign = self.signed
        self.addresses = [{"email": "ben@a.io", "primary": True, "verified": True}]

    def browse(self, url):
        """Log in and agree: answers where the browser is sent back to."""
        self.asked = asked = dict(parse_qsl(urlsplit(url).query))
        assert (CLIENT, "code", "S256") == tuple(
            asked[name] for name in ("client_id", "response_type", "code_challenge_method")
        )
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        said = urlencode({"state": asked["state"], "code": code})
        return f"{asked['redirect_uri']}?{said}"

    def signed(self, claims):
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)

    def signed_by_another_key(self, claims):
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.other)

    def signed_with_the_public_key(self, claims):
        """As if the key that everybody knows were a shared secret (RFC 8725, section 2.1)."""
        said = unsigned(claims, {"alg": "HS256", "kid": "k1"}).rstrip(".")
        seal = hmac.digest(self.key.as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"

    def unsigned(self, claims):
        return unsigned(claims, {"alg": "none", "kid": "k1"})

    def half_signed(self, claims):
        return self.signed(claims).rpartition(".")[0] + "."

    def answer(self, path, form, headers):
        """Status and JSON of one call."""
        if path == "/token":
            return self._token(form)
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if headers.get("authorization") != "Bearer access-1":
            return 401, {"message": "Bad credentials"}
        if path == "/user":
            return 200, {"id": int(self.who["sub"]), "login": "ben"}
        if path == "/user/emails":
            return 200, self.addresses
        return 404, {}

    def _token(self, form):
        asked = self.codes.pop(form.get("code"), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if (CLIENT, SECRET) != (form.get("client_id"), form.get("client_secret")):
            return 401, {"error": "invalid_client"}
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        answer = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600}
        if "nonce" in asked:
            now = int(self.clock().timestamp())
            claims = {
                "iss": self.base,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
                **self.who,
                **self.claims,
            }
            answer["id_token"] = self.sign({k: v for k, v in claims.items() if v is not None})
        return 200, answer

    @contextlib.contextmanager
    def served(self):
        """Answer on a port of loopback, from a thread of its own."""
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("content-length") or 0)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                double.calls.append(self.path)
                if self.path in double.crooked:
                    status, headers, body = double.crooked[self.path]
                else:
                    status, found = double.answer(self.path, form, self.headers)
                    headers, body = {}, json.dumps(found).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            do_POST = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_):
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.base = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
