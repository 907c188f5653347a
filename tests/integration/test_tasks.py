# SPDX-License-Identifier: Apache-2.0
"""Copy and move tasks: upstream's clients create them and carry them out."""

import pytest

from support.wheel import RELEASES

SIZE = 1_000_003
# 0.3.9 can create tasks, but does not fetch any
CARRIERS = [release for release in RELEASES if release != "0.3.9"]
KEYS = ["plain", "with space/and slash", 'quote" back\\slash', "é€🐧", "line\nend\ttab"]


class Nodes:
    """A master, and clients with a segment each; the names of the segments in their order."""

    def __init__(self, cluster, release, count):
        self.master = cluster.master(release)
        self.clients, self.names = [], []
        for i in range(count):
            self.clients.append(cluster.client(release, f"node{i}").setup(self.master))
            self.names += [name for name in self.master.segments() if name not in self.names]
        assert len(self.names) == count

    def put(self, keys, node):
        codes = self.clients[0].do("put", keys=keys, size=SIZE,
                                   config={"preferred_segment": self.names[node]})
        assert codes == [0] * len(keys)

    def done(self, started):
        """Every task that was created succeeds."""
        for task, code in started:
            assert code == 0
        for task, _ in started:
            status, message = self.clients[0].do("task", task=task)
            assert status == "SUCCESS", message

    def read(self, node, keys):
        assert self.clients[node].do("get", keys=keys, size=SIZE) == ["ok"] * len(keys)

    def lose(self, node):
        """What is left must be elsewhere."""
        self.clients[node].kill()


@pytest.mark.parametrize("release", CARRIERS)
def test_moved_objects_outlive_their_first_node(cluster, release):
    nodes = Nodes(cluster, release, 2)
    nodes.put(KEYS, 1)
    nodes.done([nodes.clients[0].do("move_task", key=key, source=nodes.names[1],
                                    target=nodes.names[0]) for key in KEYS])
    nodes.read(0, KEYS)
    nodes.read(1, KEYS)
    nodes.lose(1)
    nodes.read(0, KEYS)


@pytest.mark.parametrize("release", CARRIERS)
def test_copied_objects_are_the_same_everywhere(cluster, release):
    nodes = Nodes(cluster, release, 3)
    nodes.put(KEYS, 2)
    nodes.done([nodes.clients[0].do("copy_task", key=key, targets=nodes.names[:2])
                for key in KEYS])
    nodes.read(1, KEYS)
    # what is left of each is moved onto where a copy is: the others go
    nodes.done([nodes.clients[0].do("move_task", key=key, source=nodes.names[i],
                                    target=nodes.names[0]) for i in (2, 1) for key in KEYS])
    nodes.lose(1)
    nodes.lose(2)
    nodes.read(0, KEYS)


def test_tasks_that_cannot_be_are_refused(cluster):
    nodes = Nodes(cluster, RELEASES[0], 2)
    client, names = nodes.clients[0], nodes.names
    nodes.put(["k"], 0)
    assert client.do("copy_task", key="none", targets=[names[1]])[1] == -704
    assert client.do("copy_task", key="k", targets=["nowhere:1"])[1] == -600
    assert client.do("copy_task", key="k", targets=[])[1] == -600
    assert client.do("move_task", key="k", source=names[1], target=names[0])[1] == -600
    assert client.do("move_task", key="k", source=names[0], target=names[0])[1] == -600
    assert client.do("task", task=[1, 2]) == [-1400, ""]
