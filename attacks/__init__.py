"""
What anyone who reaches a server's port can try, and what it costs the server.
See C{README.rst}.
"""
