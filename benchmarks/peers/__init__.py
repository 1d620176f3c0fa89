"""
What is measured: one adapter module each, all with the interface of
L{benchmarks.peers.base.Adapter}.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["BASELINE", "OURS", "PEERS", "PURE", "Peer"]


@dataclass(frozen=True)
class Peer:
    """
    One way of calling another program.

    @ivar name: as the table shows it.
    @ivar module: the module of its C{adapter()}; imported by workers only,
        because reactors are chosen before.
    @ivar needs: what must be importable.
    @ivar environment: variables of its processes.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def importable(self) -> bool:
        """Whether everything that it needs is installed."""
        return all(importlib.util.find_spec(need) is not None for need in self.needs)


BASELINE = "stock"
"""The peer that ratios refer to."""

OURS = "myspread"
"""With the accelerator, if it was built."""

PURE = "pure"
"""The same, without the accelerator."""

PEERS = {
    peer.name: peer
    for peer in (
        Peer(BASELINE, "benchmarks.peers.stock", ("twisted",)),
        Peer(OURS, "benchmarks.peers.ours", ("twisted", "myspread")),
        Peer(PURE, "benchmarks.peers.ours", ("twisted", "myspread"), {"MYSPREAD_PURE": "1"}),
        Peer("floor", "benchmarks.peers.floor", ("twisted", "msgpack")),
        Peer("AMP", "benchmarks.peers.amp", ("twisted",)),
        Peer("Foolscap", "benchmarks.peers.foolscap", ("foolscap",)),
        Peer("Pyro5", "benchmarks.peers.pyro", ("Pyro5", "msgpack")),
        Peer("RPyC", "benchmarks.peers.rpyc", ("rpyc",)),
        Peer("gRPC aio", "benchmarks.peers.grpcaio", ("grpc", "msgpack")),
        Peer("pycapnp", "benchmarks.peers.capnproto", ("capnp",)),
        Peer("zerorpc", "benchmarks.peers.zerorpc", ("zerorpc",)),
    )
}
"""Every peer, by name."""
