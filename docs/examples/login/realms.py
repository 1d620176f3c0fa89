"""
Five ways in which a realm can come by its avatars.

C{realms_server.py} serves them all.
"""

import pickle

from twisted.cred import portal
from twisted.cred.checkers import ANONYMOUS
from twisted.internet import defer
from zope.interface import implementer

from myspread import pb


class MyAvatar(pb.Avatar):
    """
    An avatar that counts how often it has been visited.
    """

    def __init__(self, name):
        self.name = name
        self.visits = 0

    def perspective_visit(self):
        self.visits += 1
        return f"{self.name}, visit {self.visits}"


def namedAvatars():
    return {b"alice": MyAvatar("alice"), b"bob": MyAvatar("bob")}


@implementer(portal.IRealm)
class StaticRealm:
    """
    The avatars are there before anybody logs in.
    """

    def __init__(self):
        self.avatars = namedAvatars()

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        return pb.IPerspective, self.avatars[avatarId], lambda: None


class Database:
    """
    Stands for a real database, which takes its time.
    """

    def __init__(self):
        self.rows = {name: pickle.dumps(avatar) for name, avatar in namedAvatars().items()}

    def fetchAvatar(self, avatarId):
        return defer.succeed(self.rows[avatarId])


@implementer(portal.IRealm)
class DatabaseRealm:
    """
    The avatar is fetched from a database, anew for each login, and so it
    comes later.
    """

    def __init__(self):
        self.database = Database()

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        avatar = self.database.fetchAvatar(avatarId)
        avatar.addCallback(pickle.loads)
        return pb.IPerspective, avatar, lambda: None


@implementer(portal.IRealm)
class OneAvatarRealm:
    """
    Everybody shares one avatar.
    """

    def __init__(self):
        self.theOneAvatar = MyAvatar("everybody")

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        return pb.IPerspective, self.theOneAvatar, lambda: None


@implementer(portal.IRealm)
class SharedGuestRealm:
    """
    Users have an avatar each, and all guests share another.
    """

    def __init__(self):
        self.avatars = namedAvatars()
        self.guest = MyAvatar("guest")

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        avatar = self.guest if avatarId == ANONYMOUS else self.avatars[avatarId]
        return pb.IPerspective, avatar, lambda: None


@implementer(portal.IRealm)
class OwnGuestRealm:
    """
    Users have an avatar each that lasts, and every guest gets a new one, which
    is gone when the guest is.
    """

    def __init__(self):
        self.avatars = namedAvatars()

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        avatar = MyAvatar("guest") if avatarId == ANONYMOUS else self.avatars[avatarId]
        return pb.IPerspective, avatar, lambda: None
