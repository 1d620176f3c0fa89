"""
Choose what travels: the two sides keep different attributes for one thing.

C{copy2_sender.py} and C{copy2_receiver.py} both import this module, so that
the class has the same name on both sides.
"""

from myspread import pb


class FrogPond:
    def __init__(self, numFrogs, numToads):
        self.numFrogs = numFrogs
        self.numToads = numToads

    def count(self):
        return self.numFrogs + self.numToads


class SenderPond(FrogPond, pb.Copyable):
    def getStateToCopy(self):
        state = self.__dict__.copy()
        state["frogsAndToads"] = state.pop("numFrogs") + state.pop("numToads")
        return state


class ReceiverPond(pb.RemoteCopy):
    def setCopyableState(self, state):
        self.__dict__ = state

    def count(self):
        return self.frogsAndToads


pb.setUnjellyableForClass(SenderPond, ReceiverPond)
