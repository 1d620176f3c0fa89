"""
A class that shows each user another state of itself, and what represents it.

Both C{foo_server.py} and C{foo_client.py} import this module: declaring the
pair where the classes are defined is the easiest way to have both sides agree.
"""

from myspread import flavors


class Foo(flavors.Copyable):
    """
    @ivar owner: The name of the user who may see the secret.
    """

    def __init__(self, owner, secret):
        self.owner = owner
        self.secret = secret

    def getStateToCopyFor(self, perspective):
        state = self.getStateToCopy()
        if perspective.name != self.owner:
            del state["secret"]
        return state


class RemoteFoo(flavors.RemoteCopy):
    def describe(self):
        return f"{self.owner}'s secret is {getattr(self, 'secret', 'hidden')}"


flavors.setUnjellyableForClass(Foo, RemoteFoo)
