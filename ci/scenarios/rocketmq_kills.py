"""RocketMQ: the hook program and the helm client are killed with -9 in the middle of a change."""

from __future__ import annotations

from collections.abc import Callable

from .bed import command_result, program
from .kubernetes import Kubernetes
from .load import Load, now
from .release import Helm, Release
from .sabotage import Boundary, Saboteur
from .trial import Failed, Trial, scenario, until

MOST_ROUNDS = 12
# The steps of the plans to more and to fewer name servers, and those that a rollback takes back. A last step that only waits,
# as `brokers_registered` on the way to more, has no boundary of its own: what ends it closes the plan in the same write.
STEPS = {
    2: {"order_configuration_copied", "brokers_told"},
    1: {"brokers_told", "brokers_registered", "brokers_released"},
}
UNDONE = {"brokers_told"}


@scenario("rocketmq-kill-steps", needs_power=True)
def kill_steps(trial: Trial) -> None:
    """The hook program killed with -9 at every boundary of every step, doing and undoing, under load; helm finishes."""
    with trial.bed.namespace("accept-kill-steps") as namespace:
        release = Release(trial, namespace, "5.4.0")
        release.install()
        load = Load(release, watched=2)
        saboteurs = {count: Saboteur(release) for count in (2, 1)}
        for _ in range(MOST_ROUNDS):
            kills = 0
            for count, saboteur in saboteurs.items():
                kills += change_under_sabotage(trial, release, saboteur, count)
            if kills == 0:
                break
        undone = undo_under_sabotage(trial, release)
        release.set_name_servers(2)
        load.finish()
        for count, saboteur in saboteurs.items():
            trial.figure(f"killed on the way to {count} name servers", check_every_step(trial, saboteur, STEPS[count]))
        trial.figure("killed while undoing", check_every_step(trial, undone, UNDONE))


def change_under_sabotage(trial: Trial, release: Release, saboteur: Saboteur, count: int) -> int:
    """One change of the number of name servers with kills in it, which must succeed; returns how many kills."""
    trial.note(f"helm upgrade to {count} name servers, with kills")
    helm = release.begin("upgrade", {"nameServers": {"count": count}})
    kills = saboteur.run(helm)
    result = helm.finish()
    trial.equal(result.returncode, 0, f"exit code of helm upgrade with kills ({result.stderr.strip()[-1500:]})")
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    return kills


def undo_under_sabotage(trial: Trial, release: Release) -> Saboteur:
    """Leaves plans open in the middle and rolls back, with kills while they are undone, until every boundary was hit."""
    undoing = Saboteur(release, wanted=lambda boundary: boundary[0].startswith("undo_"))
    for _ in range(MOST_ROUNDS):
        leave_open(trial, release, ("succeeded", "brokers_told"))
        trial.note("helm rollback, with kills")
        helm = Helm.rollback(release)
        kills = undoing.run(helm)
        result = helm.finish()
        trial.equal(result.returncode, 0, f"exit code of helm rollback with kills ({result.stderr.strip()[-1500:]})")
        trial.equal(release.list_for_restarts(), release.name_servers(1), "name servers that a restarted broker would read")
        if kills == 0:
            break
    return undoing


def leave_open(trial: Trial, release: Release, last: Boundary) -> None:
    """Starts a change from one name server to two and kills helm and the hook program at a step boundary."""
    trial.note("helm upgrade to 2 name servers, to be left in the middle")
    values = release.values
    helm = release.begin("upgrade", {"nameServers": {"count": 2}})
    release.values = values
    saboteur = Saboteur(release, wanted=lambda boundary: boundary == last, most_each=1)

    class KilledToo:
        """Helm until the saboteur has struck; then it is killed as well."""

        @staticmethod
        def running() -> bool:
            return helm.running() and not saboteur.done

    saboteur.run(KilledToo())  # type: ignore[arg-type]
    if not saboteur.done:
        raise Failed(f"helm ended and {' '.join(last)} was never seen: {helm.finish().stderr.strip()[-1500:]}")
    helm.kill()


