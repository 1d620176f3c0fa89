"""
Serves the chat to those who are in the file C{passwords}.

Run it with C{python chat_server.py [PORT]}, then C{chat_client.py}.
"""

import sys

from chat import Chat, policy
from twisted.cred.portal import Portal
from twisted.internet import defer, endpoints, task

from myspread import pb
from myspread.accounts import PasswordFile


async def main(reactor, port="8800"):
    portal = Portal(Chat(), [PasswordFile("passwords")])
    factory = pb.PBServerFactory(portal, security=policy)
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("the chat is open on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
