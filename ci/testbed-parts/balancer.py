"""Gives Services of the type LoadBalancer addresses, as the balancer of a cloud does; who is outside the cluster reaches them.

The addresses are routed to the control plane's network, whose kube-proxy sends what arrives on to the pods. So this program
only writes down which Service has which address, and may be ended and started at any point.
"""

import http.client
import threading

from places import BALANCED_ADDRESSES
from provisioner import RESYNC_SECONDS, Refusal, ask, patch, watch

SERVICES = "/api/v1/services"
CLASS = "testbed.midships/balancer"


def is_ours(service):
    """Whether a Service wants an address of this balancer."""
    spec = service["spec"]
    wants = spec["type"] == "LoadBalancer" and spec.get("loadBalancerClass", CLASS) == CLASS
    return wants and "deletionTimestamp" not in service["metadata"]


def addresses(service):
    """The addresses that a Service has."""
    return [ingress.get("ip") for ingress in service["status"].get("loadBalancer", {}).get("ingress", [])]


def assign(services):
    """What is to be written: pairs of a Service and its address, or of one that gives its address back and nothing."""
    ours = [service for service in services if is_ours(service)]
    taken = {address for service in ours for address in addresses(service)}
    free = (address for address in BALANCED_ADDRESSES if address not in taken)
    # Who finds none free waits until one is given back.
    given = list(zip((service for service in ours if not addresses(service)), free))
    others = [service for service in services if service not in ours and addresses(service)]
    return given + [(service, None) for service in others if "deletionTimestamp" not in service["metadata"]]


def write(service, address):
    """Writes down the address of a Service."""
    metadata = service["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
    balancer = {"ingress": [{"ip": address}]} if address else None
    patch(path, {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": {"loadBalancer": balancer}})
    print(f"{metadata['namespace']}/{metadata['name']}: {address or 'no address any more'}")


def main():
    """Serves until it is ended."""
    changed = threading.Event()
    threading.Thread(target=watch, args=(SERVICES, changed), daemon=True).start()
    while True:
        changed.clear()
        try:
            for service, address in assign(ask("GET", SERVICES)["items"]):
                write(service, address)
        except (Refusal, OSError, http.client.HTTPException) as error:
            print(f"a pass failed and is met again: {error}")
        changed.wait(RESYNC_SECONDS)


if __name__ == "__main__":
    main()
