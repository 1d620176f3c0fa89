"""
Jelly against the oracle: C{twisted.spread.jelly} reads what we write, we read
what it writes, and both write the same.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from twisted.spread import banana as stockBanana
from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import banana, jelly
from myspread.security import SecurityPolicy
from tests.interop.graphs import difference

bounded = settings(
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)

decimals = st.builds(
    lambda digits, exponent: decimal.Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), exponent)),
    st.integers(-(10**30), 10**30),
    st.integers(-400, 400),
)
"""Those that C{twisted.spread} keeps: finite, and no negative zeros."""

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**448) + 1, 2**448 - 1),
    st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**448 - 1]),
    st.floats(),
    st.binary(max_size=20),
    st.sampled_from(sorted(stockBanana.Banana.outgoingVocabulary)),
    st.text(max_size=20),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    decimals,
)


class Node:
    """An object that travels by the name of its class, and can be hashed."""


class StatefulNode(Node):
    """One that travels as what it says is its state."""

    def __getstate__(self) -> tuple[str, dict[str, Any]]:
        return "state", self.__dict__

    def __setstate__(self, state: tuple[str, dict[str, Any]]) -> None:
        self.__dict__ = state[1]


class JellyNode(jelly.Jellyable, jelly.Unjellyable):
    """One that makes its own s-expression."""


CONTAINERS: list[type] = [list, tuple, dict, set, frozenset]


def tie(node: Any, key: Any, other: Any) -> None:
    """Make an object that can be changed refer to another one."""
    if isinstance(node, list):
        node.append(other)
    elif isinstance(node, dict):
        node[key] = other
    elif isinstance(node, Node):
        setattr(node, f"knot{len(vars(node))}", other)


@st.composite
def graphs(draw: Callable[[Any], Any], kinds: list[type] = CONTAINERS) -> Any:
    """
    Object graphs: first a pool of containers whose parts are leaves or others
    of the pool, then knots that make some of them contain themselves.

    @param kinds: the types that the containers have.
    """
    pool: list[Any] = []
    hashable: list[Any] = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=8)):
        anything = st.one_of(leaves, st.sampled_from(pool)) if pool else leaves
        fixed = st.one_of(leaves, st.sampled_from(hashable)) if hashable else leaves
        if kind is dict:
            made: Any = dict(draw(st.lists(st.tuples(fixed, anything), max_size=4)))
        elif kind in (set, frozenset):
            made = kind(draw(st.lists(fixed, max_size=4)))
        elif kind in (list, tuple):
            made = kind(draw(st.lists(anything, max_size=4)))
        else:
            made = kind()
            # Tells the members of a set apart when graphs are compared.
            made.number = len(pool)
            made.__dict__.update(draw(st.dictionaries(st.sampled_from("abc"), anything, max_size=3)))
        pool.append(made)
        try:
            hash(made)
        except TypeError:
            continue
        hashable.append(made)
    knot = st.tuples(st.sampled_from(pool), leaves, st.sampled_from(pool))
    for node, key, other in draw(st.lists(knot, max_size=5)):
        tie(node, key, other)
    return draw(st.sampled_from([*pool, pool]))


def asBytes(sexp: Any) -> Any:
    """An s-expression with byte strings for its texts."""
    if isinstance(sexp, list):
        return [asBytes(part) for part in sexp]
    return sexp.encode() if isinstance(sexp, str) else sexp


def stockKeeps(graph: Any, sexp: Any) -> bool:
    """
    Whether C{twisted.spread} itself gets C{graph} back out of its s-expression.
    """
    try:
        return difference(graph, stock.unjelly(sexp)) == ""
    except Exception:
        return False


class DifferentialTests(SynchronousTestCase):
    """
    Both packages agree on every object graph.
    """

    def check(self, graph: Any) -> None:
        """
        Compare what both make of an object graph.
        """
        theirs = stock.jelly(graph)
        ours = jelly.jelly(graph)
        self.assertEqual(banana.encode(ours), stockBanana.encode(theirs))
        self.assertEqual(difference(graph, jelly.unjelly(theirs)), "")
        self.assertEqual(difference(graph, jelly.unjelly(ours)), "")
        if stockKeeps(graph, theirs):
            self.assertEqual(difference(graph, stock.unjelly(jelly.jelly(graph))), "")

    @bounded
    @given(leaves)
    def test_leaves(self, leaf: Any) -> None:
        """
        Of values without parts, both write the same and read the same.
        """
        self.check(leaf)
        self.assertTrue(stockKeeps(leaf, stock.jelly(leaf)))

    @bounded
    @given(graphs())
    def test_containers(self, graph: Any) -> None:
        """
        Of containers, shared ones and circles included, both write the same,
        and we get back all of it.
        """
        self.check(graph)

    @bounded
    @given(graphs([*CONTAINERS, Node, StatefulNode]))
    def test_instances(self, graph: Any) -> None:
        """
        The same holds of instances, which make circles through sets and keys.
        """
        self.check(graph)

    @bounded
    @given(graphs([list, tuple, dict, Node]), graphs([list, dict]))
    def test_throughBanana(self, first: Any, second: Any) -> None:
        """
        What one side encoded, the other decodes to the same objects.
        """
        graph = [first, second, first]
        ours = banana.decode(stockBanana.encode(stock.jelly(graph)))
        self.assertEqual(difference(graph, jelly.unjelly(ours)), "")
        theirs = stockBanana.decode(banana.encode(jelly.jelly(graph)))
        if stockKeeps(graph, stock.jelly(graph)):
            self.assertEqual(difference(graph, stock.unjelly(theirs)), "")

    @bounded
    @given(graphs([list, tuple, dict, set]))
    def test_ownForms(self, inner: Any) -> None:
        """
        Objects with a C{jellyFor} of their own, of either package, travel the
        same way.
        """
        for node in (JellyNode(), stock.Jellyable()):
            node.inner = inner
            node.node = node
            graph = [node, node]
            self.assertEqual(
                banana.encode(jelly.jelly(graph)),
                stockBanana.encode(stock.jelly(graph)),
            )

    def test_stockIsLossless(self) -> None:
        """
        The comparison with stock isn't empty: it keeps shared and circular
        structures.
        """
        circle: list[Any] = [1]
        circle.append((circle, {"circle": circle}))
        for graph in ([circle, circle], {(1, 2): circle}, [()] * 3):
            self.assertTrue(stockKeeps(graph, stock.jelly(graph)))
            self.check(graph)

    def test_everyKindOfName(self) -> None:
        """
        Classes, modules, functions and methods travel by name. Ours are byte
        strings; those of stock are text in part, which Banana can't carry.
        """
        method = JellyNode().setStateFor
        for value in (Node, datetime, difference, [Node, Node], {"a": difference}):
            self.assertEqual(jelly.jelly(value), asBytes(stock.jelly(value)))
            self.assertEqual(jelly.unjelly(stock.jelly(value)), value)
            self.assertEqual(stock.unjelly(jelly.jelly(value)), value)
        self.assertEqual(jelly.jelly(method)[0:2], asBytes(stock.jelly(method)[0:2]))

    @bounded
    @given(graphs())
    def test_basicSecurity(self, graph: Any) -> None:
        """
        Under the security options that brokers have by default, both write the
        same, and we read what stock wrote.
        """
        taster = stock.SecurityOptions()
        taster.allowBasicTypes()
        ours = jelly.SecurityOptions()
        ours.allowBasicTypes()
        sexp = stock.jelly(graph, taster)
        self.assertEqual(jelly.jelly(graph, ours), sexp)
        self.assertEqual(difference(graph, jelly.unjelly(sexp, ours)), "")

    @bounded
    @given(graphs([list, dict, Node]))
    def test_undeclared(self, graph: Any) -> None:
        """
        Instances of classes that weren't declared go out as C{unpersistable},
        in the words of stock.
        """
        taster = stock.SecurityOptions()
        taster.allowTypes(Node, "list", "dict", "dictionary")
        ours = jelly.SecurityOptions()
        ours.allowTypes(Node, "list", "dict", "dictionary")
        try:
            expected = stock.jelly(graph, taster)
        except stock.InsecureJelly:
            self.assertRaises(jelly.InsecureJelly, jelly.jelly, graph, ours)
        else:
            self.assertEqual(jelly.jelly(graph, ours), expected)


class PersistentTests(SynchronousTestCase):
    """
    Both packages treat persistent ids alike.
    """

    @bounded
    @given(graphs([list, dict, Node]))
    def test_persistent(self, graph: Any) -> None:
        """
        Objects that a store knows travel as their ids, and come back as the
        very objects. (Without tuples: stock can't read all circular ones.)
        """
        store: dict[str, Any] = {}

        def save(node: Any, jellier: Any) -> bytes | None:
            if isinstance(node, Node):
                store[str(id(node))] = node
                return str(id(node)).encode()
            return None

        def load(identifier: bytes, unjellier: Any) -> Any:
            return store[identifier.decode()]

        sexp = stock.jelly(graph, persistentStore=save)
        self.assertEqual(jelly.jelly(graph, persistentStore=save), sexp)
        ours = jelly.unjelly(sexp, persistentLoad=load)
        self.assertEqual(difference(stock.unjelly(sexp, persistentLoad=load), ours), "")
        for node in store.values():
            self.assertIs(jelly.unjelly(jelly.jelly(node, persistentStore=save), persistentLoad=load), node)


TAGS = (
    "None boolean unicode decimal datetime date time timedelta list tuple dictionary set frozenset reference "
    "dereference unpersistable persistent class module function method instance remote local cached lcache"
).split()

atoms = st.one_of(
    st.sampled_from([tag.encode() for tag in TAGS]),
    st.binary(max_size=6),
    st.sampled_from(
        [b"true", b"1 2 3", b"tests.property.test_jelly_differential.Node", b"os.system", b".", b"os."]
    ),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
)

garbage = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.builds(
            lambda tag, rest: [tag.encode(), *rest], st.sampled_from(TAGS), st.lists(inner, max_size=3)
        ),
    ),
    max_leaves=25,
)


def listsIn(sexp: Any) -> list[list[Any]]:
    """All the lists in an s-expression, itself included."""
    found = [sexp] if isinstance(sexp, list) else []
    for each in found:
        found += [part for part in each if isinstance(part, list)]
    return found


@st.composite
def mutants(draw: Callable[[Any], Any]) -> Any:
    """Valid s-expressions in which a few places were changed."""
    # Without sets: their order may differ from run to run, which confuses hypothesis.
    sexp = [b"list", stock.jelly(draw(graphs([list, tuple, dict, Node])))]
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.sampled_from(listsIn(sexp)))
        index = draw(st.integers(0, len(where)))
        change = draw(st.sampled_from(["insert", "replace", "remove"]))
        new = (
            []
            if change == "remove"
            else [draw(st.one_of(garbage, st.just(where[index - 1]) if where else atoms))]
        )
        if any(each is where for part in new for each in listsIn(part)):
            continue
        where[index : index + (change != "insert")] = new
    return sexp


class HostileTests(SynchronousTestCase):
    """
    Nothing that arrives raises anything but L{jelly.InsecureJelly}.
    """

    def unjelly(self, sexp: Any, taster: Any) -> None:
        """
        Unjelly under a policy, and compare with stock where both succeed.
        """
        try:
            value = jelly.unjelly(sexp, taster)
        except jelly.InsecureJelly:
            return
        self.assertNotIn(b"_Dereference", repr(value).encode())

    @bounded
    @given(garbage)
    @example([])
    @example([b"reference", 1, [b"tuple", [b"dereference", 1]]])
    @example([b"reference", [b"list"], [b"list"]])
    @example([b"dereference", [b"list"]])
    @example([b"unicode", b"\xff"])
    @example([b"decimal", 1.5, 2.5])
    @example([b"dictionary", [[b"list"], 1]])
    def test_garbage(self, sexp: Any) -> None:
        """
        Random s-expressions become objects or are refused.
        """
        self.unjelly(sexp, basicOptions())

    @bounded
    @given(mutants())
    def test_mutants(self, sexp: Any) -> None:
        """
        So do valid ones that were damaged.
        """
        self.unjelly(sexp, basicOptions())

    @bounded
    @given(st.one_of(garbage, mutants()))
    def test_withClasses(self, sexp: Any) -> None:
        """
        So do both where classes are allowed by name.
        """
        taster = basicOptions()
        taster.allowInstancesOf(Node)
        taster.allowTypes("function", "method")
        self.unjelly(sexp, taster)

    @bounded
    @given(st.one_of(garbage, mutants()))
    def test_policy(self, sexp: Any) -> None:
        """
        So do both under a closed policy.
        """
        self.unjelly(sexp, SecurityPolicy().allowInstancesOf(Node))

    @bounded
    @given(st.one_of(garbage, mutants()))
    def test_noMoreThanStock(self, sexp: Any) -> None:
        """
        What stock refuses as insecure, we refuse.
        """
        taster = stock.SecurityOptions()
        taster.allowBasicTypes()
        try:
            stock.unjelly(sexp, taster)
        except stock.InsecureJelly:
            self.assertRaises(jelly.InsecureJelly, jelly.unjelly, sexp, basicOptions())
        except Exception:
            assume(False)


def basicOptions() -> jelly.SecurityOptions:
    """Security options that allow what brokers allow by default."""
    options = jelly.SecurityOptions()
    options.allowBasicTypes()
    return options
