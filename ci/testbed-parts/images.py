"""The images that run in the bed: built on demand, kept in the cache, pushed into the bed's registry."""

import json
import shutil
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import cluster
import recipes
import recipes_haproxy
import recipes_redis
from places import CACHE, PARTS, REGISTRY, REGISTRY_ADDRESS, BedError, fingerprint, lock, run, say

BASE = ["pause:1", "busybox:1"]
ROCKETMQ = ["4.5.0", "4.9.3", "4.9.7", "5.4.0", "5.5.0"]
NAMES = [
    *BASE,
    *(f"rocketmq:{version}" for version in ROCKETMQ),
    *(f"redis:{version}" for version in recipes_redis.REDIS),
    *(f"valkey:{version}" for version in recipes_redis.VALKEY),
    *(f"haproxy:{version}" for version in recipes_haproxy.SUITES),
]
RECIPES = {**recipes.RECIPES, **recipes_redis.RECIPES, **recipes_haproxy.RECIPES}
# Where an image is in the registry, which is where Docker Hub has it.
OWNERS = {"rocketmq": "apache", "redis": "library", "valkey": "valkey", "haproxy": "library"}
# What images are made of, so that one is made anew when its recipe has changed.
INGREDIENTS = ["recipes.py", "layout.py", "debian.py", "logback.xml", "pause.c"]
OWN_INGREDIENTS = {
    **{family: "recipes_redis.py" for family in recipes_redis.RECIPES},
    **{family: "recipes_haproxy.py" for family in recipes_haproxy.RECIPES},
}


def repository(name):
    """Where an image is in the registry: `rocketmq:5.4.0` is `apache/rocketmq:5.4.0`, as on Docker Hub."""
    family, _ = name.split(":")
    return f"{OWNERS[family]}/{name}" if family in OWNERS else name


def built(name):
    """The OCI layout of an image, built if the cache lacks it."""
    if name not in NAMES:
        raise BedError(f"no recipe for the image `{name}`; there are: {' '.join(NAMES)}")
    family, _ = name.split(":")
    files = [*INGREDIENTS, *([OWN_INGREDIENTS[family]] if family in OWN_INGREDIENTS else [])]
    key = fingerprint(*(PARTS / file for file in files))
    place = CACHE / "images" / f"{name.replace(':', '-')}-{key}"
    with lock(CACHE / "images.lock", "building images"):
        if not place.exists():
            build(name, place)
    return place


@contextmanager
def unpacked(name, within=None):
    """The files of an image, in a directory within another one, for as long as they are used."""
    blobs = built(name) / "blobs/sha256"

    def blob(description):
        return blobs / description["digest"].removeprefix("sha256:")

    index = json.loads((blobs.parents[1] / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]).read_text())
    root = Path(tempfile.mkdtemp(prefix="midships-image-", dir=within))
    try:
        for layer in manifest["layers"]:
            with tarfile.open(blob(layer)) as archive:
                archive.extractall(root, filter="tar")
        yield root
    finally:
        shutil.rmtree(root)


def build(name, place):
    """Builds an image beside its place in the cache, then moves it there and drops what older recipes made."""
    begin = time.monotonic()
    say(f"building the image {name}, once ({'a second' if name in BASE else '1 to 3 minutes'})")
    place.parent.mkdir(parents=True, exist_ok=True)
    family, version = name.split(":")
    with tempfile.TemporaryDirectory(dir=place.parent) as work:
        layout = RECIPES[family](Path(work), version)
        for older in place.parent.glob(f"{name.replace(':', '-')}-*"):
            shutil.rmtree(older)
        layout.rename(place)
    say(f"built the image {name} in {time.monotonic() - begin:.0f} s")


def push(source, reference):
    """Pushes an image into the bed's registry: a docker-archive, an OCI archive or an OCI layout."""
    copy = ["skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]
    target = f"docker://{REGISTRY_ADDRESS}/{reference.removeprefix(f'{REGISTRY}/')}"
    run(cluster.in_network([*copy, f"{transport(Path(source))}:{source}", target]))


def transport(path):
    """How skopeo calls the format of an image."""
    if path.is_dir():
        return "oci"
    if not path.exists():
        raise BedError(f"no image at {path}; give a docker-archive, an OCI archive or the directory of an OCI layout")
    with tarfile.open(path) as archive:
        return "oci-archive" if "oci-layout" in {name.removeprefix("./") for name in archive.getnames()} else "docker-archive"


def push_built(layout):
    """Pushes an image of the cache under its own name."""
    name, version, _ = layout.name.rsplit("-", 2)
    push(layout, repository(f"{name}:{version}"))


def push_named(names):
    """Builds the named images if need be and pushes them."""
    for name in names:
        layout = built(name)
        push_built(layout)
        say(f"pushed {REGISTRY}/{repository(name)}")
