"""
Receive an object by value, for C{copy_sender.py}.

Nothing is accepted that hasn't been declared: C{setUnjellyableForClass} names
the class that the sender has and the class that represents it here.

Run it with C{PYTHONPATH=. twistd -noy copy_receiver.tac}. The port is 8800, or
what the environment variable C{PB_PORT} says.
"""

import os

from copy_sender import CopyPond, LilyPond
from twisted.application import service, strports
from twisted.internet import reactor

from myspread import pb


class ReceiverPond(pb.RemoteCopy, LilyPond):
    """
    What a C{CopyPond} becomes on arrival.
    """


pb.setUnjellyableForClass(CopyPond, ReceiverPond)


class Receiver(pb.Root):
    def remote_takePond(self, pond):
        print(" got pond:", pond)
        pond.countFrogs()
        return "safe and sound"

    def remote_shutdown(self):
        reactor.stop()


port = os.environ.get("PB_PORT", "8800")
application = service.Application("copy_receiver")
server = strports.service(f"tcp:{port}:interface=127.0.0.1", pb.PBServerFactory(Receiver()))
server.setServiceParent(application)
