"""Provides the storage class `local`: each volume is a file system of its own in a file on one node, so its size is real.

Runs in the control plane's network. Watches only wake it; what it does follows from the objects as they are, so it may be
ended and started at any point. The file systems are XFS because growing one that is mounted needs no CAP_SYS_RESOURCE, which
ext4 asks for and which root in a virtual machine or container may lack.
"""

import http.client
import json
import os
import ssl
import threading
import time
from pathlib import Path

import nodes
from places import CONTROL_ADDRESS, PKI, BedError, run

PROVISIONER = "testbed.midships/local"
CLASS = "local"
MEBIBYTE = 1024 * 1024
SMALLEST = 16 * MEBIBYTE
LOG = 16 * MEBIBYTE  # XFS keeps its journal inside; the file is larger by that, so that a claim gets what it asked for
LARGEST_GROUP = 512 * 1024 * MEBIBYTE  # one allocation group where XFS can; it keeps least for itself then
RESYNC_SECONDS = 10
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"


class Refusal(Exception):
    """The API server refused a request."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def connect(timeout=30):
    """A connection to the API server."""
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    context.load_cert_chain(PKI / "provisioner.crt", PKI / "provisioner.key")
    return http.client.HTTPSConnection(CONTROL_ADDRESS, 6443, context=context, timeout=timeout)


def ask(method, path, body=None, content_type="application/json"):
    """One request to the API server; returns the object that it answers with."""
    connection = connect()
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": content_type})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status >= 300:
        raise Refusal(answer.status, f"{method} {path}: {answer.status} {text}")
    return json.loads(text)


def patch(path, body):
    """Changes some fields of an object."""
    return ask("PATCH", path, body, "application/merge-patch+json")


def watch(path, changed):
    """Sets `changed` whenever an object below the path changes; for ever."""
    while True:
        try:
            connection = connect(timeout=600)
            connection.request("GET", f"{path}?watch=1&timeoutSeconds=300")
            for _ in connection.getresponse():
                changed.set()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            print(f"the watch of {path} ended and is begun anew: {error}")
            time.sleep(1)  # the resync goes on meanwhile, so nothing is missed


def size_in_bytes(quantity):
    """The bytes of a Kubernetes quantity such as `10Gi`."""
    number = quantity.rstrip("kKMGTi")
    return int(float(number) * UNITS[quantity[len(number):]])


def capacity(quantity):
    """The size that a volume for this request gets: bytes, rounded up to whole mebibytes, and the words for it."""
    wanted = size_in_bytes(quantity)
    rounded = max(-(-wanted // MEBIBYTE) * MEBIBYTE, SMALLEST)
    return rounded, quantity if rounded == wanted else f"{rounded // MEBIBYTE}Mi"


def report(claim, reason, text):
    """Writes an Event about a claim, where `kubectl describe` shows it."""
    metadata = claim["metadata"]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ask("POST", f"/api/v1/namespaces/{metadata['namespace']}/events", {
        "metadata": {"generateName": f"{metadata['name']}-", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": "Warning",
        "reason": reason,
        "message": text,
        "source": {"component": PROVISIONER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })


def provision(claim):
    """Creates the file system and the volume object for a claim whose pod has a node."""
    metadata, spec = claim["metadata"], claim["spec"]
    node = nodes.find(metadata["annotations"]["volume.kubernetes.io/selected-node"])
    name = f"pvc-{metadata['uid']}"
    size, quantity = capacity(spec["resources"]["requests"]["storage"])
    create_file_system(node, name, size)
    mount(node, name)
    identity = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": metadata["uid"]}
    place = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    ask("POST", VOLUMES, {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": quantity},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "volumeMode": "Filesystem",
            "claimRef": {**identity, "namespace": metadata["namespace"], "name": metadata["name"]},
            "local": {"path": str(nodes.volume_mount(node, name))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [place]}]}},
        },
    })
    print(f"provided {quantity} on {node.name} for {metadata['namespace']}/{metadata['name']}")


def create_file_system(node, name, size):
    """Creates the file of a volume; a file that is there is complete, because it gets its name last."""
    file = nodes.volume_file(node, name)
    if file.exists():
        return
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "wb") as sparse:
        sparse.truncate(size + LOG)
    # "Unsupported" are file systems of less than 300 MiB, and journals of less than 64 MiB; both work.
    layout = ["-m", "reflink=0,rmapbt=0", "-d", f"agcount={size // LARGEST_GROUP + 1}", "-l", f"size={LOG}"]
    run(["mkfs.xfs", "-q", "--unsupported", *layout, unfinished])
    unfinished.rename(file)


def mount(node, name):
    """Mounts a volume inside its node, unless it is."""
    if nodes.mounted(node, name):
        return
    nodes.volume_mount(node, name).mkdir(exist_ok=True)
    file = nodes.volume_file(node, name)
    run(node.inside(["mount", "-t", "xfs", "-o", "loop,discard", file, nodes.volume_mount(node, name)]))
    # A node that loses its power here loses processes only, so nothing has to reach this machine's own disk in time: a
    # device without a cache is sent no flushes, and a server does not stand still because another one writes much.
    for device in devices(file):
        Path("/sys/block", Path(device).name, "queue/write_cache").write_text("write through")


def devices(file):
    """The loop devices that have a file."""
    return [device["name"] for device in json.loads(run(["losetup", "--list", "--json", "-j", file]))["loopdevices"]]


def expand(claim, volume):
    """Grows a mounted volume to what its claim asks for, and says so in both objects."""
    name = volume["metadata"]["name"]
    node = node_of(volume)
    size, quantity = capacity(claim["spec"]["resources"]["requests"]["storage"])
    file = nodes.volume_file(node, name)
    if file.stat().st_size < size + LOG:
        os.truncate(file, size + LOG)
    for device in devices(file):
        run(["losetup", "--set-capacity", device])
    run(node.inside(["xfs_growfs", nodes.volume_mount(node, name)]))
    patch(f"{VOLUMES}/{name}", {"spec": {"capacity": {"storage": quantity}}})
    metadata = claim["metadata"]
    claim_path = f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}/status"
    patch(claim_path, {"status": {"capacity": {"storage": quantity}}})
    print(f"grew {metadata['namespace']}/{metadata['name']} to {quantity}")


def delete(volume):
    """Deletes a released volume and its file."""
    name, node = volume["metadata"]["name"], node_of(volume)
    if node.process_one() and nodes.mounted(node, name):
        run(node.inside(["umount", nodes.volume_mount(node, name)]))
    nodes.volume_file(node, name).unlink(missing_ok=True)
    mount_point = nodes.volume_mount(node, name)
    if mount_point.exists():
        mount_point.rmdir()
    ask("DELETE", f"{VOLUMES}/{name}")
    print(f"deleted {name}")


def node_of(volume):
    """The node that a volume is on."""
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]
    return nodes.find(term["matchExpressions"][0]["values"][0])


def wants_volume(claim):
    """Whether a claim waits for a volume of ours, on a node that is chosen."""
    annotations = claim["metadata"].get("annotations", {})
    ours = annotations.get("volume.kubernetes.io/storage-provisioner") == PROVISIONER
    leaving = claim["metadata"].get("deletionTimestamp")
    chosen = annotations.get("volume.kubernetes.io/selected-node")
    return ours and chosen and not leaving and not claim["spec"].get("volumeName")


def unfit(claim):
    """Why a claim can not be served, in words; None when it can."""
    shared = set(claim["spec"]["accessModes"]) - {"ReadWriteOnce", "ReadWriteOncePod"}
    if shared:
        return f"storage class {CLASS}: access mode {', '.join(sorted(shared))} is not offered; use ReadWriteOnce"
    if claim["spec"].get("volumeMode", "Filesystem") != "Filesystem":
        return f"storage class {CLASS}: volume mode Block is not offered; use Filesystem"
    return None


def reconcile(told):
    """One pass over all claims and volumes. `told` remembers what Events have said of which claim."""
    claims = {claim["metadata"]["uid"]: claim for claim in ask("GET", CLAIMS)["items"]}
    volumes = {
        volume["metadata"]["name"]: volume
        for volume in ask("GET", VOLUMES)["items"]
        if volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
    }
    for uid, claim in claims.items():
        volume = volumes.get(f"pvc-{uid}")
        if wants_volume(claim) and not volume:
            words = unfit(claim)
            if words is None:
                words = attempt(provision, claim)
            if words and (uid, words) not in told:
                report(claim, "ProvisioningFailed", words)
                told.add((uid, words))
        elif volume and claim.get("status", {}).get("capacity"):
            asked = capacity(claim["spec"]["resources"]["requests"]["storage"])[0]
            if asked > size_in_bytes(claim["status"]["capacity"]["storage"]):
                words = attempt(expand, claim, volume)
                if words and (uid, words) not in told:
                    report(claim, "VolumeResizeFailed", words)
                    told.add((uid, words))
    for volume in volumes.values():
        released = volume.get("status", {}).get("phase") == "Released"
        policy = volume["spec"].get("persistentVolumeReclaimPolicy")
        if released and policy == "Delete" and not volume["metadata"].get("deletionTimestamp"):
            attempt(delete, volume)


def attempt(act, *objects):
    """Does one thing; returns what went wrong, in words. It is met again at the next pass, for instance when a node is on."""
    try:
        act(*objects)
    except (BedError, Refusal, OSError) as error:
        words = str(error).splitlines()[0]
        print(f"{act.__name__} {objects[0]['metadata']['name']} failed and is met again: {words}")
        return words
    return None


def main():
    """Reconciles whenever something changed, and now and then anyway."""
    changed = threading.Event()
    for path in (CLAIMS, VOLUMES):
        threading.Thread(target=watch, args=(path, changed), daemon=True).start()
    told = set()
    while True:
        changed.clear()
        try:
            reconcile(told)
        except (Refusal, OSError, http.client.HTTPException) as error:
            print(f"a pass failed and is met again: {error}")
        changed.wait(RESYNC_SECONDS)


if __name__ == "__main__":
    main()
