"""RocketMQ: the hook program and the helm client are killed with -9 in the middle of a change."""

from __future__ import annotations

from collections.abc import Callable

from .chart_release import Helm
from .kubernetes import Kubernetes
from .load import Load, now
from .release import Release
from .sabotage import Boundary, Plan, Saboteur, boundaries_of_undoing
from .trial import Failed, Trial, scenario, until

MOST_ROUNDS = 8
# Where the plan is left that a rollback takes back.
LEFT_AT = ("succeeded", "brokers_told")


@scenario("rocketmq-kill-steps", needs_power=True)
def kill_steps(trial: Trial) -> None:
    """The hook program killed with -9 at every boundary of every step, doing and undoing, under load; helm finishes."""
    # A new name server begins without what the one before it was told, so that copying has something to do each time.
    values = {"brokers": {"replicasPerGroup": 0}, "nameServers": {"storage": {"onScaleIn": "Delete"}}}
    with trial.bed.namespace("accept-kill-steps") as namespace:
        release = Release(trial, namespace, "5.4.0", values=values)
        release.install()
        load = Load(release, watched=2)
        saboteurs = kill_until_every_boundary_was_hit(trial, release)
        undone, missed = undo_under_sabotage(trial, release)
        release.set_name_servers(2)
        load.check_listed(2, now())
        load.finish()
        check_every_boundary(trial, saboteurs)
        trial.equal(missed, [], "boundaries of undoing without a kill")
        trial.figure("killed while undoing", in_words(undone))


@scenario("rocketmq-kill-steps-4-9-3", needs_power=True)
def kill_steps_of_restarts(trial: Trial) -> None:
    """4.9.3: the hook program killed with -9 at every boundary of a plan of restarts, under load; helm finishes."""
    values = {"brokers": {"allowRestart": True, "replicasPerGroup": 0}, "nameServers": {"storage": {"onScaleIn": "Delete"}}}
    with trial.bed.namespace("accept-kill-steps-4-9-3") as namespace:
        release = Release(trial, namespace, "4.9.3", values=values)
        release.install()
        load = Load(release, watched=2)
        saboteurs = kill_until_every_boundary_was_hit(trial, release)
        release.set_name_servers(2)
        load.check_listed(2, now())
        load.finish()
        check_every_boundary(trial, saboteurs)


def kill_until_every_boundary_was_hit(trial: Trial, release: Release) -> dict[int, Saboteur]:
    """Changes the name servers to two and back with kills, until each boundary of the plans was hit or no round is left."""
    saboteurs = {count: Saboteur(release) for count in (2, 1)}
    for _ in range(MOST_ROUNDS):
        for count, saboteur in saboteurs.items():
            change_under_sabotage(trial, release, saboteur, count)
        if not any(saboteur.missing() for saboteur in saboteurs.values()):
            break
    return saboteurs


def check_every_boundary(trial: Trial, saboteurs: dict[int, Saboteur]) -> None:
    """Checks that every boundary of the plans that were seen was hit, and keeps which."""
    for count, saboteur in saboteurs.items():
        trial.check(saboteur.plans, f"no plan was seen on the way to {count} name servers")
        trial.equal(saboteur.missing(), [], f"boundaries on the way to {count} name servers without a kill")
        trial.figure(f"killed on the way to {count} name servers", in_words(saboteur))


def in_words(saboteur: Saboteur) -> list[str]:
    """The boundaries at which programs were killed."""
    return [" ".join(boundary).strip() for boundary in saboteur.killed]


def change_under_sabotage(trial: Trial, release: Release, saboteur: Saboteur, count: int) -> None:
    """One change of the number of name servers with kills in it, which must succeed."""
    trial.note(f"helm upgrade to {count} name servers, with kills")
    helm = release.begin("upgrade", {"nameServers": {"count": count}})
    saboteur.run(helm)
    result = helm.finish()
    trial.equal(result.returncode, 0, f"exit code of helm upgrade with kills ({result.stderr.strip()[-1500:]})")
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")


def undo_under_sabotage(trial: Trial, release: Release) -> tuple[Saboteur, list[Boundary]]:
    """Leaves plans open in the middle and rolls back, with kills while they are undone, until every boundary was hit.

    Returns who killed, and the boundaries that were not hit.
    """
    undoing = Saboteur(release, wanted=lambda boundary: boundary[0].startswith("undo_"))
    missed: list[Boundary] = []
    for _ in range(MOST_ROUNDS):
        plan = leave_open(trial, release, LEFT_AT)
        trial.note("helm rollback, with kills")
        helm = Helm.rollback(release)
        undoing.run(helm)
        result = helm.finish()
        trial.equal(result.returncode, 0, f"exit code of helm rollback with kills ({result.stderr.strip()[-1500:]})")
        trial.equal(release.list_for_restarts(), release.name_servers(1), "name servers that a restarted broker would read")
        missed = sorted(boundaries_of_undoing(plan, LEFT_AT[1]) - set(undoing.killed))
        if not missed:
            break
    return undoing, missed


TWO_NAME_SERVERS = {"nameServers": {"count": 2}}


def leave_open(trial: Trial, release: Release, last: Boundary, change: dict = TWO_NAME_SERVERS) -> Plan:
    """Starts a change, from one name server to two unless told otherwise, and kills helm and the hook program at a step boundary.

    Returns the plan that is left open.
    """
    trial.note("helm upgrade, to be left in the middle")
    values = release.values
    helm = release.begin("upgrade", change)
    release.values = values
    saboteur = Saboteur(release, wanted=lambda boundary: boundary == last, most_each=1)

    class KilledToo:
        """Helm until the saboteur has struck; then it is killed as well."""

        @staticmethod
        def running() -> bool:
            return helm.running() and not saboteur.killed

    saboteur.run(KilledToo())  # type: ignore[arg-type]
    if not saboteur.killed:
        raise Failed(f"helm ended and {' '.join(last)} was never seen: {helm.finish().stderr.strip()[-1500:]}")
    helm.kill()
    return next(plan for plan in saboteur.plans if last[1] in plan)


