"""
Perspective Broker. The names of L{twisted.spread.pb}, and those that only
myspread has.
"""

from __future__ import annotations

from myspread import banana
from myspread._errors import (
    BudgetExceeded,
    CallTimeout,
    DeadReferenceError,
    Error,
    ForeignReference,
    Incident,
    InsecureJelly,
    LendingEnded,
    LimitExceeded,
    MalformedJelly,
    MethodChanged,
    NoMechanism,
    NoServer,
    NoSuchMethod,
    NotDescribed,
    NotJellyable,
    PBConnectionLost,
    PeerSilent,
    ProtocolError,
    RemoteError,
    ServerLeaving,
    SessionClosed,
    SessionTimeout,
    UnprovenServer,
    UntrustedServer,
)
from myspread._factories.backoff import Backoff
from myspread._factories.client import PBClientFactory
from myspread._factories.connecting import connect, getObjectAt
from myspread._factories.draining import DrainService
from myspread._factories.kept import Kept
from myspread._factories.lending import Lent, lend
from myspread._factories.server import PBServerFactory
from myspread._factories.session import Session, session
from myspread._factories.sessioncalls import SessionCaller
from myspread._factories.states import SessionState
from myspread._flavors.calling import RemoteCaller, RemoteMethods, typed
from myspread._flavors.describing import Description, MethodDescription, describe
from myspread._flavors.failures import CopiedFailure, CopyableFailure, failure2Copyable
from myspread._flavors.perspective import Avatar, Perspective
from myspread._flavors.referencing import AsReferenceable
from myspread._flavors.remote import RemoteMethod, RemoteReference
from myspread._flavors.remoteerrors import remote
from myspread._flavors.values import value
from myspread._login.challenge import challenge, respond
from myspread._login.credentials import ClientCertificate, Password, Token
from myspread._login.scram import ScramVerifier
from myspread._login.server import (
    JellyableAvatarMixin,
    PortalAuthChallenger,
    PortalRoot,
    PortalWrapper,
    Realm,
)
from myspread._net.broker import Broker
from myspread._net.leaving import notifyOnLeaving
from myspread._peer import Local
from myspread._peer.broadcasting import broadcast
from myspread._peer.budgets import Budget
from myspread._peer.watch import Watch
from myspread.flavors import (
    Cacheable,
    Copyable,
    IPBRoot,
    Jellyable,
    Referenceable,
    RemoteCache,
    RemoteCacheObserver,
    RemoteCopy,
    Root,
    Serializable,
    Viewable,
    ViewPoint,
    copyTags,
    setCopierForClass,
    setCopierForClassTree,
    setFactoryForClass,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from myspread.interfaces import (
    ICertificateCredentials,
    IJellyable,
    IPerspective,
    IScramCredentials,
    IScramVerifiers,
    ITokenCredentials,
    IUnjellyable,
    IUsernameMD5Password,
)
from myspread.jelly import globalSecurity, jelly, unjelly
from myspread.limits import Limits, settableConstants
from myspread.security import SecurityOptions, SecurityPolicy

__all__ = [
    "MAX_BROKER_REFS",
    "AsReferenceable",
    "Avatar",
    "Backoff",
    "Broker",
    "Budget",
    "BudgetExceeded",
    "Cacheable",
    "CallTimeout",
    "CopiedFailure",
    "ClientCertificate",
    "Copyable",
    "CopyableFailure",
    "DeadReferenceError",
    "Description",
    "DrainService",
    "Error",
    "ForeignReference",
    "ICertificateCredentials",
    "IJellyable",
    "IPBRoot",
    "IPerspective",
    "IScramCredentials",
    "IScramVerifiers",
    "ITokenCredentials",
    "IUnjellyable",
    "IUsernameMD5Password",
    "Incident",
    "InsecureJelly",
    "Jellyable",
    "Kept",
    "LendingEnded",
    "Lent",
    "LimitExceeded",
    "Limits",
    "Local",
    "MalformedJelly",
    "MethodChanged",
    "MethodDescription",
    "NoMechanism",
    "NoServer",
    "NoSuchMethod",
    "NotDescribed",
    "NotJellyable",
    "PBClientFactory",
    "PBConnectionLost",
    "PBServerFactory",
    "Password",
    "PeerSilent",
    "Perspective",
    "ProtocolError",
    "Realm",
    "Referenceable",
    "RemoteCache",
    "RemoteCacheObserver",
    "RemoteCaller",
    "RemoteCopy",
    "RemoteError",
    "RemoteMethod",
    "RemoteMethods",
    "RemoteReference",
    "Root",
    "ScramVerifier",
    "SecurityOptions",
    "SecurityPolicy",
    "Serializable",
    "ServerLeaving",
    "Session",
    "SessionCaller",
    "SessionClosed",
    "SessionState",
    "SessionTimeout",
    "Token",
    "UnprovenServer",
    "UntrustedServer",
    "ViewPoint",
    "Viewable",
    "Watch",
    "banana",
    "broadcast",
    "challenge",
    "connect",
    "copyTags",
    "describe",
    "failure2Copyable",
    "getObjectAt",
    "globalSecurity",
    "jelly",
    "lend",
    "notifyOnLeaving",
    "portno",
    "remote",
    "respond",
    "session",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "typed",
    "unjelly",
    "value",
]

MAX_BROKER_REFS = Limits.references
"""
Objects that one connection may lend to its peer. Setting it changes the limits
of all connections that have none of their own.
"""

settableConstants(__name__, MAX_BROKER_REFS=("references", "caches"))

portno = 8787
"""The port that Perspective Broker is registered under."""

# Private there, but programs with a login of their own inherit from these.
_JellyableAvatarMixin = JellyableAvatarMixin
_PortalAuthChallenger = PortalAuthChallenger
_PortalRoot = PortalRoot
_PortalWrapper = PortalWrapper
