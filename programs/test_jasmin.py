"""
U{Jasmin<https://jasminsms.com>}, an SMS gateway: its parts talk Perspective
Broker, with a login of its own that reaches deep into the broker.
"""

from __future__ import annotations

from itertools import product

from programs.running import OURS, STOCK, OwnTests, ProgramTestCase

SERVER = """
import sys
from hashlib import md5
from jasmin.interceptor.configs import InterceptorPBConfig
from jasmin.interceptor.interceptor import InterceptorPB
from jasmin.tools.cred.portal import JasminPBRealm
from jasmin.tools.spread.pb import JasminPBPortalRoot
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.spread import pb

checker = InMemoryUsernamePasswordDatabaseDontUse()
checker.addUser("somebody", md5(b"secret").digest())
portal = Portal(JasminPBRealm(InterceptorPB(InterceptorPBConfig())), [checker])
port = reactor.listenTCP(0, pb.PBServerFactory(JasminPBPortalRoot(portal)), interface="127.0.0.1")
with open("port", "w") as file:
    file.write(f"{port.getHost().port}\\n")
reactor.run()
"""

CLIENT = """
import sys
from datetime import datetime
from jasmin.interceptor.proxies import InterceptorPBProxy
from jasmin.routing.Routables import SimpleRoutablePDU
from jasmin.routing.jasminApi import Connector, Group, InterceptorScript, User
from jasmin.tools.proxies import ConnectError
from smpp.pdu.operations import SubmitSM
from twisted.internet import defer, task

async def main(reactor):
    port = int(sys.argv[1])
    proxy = InterceptorPBProxy()
    try:
        await proxy.connect("127.0.0.1", port, "somebody", "wrong")
    except ConnectError as error:
        print(error)
    proxy.disconnect()
    proxy = InterceptorPBProxy()
    await proxy.connect("127.0.0.1", port, "somebody", "secret")
    message = SubmitSM(source_addr="1", destination_addr="2", short_message="hello")
    routable = SimpleRoutablePDU(Connector("c"), message, User(1, Group(1), "u", "p"), datetime.now())
    script = InterceptorScript("routable.pdu.params['service_type'] = 'intercepted'")
    changed = proxy.unpickle(await proxy.run_script(script, routable))
    print(changed.pdu.params["service_type"])
    print((await proxy.run_script(InterceptorScript("http_status = 404"), routable))["http_status"])
    proxy.disconnect()

task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
"""

SUITES = (
    "tests.interceptor.test_interceptor",
    "tests.protocols.smpp.test_smpp_server_pb",
    "tests.routing.test_router.AuthenticatedTestCases",
    "tests.routing.test_router.BasicTestCases",
    "tests.routing.test_router.InterceptionTestCases",
    "tests.routing.test_router.RoutingTestCases",
    "tests.routing.test_router.UserAndGroupTestCases",
)


class JasminTests(OwnTests, ProgramTestCase):
    """
    Those of its own tests that need no other server, and its interceptor.
    """

    distributions = ("jasmin",)
    suites = SUITES

    def variables(self, name: str, isOurs: bool, *paths: object) -> dict[str, str]:
        """As for every program, and a place for its log."""
        return {**super().variables(name, isOurs, *paths), "LOG_PATH": str(self.directory)}

    def test_everyPairing(self) -> None:
        """
        In all four pairings, a login is refused, another one isn't, and
        messages are intercepted by the other process.
        """
        for serverIsOurs, clientIsOurs in product((True, False), repeat=2):
            with self.subTest(serverIsOurs=serverIsOurs, clientIsOurs=clientIsOurs):
                self.converse(serverIsOurs, clientIsOurs)
                self.endAll()

    def converse(self, serverIsOurs: bool, clientIsOurs: bool) -> None:
        """Run a server, and a client that uses it."""
        server, client = f"server{serverIsOurs}{clientIsOurs}", f"client{serverIsOurs}{clientIsOurs}"
        port = self.directory / "port"
        port.unlink(missing_ok=True)
        variables = self.variables(server, serverIsOurs)
        self.start(SERVER, variables=variables, directory=self.directory)
        self.waitFor(lambda: port.exists() and port.read_text().endswith("\n"))
        variables = self.variables(client, clientIsOurs)
        output = self.run_(CLIENT, port.read_text().strip(), variables=variables)
        expected = ["Authentication error somebody", "intercepted", "404"]
        self.assertEqual(output.splitlines(), expected)
        sides = {True: {OURS}, False: {STOCK}}
        self.assertEqual(self.brokers(server), sides[serverIsOurs])
        self.assertEqual(self.brokers(client), sides[clientIsOurs])