@scenario("rocketmq-kill-restarts", needs_power=True)
def kill_restarts(trial: Trial) -> None:
    """4.9.3: helm and the hook program killed with -9 after the first restart; the same upgrade carries the plan on."""
    with trial.bed.namespace("accept-kill-restarts") as namespace:
        release = Release(trial, namespace, "4.9.3", values={"brokers": {"allowRestart": True, "replicasPerGroup": 0}})
        release.install()
        load = Load(release, watched=2)
        # The first broker is done when the second one's turn begins, which lasts: it cannot be missed.
        leave_open(trial, release, ("started", f"broker_restarted/{release.full_name}-broker-1-master-0"))
        # Without its Job nobody goes on with the plan before the same upgrade does, in its before Job.
        trial.bed.api.delete("jobs", namespace, f"{release.full_name}-after")
        release.unlock()
        lives = release.broker_lives()
        release.set_name_servers(2)
        load.check_listed(2, now())
        first = f"{release.full_name}-broker-0-master-0"
        trial.equal(release.broker_lives()[first], lives[first], "uid and restarts of the broker that had been restarted")
        load.finish()


@scenario("rocketmq-kill-restarts-rollback", needs_power=True)
def kill_restarts_rollback(trial: Trial) -> None:
    """4.9.3: helm and the hook program killed with -9 after the first restart; helm rollback restarts no other broker."""
    with trial.bed.namespace("accept-kill-rollback") as namespace:
        release = Release(trial, namespace, "4.9.3", values={"brokers": {"allowRestart": True}})
        release.install()
        load = Load(release, watched=2)
        before = release.broker_lives()
        leave_open(trial, release, ("started", f"broker_restarted/{release.full_name}-broker-1-replica-1-0"))
        # Its Job would start a pod again, which may carry the plan to its end before the rollback gets its turn.
        trial.bed.api.delete("jobs", namespace, f"{release.full_name}-after")
        roll_back(trial, release, 1)
        load.check_listed(1, now())
        load.finish()
        after = release.broker_lives()
        masters = [name for name in before if name.endswith("-master-0")]
        trial.equal([name for name in masters if after[name] != before[name]], [], "masters that were restarted for nothing")


@scenario("rocketmq-kill-helm")
def kill_helm(trial: Trial) -> None:
    """The helm client killed with -9 in the before Job, while applying and in the after Job; unlock or rollback mends it."""
    with trial.bed.namespace("accept-kill-helm") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"replicasPerGroup": 0}})
        release.install()
        load = Load(release, watched=2)
        api, names = trial.bed.api, release.full_name
        release.set_name_servers(2)

        kill_when(trial, release, 1, "the before Job runs", lambda: job_active(api, namespace, f"{names}-before"))
        release.unlock()
        release.set_name_servers(1)

        before = list_version(release)
        kill_when(trial, release, 2, "helm has begun to apply", lambda: list_version(release) != before)
        roll_back(trial, release, 1)
        release.set_name_servers(2)

        kill_when(trial, release, 1, "the after Job runs", lambda: job_active(api, namespace, f"{names}-after"))
        release.unlock()
        release.set_name_servers(1)
        load.check_listed(1, now())
        load.finish()


@scenario("rocketmq-helm-timeout")
def helm_timeout(trial: Trial) -> None:
    """Helm's timeout ends first, in the before and in the after Job: the Job goes on with its rights, the next run joins."""
    with trial.bed.namespace("accept-helm-timeout") as namespace:
        release = Release(trial, namespace, "5.4.0", values={"brokers": {"replicasPerGroup": 0}})
        release.install()
        load = Load(release, watched=2)
        for major in (3, 4):
            # The limit is each hook's: the before Job ends within it also on a busy machine, the after Job in no case.
            time_out(trial, release, 2, "after", "15s", major)
            time_out(trial, release, 1, "before", "5s", major)
            load.check_listed(1, now())
        load.finish()


def time_out(trial: Trial, release: Release, count: int, phase: str, timeout: str, major: int) -> None:
    """Changes the number of name servers with too short a timeout, sees the Job finish, and upgrades again."""
    trial.note(f"helm {major} upgrade to {count} name servers with --timeout {timeout}")
    result = release.begin("upgrade", {"nameServers": {"count": count}}, major=major, timeout=timeout).finish()
    trial.check(result.returncode != 0, f"helm upgrade did not run into its timeout of {timeout}")
    api, name = release.bed.api, f"{release.full_name}-{phase}"

    def ended() -> dict | None:
        job = api.get("jobs", release.namespace, name)
        return job if job and (job["status"].get("succeeded") or job["status"].get("failed")) else None

    job = until(f"the {phase} Job ends after helm has given up", ended, 300)
    trial.equal(job["status"].get("failed", 0), 0, f"failed pods of the {phase} Job after helm has given up")
    trial.note(f"the {phase} Job has finished without helm")
    trial.figure(f"helm {major} upgrade to {count} again", f"{release.succeed('upgrade', major=major):.1f} s")


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


def roll_back(trial: Trial, release: Release, count: int) -> None:
    """Rolls back to the last revision that was deployed."""
    result = release.roll_back(count)
    trial.equal(result.returncode, 0, f"exit code of helm rollback ({result.stderr.strip()[-1500:]})")
    trial.equal(release.list_for_restarts(), release.name_servers(count), "name servers that a restarted broker would read")
    trial.note("helm rollback mended the release")
