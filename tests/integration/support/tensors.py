# SPDX-License-Identifier: Apache-2.0
"""Tensors on a wheel's store. Runs inside the wheel's environment, with PyTorch. A tensor follows
from its name: its kind, its shape and every byte."""

import ctypes
import math
import mmap

import torch
from content import content

ROOM = 1 << 20


def tensor_of(kind, shape, salt):
    dtype = getattr(torch, kind)
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return torch.empty(shape, dtype=dtype)
    raw = bytearray(content(f"{kind}{shape}", size, salt))
    if dtype == torch.bool:
        raw = bytearray(byte & 1 for byte in raw)
    return torch.frombuffer(raw, dtype=torch.uint8).view(dtype).reshape(shape)


def same(got, want):
    """Byte by byte: a NaN is equal to itself."""
    if got is None:
        return "miss"
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype} {tuple(got.shape)} instead of {want.dtype} {tuple(want.shape)}"
    equal = torch.equal(got.contiguous().flatten().view(torch.uint8),
                        want.contiguous().flatten().view(torch.uint8))
    return "ok" if equal else "wrong bytes"


class Tensors:
    def __init__(self, store, config):
        self.store, self.config = store, config
        self.buffer = mmap.mmap(-1, 2 * ROOM)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        code = store.register_buffer(self.address, 2 * ROOM)
        assert code == 0, f"register_buffer: {code}"

    def made(self, tensors):
        return [key for key, *_ in tensors], [tensor_of(*rest) for _, *rest in tensors]

    def put(self, how, tensors, config=None):
        keys, values = self.made(tensors)
        call = getattr(self.store, how)
        more = [self.config(config)] if "pub" in how else []
        if how.startswith("batch"):
            return call(keys, values, *more)
        return [call(key, value, *more) for key, value in zip(keys, values)]

    def get(self, how, tensors):
        keys, wanted = self.made(tensors)
        call = getattr(self.store, how)
        places = [self.address, self.address + ROOM][:len(keys)]
        if how == "get_tensor_into":
            got = [call(key, place, ROOM) for key, place in zip(keys, places, strict=True)]
        elif how == "batch_get_tensor_into":
            got = call(keys, places, [ROOM] * len(keys))
        elif how.startswith("batch"):
            got = call(keys)
        else:
            got = [call(key) for key in keys]
        return [same(*pair) for pair in zip(got, wanted)]

    def copy_raw(self, how, source, key):
        """What lies under a key as bytes, written as a tensor under another."""
        raw = self.store.get(source)
        self.buffer[:len(raw)] = raw
        return getattr(self.store, how)(key, self.address, len(raw))

    def put_shards(self, tensor, ranks, dim):
        key, *rest = tensor
        whole = tensor_of(*rest)
        return [self.store.put_tensor_with_tp(key, whole, rank, ranks, dim)
                for rank in range(ranks)]

    def get_shards(self, tensor, ranks, dim):
        key, *rest = tensor
        wanted = tensor_of(*rest).chunk(ranks, dim)
        return [same(self.store.get_tensor_with_tp(key, rank, ranks, dim), wanted[rank])
                for rank in range(ranks)]

    def save(self, key, path):
        return self.store.save_tensor_to_safetensor(key, path)

    def load(self, key, path, tensor):
        return same(self.store.load_tensor_from_safetensor(key, path), tensor_of(*tensor))

    def file_is(self, path, tensor):
        """The file, read by the library whose format it is."""
        from safetensors.torch import load_file

        (value,) = load_file(path).values()
        return same(value, tensor_of(*tensor))
