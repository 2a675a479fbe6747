"""RocketMQ: TLS is turned on and off, and its certificate replaced, while real clients send and consume."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .authority import Authority, presented
from .checks import passes
from .kubernetes import lives
from .load import Load, now
from .release import Release
from .rocketmq_access import ADMINISTRATOR, APPLICATION, asked, check_replica_asks, make_secrets, refused
from .rocketmq_controllers import ELECTED
from .rocketmq_proxy import BROKERS, GRPC, settled
from .rocketmq_restarts import renewed, rolled
from .rocketmq_variants import replace_drained
from .trial import Trial, scenario, until

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATES, OTHER, UNFIT, OLD_FORM = "certificates", "another-authority", "unfit", "old-form"
NAMED, ENFORCED = {"tls": {"secretName": CERTIFICATES}}, {"tls": {"enforced": True}}
UNNAMED = {"tls": {"secretName": ""}}
ENFORCED_FROM_START = {"tls": {"secretName": CERTIFICATES, "enforced": True}}
NO_CERTIFICATE = "presents no certificate that an authority"


@contextmanager
def authorities(release: Release) -> Iterator[tuple[Authority, Authority]]:
    """Two authorities; the Secrets of both, one with the key of the other, and one with its key in another form."""
    with TemporaryDirectory() as directory:
        own, other = (Authority(Path(directory) / name) for name in ("own", "other"))
        secrets = {
            CERTIFICATES: own.secret(),
            OTHER: other.secret(),
            UNFIT: {**own.secret(), "tls.key": other.secret()["tls.key"]},
            OLD_FORM: {**own.secret(), "tls.key": own.in_old_form()},
        }
        for name, content in secrets.items():
            release.bed.api.create("secrets", release.namespace, {"metadata": {"name": name}, "stringData": content})
        yield own, other


@scenario("rocketmq-tls")
def brokers(trial: Trial) -> None:
    """5.5.0: TLS is turned on under load in two upgrades, its certificate replaced, and no longer enforced; wrong Secrets are refused."""
    with trial.bed.namespace("accept-tls") as namespace:
        release = Release(trial, namespace, "5.5.0", values={"nameServers": {"count": 1}})
        with authorities(release) as (own, other):
            release.install()
            load = Load(release, watched=1)
            refused(release, ENFORCED_FROM_START, NO_CERTIFICATE)
            refused(release, {"tls": {"secretName": "missing"}}, "its Secret does not exist")
            refused(release, {"tls": {"secretName": UNFIT}}, "it is not that of the certificate")
            refused(release, {"tls": {"secretName": OLD_FORM}}, "PKCS#8")
            rolled(trial, release, "Secret, while clients speak plain text", NAMED)
            load.finish()
            load.remove()

            load = Load(release, watched=1, prepare=False, tls=CERTIFICATES)
            rolled(trial, release, "enforcement", ENFORCED)
            check_who_is_answered(release, own, other)
            refused(release, {"tls": {"secretName": OTHER}}, NO_CERTIFICATE)
            refused(release, {"tls": {"secretName": OTHER, "enforced": False}}, "has issued")
            refused(release, {"tls": {"secretName": "", "enforced": False}}, "and no Secret is named")

            release.set_name_servers(2)
            replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
            load.await_listed(1)
            passes(trial, release, 4)
            check_replica_asks(release)
            replace_certificate(release, own, new_key=True)
            replace_certificate(release, own, new_key=False)
            passes(trial, release, 4)

            rolled(trial, release, "end of enforcement", {"tls": {"enforced": False}})
            trial.equal(asked(release).returncode, 0, "exit code of a question in plain text")
            load.finish()


@scenario("rocketmq-tls-ends")
def ends(trial: Trial) -> None:
    """5.5.0: TLS is turned off under load of clients that speak plain text: brokers before name servers."""
    with trial.bed.namespace("accept-tls-ends") as namespace:
        release = Release(trial, namespace, "5.5.0", values={"nameServers": {"count": 1}, **NAMED})
        with authorities(release):
            release.install()
            load = Load(release, watched=1)
            refused(release, {**UNNAMED, "brokers": {"groups": 3}}, "would not reach each other")
            before = lives(release.pods("name-server"))
            renewed(trial, release, "end of TLS", UNNAMED)
            kept = [name for name, life in lives(release.pods("name-server")).items() if before[name] == life]
            trial.equal(kept, [], "name servers that were not renewed")
            trial.equal(asked(release).returncode, 0, "exit code of a question after TLS has ended")
            passes(trial, release, 4)
            load.finish()


@scenario("rocketmq-tls-fresh")
def fresh(trial: Trial) -> None:
    """5.5.0: TLS, access control and a proxy from the start: gRPC clients, a drain and operations; a certificate is replaced."""
    with trial.bed.namespace("accept-tls-fresh") as namespace:
        values = {
            "brokers": BROKERS,
            "proxy": {"enabled": True, "replicas": 1},
            **ENFORCED_FROM_START,
            "accessControl": {"secretName": ADMINISTRATOR, "enforced": True},
        }
        release = Release(trial, namespace, "5.5.0", values=values)
        keys = make_secrets(release)
        with authorities(release) as (own, other):
            release.install()
            until("the proxies are as asked for", lambda: settled(release), 240)
            through, secrets = f"--endpoints {release.proxy(GRPC)}", (ADMINISTRATOR, APPLICATION)
            load = Load(release, watched=2, through=through, secrets=secrets, tls=CERTIFICATES)
            check_who_is_answered(release, own, other, keys[ADMINISTRATOR])
            # A drain has to speak it, and to sign.
            replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
            load.await_listed(1)
            replace_certificate(release, own, new_key=True, more=[release.proxy(GRPC)])
            # An operation that speaks it, signs, and tells brokers something.
            release.set_name_servers(2)
            load.check_listed(2, now())
            passes(trial, release, 4)
            load.finish()


@scenario("rocketmq-tls-proxy")
def proxies(trial: Trial) -> None:
    """5.5.0: TLS is turned on in steps with gRPC clients, and enforcement off: new proxies wait until all brokers speak it."""
    # With one name server a proxy refuses messages while that one is restarted.
    with trial.bed.namespace("accept-tls-proxy") as namespace:
        values = {"nameServers": {"count": 2}, "brokers": BROKERS, "proxy": {"enabled": True, "replicas": 1}}
        release = Release(trial, namespace, "5.5.0", values=values)
        with authorities(release):
            release.install()
            through = f"--endpoints {release.proxy(GRPC)}"
            load = Load(release, watched=1, through=through)
            renewed_with_proxies(release, "Secret, while clients speak plain text", NAMED)
            load.finish()
            load.remove()
            load = Load(release, watched=1, prepare=False, through=through, tls=CERTIFICATES)
            renewed_with_proxies(release, "enforcement", ENFORCED)
            renewed_with_proxies(release, "end of enforcement", {"tls": {"enforced": False}})
            load.finish()


def renewed_with_proxies(release: Release, what: str, change: dict) -> None:
    """Changes values with `helm upgrade`, and waits until proxies of before are gone."""
    renewed(release.trial, release, what, change)
    until("the proxies are as asked for", lambda: settled(release), 600)
    release.trial.note("the proxies are as asked for")


@scenario("rocketmq-tls-4-5-0")
def oldest(trial: Trial) -> None:
    """4.5.0, the oldest: installed with TLS, a master drains itself, and a certificate is replaced under load."""
    with trial.bed.namespace("accept-tls-4-5-0") as namespace:
        values = {"nameServers": {"count": 1}, "brokers": {"replicasPerGroup": 0}, **ENFORCED_FROM_START}
        release = Release(trial, namespace, "4.5.0", values=values)
        with authorities(release) as (own, other):
            release.install()
            load = Load(release, watched=1, tls=CERTIFICATES)
            check_who_is_answered(release, own, other)
            replace_drained(trial, release, f"{release.full_name}-broker-0-master-0", evicted=True)
            load.await_listed(1)
            replace_certificate(release, own, new_key=False)
            passes(trial, release, 4)
            load.finish()


@scenario("rocketmq-tls-controllers")
def elected(trial: Trial) -> None:
    """5.5.0, TLS and elected masters: a new heap restarts each broker once under load, and each master hands its group over before."""
    with trial.bed.namespace("accept-tls-controllers") as namespace:
        release = Release(trial, namespace, "5.5.0", values={**ELECTED, **ENFORCED_FROM_START})
        with authorities(release):
            release.install()
            load = Load(release, watched=1, tls=CERTIFICATES)
            renewed(trial, release, "heap", {"brokers": {"heapMegabytes": 240}})
            load.check_listed(1, now())
            passes(trial, release, 4)
            load.finish()


def check_who_is_answered(release: Release, own: Authority, other: Authority, keys: dict[str, str] | None = None) -> None:
    """Who trusts the servers' authority is answered; in plain text nobody is, and who trusts another one asks nobody."""
    trial = release.trial
    answer = asked(release, keys, own.certificate())
    trial.equal(answer.returncode, 0, f"exit code of a question over TLS: {answer.stdout}{answer.stderr}")
    trial.equal(asked(release, keys).returncode, 1, "exit code of a question in plain text")
    answer = asked(release, keys, other.certificate())
    trial.equal(answer.returncode, 1, "exit code of a question of whom another authority is trusted by")
    trial.check("UnknownIssuer" in answer.stdout, f"the answer does not say whom nobody trusts: {answer.stdout}")


def replace_certificate(release: Release, authority: Authority, *, new_key: bool, more: list[str] | None = None) -> None:
    """Replaces the certificate in the Secret, and waits until every server presents the new one, with no pod restarted."""
    before = {pod["metadata"]["uid"] for pod in release.pods()}
    authority.renew(new_key=new_key)
    api, body = release.bed.api, {"metadata": {"name": CERTIFICATES}, "stringData": authority.secret()}
    api.ask("PUT", api.path("secrets", release.namespace, CERTIFICATES), body)
    pods = [(port, pod) for component, port in (("name-server", 9876), ("broker", 10911)) for pod in release.pods(component)]
    servers = [*(f"{pod['status']['podIP']}:{port}" for port, pod in pods), *(more or [])]
    serial = authority.serial()

    def renewed() -> bool:
        return all(presented(release.bed, server) == serial for server in servers)

    until(f"{len(servers)} servers present the new certificate", renewed, 240, every=2)
    release.trial.note(f"all servers present the new certificate, {'with a new' if new_key else 'with the same'} private key")
    release.trial.equal({pod["metadata"]["uid"] for pod in release.pods()}, before, "pods before and after")
