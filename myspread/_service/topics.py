"""
All there is to say to C{twistd pbserver}.
"""

from __future__ import annotations

from typing import Final

from myspread._service.settings import Setting, Topic

__all__ = ["TOPICS"]

_LISTENING: Final = (
    Setting(
        "port",
        "Where to listen: the description of an endpoint. [default: tcp:8800]",
        "STRPORT",
        (
            "tcp:8800:interface=127.0.0.1",
            "unix:/run/pb.socket",
            "ssl:8801:privateKey=key.pem:certKey=cert.pem",
            "ssl:tcp6:8801:privateKey=key.pem:certKey=cert.pem:clientCA=staff.pem",
            "proxy:ssl:8802:privateKey=key.pem:certKey=cert.pem",
            "systemd:name=pb",
        ),
        letter="p",
        repeats=True,
    ),
    Setting(
        "client-ca",
        "Ask the clients of ssl: ports for a certificate, and trust those that the authorities in this file "
        "(PEM) have issued. A port's own clientCA= wins.",
        "FILE",
        ("/etc/pbserver/staff.pem",),
    ),
    Setting(
        "client-cert",
        "Whether clients need one: required or optional. A port's own clientCert= wins. [default: required]",
        "WHETHER",
        ("optional",),
    ),
    Setting(
        "trusted-proxy",
        "Who may say, on proxy: ports, where a client comes from: an address or network, or unix for whoever "
        "may connect to a UNIX socket.",
        "ADDRESS",
        ("192.0.2.7", "10.1.0.0/16", "unix"),
        repeats=True,
    ),
)

_SERVING: Final = (
    Setting(
        "root",
        "What to serve: an IPBRoot provider, a Portal, or a class or function that makes one. The module may "
        "lie in the working directory. [default: a demonstration; it tells its methods to whoever calls "
        "'methods']",
        "MODULE:OBJECT",
        ("shop:Shop",),
        letter="r",
    ),
    Setting(
        "policy",
        "What clients may send: a SecurityPolicy, SecurityOptions, or what makes one. [default: plain "
        "values, and classes that the program has registered]",
        "MODULE:OBJECT",
        ("shop:policy",),
    ),
    Setting(
        "describe",
        "Let clients ask what can be called, with signatures and docstrings, as 'myspread describe' does.",
    ),
)

_LOGIN: Final = (
    Setting(
        "realm",
        "Where those who log in get their avatars: an IRealm provider, or what makes one. This takes the "
        "place of --root.",
        "MODULE:OBJECT",
        ("shop:Realm",),
    ),
    Setting(
        "auth",
        "Who may log in: a checker of twisted.cred, and what it needs. Each is asked in turn. 'help' lists "
        "those that are installed, 'help:NAME' tells more of one.",
        "NAME:ARGUMENT",
        (
            "pbpasswords:/var/lib/pbserver/passwords",
            "pbtokens:/var/lib/pbserver/tokens",
            "pbcertificates:/var/lib/pbserver/certificates",
            "file:users",
            "help",
        ),
        repeats=True,
        secret=True,
    ),
    Setting("anonymous", "Let clients in that log in without credentials, too."),
    Setting(
        "md5",
        "From where logins with MD5 are taken, which are all that clients on twisted.spread know: anywhere, "
        "local (from this machine) or never. [default: local]",
        "WHERE",
        ("anywhere", "never"),
    ),
)

_LIMITS: Final = (
    Setting(
        "limit",
        "Change a limit: a field of myspread.pb.Limits. A number may end in k, M or G; none takes a "
        "limit away.",
        "NAME=VALUE",
        ("connectionsPerAddress=100", "messageLength=4M", "beforeLogin.messageLength=16k", "idleTime=none"),
        letter="l",
        repeats=True,
        pairs=True,
    ),
    Setting(
        "budget",
        "What each of those who log in may cost, on all their connections together: a field of "
        "myspread.pb.Budget. [default: nothing is counted]",
        "NAME=VALUE",
        ("callsPerSecond=100", "callsInProgress=50", "references=200", "bytesPerSecond=1M", "burst=10"),
        repeats=True,
        pairs=True,
    ),
)

_OPERATING: Final = (
    Setting(
        "config", "Take settings from a TOML file; options win over it.", "FILE", ("/etc/pbserver.toml",)
    ),
    Setting(
        "drain",
        "Seconds that calls in progress may go on once the server is told to stop; a second signal ends "
        "it at once. [default: 30]",
        "SECONDS",
        ("120",),
    ),
    Setting(
        "status",
        "Where to serve a web page with the status, the same as JSON, and metrics for Prometheus: the "
        "description of an endpoint. It is for this machine only, unless that has an interface=. "
        "[default: nowhere]",
        "STRPORT",
        ("tcp:9880", "unix:/run/pbserver/status.socket", "tcp:9880:interface=192.0.2.1"),
        repeats=True,
    ),
    Setting(
        "status-host",
        "A name by which the status page may be asked for, besides localhost and addresses.",
        "NAME",
        ("pb1.example.org",),
        repeats=True,
    ),
    Setting(
        "slow-call",
        "Seconds from which on the log tells of a call. [default: it tells of none]",
        "SECONDS",
        ("0.5",),
    ),
    Setting("check", "Look whether all settings are right, say what they are, and exit."),
)

TOPICS: Final = (
    Topic("listening", "Where to listen", _LISTENING),
    Topic("serving", "What to serve", _SERVING),
    Topic("login", "Who may log in, and how", _LOGIN),
    Topic("limits", "What clients may cost", _LIMITS),
    Topic("operating", "Operating", _OPERATING),
)
"""Every setting, by topic. The help on each topic fits a screen."""
