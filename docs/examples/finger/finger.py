"""
Who is doing what: one service, shown through finger, the web, XML-RPC, IRC and
Perspective Broker.

The service knows nothing of protocols. Each protocol has an adapter that makes
what it needs from an L{IFingerService}. That for Perspective Broker is
L{PerspectiveFingerFromService}: a root with two methods.

C{finger21.tac} and C{simple-finger.tac} run this.
"""

from html import escape
from pathlib import Path

from twisted.application import service, strports
from twisted.application.internet import ClientService
from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.protocols import basic
from twisted.python import components
from twisted.web import resource, server, xmlrpc
from twisted.words.protocols import irc
from zope.interface import Interface, implementer

from myspread import pb


class IFingerService(Interface):
    """
    Something that knows users and their status.
    """

    def getUser(user):
        """
        Return a Deferred of the status of C{user}, a string.
        """

    def getUsers():
        """
        Return a Deferred of a list of the names of all users.
        """


class IFingerFactory(Interface):
    """
    A factory of connections that answer in the finger protocol.
    """


class IIRCClientFactory(Interface):
    """
    A factory of connections to an IRC server.
    """


class IPerspectiveFinger(Interface):
    """
    What a Perspective Broker client may call.
    """

    def remote_getUser(user):
        """
        Return the status of C{user}.
        """

    def remote_getUsers():
        """
        Return the names of all users.
        """


@implementer(IFingerService)
class FingerService(service.Service):
    """
    Users and their status, one C{user: status} line each in a file that is
    read again every 30 seconds.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.users = {}
        self.reading = task.LoopingCall(self.readUsers)

    def readUsers(self):
        lines = self.path.read_text().splitlines()
        pairs = [line.split(":", 1) for line in lines if ":" in line]
        self.users = {user.strip(): status.strip() for user, status in pairs}

    def getUser(self, user):
        return defer.succeed(self.users.get(user, "No such user"))

    def getUsers(self):
        return defer.succeed(list(self.users))

    def startService(self):
        super().startService()
        self.reading.start(30)

    def stopService(self):
        self.reading.stop()
        return super().stopService()


@implementer(IPerspectiveFinger)
class PerspectiveFingerFromService(pb.Root):
    def __init__(self, service):
        self.service = service

    def remote_getUser(self, user):
        return self.service.getUser(user)

    def remote_getUsers(self):
        return self.service.getUsers()


class FingerProtocol(basic.LineReceiver):
    """
    A line with a name comes in, a line with a status goes out.
    """

    def lineReceived(self, line):
        answering = self.factory.service.getUser(line.decode())
        answering.addErrback(lambda failure: "Internal error in server")
        answering.addCallback(self.answer)

    def answer(self, status):
        self.sendLine(status.encode())
        self.transport.loseConnection()


@implementer(IFingerFactory)
class FingerFactoryFromService(protocol.ServerFactory):
    protocol = FingerProtocol

    def __init__(self, service):
        self.service = service


class IRCReplyBot(irc.IRCClient):
    """
    Told a name in private, it tells the status back.
    """

    def connectionMade(self):
        self.nickname = self.factory.nickname
        super().connectionMade()

    def privmsg(self, user, channel, message):
        if channel.lower() != self.nickname.lower():
            return
        asker = user.split("!")[0]
        answering = self.factory.service.getUser(message)
        answering.addErrback(lambda failure: "Internal error in server")
        answering.addCallback(lambda status: self.msg(asker, f"Status of {message}: {status}"))


@implementer(IIRCClientFactory)
class IRCClientFactoryFromService(protocol.ClientFactory):
    protocol = IRCReplyBot
    nickname = "fingerbot"

    def __init__(self, service):
        self.service = service


class UserStatusTree(resource.Resource):
    """
    A page that lists the users, a page for each of them, and XML-RPC at
    C{RPC2}.
    """

    def __init__(self, service):
        super().__init__()
        self.service = service
        self.putChild(b"", self)
        self.putChild(b"RPC2", UserStatusXR(service))

    def render_GET(self, request):
        self.service.getUsers().addCallback(self.showUsers, request)
        return server.NOT_DONE_YET

    def showUsers(self, users, request):
        names = [escape(user) for user in users]
        links = "".join(f'<li><a href="{name}">{name}</a></li>' for name in names)
        request.write(f"<h1>Users</h1><ul>{links}</ul>".encode())
        request.finish()

    def getChild(self, path, request):
        return UserStatus(path.decode(), self.service)


class UserStatus(resource.Resource):
    def __init__(self, user, service):
        super().__init__()
        self.user = user
        self.service = service

    def render_GET(self, request):
        self.service.getUser(self.user).addCallback(self.showStatus, request)
        return server.NOT_DONE_YET

    def showStatus(self, status, request):
        request.write(f"<h1>{escape(self.user)}</h1><p>{escape(status)}</p>".encode())
        request.finish()


class UserStatusXR(xmlrpc.XMLRPC):
    def __init__(self, service):
        super().__init__()
        self.service = service

    def xmlrpc_getUser(self, user):
        return self.service.getUser(user)

    def xmlrpc_getUsers(self):
        return self.service.getUsers()


components.registerAdapter(FingerFactoryFromService, IFingerService, IFingerFactory)
components.registerAdapter(IRCClientFactoryFromService, IFingerService, IIRCClientFactory)
components.registerAdapter(UserStatusTree, IFingerService, resource.IResource)
components.registerAdapter(PerspectiveFingerFromService, IFingerService, IPerspectiveFinger)


def makeService(config):
    """
    Make the whole service.

    @param config: A dictionary. C{file} is the path of the file of users, and
        each of the others may be left out: C{finger}, C{web} and C{pb} are
        descriptions of server endpoints, and C{irc} of a client endpoint.
    """
    whole = service.MultiService()
    users = FingerService(config["file"])
    users.setServiceParent(whole)
    if "finger" in config:
        finger = strports.service(config["finger"], IFingerFactory(users))
        finger.setServiceParent(whole)
    if "web" in config:
        web = strports.service(config["web"], server.Site(resource.IResource(users)))
        web.setServiceParent(whole)
    if "irc" in config:
        endpoint = endpoints.clientFromString(reactor, config["irc"])
        bot = ClientService(endpoint, IIRCClientFactory(users))
        bot.setServiceParent(whole)
    if "pb" in config:
        broker = strports.service(config["pb"], pb.PBServerFactory(IPerspectiveFinger(users)))
        broker.setServiceParent(whole)
    return whole
