"""Packs directories as an image in an OCI layout, whose layers are compressed once, so that pushing it again is quick."""

import gzip
import hashlib
import json
import shutil
import tarfile
from pathlib import Path

ROCKETMQ_USER = 3000  # user and group of the official images, the owner of everything below /home/rocketmq


def pack(work, roots, configuration):
    """Packs directories as the layers of an image, in an OCI layout; the same files give the same bytes. Returns the layout."""
    layout = work / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)
    layers = [pack_layer(work, layout, root) for root in roots]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": configuration,
        "rootfs": {"type": "layers", "diff_ids": [difference for difference, _ in layers]},
    }
    described = add_blob(layout, json.dumps(image, sort_keys=True).encode(), "image.config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described,
        "layers": [layer for _, layer in layers],
    }
    entry = add_blob(layout, json.dumps(manifest, sort_keys=True).encode(), "image.manifest.v1+json")
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}, sort_keys=True))
    return layout


def pack_layer(work, layout, root):
    """Packs one directory; returns the digest of the archive and the description of the compressed blob."""
    archive = work / f"{root.name}.tar"
    with tarfile.open(archive, "w") as tar:
        for path in [root, *sorted(root.rglob("*"))]:
            member = tar.gettarinfo(path, arcname=f"./{path.relative_to(root)}")
            member.mtime = 0
            owner = ROCKETMQ_USER if "home/rocketmq" in member.name else 0
            member.uid = member.gid = owner
            member.uname = member.gname = ""
            if member.isfile():
                with open(path, "rb") as content:
                    tar.addfile(member, content)
            else:
                tar.addfile(member)
    compressed = work / f"{root.name}.tar.gz"
    with open(archive, "rb") as source, open(compressed, "wb") as target:
        with gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=1, mtime=0) as writer:
            shutil.copyfileobj(source, writer, 1 << 20)
    with open(archive, "rb") as content:
        difference = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
    archive.unlink()
    return difference, add_blob(layout, compressed, "image.layer.v1.tar+gzip")


def add_blob(layout, content, kind):
    """Adds bytes, or a file that is moved, to an OCI layout; returns its description."""
    if isinstance(content, Path):
        with open(content, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = content.stat().st_size
        content.rename(layout / "blobs/sha256" / digest)
    else:
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
        (layout / "blobs/sha256" / digest).write_bytes(content)
    return {"mediaType": f"application/vnd.oci.{kind}", "digest": f"sha256:{digest}", "size": size}
