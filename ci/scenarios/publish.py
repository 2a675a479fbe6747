"""Publishing as a platform team does it: to a registry with TLS of its own authority and tokens, signed, from two checkouts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .bed import ROOT, Bed, command_result, output, program
from .release import Release
from .token_server import ISSUER, SERVICE
from .trial import Failed, Trial, scenario, until

ROBOT = "robot$team+ci"
REGISTRY_PORT, TOKEN_PORT, SITE_PORT = 5443, 5444, 5445
REGISTRY = f"localhost:{REGISTRY_PORT}"
ROCKETMQ = "5.4.0"
ALONE = {"nameServers": {"count": 1}, "brokers": {"groups": 1, "replicasPerGroup": 0}}
RSA = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]


@dataclass
class Guarded:
    """A registry that asks who it is, in the network of the bed, and what is needed to be let in."""

    bed: Bed
    directory: Path
    secret: str

    @property
    def authority(self) -> Path:
        """The certificate of the authority that issued the registry's."""
        return self.directory / "authority.crt"

    @property
    def login_file(self) -> Path:
        """What `helm registry login` writes."""
        return self.directory / "login.json"

    @property
    def charts(self) -> str:
        """Where the charts are published: under the path by which the bed's own registry has them."""
        return REGISTRY + self.bed.charts.removeprefix(self.bed.registry)

    def midships(self, *words: object, who: str = ROBOT, secret: str | None = None, binary: Path | None = None) -> list[str]:
        """Publishes and returns the lines that were printed; a refusal fails the scenario."""
        result = self.publish(*words, who=who, secret=secret, binary=binary)
        if result.returncode != 0:
            raise Failed(f"midships publish ended with {result.returncode}: {result.stderr.strip()}")
        return result.stdout.splitlines()

    def publish(
        self, *words: object, who: str = ROBOT, secret: str | None = None, binary: Path | None = None, trusted: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Publishes charts and hook image, the secret on standard input, and returns what came of it."""
        directory = binary.parent if binary else program("midships").parent
        # The nodes of the bed know its own registry only, which has the same image under the same path.
        hook = ["--hook-image", directory / "midships-hook", "--pull-registry", self.bed.registry]
        user = ["--username", who, "--password-stdin"] if who else []
        trust = ["--ca-file", self.authority] if trusted else []
        command = [directory / "midships", "publish", f"oci://{self.charts}", *hook, *user, *trust, *words]
        given = f"{secret or self.secret}\n" if who else ""
        result = command_result(self.bed.net(*command), input=given, env=self.environment())
        if self.secret in result.stdout + result.stderr:
            raise Failed("midships publish printed the secret")
        return result

    def environment(self) -> dict[str, str]:
        """No login of the person who runs this, and the password of the key that signs."""
        return {
            **os.environ,
            "DOCKER_CONFIG": str(self.directory / "docker"),
            "HELM_REGISTRY_CONFIG": str(self.login_file),
            "COSIGN_PASSWORD": "pass word",
        }

    def helm(self, major: int) -> list[str]:
        """The options with which Helm reaches the registry, after a login with the robot's name."""
        trust = ["--ca-file", str(self.authority), "--registry-config", str(self.login_file)]
        login = ["registry", "login", REGISTRY, "--username", ROBOT, "--password-stdin", *trust]
        output([*self.bed.helm(major), *login], input=f"{self.secret}\n")
        return trust


@contextmanager
def served(bed: Bed, command: list[object], probe: list[object], log: Path) -> Iterator[None]:
    """A server in the network of the bed, for as long as it is needed."""
    with log.open("w") as said:
        process = subprocess.Popen(bed.net(*command), stdout=said, stderr=said, start_new_session=True)
        try:
            until(f"`{command[0]}` answers", lambda: command_result(bed.net(*probe)).returncode == 0, 120)
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def guarded(bed: Bed) -> Iterator[Guarded]:
    """Debian's registry with TLS, and a token server that stands in for Harbor's."""
    with tempfile.TemporaryDirectory(prefix="midships-publish-") as name, ExitStack() as servers:
        directory, secret = Path(name), secrets.token_hex(16)
        certificates(directory)
        (directory / "robot").write_text(ROBOT)
        (directory / "secret").write_text(secret)
        registry = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
            "http": {
                "addr": f"127.0.0.1:{REGISTRY_PORT}",
                "tls": {"certificate": str(directory / "server.crt"), "key": str(directory / "server.key")},
            },
            "auth": {
                "token": {
                    "realm": f"https://localhost:{TOKEN_PORT}/token",
                    "service": SERVICE,
                    "issuer": ISSUER,
                    "rootcertbundle": str(directory / "authority.crt"),
                }
            },
        }
        settings = directory / "registry.json"
        settings.write_text(json.dumps(registry))
        curl = ["curl", "-s", "--cacert", directory / "authority.crt", "-o", "/dev/null"]
        script = Path(__file__).with_name("token_server.py")
        for command, port in (
            ([sys.executable, script, directory, TOKEN_PORT], TOKEN_PORT),
            (["docker-registry", "serve", settings], REGISTRY_PORT),
        ):
            probe = [*curl, f"https://localhost:{port}/v2/"]
            servers.enter_context(served(bed, command, probe, directory / f"{port}.log"))
        yield Guarded(bed, directory, secret)


