"""One release of a chart of Redis or Valkey: installing it, and asking its servers."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

from .bed import merged, output
from .chart_release import ChartRelease
from .kubernetes import lives
from .redis_load import Target
from .trial import Failed

PORT, TLS_PORT = 6379, 6380
SENTINEL_PORT = 26379
MASTER = "mymaster"
STANDALONE, SENTINEL, CLUSTER = "redis", "redis-sentinel", "redis-cluster"
# Small servers: what is tried is the order of things, not their size.
SMALL = {
    "server": {"resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}},
    "persistence": {"storage": {"size": "1Gi"}},
}
# Begins a script: finds the client of whichever image it is, and the password that the server takes, as started or else of the Secret.
SIGN_IN = """client="$(command -v redis-cli || command -v valkey-cli)"
for file in /run/redis/password /config/password/password; do
  if [ -s "$file" ]; then
    REDISCLI_AUTH="$(cat "$file")"
    export REDISCLI_AUTH
    case "$("$client" ping 2>&1)" in
      *WRONGPASS* | *NOAUTH*) ;;
      *) break ;;
    esac
  fi
done
"""
ASK = f'{SIGN_IN}exec "$client" "$@"\n'


@dataclass
class RedisRelease(ChartRelease):
    """A release in a namespace; the version is one that the chart knows, such as `Redis 7.0`."""

    chart_name: str = STANDALONE
    components = ("server", "sentinel")

    def __post_init__(self) -> None:
        own = {"version": self.version, "imageRegistry": self.bed.registry}
        self.values = merged(merged(SMALL, own), self.values)

    @property
    def product(self) -> str:
        """What is installed, with its version, in words."""
        return self.version

    @property
    def image(self) -> str:
        """The image of the servers, as the test bed names it."""
        return self.version.lower().replace(" ", ":")

    def renew(self, what: str, change: dict, component: str = "") -> None:
        """Changes values with `helm upgrade`, and checks that each pod, or each of a component, was renewed once, and no other one."""
        trial, before = self.trial, lives(self.pods())
        seconds = self.succeed("upgrade", change)
        trial.figure(f"new {what}", f"{seconds:.1f} s")
        trial.note(f"helm upgrade to new {what} took {seconds:.1f} s")
        after = lives(self.pods())
        wanted = sorted(pod["metadata"]["name"] for pod in self.pods(component))
        trial.equal(sorted(name for name, life in after.items() if before[name] != life), wanted, "pods that were renewed")
        trial.equal({restarts for _, restarts in after.values()}, {0}, "restarts of containers of new pods")

    def host(self, service: str) -> str:
        """The name of a Service or of a pod below one, for clients in any namespace."""
        return f"{service}.{self.namespace}.svc.cluster.local"

    def pod_names(self, component: str = "server") -> list[str]:
        """The pods of a component."""
        return [pod["metadata"]["name"] for pod in self.pods(component)]

    def cli(self, pod: str, *words: object, container: str = "server") -> str:
        """Asks the server of a pod by the client of its own image, with its password; an error fails the scenario."""
        return self.run(pod, ASK, *words, container=container)

    def run(self, pod: str, script: str, *words: object, container: str = "server") -> str:
        """Runs a script in a container of a pod, and returns what it says; an error fails the scenario."""
        where = ["exec", "--namespace", self.namespace, pod, "--container", container]
        return output([*self.bed.kubectl, *where, "--", "sh", "-c", script, "ask", *words])

    def information(self, pod: str, section: str) -> dict[str, str]:
        """A section of what the server of a pod tells of itself."""
        lines = (line.strip().partition(":") for line in self.cli(pod, "INFO", section).splitlines())
        return {name: value for name, colon, value in lines if colon}

    @property
    def password_secret(self) -> tuple[str, str] | None:
        """The Secret with the password and its key; nothing where none is shown."""
        authentication = {"source": "Generated", "secretName": "", "secretKey": "password", **self.values.get("authentication", {})}
        match authentication["source"]:
            case "Generated":
                return f"{self.full_name}-password", "password"
            case "Secret":
                return authentication["secretName"], authentication["secretKey"]
        return None

    def password(self) -> str:
        """The password that clients show, or nothing."""
        if self.password_secret is None:
            return ""
        name, key = self.password_secret
        secret = self.bed.api.get("secrets", self.namespace, name)
        if secret is None:
            raise Failed(f"there is no Secret {name}, where the password is expected")
        return base64.b64decode(secret["data"][key]).decode()

    def target(self) -> Target:
        """Where clients find the servers: by the Service that leads to all of them, or by that of the Sentinels, which know the master."""
        if self.chart_name == SENTINEL:
            where = [f"{self.host(f'{self.full_name}-sentinel')}:{SENTINEL_PORT}"]
            secret = self.password()
            return Target("sentinel", where, MASTER, secret, secret, namespace=self.namespace)
        mode = "cluster" if self.chart_name == CLUSTER else "standalone"
        return Target(mode, [f"{self.host(self.full_name)}:{PORT}"], password=self.password(), namespace=self.namespace)
