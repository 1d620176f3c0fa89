"""
Protocols: thin layers between a transport and a peer.
"""
