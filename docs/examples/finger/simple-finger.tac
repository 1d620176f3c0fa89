"""
The finger service from a few options; C{finger.makeService} does the rest.

Run it with C{PYTHONPATH=. twistd -noy simple-finger.tac}. The environment
variable C{PB_PORT} changes the port 8889.
"""

import os

import finger
from twisted.application import service

options = {
    "file": os.environ.get("FINGER_USERS", "users"),
    "pb": f"tcp:{os.environ.get('PB_PORT', '8889')}:interface=127.0.0.1",
}

application = service.Application("finger")
finger.makeService(options).setServiceParent(application)
