"""The load on Redis or Valkey: a real client that writes numbered keys all the time, and what it found."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .bed import CI, TESTBED, output
from .kubernetes import ready
from .load import SECURE
from .trial import Failed, Trial, until

LEAST_ACKNOWLEDGED = 100_000
LEAST_RATE = 5_000  # acknowledged writes a second
RATE = 7_500
POD = "load-redis"
# What an end may take: commands that have not given up, and the reading back.
END_SECONDS = 240
# Figures of the summary that are told beside what is checked.
TOLD = ("written", "acknowledged", "rate", "seconds", "failed", "lost", "stale", "repeated", "repeatedIncrements", "readSeconds")


@dataclass
class Target:
    """Where clients find servers, and what they show them."""

    mode: str  # cluster, sentinel or standalone
    servers: list[str]  # host:port of servers, or of Sentinels
    master: str = ""  # the name by which Sentinels know it
    password: str = ""
    sentinel_password: str = ""
    authority: str = ""  # the certificate of the authority of the servers' certificates; without it plain text is spoken
    namespace: str = ""  # where a pod may be made for the program, on a cluster that is not the test bed
    more: tuple[str, ...] = field(default=())  # further options of the program
    is_outside: bool = False  # whether the clients are where only nodes and balanced addresses are reached; only on the test bed


@cache
def load_program() -> Path:
    """The program, built once for its sources."""
    return Path(output([CI / "load-redis/build"]).strip(), "load-redis")


class Pod:
    """A pod for the program, on a cluster whose addresses are not reached from this machine: it is static and runs in any image."""

    def __init__(self, trial: Trial, namespace: str) -> None:
        self._kubectl = trial.bed.kubectl
        self._namespace = namespace
        if trial.bed.api.get("pods", namespace, POD) is None:
            self._create(trial)

    def _create(self, trial: Trial) -> None:
        container = {
            "name": POD,
            "image": f"{trial.bed.registry}/library/redis:7.0",
            "command": ["sleep", "infinity"],
            # What measures must not be what waits.
            "resources": {"requests": {"cpu": "400m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": SECURE,
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        }
        specification = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 3000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }
        api = trial.bed.api
        api.create("pods", self._namespace, {"metadata": {"name": POD}, "spec": specification})
        until("the pod of the load is ready", lambda: ready(api.get("pods", self._namespace, POD) or {}), 120)
        self.place(load_program())

    def command(self, *words: object) -> list[str]:
        """The command line that runs a command in the pod."""
        where = ["exec", "--stdin", "--namespace", self._namespace, POD, "--"]
        return [*self._kubectl, *where, *map(str, words)]

    def place(self, file: Path) -> str:
        """Copies a file into the pod, and returns its place there."""
        place = f"/tmp/{file.name}"
        content = file.read_bytes()
        # Counted, because the end of the input of such a command is not told to all servers.
        copy = self.command("sh", "-ec", f"head -c {len(content)} >{place}.part; chmod 700 {place}.part; mv {place}.part {place}")
        copied = subprocess.run(copy, input=content, capture_output=True, check=False)
        if copied.returncode != 0:
            raise Failed(f"{file.name} cannot be copied into the pod of the load: {copied.stderr.decode(errors='replace').strip()}")
        return place


class Program:
    """The load program, which runs where the cluster's addresses are reached: on the test bed outside of all nodes, so that none that
    is switched off takes it along."""

    def __init__(self, trial: Trial, action: str, target: Target, *options: object) -> None:
        self.trial = trial
        self.target = target
        self._files = tempfile.TemporaryDirectory(prefix="midships-load-redis-")
        pod = Pod(trial, target.namespace) if trial.bed.foreign else None
        program = f"/tmp/{load_program().name}" if pod else load_program()
        words = [program, action, "--mode", target.mode, "--servers", ",".join(target.servers), *target.more, *options]
        words += ["--master", target.master] if target.master else []
        for option, content in (
            ("password-file", target.password),
            ("sentinel-password-file", target.sentinel_password),
            ("authority", target.authority),
        ):
            if content:
                file = self._file(option, content)
                words += [f"--{option}", pod.place(file) if pod else file]
        self.lines: list[dict] = []
        self.complaints: list[str] = []
        # It ends when its standard input does. Of its own session, so that an interrupt at the terminal leaves it for the clearing up.
        pipe = subprocess.PIPE
        if target.is_outside:
            command = [str(TESTBED), "client", *map(str, words)]
        else:
            command = pod.command(*words) if pod else trial.bed.net(*words)
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        self._readers = [
            self._read(self.process.stdout, lambda line: self.lines.append(json.loads(line))),
            self._read(self.process.stderr, self.complaints.append),
        ]
        trial.bed.leave_to_end(self.kill)

    def _file(self, name: str, content: str) -> Path:
        path = Path(self._files.name, name)
        path.write_text(content)
        path.chmod(0o600)
        return path

    def _read(self, stream: object, take: Callable[[str], None]) -> threading.Thread:
        """Takes the lines of a stream as they come."""

        def read() -> None:
            for line in stream:
                take(line.rstrip("\n"))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def progress(self) -> dict:
        """Its last line."""
        return self.lines[-1] if self.lines else {}

    def end(self, seconds: float) -> dict:
        """Waits until it has ended, and returns its summary."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"the load program has not ended within {seconds:.0f} s; its last line: {self.progress()}") from late
        for reader in self._readers:
            reader.join()
        if self.progress().get("event") != "summary":
            raise Failed(f"the load program ended with {self.process.returncode} and no summary: {' | '.join(self.complaints[-5:])}")
        return self.progress()

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        if self.running():
            self.process.kill()
            self.process.wait()
        self._keep()
        self._files.cleanup()

    def _keep(self) -> None:
        """Keeps all that it has said, one object a line, with what explains a failure."""
        directory = self.trial.bed.explanations / self.trial.scenario
        directory.mkdir(parents=True, exist_ok=True)
        said = "".join(f"{json.dumps(line)}\n" for line in self.lines)
        (directory / f"load-{self.process.pid}.json").write_text(said + "".join(f"{line}\n" for line in self.complaints))


