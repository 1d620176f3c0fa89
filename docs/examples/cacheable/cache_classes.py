"""
A pond that is sent once and kept up to date, and the copy that follows it.

C{cache_sender.py} and C{cache_receiver.py} both import this module.
"""

from twisted.internet import defer

from myspread import pb


class MasterDuckPond(pb.Cacheable):
    """
    The original. Every change goes through a method, which tells whoever
    holds a copy.

    @ivar abandoned: A Deferred that fires when nobody does any longer.
    """

    def __init__(self, ducks):
        self.abandoned = defer.Deferred()
        self.observers = []
        self.ducks = ducks

    def count(self):
        print(f"I have [{len(self.ducks)}] ducks")

    def addDuck(self, duck):
        self.ducks.append(duck)
        for observer in self.observers:
            observer.callRemote("addDuck", duck)

    def removeDuck(self, duck):
        self.ducks.remove(duck)
        for observer in self.observers:
            observer.callRemote("removeDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return self.ducks  # and not the observers, which are ours alone

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)
        if not self.observers:
            self.abandoned.callback(None)


class SlaveDuckPond(pb.RemoteCache):
    """
    The copy on the other side.
    """

    def count(self):
        return len(self.ducks)

    def getDucks(self):
        return self.ducks

    def setCopyableState(self, state):
        print(" cache - setting ducks")
        self.ducks = state

    def observe_addDuck(self, newDuck):
        print(" cache - addDuck")
        self.ducks.append(newDuck)

    def observe_removeDuck(self, deadDuck):
        print(" cache - removeDuck")
        self.ducks.remove(deadDuck)


pb.setUnjellyableForClass(MasterDuckPond, SlaveDuckPond)
