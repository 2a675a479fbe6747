"""Authorities that issue certificates to servers, made anew for each trial."""

from __future__ import annotations

from pathlib import Path
from subprocess import DEVNULL, run

from .bed import Bed, output
from .publish import RSA

# The keys of a Secret, and the files that they are made of.
KEYS = {"ca.crt": "authority.crt", "tls.crt": "server.crt", "tls.key": "server.key"}


class Authority:
    """An authority in a directory of its own, and the last certificate that it has issued to servers."""

    def __init__(self, directory: Path, names: tuple[str, ...] = ("servers",)) -> None:
        """`names` are those of the servers."""
        self.directory = directory
        self._names = names
        directory.mkdir()
        self._openssl("genpkey", *RSA, "-out", "authority.key")
        self._openssl("req", "-x509", "-key", "authority.key", "-out", "authority.crt", "-subj", f"/CN={directory.name}", "-days", "30")
        self.renew(new_key=True)

    def _openssl(self, *words: str) -> None:
        output(["openssl", *words], cwd=self.directory)

    def renew(self, *, new_key: bool) -> None:
        """Issues another certificate, for another private key or the one of before."""
        if new_key:
            self._openssl("genpkey", *RSA, "-out", "server.key")
        self._openssl("req", "-new", "-key", "server.key", "-out", "server.request", "-subj", "/CN=servers")
        (self.directory / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in self._names))
        issuer = ["-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial", "-days", "30"]
        self._openssl("x509", "-req", "-in", "server.request", *issuer, "-extfile", "names", "-out", "server.crt")

    def in_old_form(self) -> str:
        """The private key as servers do not read it."""
        return output(["openssl", "rsa", "-in", "server.key", "-traditional"], cwd=self.directory)

    def secret(self) -> dict[str, str]:
        """The keys of a Secret."""
        return {key: (self.directory / file).read_text() for key, file in KEYS.items()}

    def certificate(self) -> str:
        """Its own certificate."""
        return self.secret()["ca.crt"]

    def serial(self) -> str:
        """The number of the last certificate."""
        return output(["openssl", "x509", "-noout", "-serial", "-in", "server.crt"], cwd=self.directory).strip()


def presented(bed: Bed, server: str) -> str:
    """The number of the certificate that a server presents."""
    words = bed.net("openssl", "s_client", "-connect", server)
    shown = run(words, stdin=DEVNULL, capture_output=True, check=False, text=True, timeout=20).stdout
    read = run(["openssl", "x509", "-noout", "-serial"], input=shown, capture_output=True, check=False, text=True, timeout=20)
    return read.stdout.strip()
