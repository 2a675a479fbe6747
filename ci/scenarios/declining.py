"""Declines chosen requests to a server in its place, with an error as the product answers, and lets all others through.

A relay in the network of the server's pod gets the connections that are opened to the server's port from then on, and reads
the requests on them. What is declined never reaches the server.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from .bed import output
from .release import Release
from .sabotage import pod_processes
from .trial import Failed

RELAY_PORT = 19_999  # where no server of a pod listens
NETWORK = 0x40000000  # CLONE_NEWNET of linux/sched.h
HEADER_LENGTH = 0xFFFFFF  # the first byte of the second number says how the header is written
IN_JSON = 0
IS_RESPONSE = 1


class Error(NamedTuple):
    """The code and the words of an error answer."""

    code: int
    remark: str


# As a broker of 5.5.0 says them: of whatever was thrown, and when it has too much to do.
SYSTEM_ERROR = Error(1, "java.lang.RuntimeException: create topic failed")
SYSTEM_BUSY = Error(2, "[REJECTREQUEST]system busy, start flow control for a while")


class Declining:
    """A relay before one server of a release, until `close`; the end of the namespace closes it at the latest."""

    def __init__(self, release: Release, selector: str, port: int) -> None:
        (self._server,) = pod_processes(release, selector, "java")
        self._port = port
        self._lock = threading.Lock()
        self._answers: dict[int, Iterator[Error | None]] = {}  # by request; nothing is to let it through
        self.declined: dict[int, int] = {}
        self._listener: socket.socket | None = None
        ready = threading.Event()
        threading.Thread(target=self._accept, args=[ready], daemon=True).start()
        if not ready.wait(30):
            raise Failed(f"nothing listens in the network of {self._server.pod}")
        self._redirect("-A")
        release.bed.leave_to_end(self.close)

    def decline(self, request: int, error: Error, *, most: int | None = None, after: int = 0) -> None:
        """From now on answers requests of a code with an error: so many or all, after having let some through."""
        errors = repeat(error) if most is None else repeat(error, most)
        with self._lock:
            self._answers[request] = chain(repeat(None, after), errors)
            self.declined[request] = 0

    def let_through(self) -> None:
        """From now on lets every request through."""
        with self._lock:
            self._answers.clear()

    def close(self) -> None:
        """Has new connections go to the server itself again."""
        if self._listener is not None:
            # The pod may be gone, and its network with it.
            with contextlib.suppress(Failed):
                self._redirect("-D")
            self._listener.close()
            self._listener = None

    def _redirect(self, action: str) -> None:
        # Only the first packet of a connection: one that is there already would be broken.
        rule = ["-p", "tcp", "--syn", "--dport", self._port, "-j", "REDIRECT", "--to-ports", RELAY_PORT]
        network = f"--net=/proc/{self._server.pid}/ns/net"
        output(["nsenter", network, "iptables", "-w", "-t", "nat", action, "PREROUTING", *rule])

    def _accept(self, ready: threading.Event) -> None:
        """Accepts connections, from a thread whose sockets are in the pod's network."""
        with Path(f"/proc/{self._server.pid}/ns/net").open("rb") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NETWORK) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._listener = listener = socket.create_server(("", RELAY_PORT))
        ready.set()
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                parties = [client, server, threading.Lock()]
                for pump in (self._ask, answer):
                    threading.Thread(target=pump, args=parties, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, lock: threading.Lock) -> None:
        """Reads a client's requests, and answers or hands on each."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                frame = read_frame(client)
                header = header_of(frame)
                error = self._error(header.get("code"))
                if error is None:
                    server.sendall(frame)
                else:
                    with lock:
                        client.sendall(declining(header, error))
        end(client, server)

    def _error(self, request: int | None) -> Error | None:
        """The error that a request gets by its code, if it gets one from here."""
        with self._lock:
            error = next(self._answers.get(request, iter(())), None)
            if error is not None:
                self.declined[request] += 1
            return error


def declining(asked: dict, error: Error) -> bytes:
    """The frame that answers a request, of which the header is given, with an error."""
    own = {"flag": IS_RESPONSE, "language": "JAVA", "version": asked["version"], "serializeTypeCurrentRPC": "JSON"}
    text = json.dumps({"code": error.code, "remark": error.remark, "opaque": asked["opaque"], **own}).encode()
    return struct.pack(">ii", 4 + len(text), len(text)) + text


def answer(client: socket.socket, server: socket.socket, lock: threading.Lock) -> None:
    """Hands the server's answers on, whole ones."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            frame = read_frame(server)
            with lock:
                client.sendall(frame)
    end(client, server)


def end(*connections: socket.socket) -> None:
    """Ends both directions of connections."""
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def read_frame(connection: socket.socket) -> bytes:
    """Reads one frame: the length of all that follows, that of the header, the header, the body."""
    head = read_exactly(connection, 4)
    return head + read_exactly(connection, struct.unpack(">i", head)[0])


def read_exactly(connection: socket.socket, length: int) -> bytes:
    """Reads so many bytes."""
    read = connection.recv(length, socket.MSG_WAITALL)
    if len(read) < length:
        raise EOFError
    return read


def header_of(frame: bytes) -> dict:
    """The header of a frame; nothing of one that is not written in JSON."""
    (length,) = struct.unpack(">I", frame[4:8])
    return json.loads(frame[8 : 8 + (length & HEADER_LENGTH)]) if length >> 24 == IN_JSON else {}
