"""
Writes down, for each connection of a process, in which module the class of its
broker is defined: into the file that C{BROKERS_SEEN} names.
"""

import os

from twisted.spread import pb

made = pb.Broker.connectionMade


def connectionMade(self: pb.Broker) -> None:
    with open(os.environ["BROKERS_SEEN"], "a") as seen:
        seen.write(f"{type(self).__module__}\n")
    made(self)


pb.Broker.connectionMade = connectionMade  # type: ignore[method-assign]
