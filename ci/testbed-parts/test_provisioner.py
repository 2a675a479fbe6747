"""Tests of what the provisioner decides without a cluster: python3 -m unittest discover ci/testbed-parts"""

import unittest

import provisioner

MEBIBYTE = 1024 * 1024


def claim(**changes):
    """A claim that waits for its volume on a node, with changes to its annotations, its spec or its metadata."""
    annotations = {
        "volume.kubernetes.io/storage-provisioner": provisioner.PROVISIONER,
        "volume.kubernetes.io/selected-node": "node1",
        **changes.get("annotations", {}),
    }
    spec = {"accessModes": ["ReadWriteOnce"], **changes.get("spec", {})}
    return {"metadata": {"annotations": annotations, **changes.get("metadata", {})}, "spec": spec}


class Sizes(unittest.TestCase):
    """Quantities of Kubernetes and the sizes of volumes."""

    def test_every_unit_is_read(self):
        expected = {"5": 5, "3k": 3000, "2M": 2 * 10**6, "64Mi": 64 * MEBIBYTE, "1.5Gi": 1536 * MEBIBYTE, "1Ti": 2**40}
        for quantity, size in expected.items():
            self.assertEqual(provisioner.size_in_bytes(quantity), size, quantity)

    def test_a_size_in_whole_mebibytes_keeps_its_words(self):
        self.assertEqual(provisioner.capacity("2Gi"), (2048 * MEBIBYTE, "2Gi"))

    def test_other_sizes_are_rounded_up(self):
        self.assertEqual(provisioner.capacity("100M"), (96 * MEBIBYTE, "96Mi"))
        self.assertEqual(provisioner.capacity("1Ki"), (provisioner.SMALLEST, "16Mi"))


class Claims(unittest.TestCase):
    """Which claims get a volume."""

    def test_a_claim_with_a_node_gets_a_volume(self):
        self.assertTrue(provisioner.wants_volume(claim()))

    def test_others_do_not(self):
        others = [
            claim(annotations={"volume.kubernetes.io/selected-node": ""}),
            claim(annotations={"volume.kubernetes.io/storage-provisioner": "another"}),
            claim(spec={"volumeName": "bound"}),
            claim(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        ]
        for other in others:
            self.assertFalse(provisioner.wants_volume(other), other)

    def test_a_refusal_names_what_is_offered(self):
        self.assertIsNone(provisioner.unfit(claim()))
        self.assertIn("ReadWriteMany is not offered; use ReadWriteOnce", provisioner.unfit(claim(spec={"accessModes": ["ReadWriteMany"]})))
        self.assertIn("Block is not offered; use Filesystem", provisioner.unfit(claim(spec={"volumeMode": "Block"})))


if __name__ == "__main__":
    unittest.main()
