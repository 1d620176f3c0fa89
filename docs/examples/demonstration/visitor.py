"""
Visits the demonstration that C{twistd pbserver} serves: gets a copy, and watches
a counter.

Run it with C{python visitor.py [PORT]}.
"""

import sys

from twisted.internet import defer, task

from myspread import pb


class Sample(pb.RemoteCopy):
    """What becomes of a sample here: its attributes are those of the original."""


class Counter(pb.RemoteCache):
    """What becomes of the counter here: it is told each new count."""

    def setCopyableState(self, state):
        self.count = state["count"]
        self.counts = defer.DeferredQueue()

    def observe_setCount(self, count):
        self.count = count
        self.counts.put(count)


policy = (
    pb.SecurityPolicy()
    .allowUnjellyable("myspread.demonstration.Sample", Sample)
    .allowUnjellyable("myspread.demonstration.Counter", Counter)
)


async def main(reactor, port="8800"):
    async with pb.session("127.0.0.1", int(port), security=policy) as session:
        sample = await session.callRemote("sample")
        print("a sample:", sample.numbers, sample.words["the same list"] is sample.numbers)
        counter = await session.callRemote("counter")
        before = counter.count
        print("the counter has grown by", await counter.counts.get() - before)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
