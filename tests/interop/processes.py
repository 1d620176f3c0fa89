"""
The processes that the tests of this folder start, and what they listen on.
"""

from __future__ import annotations

import atexit
import datetime
import ipaddress
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tests
from tests.interop.implementation import VARIABLE

__all__ = ["TRANSPORTS", "Pair", "Peer", "pairOf"]

TRANSPORTS = ("tcp", "unix", "tls")

ANSWER_SECONDS = 60
"""How long a process may take for one answer; scenarios end sooner."""


@cache
def folder() -> Path:
    """A folder of our own, until this process ends."""
    path = Path(tempfile.mkdtemp(prefix="interop"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def certificate() -> tuple[Path, Path]:
    """A key, and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "interoperability tests")])
    today = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    keyPath, trusted = folder() / "key.pem", folder() / "trusted"
    trusted.mkdir()
    keyPath.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (trusted / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return keyPath, trusted / "certificate.pem"


class Peer:
    """
    A process that runs L{tests.interop.peer}. It ends with this process, at
    the latest.
    """

    def __init__(self, role: str, package: str) -> None:
        """
        @param role: C{server} or C{client}.
        @param package: what it speaks.
        """
        self._home = Path(tempfile.mkdtemp(prefix=role, dir=folder()))
        self._log = (self._home / "log").open("w+b")
        top = str(Path(tests.__file__).resolve().parents[1])
        path = os.pathsep.join([top, *(os.path.abspath(each) for each in sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.interop.peer", role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=self._home,
            env={**os.environ, VARIABLE: package, "PYTHONPATH": path},
        )
        atexit.register(self.end)

    def ask(self, **command: Any) -> Any:
        """
        The result of a command.

        @raise RuntimeError: when the process has ended, or doesn't answer.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        line = b""
        if self._process.poll() is None:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(self._process.stdout, selectors.EVENT_READ)
                if selector.select(ANSWER_SECONDS):
                    line = self._process.stdout.readline()
        if not line:
            self.end()
            self._log.seek(0)
            raise RuntimeError(f"no answer to {command}:\n{self._log.read().decode(errors='replace')}")
        return json.loads(line)

    def end(self) -> None:
        """End the process, and wait until it has ended."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class Pair:
    """
    A server process and a client process.
    """

    def __init__(self, server: str, client: str) -> None:
        """
        @param server: the package that the server speaks.
        @param client: the package that the client speaks.
        """
        self._serverPackage = server
        key, trusted = certificate()
        sockets = tempfile.mkdtemp(dir=folder())
        self._server = Peer("server", server)
        self._client = Peer("client", client)
        ports = self._server.ask(
            endpoints={
                "tcp": "tcp:0:interface=127.0.0.1",
                "tls": f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={trusted}",
                "unix": f"unix:{sockets}/{{name}}",
            }
        )
        patterns = {
            "tcp": "tcp:127.0.0.1:{port}",
            "tls": f"tls:127.0.0.1:{{port}}:trustRoots={trusted.parent}",
            "unix": f"unix:{sockets}/{{name}}",
        }
        self._endpoints = {
            transport: {
                name: patterns[transport].format(name=name, port=port) for name, port in named.items()
            }
            for transport, named in ports.items()
        }

    def run(self, scenario: str, transport: str) -> Any:
        """
        What came of a scenario: C{passed} or C{failed}, with the traceback.
        """
        return self._client.ask(
            scenario=scenario, endpoints=self._endpoints[transport], server=self._serverPackage
        )


@cache
def pairOf(server: str, client: str) -> Pair:
    """The pair of processes for a pair of packages."""
    return Pair(server, client)
