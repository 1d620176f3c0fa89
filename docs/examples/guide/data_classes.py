"""
Data that travels both ways: C{data_server.py} and C{data_client.py} import it.
"""

from myspread import pb


class SharedData(pb.Copyable, pb.RemoteCopy):
    def __init__(self, name, value):
        self.name = name
        self.value = value


pb.setUnjellyableForClass(SharedData, SharedData)
