"""
Tell the ways apart in which a remote call can fail.

C{Failure.trap} does for a Deferred what C{except} does for a C{try} block: an
errback names the errors that it handles and passes all others on to the next
one. A call through a reference whose connection is gone is different: it
raises at once, so a real C{try} block catches that.

The factory's security policy refuses to send what can't travel, so that a
plain object among the arguments fails the call with C{InsecureJelly}. Without
that policy the server would get a placeholder in its stead.

Run it with C{python trap_client.py [PORT]}, against C{trap_server.py}.
"""

import sys

from twisted.internet import defer, endpoints, task
from twisted.python import log

from myspread import jelly, pb


class MyException(pb.Error):
    """
    The local name for what the server raises.
    """


class MyOtherException(pb.Error):
    """
    Something that the server could raise, and doesn't.
    """


class ScaryObject:
    """
    Nothing has been said about how this class would travel, so it doesn't.
    """


class Caller:
    """
    Makes calls on one reference and prints how each of them ends.
    """

    def __init__(self, remote):
        self.remote = remote
        self.disconnected = defer.Deferred()
        remote.notifyOnDisconnect(self.disconnected.callback)

    def worked(self, response):
        print(" method successful, response:", response)

    def checkInsecureJelly(self, failure):
        failure.trap(jelly.InsecureJelly)
        print(" InsecureJelly: you tried to send something unsafe to them")

    def checkMyException(self, failure):
        which = failure.trap(MyException, MyOtherException)
        print(" remote raised a", which.__name__)

    def checkEverythingElse(self, failure):
        print(" something else happened")
        log.err(failure)

    async def call(self, explanation, argument):
        print(explanation)
        try:
            calling = self.remote.callRemote("fooMethod", argument)
        except pb.DeadReferenceError:
            print(" stale reference: the client disconnected or crashed")
            return
        calling.addCallback(self.worked)
        calling.addErrback(self.checkInsecureJelly)
        calling.addErrback(self.checkMyException)
        calling.addErrback(self.checkEverythingElse)
        await calling

    async def shutDownPeer(self):
        print("telling them to shut down")
        # The server may be gone before it has answered, so no answer is asked for.
        self.remote.callRemote("shutdown", pbanswer=False)
        await self.disconnected


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory(security=pb.SecurityPolicy(unsendable="raise"))
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    caller = Caller(await factory.getRootObject())
    await caller.call("callOne: call with safe object", "safe string")
    await caller.call("callTwo: call with dangerous object", ScaryObject())
    await caller.call("callThree: call that raises remote exception", "panic!")
    await caller.shutDownPeer()
    await caller.call("callFour: call on stale reference", "dummy")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
