"""
Four realms that keep something for a user from one login to the next.

C{caching_server.py} serves them all.
"""

from twisted.cred import portal
from zope.interface import implementer

from myspread import pb


class GreetingAvatar(pb.Avatar):
    """
    An avatar that outlives the connections of its user.
    """

    def __init__(self, name):
        self.name = name
        self.greetings = 0
        self.connections = 0

    def connect(self):
        self.connections += 1
        print(f"{self.name} has {self.connections} connections")

    def disconnect(self):
        self.connections -= 1
        print(f"{self.name} has {self.connections} connections")

    def perspective_greet(self):
        self.greetings += 1
        return f"<{self.greetings}>hello {self.name}"


@implementer(portal.IRealm)
class AvatarCachingRealm:
    """
    All connections of one user share one avatar, made at the first login.
    """

    def __init__(self):
        self.avatars = {}

    def avatarFor(self, avatarId):
        if avatarId not in self.avatars:
            self.avatars[avatarId] = GreetingAvatar(avatarId.decode())
        return self.avatars[avatarId]

    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        return pb.IPerspective, self.avatarFor(avatarId), lambda: None


class Greeter:
    """
    What L{GreeterCachingRealm} keeps for a user.
    """

    def __init__(self, name):
        self.name = name
        self.greetings = 0

    def hello(self):
        self.greetings += 1
        return f"<{self.greetings}>hello"


class ConnectionAvatar(pb.Avatar):
    """
    An avatar for one connection. What lasts is the greeter that it uses.
    """

    def __init__(self, name, greeter):
        self.name = name
        self.greeter = greeter

    def perspective_greet(self):
        return f"{self.greeter.hello()} {self.name}"


@implementer(portal.IRealm)
class GreeterCachingRealm:
    """
    Each connection has an avatar of its own, and all of one user's avatars
    share a greeter.
    """

    def __init__(self):
        self.greeters = {}

    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        name = avatarId.decode()
        if avatarId not in self.greeters:
            self.greeters[avatarId] = Greeter(name)
        avatar = ConnectionAvatar(name, self.greeters[avatarId])
        return pb.IPerspective, avatar, lambda: None


class ConnectionCountingRealm(AvatarCachingRealm):
    """
    Tells the shared avatar of each connection that comes and goes.
    """

    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        avatar = self.avatarFor(avatarId)
        avatar.connect()
        return pb.IPerspective, avatar, avatar.disconnect


class ConnectionLimitingRealm(AvatarCachingRealm):
    """
    Refuses a user who has too many connections already.
    """

    def __init__(self, maximum=1):
        super().__init__()
        self.maximum = maximum

    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        avatar = self.avatarFor(avatarId)
        if avatar.connections >= self.maximum:
            raise ValueError("too many connections")
        avatar.connect()
        return pb.IPerspective, avatar, avatar.disconnect
