"""
What is typed, line by line.
"""

from twisted.internet import defer, stdio
from twisted.protocols.basic import LineReceiver


class Keyboard(LineReceiver):
    delimiter = b"\n"

    def __init__(self, typed):
        self.typed = typed
        self.ended = defer.Deferred()

    def lineReceived(self, line):
        self.typed(line.decode())

    def connectionLost(self, reason):
        self.ended.callback(None)


def read(typed):
    """
    Call C{typed} with each line that somebody types.

    @return: a Deferred that fires when there are no more: after Ctrl-D.
    """
    keyboard = Keyboard(typed)
    stdio.StandardIO(keyboard)
    return keyboard.ended
