"""
Receive the pond that C{copy2_sender.py} sends.

Importing C{copy2_classes} is enough to have its classes accepted.

Run it with C{PYTHONPATH=. twistd -noy copy2_receiver.py}. The port is 8800, or
what the environment variable C{PB_PORT} says.
"""

import os

import copy2_classes  # noqa: F401 - declares ReceiverPond
from twisted.application import service, strports
from twisted.internet import reactor

from myspread import pb


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        print(" got pond:", pond)
        print(" count", pond.count())
        return "safe and sound"

    def remote_shutdown(self):
        reactor.stop()


port = os.environ.get("PB_PORT", "8800")
application = service.Application("copy2_receiver")
server = strports.service(f"tcp:{port}:interface=127.0.0.1", pb.PBServerFactory(Receiver()))
server.setServiceParent(application)
