"""Passwords of Redis change, while real clients write: those that show the former one and those that show the new one."""

from __future__ import annotations

import base64
import dataclasses
import secrets

from .bed import output
from .kubernetes import lives
from .redis_cluster import check_slots
from .redis_load import RedisLoad
from .redis_release import CLUSTER, PORT, RedisRelease
from .trial import Trial, scenario, until

# Two clients at a time.
RATE = 3_000
# Asks the server of a pod with a password from the standard input.
ASK = """client="$(command -v redis-cli || command -v valkey-cli)"
IFS= read -r REDISCLI_AUTH
export REDISCLI_AUTH
exec "$client" -p PORT "$@" </dev/null
""".replace("PORT", str(PORT))


@scenario("redis-cluster-password")
def cluster(trial: Trial) -> None:
    """7.0: a new password is taken beside the former one, then alone; no write of clients of both fails, and none is lost."""
    with trial.bed.namespace("accept-redis-password") as namespace:
        release = RedisRelease(trial, namespace, "Redis 7.0", chart_name=CLUSTER)
        release.install()
        former, new = change(release, restarts=True)
        # A server that starts anew, and one whose container does.
        first, last = release.pod_names()[0], release.pod_names()[-1]
        before = lives(release.pods())
        trial.bed.api.delete("pods", namespace, last)
        until(f"{last} is made anew", lambda: lives(release.pods()).get(last, before[last]) != before[last], 120)
        release.await_ready()
        restart(release, first)
        check_slots(release, 3)
        check_shown(release, {new: True, former: False})


@scenario("redis-password-7-0")
def single(trial: Trial) -> None:
    """7.0: the same of one server."""
    with trial.bed.namespace("accept-redis-password-single") as namespace:
        release = RedisRelease(trial, namespace, "Redis 7.0")
        release.install()
        former, new = change(release, restarts=False)
        restart(release, release.pod_names()[0])
        check_shown(release, {new: True, former: False})


def change(release: RedisRelease, *, restarts: bool) -> tuple[str, str]:
    """Has a new password taken beside the former one, then alone, while clients of both write; returns both.

    With restarts, the container of a server that others stand in for starts again in between.
    """
    trial, before = release.trial, lives(release.pods())
    target = release.target()
    former, new = target.password, secrets.token_urlsafe(24)
    old_clients = RedisLoad(trial, target, rate=RATE)

    write(release, {"password": new, "previous-password": former})
    seconds = release.succeed("upgrade")
    trial.figure("a new password beside the former one", f"{seconds:.1f} s")
    if restarts:
        # Its pod may not have heard of the new Secret yet.
        restarted = release.pod_names()[-1]
        restart(release, restarted)
        before[restarted] = lives(release.pods())[restarted]
    check_shown(release, {new: True, former: True})
    other = dataclasses.replace(target, password=new, more=("--prefix", "other"))
    new_clients = RedisLoad(trial, other, rate=RATE)
    old_clients.go_on()
    old_clients.finish(repeated=0, least_rate=0)

    write(release, {"previous-password": None})
    seconds = release.succeed("upgrade")
    trial.figure("the new password alone", f"{seconds:.1f} s")
    check_shown(release, {new: True, former: False})
    trial.equal(lives(release.pods()), before, "uid and restarts of each server")
    new_clients.go_on()
    seconds = release.succeed("upgrade")
    trial.figure("upgrade without a change", f"{seconds:.1f} s")
    new_clients.finish(repeated=0, least_rate=0)
    check_untold(release, (former, new))
    return former, new


def restart(release: RedisRelease, pod: str) -> None:
    """Has the container of a pod start again, and waits until all serve."""
    before = lives(release.pods())[pod]
    stop = ["exec", "--namespace", release.namespace, pod, "--container", "server", "--", "sh", "-c", "kill 1"]
    output([*release.bed.kubectl, *stop])
    until(f"{pod} has been started again", lambda: lives(release.pods())[pod] != before, 60)
    release.await_ready()


def write(release: RedisRelease, keys: dict[str, str | None]) -> None:
    """Writes keys of the Secret with the password, or removes them."""
    name, _ = release.password_secret or ("", "")
    data = {key: base64.b64encode(text.encode()).decode() if text else None for key, text in keys.items()}
    api = release.bed.api
    api.ask("PATCH", api.path("secrets", release.namespace, name), {"data": data}, "application/merge-patch+json")


def check_shown(release: RedisRelease, expected: dict[str, bool]) -> None:
    """Which passwords every server takes, and that replicas are connected to their masters."""
    trial = release.trial
    for pod in release.pod_names():
        for number, (password, is_taken) in enumerate(expected.items(), 1):
            told = ask(release, pod, password, "INFO", "replication")
            trial.equal("role:" in told, is_taken, f"whether {pod} takes password {number}")

    def is_connected(pod: str) -> bool:
        taken = next(password for password, is_taken in expected.items() if is_taken)
        return "master_link_status:down" not in ask(release, pod, taken, "INFO", "replication")

    for pod in release.pod_names():
        until(f"{pod} is connected to its master", lambda pod=pod: is_connected(pod), 60)


def ask(release: RedisRelease, pod: str, password: str, *words: str) -> str:
    """What the server of a pod answers to whoever shows a password."""
    where = ["exec", "--stdin", "--namespace", release.namespace, pod, "--container", "server"]
    return output([*release.bed.kubectl, *where, "--", "sh", "-c", ASK, "ask", *words], input=f"{password}\n")


def check_untold(release: RedisRelease, passwords: tuple[str, ...]) -> None:
    """No password stands in the journal, in an Event or in a log."""
    api, namespace = release.bed.api, release.namespace
    said = [str(api.list("configmaps", namespace)), str(api.list("events", namespace))]
    said += [api.log(namespace, pod, container="server") for pod in release.pod_names()]
    for password in passwords:
        release.trial.check(not any(password in text for text in said), "a password was told")