class RedisLoad:
    """The load, from its start until its reckoning."""

    def __init__(self, trial: Trial, target: Target, *, rate: int = RATE, keys: int = 100_000, value_size: int = 100) -> None:
        """`rate` is how many writes a second are wanted, of keys that are so many, with values of so many bytes."""
        self.trial = trial
        self.rate = rate
        self._program = Program(trial, "run", target, "--rate", rate, "--keys", keys, "--value-size", value_size)
        until(f"the load has {rate} acknowledged writes", lambda: self.acknowledged() >= rate, 60)
        trial.note("the load runs")

    def progress(self) -> dict:
        """The figures of the last second."""
        if not self._program.running():
            raise Failed(f"the load ended early: {' | '.join(self._program.complaints[-5:])}")
        return self._program.progress()

    def acknowledged(self) -> int:
        """How many writes have been acknowledged."""
        return self.progress().get("acknowledged", 0)

    def failed(self) -> int:
        """How many writes have failed."""
        return sum(self.progress().get("errors", {}).values())

    def go_on(self, count: int = LEAST_RATE, seconds: float = 60) -> None:
        """Waits until so many more writes are acknowledged: what was disturbed works again."""
        wanted = self.acknowledged() + count
        until(f"{count} more writes are acknowledged", lambda: self.acknowledged() >= wanted, seconds)

    def stop(self) -> dict:
        """Has the load end and read everything back; returns its summary, which is kept and not judged."""
        # A line ends it; whoever has ended before has no ear for it.
        if self._program.running() and self._program.process.stdin:
            self._program.process.stdin.write("end\n")
            self._program.process.stdin.flush()
        summary = self._program.end(END_SECONDS)
        for name in TOLD:
            self.trial.figure(name, summary[name])
        longest = max(summary["gaps"], key=lambda gap: gap["milliseconds"]) if self._program.target.mode == "cluster" else {}
        gap = summary["longestGap"]
        self.trial.figure("longest gap", f"{gap['milliseconds']} ms at {gap['beganSeconds']} s")
        if longest:
            told = f"{longest['milliseconds']} ms at {longest['beganSeconds']} s in slots {longest['slots']}"
            self.trial.figure("longest gap of a sixteenth of the slots", told)
        self.trial.figure("latency in ms", summary["latency"])
        self.trial.figure("errors", {name: kind["count"] for name, kind in summary["errors"].items()})
        self.trial.figure("commands are sent again", summary["policy"])
        if summary["processor"]:
            self.trial.figure("processor of the load", f"{summary['processor']['usedSeconds'] / max(summary['seconds'], 1):.0%}")
        return summary

    def finish(
        self,
        lost: int | None = 0,
        stale: int | None = 0,
        failed: int | None = 0,
        *,
        repeated: int | None = None,
        longest_gap: float | None = None,
        least_rate: float = LEAST_RATE,
    ) -> dict:
        """Waits for the least number of writes, stops the load and checks what it found; nothing instead of a number checks nothing.

        `repeated` are writes and increments that were carried out twice, which a client that sends again may cause; `longest_gap`
        is in milliseconds, of any sixteenth of the slots of a cluster, or of the one server.
        """
        wanted = LEAST_ACKNOWLEDGED
        until(f"the load has {wanted} acknowledged writes", lambda: self.acknowledged() >= wanted, END_SECONDS)
        summary = self.stop()
        trial, findings = self.trial, summary["findings"]
        trial.equal(summary["unread"], 0, "keys that could not be read back")
        trial.equal(summary["damaged"], 0, f"keys with values that nobody wrote, first {findings}")
        for name, expected in (("lost", lost), ("stale", stale)):
            if expected is not None:
                trial.equal(summary[name], expected, f"acknowledged writes that are {name}, first {findings}")
        if failed is not None:
            trial.equal(summary["failed"], failed, f"writes that failed after the client's retries, {summary['errors']}")
        if repeated is not None:
            found = summary["repeated"] + summary["repeatedIncrements"]
            trial.equal(found, repeated, f"writes that were carried out twice, first {findings}")
        trial.check(summary["acknowledged"] >= wanted, f"only {summary['acknowledged']} writes were acknowledged")
        rate = summary["rate"]
        trial.check(rate >= least_rate, f"only {rate:.0f} writes a second were acknowledged, at least {least_rate} are wanted")
        if longest_gap is not None:
            gaps = summary["gaps"] if self._program.target.mode == "cluster" else [summary["longestGap"]]
            longer = [gap for gap in gaps if gap["milliseconds"] > longest_gap]
            trial.check(not longer, f"no write was acknowledged for longer than {longest_gap} ms: {longer}")
        return summary


class Filling:
    """Data of a given size, written once and read back at the end."""

    def __init__(self, trial: Trial, target: Target, megabytes: int, sizes: tuple[int, ...] = (16_384,)) -> None:
        """Writes so many megabytes of values of these sizes in turn."""
        self.trial = trial
        self._target = target
        self._options = ("--megabytes", megabytes, "--sizes", ",".join(map(str, sizes)))
        summary = self._run("fill")
        trial.note(f"{summary['keys']} keys with {summary['megabytes']} MB were written in {summary['seconds']} s")

    def check(self) -> None:
        """Reads everything back."""
        summary = self._run("verify")
        found = {name: summary[name] for name in ("missing", "wrong")}
        self.trial.equal(found, {"missing": 0, "wrong": 0}, f"keys of the filling, first {summary['findings']}")

    def _run(self, action: str) -> dict:
        return Program(self.trial, action, self._target, *self._options).end(1_200)
