# SPDX-License-Identifier: Apache-2.0
"""Fixtures: masters and clients that are ended with the test that made them."""

import pytest

from support import netns, processes
from support.engine_node import Nodes
from support.master import NEWEST, UPSTREAM, Master
from support.store_node import StoreNodes, WheelMember
from support.wheel import Wheel
from support.wheel_engine import WheelEngine


def pytest_configure(config):
    config.addinivalue_line("markers", "ours: about mc-master only; skipped with upstream's master")


def pytest_collection_modifyitems(items):
    for item in items:
        if UPSTREAM and item.get_closest_marker("ours"):
            item.add_marker(pytest.mark.skip(reason="is about mc-master only"))


class Cluster:
    """What one test started, and its logs."""

    def __init__(self, directory):
        self.directory = directory
        self.masters, self.clients = [], []

    def master(self, release=NEWEST, **options):
        master = Master(self.directory, release, **options)
        self.masters.append(master)
        return master.start()

    def client(self, release=NEWEST, name=None, venv=None):
        client = Wheel(self.directory, release, name or f"client{len(self.clients)}", venv)
        self.clients.append(client)
        return client

    def member(self, name=None):
        """A client that speaks as ours do."""
        client = WheelMember(self.directory, NEWEST, name or f"client{len(self.clients)}")
        self.clients.append(client)
        return client

    def engine(self, release=NEWEST, name=None):
        """Of upstream's wheel; not yet created."""
        engine = WheelEngine(self.directory, release, name or f"wheel{len(self.clients)}")
        self.clients.append(engine)
        return engine

    def stop(self):
        for client in self.clients:
            client.close()
        codes = [(master.stop(), master.upstream) for master in self.masters]
        return [code for code, upstream in codes if not upstream]

    def logs(self):
        for part in (*self.masters, *self.clients):
            yield part.log.name, processes.tail(part.log)


STARTED = pytest.StashKey()


def _note(request, made):
    """Its logs are shown if the test fails."""
    request.node.stash.setdefault(STARTED, []).append(made)


def _run(made):
    yield made
    codes = made.stop()
    assert all(code == 0 for code in codes), f"masters ended with {codes}"


@pytest.fixture
def cluster(tmp_path, request):
    made = Cluster(tmp_path)
    _note(request, made)
    yield from _run(made)


@pytest.fixture(scope="module")
def module_cluster(tmp_path_factory):
    """One that the tests of a file share."""
    yield from _run(Cluster(tmp_path_factory.mktemp("shared")))


@pytest.fixture
def nodes(tmp_path, request):
    """Makes processes with an engine each: nodes(drivers="tcp", …)."""
    made = Nodes(tmp_path)
    _note(request, made)
    yield made
    bad = made.stop()
    assert not bad, "\n".join(bad)


@pytest.fixture
def stores(tmp_path, request, cluster):
    """Makes processes for stores of ours, which end before the cluster's."""
    made = StoreNodes(tmp_path)
    _note(request, made)
    yield made
    bad = made.stop()
    assert not bad, "\n".join(bad)


@pytest.fixture
def hosts():
    yield from netns.two_hosts()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for made in item.stash.get(STARTED, []):
            report.sections += list(made.logs())
    return report
