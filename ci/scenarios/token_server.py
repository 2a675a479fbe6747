#!/usr/bin/env python3
"""A token server as Harbor has one: gives a robot that knows its secret the tokens that a registry believes.

  token_server.py DIRECTORY PORT

DIRECTORY has the server's `server.crt` and `server.key`, with the second of which tokens are signed, too, and the robot's
name and secret in the files `robot` and `secret`. Tokens are those of the distribution specification ("Token Authentication
Implementation"); the robot may pull and push below `charts/`, whatever comes before.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ISSUER = "token-server"
SERVICE = "registry"
TOKEN_SECONDS = 120
ALLOWED = {"pull", "push"}


def encoded(content: bytes) -> str:
    """Base64 as tokens have it (RFC 7515)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def rights(scopes: list[str]) -> list[dict]:
    """What the robot may do of what it asks for."""
    granted = []
    for scope in " ".join(scopes).split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and "/charts/" in f"/{name}":
            granted.append({"type": kind, "name": name, "actions": sorted(ALLOWED & set(actions.split(",")))})
    return granted


def token(directory: Path, user: str, scopes: list[str]) -> str:
    """A signed token with these rights."""
    pem = (directory / "server.crt").read_text()
    certificate = "".join(line for line in pem.splitlines() if "CERTIFICATE" not in line)
    moment = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": user,
        "aud": SERVICE,
        "iat": moment,
        "nbf": moment - 10,
        "exp": moment + TOKEN_SECONDS,
        "jti": secrets.token_hex(8),
        "access": rights(scopes),
    }
    parts = [{"typ": "JWT", "alg": "RS256", "x5c": [certificate]}, claims]
    content = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    command = ["openssl", "dgst", "-sha256", "-sign", str(directory / "server.key")]
    signature = subprocess.run(command, input=content.encode(), capture_output=True, check=True).stdout
    return f"{content}.{encoded(signature)}"


class Handler(BaseHTTPRequestHandler):
    """Answers GET with a password in a header and POST with one in a form."""

    directory: Path

    def do_GET(self) -> None:
        """The first form of the specification."""
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        user, _, secret = base64.b64decode(text).decode().partition(":") if kind == "Basic" else ("", "", "")
        self.answer(user, secret, parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        """The second form, that of OAuth 2."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        self.answer(form.get("username", [""])[0], form.get("password", [""])[0], form)

    def answer(self, user: str, secret: str, wanted: dict[str, list[str]]) -> None:
        """Gives a token, or says that nobody is known by that name and secret."""
        known = (user, secret) == tuple((self.directory / name).read_text() for name in ("robot", "secret"))
        if known and wanted.get("service") == [SERVICE]:
            given = token(self.directory, user, wanted.get("scope", []))
            content = {"token": given, "access_token": given, "expires_in": TOKEN_SECONDS}
        else:
            content = {"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}
        body = json.dumps(content).encode()
        self.send_response(200 if "token" in content else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        """Says nothing: a line would have the scopes in it, and nobody reads it."""


def main(directory: Path, port: int) -> None:
    """Serves until it is ended."""
    Handler.directory = directory
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
