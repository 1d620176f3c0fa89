"""
The finger service with all its protocols, put together by hand.

Run it with C{PYTHONPATH=. twistd -noy finger21.tac}. Environment variables
change what it listens on: C{FINGER_PORT} (1079; finger's own port 79 is for the
superuser), C{WEB_PORT} (8000) and C{PB_PORT} (8889). C{FINGER_IRC} is the
endpoint of an IRC server to join, such as C{tcp:irc.libera.chat:6667}: without
it no bot is started. C{FINGER_USERS} is the file of users, C{users} if unset.
"""

import os

from finger import (
    FingerService,
    IFingerFactory,
    IIRCClientFactory,
    IPerspectiveFinger,
)
from twisted.application import service, strports
from twisted.application.internet import ClientService
from twisted.internet import endpoints, reactor
from twisted.web import resource, server

from myspread import pb


def listenOn(variable, default):
    return f"tcp:{os.environ.get(variable, default)}:interface=127.0.0.1"


application = service.Application("finger")
users = FingerService(os.environ.get("FINGER_USERS", "users"))
services = [
    users,
    strports.service(listenOn("FINGER_PORT", "1079"), IFingerFactory(users)),
    strports.service(listenOn("WEB_PORT", "8000"), server.Site(resource.IResource(users))),
    strports.service(listenOn("PB_PORT", "8889"), pb.PBServerFactory(IPerspectiveFinger(users))),
]
if "FINGER_IRC" in os.environ:
    irc = endpoints.clientFromString(reactor, os.environ["FINGER_IRC"])
    services.append(ClientService(irc, IIRCClientFactory(users)))
for each in services:
    each.setServiceParent(application)
