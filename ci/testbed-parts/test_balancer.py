"""Tests of what the balancer decides without a cluster: python3 -m unittest discover ci/testbed-parts"""

import unittest

import balancer


def service(name, address="", **spec):
    """A Service of the type LoadBalancer, with an address or without, and with changes to its specification."""
    status = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}
    return {"metadata": {"name": name}, "spec": {"type": "LoadBalancer", **spec}, "status": status}


class Addresses(unittest.TestCase):
    """Which Service gets which address."""

    def test_each_service_keeps_its_address_and_new_ones_get_what_is_free(self):
        services = [service("old", "10.200.64.1"), service("new"), service("newer")]
        changes = [(changed["metadata"]["name"], address) for changed, address in balancer.assign(services)]
        self.assertEqual(changes, [("new", "10.200.64.2"), ("newer", "10.200.64.3")])

    def test_an_address_is_given_back_by_what_is_no_longer_balanced(self):
        services = [service("inside", "10.200.64.1", type="ClusterIP"), service("other", loadBalancerClass="example.org/other")]
        changes = [(changed["metadata"]["name"], address) for changed, address in balancer.assign(services)]
        self.assertEqual(changes, [("inside", None)])


if __name__ == "__main__":
    unittest.main()
