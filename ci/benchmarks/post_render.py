"""The same change of images and labels by midships, kustomize and yq, on streams of several sizes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from .measure import Failed, Measure, go_program, measure, midships

MEGABYTES = [0.1, 1, 10]
IN_MEMORY = "/dev/shm"  # what is measured is the programs, not the disk
KUSTOMIZE = ("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1")
YQ = ("yq", "github.com/mikefarah/yq/v4", "v4.50.1")
LABEL = ("example.org/team", "shop")
OLD, NEW = "registry.example.org/shop/web", "mirror.example.org/shop/web"

POLICY = f"""images:
  mirrors:
    - from: {OLD}
      to: {NEW}
labels:
  - set: {{{LABEL[0]}: {LABEL[1]}}}
"""
KUSTOMIZATION = f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [input.yaml]
images:
  - name: {OLD}
    newName: {NEW}
labels:
  - pairs: {{{LABEL[0]}: {LABEL[1]}}}
"""
EXPRESSION = (
    f'with(select(.kind == "Deployment"); .spec.template.spec.containers[].image |= sub("^{OLD}:", "{NEW}:"))'
    f' | .metadata.labels["{LABEL[0]}"] = "{LABEL[1]}"'
)

DOCUMENTS = """---
# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: "web-{number}"
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/instance: "web-{number}"
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web
        app.kubernetes.io/instance: "web-{number}"
    spec:
      containers:
        - name: web
          image: {image}:1.{number}
          env:
            - name: NUMBER
              value: "{number}"
            - name: MODE
              value: "on"
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
        # beside it
        - name: metrics
          image: {image}:2.{number}
          args: ["--listen", ":9090", "--upstream", "http://localhost:8080"]
---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web-{number}
  labels:
    app.kubernetes.io/name: web
spec:
  selector:
    app.kubernetes.io/instance: "web-{number}"
  ports:
    - name: http
      port: 80
      targetPort: http
---
# Source: shop/templates/configuration.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-{number}
  labels:
    app.kubernetes.io/name: web
data:
  octal: "0777"
  settings.properties: |
{lines}
"""


def stream(size: int) -> str:
    """Manifests of at least so many bytes."""
    lines = "\n".join(f"    setting.{number} = a value of some words, number {number}" for number in range(40))
    parts, length = [], 0
    while length < size:
        parts.append(DOCUMENTS.format(number=len(parts), image=OLD, lines=lines))
        length += len(parts[-1])
    return "".join(parts)


def objects(yq: Path, file: Path) -> dict[tuple[str, str], dict]:
    """The objects of a stream by kind and name: kustomize sorts them."""
    words = [str(yq), "--output-format=json", "--indent=0", ".", str(file)]
    read = subprocess.run(words, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in read.stdout.splitlines()]
    return {(value["kind"], value["metadata"]["name"]): value for value in found}


def changed(before: dict[tuple[str, str], dict]) -> dict[tuple[str, str], dict]:
    """The change, made on the objects themselves."""
    result = json.loads(json.dumps(list(before.values())))
    for value in result:
        value["metadata"]["labels"][LABEL[0]] = LABEL[1]
        if value["kind"] == "Deployment":
            for container in value["spec"]["template"]["spec"]["containers"]:
                container["image"] = container["image"].replace(f"{OLD}:", f"{NEW}:")
    return {(value["kind"], value["metadata"]["name"]): value for value in result}


def row(size: float, name: str, taken: Measure, ours: Measure) -> str:
    """A row of the table."""
    more = "" if taken.finished else "more than "
    ratio = "" if taken is ours else f"{more}{taken.seconds / ours.seconds:.1f} times"
    return f"| {size:g} MB | {name} | {more}{taken.seconds:.4g} s | {taken.megabytes:.0f} MB | {ratio} | {taken.runs} |"


def run(runs: int) -> None:
    """Measures all sizes and prints the table; fails when the three do not make the same change."""
    kustomize, yq, own = go_program(*KUSTOMIZE), go_program(*YQ), midships()
    print("| stream | program | time | memory | beside midships | runs |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for size in MEGABYTES:
        with tempfile.TemporaryDirectory(prefix="midships-bench-", dir=IN_MEMORY) as name:
            directory = Path(name)
            source = directory / "input.yaml"
            source.write_text(stream(int(size * 1_000_000)))
            (directory / "policy.yaml").write_text(POLICY)
            (directory / "kustomization.yaml").write_text(KUSTOMIZATION)
            commands = {
                "midships": [own, "post-render", "--policy", "policy.yaml"],
                f"yq {YQ[2]}": [yq, EXPRESSION, "-"],
                f"kustomize {KUSTOMIZE[2]}": [kustomize, "build", "."],
            }
            expected = changed(objects(yq, source))
            ours = None
            start = measure(["/bin/true"], source, directory / "true.out", directory, runs)
            print(f"| {size:g} MB | a process that does nothing | {start.seconds:.4g} s | | | {start.runs} |", flush=True)
            for title, command in commands.items():
                target = directory / f"{title.split()[0]}.out"
                taken = measure(command, source, target, directory, runs)
                ours = ours or taken
                if taken.finished and objects(yq, target) != expected:
                    raise Failed(f"{title} has made another change on {size:g} MB")
                print(row(size, title, taken, ours), flush=True)
