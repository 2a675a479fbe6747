"""RocketMQ: clients that reach the brokers through proxies only, while proxies come, go and are renewed."""

from __future__ import annotations

from .bed import output
from .kubernetes import ready
from .load import Load
from .release import Release
from .trial import Trial, scenario, until

GRPC, REMOTING, METRICS = 8081, 8080, 5557
# Each thread of a broker that stores something keeps a buffer for the largest message, 4 MB, and POP has many.
BROKERS = {
    "groups": 2,
    "replicasPerGroup": 0,
    "directMemoryMegabytes": 512,
    "resources": {"limits": {"memory": "1Gi"}},
}


@scenario("rocketmq-proxy", needs_power=True)
def grpc(trial: Trial) -> None:
    """5.5.0: gRPC clients while proxies are added, renewed for another configuration, evicted and taken away."""
    check_proxies(trial, f"--endpoints {{host}}:{GRPC}")


@scenario("rocketmq-proxy-remoting", needs_power=True)
def remoting(trial: Trial) -> None:
    """5.5.0: the same with clients of the remoting protocol, of which a proxy that stops may leave a send unanswered."""
    # Queues of consumers that are counted twice wait for 70 s, and until proxies and clients look again.
    check_proxies(trial, f"--proxies {{host}}:{REMOTING} --drain 150", send_errors=None)


def check_proxies(trial: Trial, through: str, send_errors: int | None = 0) -> None:
    """Changes the proxies of a release in each way under load through them, which loses nothing; None: sends may fail."""
    name = "remoting" if "--proxies" in through else "grpc"
    with trial.bed.namespace(f"accept-proxy-{name}") as namespace:
        proxy = {"enabled": True, "replicas": 1}
        values = {"brokers": BROKERS, "proxy": proxy, "metrics": {"enabled": True}}
        release = Release(trial, namespace, "5.5.0", values=values)
        release.install()
        trial.equal(restarts(release), 0, "restarts of proxies while brokers came up")
        host = release.proxy(GRPC).rpartition(":")[0]
        load = Load(release, watched=1, through=through.format(host=host))
        brokers = release.broker_lives()
        change(release, {"replicas": 3})
        first = names(release)
        change(release, {"configuration": {"maxMessageSize": 2_097_152}})
        trial.equal(names(release) & first, set(), "proxies that go on with the configuration of before")
        evicted = min(names(release))
        trial.bed.api.evict(namespace, evicted)
        until("another proxy has come for the evicted one", lambda: evicted not in names(release) and settled(release), 180)
        check_metrics(release)
        release.set_name_servers(2)
        until("the proxies know both name servers", lambda: settled(release), 300)
        change(release, {"replicas": 1})
        trial.equal(release.broker_lives(), brokers, "uid and restarts of each broker")
        load.finish(send_errors=send_errors)


def check_metrics(release: Release) -> None:
    """Checks that each broker tells how many messages it took, and each proxy that it is there."""
    for component, series in (("broker", "rocketmq_messages_in_total"), ("proxy", "rocketmq_proxy_up")):
        for pod in release.pods(component):
            told = output(release.bed.net("curl", "-fsS", "--max-time", "5", f"http://{pod['status']['podIP']}:{METRICS}/metrics"))
            release.trial.check(series in told, f"{pod['metadata']['name']} tells no {series}: {told[:500]}")


def change(release: Release, proxy: dict) -> None:
    """Upgrades the release and waits until its proxies are what was asked for."""
    seconds = release.succeed("upgrade", {"proxy": proxy})
    until("the proxies are as asked for", lambda: settled(release), 240)
    release.trial.figure(f"proxy {proxy}", f"{seconds:.1f} s")


def settled(release: Release) -> bool:
    """Whether the Deployment has what it was asked for, and no proxy of before is left."""
    deployment = release.bed.api.get("deployments", release.namespace, f"{release.full_name}-proxy")
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
    pods = release.pods("proxy")
    return observed and status.get("updatedReplicas") == wanted == len(pods) and all(ready(pod) for pod in pods)


def names(release: Release) -> set[str]:
    """The proxies that are there."""
    return {pod["metadata"]["name"] for pod in release.pods("proxy")}


def restarts(release: Release) -> int:
    """How often containers of proxies were started again."""
    statuses = [status for pod in release.pods("proxy") for status in pod["status"].get("containerStatuses", [])]
    return sum(status["restartCount"] for status in statuses)
