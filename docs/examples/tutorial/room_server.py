"""
A room: whoever enters it hears what the others say.

Run it with C{python room_server.py [PORT]}, then C{room_client.py} in several
terminals.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class Seat(pb.Referenceable):
    """What somebody gets who has entered the room: a place to speak from."""

    def __init__(self, room, name):
        self.room = room
        self.name = name

    def remote_say(self, text):
        self.room.tell(f"{self.name}: {text}")


class Room(pb.Root):
    def __init__(self):
        self.screens = []

    def remote_enter(self, name, screen):
        self.screens.append(screen)
        screen.notifyOnDisconnect(self.screens.remove)
        self.tell(f"{name} is here")
        return Seat(self, name)

    def tell(self, line):
        pb.broadcast(self.screens, "show", line, pbanswer=False)


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(Room()))
    print("the room is open on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