def certificates(directory: Path) -> None:
    """An authority, and a certificate of it for this machine's own name."""

    def openssl(*words: str) -> None:
        output(["openssl", *words], cwd=directory)

    for name in ("authority", "server"):
        openssl("genpkey", *RSA, "-out", f"{name}.key")
    openssl("req", "-x509", "-key", "authority.key", "-out", "authority.crt", "-subj", "/CN=authority", "-days", "2")
    openssl("req", "-new", "-key", "server.key", "-out", "server.request", "-subj", "/CN=server")
    (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    issuer = ["-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2"]
    openssl("x509", "-req", "-in", "server.request", *issuer, "-extfile", "names", "-out", "server.crt")


def digests(lines: list[str]) -> dict[str, str]:
    """The digest of each artifact by its reference, of lines `OUTCOME REFERENCE@DIGEST`."""
    return dict(line.split(" ", 1)[1].rsplit("@", 1) for line in lines)


def outcomes(lines: list[str]) -> set[str]:
    """What was done to any artifact."""
    return {line.split(" ", 1)[0] for line in lines}


# It needs cosign, which is built from its Go module, and the bed's own registry beside the guarded one.
@scenario("publish", needs_power=True)
def publish(trial: Trial) -> None:
    """Publish with a robot's token over TLS, sign, cosign verify, both Helms install; a second checkout gives the same digests."""
    bed = trial.bed
    bed.publish()
    bed.testbed("build", "cosign")
    with guarded(bed) as registry:
        refusals(trial, registry)
        published = publish_and_verify(trial, registry)
        publish_from_second_checkout(trial, registry, published)
        with bed.namespace("accept-publish") as namespace:
            install_from_registry(trial, registry, namespace, published)
            install_from_web_server(trial, registry, namespace)


def refusals(trial: Trial, registry: Guarded) -> None:
    """Who is not let in is told what to do."""
    for options, expected in (
        ({"trusted": False}, "--ca-file"),
        ({"secret": "another"}, "check the name and the secret"),
        ({"who": "robot$nobody"}, "gives the user `robot$nobody` no token"),
        ({"who": ""}, "gives an anonymous client no token"),
    ):
        result = registry.publish(**options)
        trial.equal(result.returncode, 1, f"the exit code of a push with {options}")
        trial.check(expected in result.stderr, f"a push with {options} did not say {expected!r}: {result.stderr}")
    trial.note("who is not let in is told why")


def publish_and_verify(trial: Trial, registry: Guarded) -> dict[str, str]:
    """Publishes and signs, twice; cosign accepts the signatures and refuses another key. Returns the digests."""
    bed, directory = trial.bed, registry.directory
    cosign = bed.testbed("program", "cosign").strip()
    for name in ("cosign", "another"):
        output([cosign, "generate-key-pair", "--output-key-prefix", name], cwd=directory, env=registry.environment())
    signed = ["--sign-key", directory / "cosign.key"]
    first = registry.midships(*signed)
    trial.equal(outcomes(first), {"created"}, "the outcomes of the first push")
    again = registry.midships(*signed)
    trial.equal((outcomes(again), digests(again)), ({"unchanged"}, digests(first)), "the second push")
    published = {name: digest for name, digest in digests(first).items() if not name.endswith(".sig")}
    trial.note(f"published and signed: {' '.join(published)}")

    (directory / "docker").mkdir()
    login = base64.b64encode(f"{ROBOT}:{registry.secret}".encode()).decode()
    (directory / "docker/config.json").write_text(json.dumps({"auths": {REGISTRY: {"auth": login}}}))
    # Without a name given it is Docker's login that counts.
    trial.equal(outcomes(registry.midships(*signed, who="")), {"unchanged"}, "the push with Docker's login")
    for reference, digest in published.items():
        image = f"{reference.rsplit(':', 1)[0]}@{digest}"
        for key, accepted in (("cosign.pub", True), ("another.pub", False)):
            words = ["verify", "--key", directory / key, "--insecure-ignore-tlog", "--registry-cacert", registry.authority]
            result = command_result(bed.net(cosign, *words, image), env=registry.environment())
            found = result.returncode == 0
            trial.equal(found, accepted, f"cosign verify of {image} with {key} ({result.stderr.strip()[-500:]})")
    trial.note("cosign verifies each with the public key, and none with another")

    # Other bytes under the same versions are refused, and nothing has changed.
    result = registry.publish("--source-date-epoch", "1")
    trial.equal(result.returncode, 1, "the exit code of a push of other bytes")
    trial.check("a published version never changes" in result.stderr, f"a push of other bytes said: {result.stderr}")
    trial.equal(digests(registry.midships(*signed)), digests(first), "what is published after the refusal")
    return published


def publish_from_second_checkout(trial: Trial, registry: Guarded, published: dict[str, str]) -> None:
    """A copy of the sources at another path, built there, publishes the same bytes."""
    with tempfile.TemporaryDirectory(prefix="midships-checkout-") as name:
        checkout = Path(name)
        listed = output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
        for file in listed.split("\0"):
            if file and (ROOT / file).is_file():
                (checkout / file).parent.mkdir(parents=True, exist_ok=True)
                # Copied with the time of now, so that Cargo builds what is here and takes nothing for built.
                shutil.copy(ROOT / file, checkout / file)
        built = ROOT / "target/second-checkout"  # apart from the first build, and kept, so that it is quick the next time
        trial.note("building the second checkout")
        output(["cargo", "build", "--release"], cwd=checkout, env={**os.environ, "CARGO_TARGET_DIR": str(built)})
        (binary,) = built.glob("*/release/midships")
        lines = registry.midships(binary=binary)
    trial.equal(outcomes(lines), {"unchanged"}, "the outcomes of the push from the second checkout")
    trial.equal(digests(lines), published, "the digests of the second checkout")
    trial.note("a second checkout publishes the same digests")


def install_from_registry(trial: Trial, registry: Guarded, namespace: str, published: dict[str, str]) -> None:
    """Each Helm logs in as the robot, pulls and installs."""
    for major in (3, 4):
        trust = registry.helm(major)
        place = registry.directory / f"pulled-{major}"
        chart = f"oci://{registry.charts}/rocketmq"
        place.mkdir()
        result = command_result([*trial.bed.helm(major), "pull", chart, "--destination", place, *trust])
        (digest,) = (digest for name, digest in published.items() if "/charts/rocketmq:" in name)
        trial.check(digest in result.stdout + result.stderr, f"Helm {major} pulled another digest than {digest}: {result}")
        trial.check(list(place.glob("rocketmq-*.tgz")), f"Helm {major} pulled no archive")
        trial.note(f"Helm {major} logged in as {ROBOT} and pulled {digest}")
        release = Release(trial, namespace, ROCKETMQ, name=f"registry-{major}", values=ALONE)
        release.install(major=major, chart=[chart, *trust])
        output([*trial.bed.helm(major), "uninstall", release.name, "--namespace", namespace, "--wait"])
    # What `helm registry login` left is a login for midships, too.
    shutil.rmtree(registry.directory / "docker")
    trial.equal(digests(registry.midships(who="")), published, "what is published with Helm's login")


def install_from_web_server(trial: Trial, registry: Guarded, namespace: str) -> None:
    """The same from an index on a plain web server, which keeps an older version whose archive is gone."""
    bed, site = trial.bed, registry.directory / "site"
    address = f"http://127.0.0.1:{SITE_PORT}"
    midships = program("midships")
    output([midships, "package", "--out", site])
    archives = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in site.glob("*.tgz")}
    older = registry.directory / "older.yaml"
    entry = {"apiVersion": "v2", "name": "rocketmq", "version": "0.0.1", "digest": "0" * 64, "urls": [f"{address}/older.tgz"]}
    older.write_text(json.dumps({"apiVersion": "v1", "entries": {"rocketmq": [entry]}}))
    output([midships, "index", site, "--url", address, "--merge", older])
    first = (site / "index.yaml").read_bytes()
    output([midships, "index", site, "--url", address])
    trial.equal((site / "index.yaml").read_bytes(), first, "the index that is written again")
    server = [sys.executable, "-m", "http.server", SITE_PORT, "--bind", "127.0.0.1", "--directory", site]
    # The hook image of the bed's registry, which is what nodes can pull.
    version = output([midships, "--version"]).split()[-1]
    image = digests(registry.midships())[f"{registry.charts}/hook:{version}"]
    hook = {"hook": {"image": {"repository": f"{bed.charts}/hook", "tag": f"{version}@{image}"}}}
    with served(bed, server, ["curl", "-fs", "-o", "/dev/null", f"{address}/index.yaml"], registry.directory / "site.log"):
        for major in (3, 4):
            helm, home = bed.helm(major), registry.directory / f"helm-{major}"
            where = ["--repository-config", str(home / "repositories.yaml"), "--repository-cache", str(home / "cache")]
            home.mkdir()
            output([*helm, "repo", "add", "site", address, *where])
            # Helm's search also finds charts whose names begin so.
            listed = json.loads(output([*helm, "search", "repo", "site/rocketmq", "--versions", "--output", "json", *where]))
            found = [entry for entry in listed if entry["name"] == "site/rocketmq"]
            trial.equal(found[-1]["version"], "0.0.1", f"the oldest of {len(found)} versions that Helm {major} finds")
            output([*helm, "pull", "site/rocketmq", "--destination", str(home), *where])
            (archive,) = home.glob("rocketmq-*.tgz")
            trial.equal(hashlib.sha256(archive.read_bytes()).hexdigest(), archives[archive.name], f"what Helm {major} pulled")
            release = Release(trial, namespace, ROCKETMQ, name=f"site-{major}", values={**ALONE, **hook})
            release.install(major=major, chart=["site/rocketmq", *where])
            output([*helm, "uninstall", release.name, "--namespace", namespace, "--wait"])
            trial.note(f"Helm {major} added the repository, pulled and installed from it")
