"""
C{twistd pbserver}.
"""

from twisted.application.service import ServiceMaker

myspreadServer = ServiceMaker(
    "myspread PB server",
    "myspread._service.maker",
    "A Perspective Broker server.",
    "pbserver",
)
