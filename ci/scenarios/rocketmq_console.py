"""RocketMQ: the product's dashboard, which signs and speaks TLS as the brokers want it, and lets in who stands in its Secret."""

from __future__ import annotations

import json
import os
import secrets
from tempfile import TemporaryDirectory

from .bed import output
from .kubernetes import ready
from .release import Release
from .rocketmq_access import ADMINISTRATOR, make_secrets
from .rocketmq_tls import ENFORCED_FROM_START, authorities
from .trial import Trial, scenario, until

PORT = 8082
PEOPLE = "people"
IMAGE = "MIDSHIPS_CONSOLE_IMAGE"


@scenario("rocketmq-console", needs_variable=IMAGE)
def console(trial: Trial) -> None:
    """5.5.0, access control and TLS: the dashboard lists the brokers to who logs in, and tells nobody else anything."""
    with trial.bed.namespace("accept-console") as namespace:
        repository, tag = os.environ[IMAGE].rsplit(":", 1)
        values = {
            "nameServers": {"count": 2},
            "brokers": {"replicasPerGroup": 0},
            "console": {"enabled": True, "usersSecretName": PEOPLE, "image": {"repository": repository, "tag": tag}},
            **ENFORCED_FROM_START,
            "accessControl": {"secretName": ADMINISTRATOR, "enforced": True},
        }
        release = Release(trial, namespace, "5.5.0", values=values)
        make_secrets(release)
        password = secrets.token_urlsafe(24)
        people = {"metadata": {"name": PEOPLE}, "stringData": {"users.properties": f"operator={password},1\n"}}
        trial.bed.api.create("secrets", namespace, people)
        with authorities(release):
            release.install()
            until("the console is ready", lambda: all(map(ready, release.pods("console"))) and release.pods("console"), 240)
            check_who_gets_in(release, password)


def check_who_gets_in(release: Release, password: str) -> None:
    """Only who knows the password is shown the brokers, and nobody what the process has in its memory."""
    trial = release.trial
    [pod] = release.pods("console")
    with TemporaryDirectory() as directory:
        cookies = f"{directory}/cookies"

        def ask(path: str, *more: str) -> tuple[int, str]:
            address = f"http://{pod['status']['podIP']}:{PORT}{path}"
            words = ["curl", "-sS", "--max-time", "20", "--cookie", cookies, "--cookie-jar", cookies, "-w", "\n%{http_code}"]
            content, _, code = output(release.bed.net(*words, *more, address)).rpartition("\n")
            return int(code), content

        for path in ("/actuator/env", "/actuator/heapdump"):
            trial.equal(ask(path)[0], 404, f"status of {path}")
        trial.equal(ask("/cluster/list.query")[0], 302, "status of the brokers' list before a login")
        wrong = ask("/login/login.do", "--data-urlencode", "username=operator", "--data-urlencode", "password=wrong")
        trial.check("Bad username or password" in wrong[1], f"a wrong password was answered with {wrong}")
        trial.equal(ask("/cluster/list.query")[0], 302, "status of the brokers' list after a wrong password")
        right = ask("/login/login.do", "--data-urlencode", "username=operator", "--data-urlencode", f"password={password}")
        trial.equal(right[0], 200, "status of the login")
        status, content = ask("/cluster/list.query")
        trial.equal(status, 200, "status of the brokers' list")
        answer = json.loads(content)
        trial.equal(answer["status"], 0, f"status in the brokers' list: {content[:500]}")
        groups = set(answer["data"]["clusterInfo"]["brokerAddrTable"])
        trial.equal(groups, set(release.brokers()), "groups of brokers that the console lists")
        trial.note(f"the console lists {', '.join(sorted(groups))}")
