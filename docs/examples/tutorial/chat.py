"""
A chat, for those who log in.
"""

from myspread import pb


class Member(pb.Avatar):
    """Somebody who has logged in, and what they may do."""

    def __init__(self, name, chat, screen):
        self.name = name
        self.chat = chat
        self.screen = screen

    def perspective_say(self, text):
        self.chat.tell(f"{self.name}: {text}")

    def perspective_who(self):
        return sorted(member.name for member in self.chat.members)

    def leave(self):
        self.chat.members.remove(self)
        self.chat.tell(f"{self.name} has left")


class Chat(pb.Realm):
    """Makes a member of everybody who logs in."""

    def __init__(self):
        self.members = []

    def requestAvatar(self, avatarId, mind, *interfaces):
        if not isinstance(mind, pb.RemoteReference):
            raise pb.Error("a member needs a screen to see what is said")
        member = Member(avatarId.decode(), self, mind)
        self.members.append(member)
        self.tell(f"{member.name} is here")
        return pb.IPerspective, member, member.leave

    def tell(self, line):
        screens = [member.screen for member in self.members]
        pb.broadcast(screens, "show", line, pbanswer=False)


policy = pb.SecurityPolicy(errors="incident")
"""Clients may send plain values only, and see no more of an error than its number in the log."""