@scenario("rocketmq-kill-restarts", needs_power=True)
def kill_restarts(trial: Trial) -> None:
    """4.9.3: helm and the hook program killed with -9 after the first restart of a broker; helm rollback finishes and returns."""
    with trial.bed.namespace("accept-kill-restarts") as namespace:
        release = Release(trial, namespace, "4.9.3", values={"brokers": {"allowRestart": True}})
        release.install()
        load = Load(release, watched=2)
        # The first broker is done when the second one's turn begins, which lasts: it cannot be missed.
        leave_open(trial, release, ("started", f"broker_restarted/{release.full_name}-broker-1-replica-1-0"))
        roll_back(trial, release, 1)
        load.check_listed(1, now())
        load.finish()


def check_every_step(trial: Trial, saboteur: Saboteur, steps: set[str]) -> list[str]:
    """Checks that a kill hit every boundary that was seen, and at least one of each step; returns them in words."""
    trial.equal(sorted(saboteur.seen - set(saboteur.done)), [], "boundaries that were seen and at which nothing was killed")
    missed = steps - {step for _, step in saboteur.done}
    trial.equal(sorted(missed), [], "steps at none of whose boundaries the program was killed")
    return [" ".join(boundary).strip() for boundary in saboteur.done]


@scenario("rocketmq-kill-helm")
def kill_helm(trial: Trial) -> None:
    """The helm client killed with -9 in the before Job, while applying and in the after Job; unlock or rollback mends it."""
    with trial.bed.namespace("accept-kill-helm") as namespace:
        release = Release(trial, namespace, "5.4.0")
        release.install()
        load = Load(release, watched=2)
        api, names = trial.bed.api, release.full_name
        release.set_name_servers(2)

        kill_when(trial, release, 1, "the before Job runs", lambda: job_active(api, namespace, f"{names}-before"))
        unlock(trial, release)
        release.set_name_servers(1)

        before = list_version(release)
        kill_when(trial, release, 2, "helm has begun to apply", lambda: list_version(release) != before)
        roll_back(trial, release, 1)
        release.set_name_servers(2)

        kill_when(trial, release, 1, "the after Job runs", lambda: job_active(api, namespace, f"{names}-after"))
        unlock(trial, release)
        release.set_name_servers(1)
        load.check_listed(1, now())
        load.finish()


def job_active(api: Kubernetes, namespace: str, name: str) -> bool:
    """Whether a Job has a pod that runs."""
    job = api.get("jobs", namespace, name)
    return bool(job and job.get("status", {}).get("active") and job["status"].get("ready"))


def list_version(release: Release) -> str:
    """The version of the ConfigMap that the chart changes with the number of name servers."""
    found = release.bed.api.get("configmaps", release.namespace, f"{release.full_name}-brokers")
    return found["metadata"]["resourceVersion"] if found else ""


def kill_when(trial: Trial, release: Release, count: int, what: str, condition: Callable[[], bool]) -> None:
    """Starts a change and kills the helm client as soon as a condition holds; checks that Helm then refuses to go on."""
    trial.note(f"helm upgrade to {count} name servers, killed when {what}")
    values = release.values
    helm = release.begin("upgrade", {"nameServers": {"count": count}})
    release.values = values

    def seen() -> bool:
        if not helm.running():
            raise Failed(f"helm had ended before {what}: {helm.finish().stderr.strip()[-1500:]}")
        return condition()

    until(what, seen, 300, every=0.02)
    helm.kill()
    refused = release.apply("upgrade")
    trial.check(refused.returncode != 0, f"helm upgrade went on although a client was killed when {what}")
    trial.note(f"helm refuses: {refused.stderr.strip().splitlines()[-1]}")


def unlock(trial: Trial, release: Release) -> None:
    """Marks the pending revision failed with the hook program; refused while a Job runs, so that is waited for."""
    command = trial.bed.net(program("midships-hook"), "unlock", release.name, "--namespace", release.namespace)

    def unlocked() -> bool:
        result = command_result(command)
        said.append(result.stderr.strip() or result.stdout.strip())
        return result.returncode == 0

    said: list[str] = []
    until("midships-hook unlock succeeds once no Job runs", unlocked, 300, every=0.5)
    trial.note(f"midships-hook unlock: refused {len(said) - 1} times while a Job ran, then: {said[-1].splitlines()[-1]}")


def roll_back(trial: Trial, release: Release, count: int) -> None:
    """Rolls back to the last revision that was deployed."""
    result = release.roll_back(count)
    trial.equal(result.returncode, 0, f"exit code of helm rollback ({result.stderr.strip()[-1500:]})")
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    trial.note("helm rollback mended the release")
