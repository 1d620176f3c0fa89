"""
What the programs of this folder send to each other.
"""

from myspread import pb


class Sky(pb.Cacheable):
    """The sky over the station, as everybody who watches it sees it."""

    def __init__(self, clouds):
        self.clouds = clouds

    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"clouds": self.clouds}


class WatchedSky(pb.RemoteCache):
    """The sky as a client sees it."""

    clouds = None


pb.setUnjellyableForClass(Sky, WatchedSky)
