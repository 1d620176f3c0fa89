"""
The two names that C{twistd} looks up for its subcommand C{pbserver}.
"""

from __future__ import annotations

from twisted.application.service import MultiService

from myspread._service.certificates import CertificateService
from myspread._service.descriptors import DescriptorService
from myspread._service.endpoints import tlsOf
from myspread._service.figures import Figures
from myspread._service.hangup import HangupService
from myspread._service.options import Options
from myspread._service.ports import ListeningService
from myspread._service.status import StatusService
from myspread.pb import DrainService, PBServerFactory, Watch

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> MultiService:
    """
    Serve a root object.

    @param options: parsed.
    @return: a service that listens on every port while it runs, and refuses
        to start when it cannot.
    """
    service = MultiService()
    factory = PBServerFactory(
        options["root"],
        security=options["policy"],
        limits=options["limits"],
        clock=options.reactor,
        md5=options["md5"],
        budget=options["budget"],
    )
    factory.watch = figures = (
        Figures(options["slowCall"]) if options["status"] else Watch(options["slowCall"])
    )
    service.addService(DescriptorService(options.reactor, factory))
    encrypted = tlsOf(port.endpoint for port in options["ports"])
    certificates = CertificateService(options.reactor, encrypted)
    service.addService(certificates)
    service.addService(HangupService(options.reactor, [certificates.reload] if encrypted else []))
    if isinstance(figures, Figures):
        service.addService(
            StatusService(options.reactor, options["status"], factory, figures, options["statusHosts"])
        )
    # Services stop in the opposite order: first nothing listens any more.
    service.addService(DrainService(factory, options["drain"]))
    service.addService(ListeningService(options.reactor, options["ports"], factory))
    return service
