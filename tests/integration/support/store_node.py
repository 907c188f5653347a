# SPDX-License-Identifier: Apache-2.0
"""A process with stores of ours (tests/support/store_node.c), and clients of both kinds alike."""

from . import node
from .wheel import Wheel

MIB = 1 << 20
# A machine with nothing but a loopback interface has no address that wheels would take.
PUBLISHED = {"MC_TCP_BIND_ADDRESS": "127.0.0.1"}


class StoreNode(node.Node):
    program = "store_node"
    puts = ("put", "parts", "batch", "multi", "async", "put registered", "multi registered")
    upsert = "upsert_put"
    gets = ("get", "buffers", "into", "batch", "multi", "async", "into registered",
            "multi registered")

    def open(self, master, /, segment=64 * MIB, store=0, **more):
        """Joins the master; the answer, with what went wrong if something did."""
        params = {"hostname": "127.0.0.1", "metadata": master.metadata, "master": master.address,
                  "bind_host": "127.0.0.1", "segment_size": segment, **more}
        opened = self.do("open", store=store, timeout=30, **params)
        if opened["status"] == "ok" and store == 0:
            self.home = opened["name"]
        return opened

    def setup(self, master, **more):
        opened = self.open(master, **more)
        assert opened["status"] == "ok", opened
        return self

    # ---- as a wheel's client, in wheel.Wheel's words or nearly ----

    @staticmethod
    def _how(how):
        name, *registered = how.split()
        return {"how": name, "registered": bool(registered)}

    def put(self, keys, size, how="put", timeout=60, **more):
        """One status for each key."""
        return self.do("put", keys=keys, size=size, timeout=timeout, **self._how(how), **more)

    def stores(self, keys, size, replicas=1, on="", **more):
        """Puts that must work; @on: a segment."""
        config = {"replicas": replicas, "preferred_segment": on or None}
        statuses = self.put(keys, size, config=config, **more)
        assert set(statuses) == {"ok"}, f"{self.name} {more}: {statuses}"

    def verdicts(self, keys, size, how="get", timeout=60, **more):
        return self.do("get", keys=keys, size=size, timeout=timeout, **self._how(how), **more)

    def begin_verdicts(self, keys, size):
        self.begin("get", keys=keys, size=size)

    def exist(self, keys):
        return [verdict == "ok" for verdict in self.do("exist", keys=keys)]

    def lengths(self, keys):
        return self.do("sizes", keys=keys)

    def remove(self, keys, force=True):
        return self.do("remove", keys=keys, force=force)

    def endpoints(self, key):
        return [replica["endpoint"] for replica in self.do("replicas", key=key)]

    def counters(self):
        return self.do("counters")


class WheelMember(Wheel):
    """A client of upstream's with the calls of StoreNode that a cluster of both needs."""

    puts = ("put", "put_parts", "put_batch", "put_from", "batch_put_from",
            "batch_put_from_multi_buffers")
    upsert = "upsert"
    gets = ("get", "get_batch", "get_buffer", "batch_get_buffer", "get_into", "batch_get_into")

    def setup(self, master, **more):
        super().setup(master, **more)
        self.home = self.call("get_hostname")
        return self

    def stores(self, keys, size, replicas=1, on="", **more):
        config = {"replica_num": replicas, "preferred_segment": on}
        codes = self.do("put", keys=keys, size=size, config=config, **more)
        assert set(codes) == {0}, f"{self.name} {more}: {codes}"

    def verdicts(self, keys, size, how="get", timeout=60, **more):
        return self.do("get", keys=keys, size=size, how=how, timeout=timeout, **more)

    def begin_verdicts(self, keys, size):
        self.begin("get", keys=keys, size=size)

    def exist(self, keys):
        return [code == 1 for code in self.call("batch_is_exist", keys)]

    def lengths(self, keys):
        return [size if size != -704 else "miss"
                for size in (self.call("get_size", key) for key in keys)]

    def remove(self, keys, force=True):
        return [{0: "ok", -704: "miss"}.get(code, code)
                for code in self.call("batch_remove", keys, force)]

    def endpoints(self, key):
        return self.do("endpoints", key=key)


class StoreNodes(node.Nodes):
    kind, last = StoreNode, "stop"

    def __call__(self, name=None, env=None, **more):
        """A process without a store yet."""
        return self.start(name, env={**PUBLISHED, **(env or {})}, **more)
