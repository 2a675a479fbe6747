"""The load of Redis is itself tried, on clusters of plain servers: what it must not find, and what it must."""

from __future__ import annotations

from .bed import output
from .kubernetes import ready
from .load import SECURE
from .redis_load import Filling, RedisLoad, Target
from .redis_release import PORT
from .trial import Trial, scenario, until

NAMESPACE = "redis-loader"
MASTERS = 3
REPLICA = "server-3"  # of the first master
MOVED_SLOTS = 600
# Bytes that the first master has for its replica and that no kernel holds: they die with it.
UNSENT = 500_000
# The server is not the first process of its container, so that it can be killed and stays away.
SERVE = """redis-server --port 6379 --protected-mode no --save '' --dir /data --cluster-enabled yes --cluster-node-timeout 2000 &
echo $! >/data/pid
wait $!
exec sleep infinity
"""


@scenario("redis-load-7-0")
def newer(trial: Trial) -> None:
    """7.0: the load loses nothing and meets no error while slots are moved, and finds what a killed master takes along."""
    judge(trial, "7.0")


@scenario("redis-load-5-0-6")
def older(trial: Trial) -> None:
    """5.0.6: the load loses nothing and meets no error while slots are moved, and finds what a killed master takes along."""
    judge(trial, "5.0.6")


def judge(trial: Trial, version: str) -> None:
    """Moves slots under one load and kills a master under another one."""
    trial.bed.images(f"redis:{version}")
    with trial.bed.namespace(NAMESPACE):
        cluster = Servers(trial, version)
        target = cluster.target()
        filling = Filling(trial, target, 10, (100, 16_384))
        load = RedisLoad(trial, target, keys=20_000)
        cluster.move_slots()
        summary = load.finish(repeated=0)
        trial.check(summary["read"] >= 20_000, f"only {summary['read']} keys were read back")
        filling.check()
        # Large values, so that the kernels' buffers are full soon.
        load = RedisLoad(trial, target, keys=20_000, value_size=1000)
        cluster.lose_first_master()
        load.go_on()
        summary = load.stop()
        missing = summary["lost"] + summary["stale"]
        trial.note(f"found missing: {missing}, first {summary['findings'][:2]}")
        trial.check(missing > 0, "the load has found nothing missing, though the master had more than its replica")
        trial.equal(summary["unread"], 0, "keys that could not be read back")
        trial.equal(summary["damaged"], 0, "keys with values that nobody wrote")
        longest = max(gap["milliseconds"] for gap in summary["gaps"])
        trial.check(longest >= 1000, f"the slots of a killed master were without a write for {longest} ms at most")
        elsewhere = min(gap["milliseconds"] for gap in summary["gaps"])
        trial.figure("longest gap in the slots of other masters", f"{elsewhere} ms")


class Servers:
    """Three masters and a replica of the first one, each in a pod of its own, joined by the client of their image."""

    def __init__(self, trial: Trial, version: str) -> None:
        self.trial = trial
        self._api = trial.bed.api
        names = [f"server-{number}" for number in range(MASTERS + 1)]
        for name in names:
            self._create(name, f"{trial.bed.registry}/library/redis:{version}")
        until("the servers are ready", lambda: all(ready(self._pod(name)) for name in names), 120)
        self.addresses = {name: f"{self._pod(name)['status']['podIP']}:{PORT}" for name in names}
        masters = [self.addresses[name] for name in names if name != REPLICA]
        first = names[0]
        self._cli(first, "--cluster", "create", *masters, "--cluster-yes")
        self._await_agreement(masters)
        identity = self._cli(first, "CLUSTER", "MYID").strip()
        replica = ("--cluster-slave", "--cluster-master-id", identity)
        self._cli(first, "--cluster", "add-node", self.addresses[REPLICA], masters[0], *replica)
        until("the replica has the data", lambda: "master_link_status:up" in self._cli(REPLICA, "INFO", "replication"), 60)
        self._await_agreement(self.addresses.values())
        trial.note(f"{MASTERS} masters and a replica of {version} are a cluster")

    def _create(self, name: str, image: str) -> None:
        container = {
            "name": "server",
            "image": image,
            "command": ["sh", "-c", SERVE],
            "readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}, "periodSeconds": 1, "timeoutSeconds": 5},
            "resources": {"requests": {"cpu": "50m", "memory": "48Mi"}, "limits": {"memory": "192Mi"}},
            "securityContext": SECURE,
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
        specification = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "data", "emptyDir": {}}],
        }
        self._api.create("pods", NAMESPACE, {"metadata": {"name": name}, "spec": specification})

    def _pod(self, name: str) -> dict:
        return self._api.get("pods", NAMESPACE, name) or {}

    def _run(self, name: str, *command: str) -> str:
        return output([*self.trial.bed.kubectl, "exec", "--namespace", NAMESPACE, name, "--", *command])

    def _cli(self, name: str, *words: str) -> str:
        return self._run(name, "redis-cli", *words)

    def _await_agreement(self, addresses: object) -> None:
        """Waits until all servers see each other and all slots, in one way."""

        def agreed() -> bool:
            for name in [name for name, address in self.addresses.items() if address in addresses]:
                information = self._cli(name, "CLUSTER", "INFO")
                if "cluster_state:ok" not in information or f"cluster_known_nodes:{len(list(addresses))}" not in information:
                    return False
            return True

        until("the servers agree", agreed, 60)

    def target(self) -> Target:
        """Where clients find the servers."""
        return Target("cluster", list(self.addresses.values()), namespace=NAMESPACE)

    def move_slots(self) -> None:
        """Moves slots with their keys from the first master to the second."""
        source, target = (self._cli(name, "CLUSTER", "MYID").strip() for name in ("server-0", "server-1"))
        ends = ("--cluster-from", source, "--cluster-to", target, "--cluster-slots", str(MOVED_SLOTS))
        self._cli("server-0", "--cluster", "reshard", self.addresses["server-0"], *ends, "--cluster-yes")
        self.trial.note(f"{MOVED_SLOTS} slots were moved")

    def _signal(self, name: str, kind: str) -> None:
        self._run(name, "sh", "-c", f"kill -{kind} $(cat /data/pid)")

    def lose_first_master(self) -> None:
        """Kills the first master while its replica hears nothing, and waits until the replica has taken over."""
        self._signal(REPLICA, "STOP")
        until("the master has what its replica does not take", lambda: self._unsent() > UNSENT, 120)
        self._signal("server-0", "KILL")
        self.trial.note("the first master was killed, with writes that its replica does not have")
        self._signal(REPLICA, "CONT")
        until("the replica is the master", lambda: "role:master" in self._cli(REPLICA, "INFO", "replication"), 60)
        until("the cluster serves", lambda: "cluster_state:ok" in self._cli("server-1", "CLUSTER", "INFO"), 60)

    def _unsent(self) -> int:
        """How many bytes the first master keeps for its replica."""
        words = self._cli("server-0", "CLIENT", "LIST", "TYPE", "replica").split()
        return sum(int(word.removeprefix("omem=")) for word in words if word.startswith("omem="))
