"""
Hold a copy of the pond that C{cache_sender.py} keeps.

Run it with C{PYTHONPATH=. twistd -noy cache_receiver.py}. The port is 8800, or
what the environment variable C{PB_PORT} says. It ends when the sender calls
C{shutdown}.
"""

import os

import cache_classes  # noqa: F401 - declares SlaveDuckPond
from twisted.application import service, strports
from twisted.internet import reactor

from myspread import pb


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        self.pond = pond
        print("got pond:", pond)
        self.remote_checkDucks()

    def remote_checkDucks(self):
        print(f"[{self.pond.count()}] ducks:", self.pond.getDucks())

    def remote_ignorePond(self):
        print("dropping pond")
        # The last reference to the copy goes, so the sender hears that nobody
        # follows its pond any longer.
        self.pond = None

    def remote_shutdown(self):
        reactor.stop()


port = os.environ.get("PB_PORT", "8800")
application = service.Application("cache_receiver")
server = strports.service(f"tcp:{port}:interface=127.0.0.1", pb.PBServerFactory(Receiver()))
server.setServiceParent(application)
