"""Pickles of random objects, as `pickle.dumps` of this Python writes them: `dumps.py SEED COUNT`, a little-endian length before each."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import operator
import pathlib
import pickle
import random
import struct
import sys
import uuid


class Plain:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Slotted:
    __slots__ = ("a", "b")


class Named:
    def __new__(cls, *, value=0):
        self = object.__new__(cls)
        self.value = value
        return self

    def __getnewargs_ex__(self):
        return (), {"value": self.value}


class State:
    def __init__(self, value):
        self.value = value

    def __getstate__(self):
        return {"value": self.value}

    def __setstate__(self, state):
        self.__dict__.update(state)


class Pairs(dict):
    pass


class Items(list):
    pass


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


Point = collections.namedtuple("Point", "x y")


def text(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(["", "a", "weight", "layer.0.bias", "__setstate__", "os", "system", "\n", "'\"\\", "\\u0041", "é", "日本", "\x00", "\x80", "\ud800"])
    if kind == 1:
        return "k" * rng.choice([1, 63, 64, 255, 256, 300] if rng.random() < 0.99 else [70000])
    return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0, 0x300), rng.randrange(0x10000)])) for _ in range(rng.randrange(20)))


def leaf(rng):
    pick = rng.randrange(16)
    if pick < 3:
        return rng.choice([0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**63, -(2**63), 2**200, -(2**2050)])
    if pick < 7:
        return text(rng)
    if pick < 9:
        return bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 10, 255, 256, 300])))
    if pick == 9:
        return bytearray(rng.randrange(256) for _ in range(rng.choice([0, 5, 300])))
    return rng.choice([None, True, False, 0.5, -1e300, float("inf"), 3 + 4j, Ellipsis, int, dict, Plain, operator.add, datetime.date(2020, 1, 2), decimal.Decimal("1.5"), fractions.Fraction(1, 3),
                       datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), uuid.UUID(int=5), range(3), slice(1, 2), pathlib.PurePosixPath("a/b"), Level.LOW, array.array("d", [1, 2]), NotImplemented])


def thing(rng, depth, shared):
    if shared and rng.random() < 0.15:
        return rng.choice(shared)
    if depth == 0 or rng.random() < 0.25:
        return leaf(rng)
    size = rng.choice([0, 1, 1, 2, 2, 3, 4, 12])
    many = [thing(rng, depth - 1, shared) for _ in range(size)]
    keys = [text(rng) if rng.random() < 0.8 else rng.randrange(100) for _ in range(size)]
    kind = rng.randrange(18)
    if kind < 4:
        made = many
    elif kind < 7:
        made = tuple(many)
    elif kind < 11:
        made = dict(zip(keys, many))
    elif kind == 11:
        made = rng.choice([set, frozenset])(keys)
    elif kind == 12:
        made = collections.OrderedDict(zip(keys, many))
    elif kind == 13:
        made = collections.defaultdict(list, zip(keys, many))
    elif kind == 14:
        made = collections.deque(many)
    elif kind == 15:
        made = Plain(**{"f%d" % n: v for n, v in enumerate(many)})
    elif kind == 16:
        made = rng.choice([lambda: Point(many, keys), lambda: State(many), lambda: Named(value=many), lambda: Items(many), lambda: Pairs(zip(keys, many)), lambda: functools.partial(int, base=2)])()
    else:
        made = Slotted()
        made.a = many
        if size % 2:
            made.b = made
    shared.append(made)
    return made


def main():
    rng = random.Random(int(sys.argv[1]))
    out = sys.stdout.buffer
    for _ in range(int(sys.argv[2])):
        value = thing(rng, rng.randrange(1, 5), [])
        file = io.BytesIO()
        # Several in a row are what torch wrote before its ZIP, and what loops over `pickle.dump` leave.
        for _ in range(rng.choice([1, 1, 1, 1, 3])):
            pickler = (pickle.Pickler if rng.random() < 0.7 else pickle._Pickler)(file, rng.randrange(pickle.HIGHEST_PROTOCOL + 1))
            pickler.fast = rng.random() < 0.05 and isinstance(value, (int, str, bytes))
            try:
                pickler.dump(value)
            except (TypeError, pickle.PicklingError, UnicodeEncodeError):
                # Slots and named arguments have no spelling in the oldest protocols.
                file = io.BytesIO(pickle.dumps(value if isinstance(value, (int, str)) else [1], 2))
                break
        data = file.getvalue()
        out.write(struct.pack("<I", len(data)) + data)


main()
