"""What CPython does with a pickle, without doing any of it: the other side of the differential test.

Reads pickles from standard input (a little-endian length of four bytes before each) and prints one line of JSON for
each: what `find_class` was asked for, what would have been called, built or changed, by which reading. Everything that a pickle can name
is replaced by an inert class that records and returns another inert object, so that nothing is ever run.

Python 2.7 and 3.6 or newer. The readings are the C unpickler on an in-memory file, on buffered files and on a file with nothing but `read`
and `readline`, the Python unpickler, both with the encodings in use, and the unpickler that torch's loaders make of the C one.
"""

from __future__ import print_function

import io
import json
import pickle
import re
import struct
import sys
import warnings

PY2 = sys.version_info[0] == 2
if PY2:
    import copy_reg as copyreg
    from cStringIO import StringIO
else:
    import _pickle
    import copyreg

EVENTS = {}
BIT = [1]
# As many pickles of one file as a loader that calls `load` again and again is followed through.
IN_A_ROW = 40


def log(tag, module, name):
    key = (tag, module, name)
    EVENTS[key] = EVENTS.get(key, 0) | BIT[0]


class Touch(object):
    """A method that item opcodes call: on the class itself it changes an import, on an instance the object."""

    def __get__(self, thing, cls):
        tag = "changed-import" if thing is None else "changed-object"

        def touch(*_):
            log(tag, cls.module, cls.called)

        return touch


class SetState(object):
    def __get__(self, thing, cls):
        def build(*_):
            log("build", cls.module, cls.called)

        return build


class Meta(type):
    def __call__(cls, *args, **named):
        log("call", cls.module, cls.called)
        if cls.called.startswith("text"):
            return "computed"
        if cls.module in ("copyreg", "copy_reg") and cls.called in ("add_extension", "remove_extension"):
            getattr(copyreg, cls.called)(*args)
            return None
        # The object is one of the class that the rebuilder is handed.
        if cls.module in ("copyreg", "copy_reg") and cls.called == "_reconstructor" and args and isinstance(args[0], Meta):
            return object.__new__(args[0])
        return object.__new__(cls)

    def __setitem__(cls, key, value):
        log("changed-import", cls.module, cls.called)


class Thing(object):
    """What calls return: everything that an unpickler may do to an object is recorded."""

    module = called = ""
    append = extend = add = Touch()

    def __new__(cls, *args, **named):
        log("call", cls.module, cls.called)
        return object.__new__(cls)

    def __call__(self, *args, **named):
        log("result-call", self.module, self.called)
        return instance("?", "result")

    def __setitem__(self, key, value):
        log("changed-object", self.module, self.called)

    __setstate__ = SetState()


if PY2:
    class Thing(Thing):
        __metaclass__ = Meta
else:
    Thing = Meta("Thing", (Thing,), {})

KNOWN = {}


def inert(module, name):
    key = (module, name)
    found = KNOWN.get(key)
    if found is None:
        if len(KNOWN) > 5000:
            KNOWN.clear()
        found = KNOWN[key] = Meta("T", (Thing,), {"module": module, "called": name})
    return found


def instance(module, name):
    return object.__new__(inert(module, name))


ODD = re.compile(u"[^\\w.<>]", re.UNICODE)


TEXT = (type(b""), type(u"")) if PY2 else str


def find_class(self, module, name):
    if not (isinstance(module, TEXT) and isinstance(name, TEXT)):
        # The registry of extensions takes anything for a name, and importing does not.
        raise TypeError("a name that is no text")
    log("import", module, name)
    if not module or not name or ODD.search(clean(module)) or ODD.search(clean(name)):
        # As the real one does: nothing that can be installed has such a name.
        raise ImportError(name)
    return inert(module, name)


def persistent_load(self, pid):
    # What torch writes is judged by what its loader makes of it.
    torch = isinstance(pid, tuple) and pid[:1] in (("storage",), ("module",), (b"storage",), (b"module",))
    # An opcode without its line asks for nothing.
    if pid != "":
        log("torch-persistent" if torch else "persistent", "", "")
    # What torch's loader hands back of a module is its class: making an object of it is a call of that class.
    handed = pid[1] if torch and pid[0] in ("module", b"module") and len(pid) > 1 and isinstance(pid[1], Meta) else None
    return instance("persistent_load", handed.module + ":" + handed.called if handed else "")


def torch_load(self, pid):
    """`torch.serialization`: storages come from the file, modules are handed back as they are."""
    assert isinstance(pid, tuple)
    kind = pid[0].decode("ascii") if isinstance(pid[0], bytes) else pid[0]
    if kind == "module":
        return pid[1]
    if kind == "storage":
        storage, key, location, count, view = pid[1:]
        return instance("persistent_load", "storage")
    raise RuntimeError(kind)


def buffers():
    while True:
        yield bytearray(b"buffer")


class Plain(object):
    """A file that can do no more than an unpickler asks of it."""

    def __init__(self, data):
        inner = io.BytesIO(data)
        self.read, self.readline, self.tell, self.seek = inner.read, inner.readline, inner.tell, inner.seek


def buffered(size):
    return lambda data: io.BufferedReader(io.BytesIO(data), size)


def unpickler(base, load=persistent_load):
    return type("U", (base,), {"find_class": find_class, "persistent_load": load})


def python3():
    c, py, torch = unpickler(_pickle.Unpickler), unpickler(pickle._Unpickler), unpickler(_pickle.Unpickler, torch_load)
    torch_py = unpickler(pickle._Unpickler, torch_load)
    outside = sys.version_info >= (3, 8)

    def with_buffers(cls, **named):
        return (lambda f: cls(f, buffers=buffers(), **named)) if outside else (lambda f: cls(f, **named))

    return [
        ("c", io.BytesIO, with_buffers(c)),
        ("python", io.BytesIO, with_buffers(py)),
        ("torch", io.BytesIO, lambda f: torch(f, encoding="utf-8")),
        ("torch-python", io.BytesIO, lambda f: torch_py(f, encoding="utf-8")),
        ("c-plain", Plain, with_buffers(c, encoding="latin1")),
        ("c-bytes", io.BytesIO, lambda f: c(f, encoding="bytes")),
        ("python-latin1", io.BytesIO, lambda f: py(f, encoding="latin1")),
        ("c-buffered-8", buffered(8), with_buffers(c)),
        ("c-buffered-8192", buffered(8192), with_buffers(c)),
    ]


def python2():
    import cPickle

    class Py(pickle.Unpickler):
        def find_class(self, module, name):
            return find_class(self, module, name)

        def persistent_load(self, pid):
            return persistent_load(self, pid)

    def c(f):
        u = cPickle.Unpickler(f)
        u.find_global = lambda module, name: find_class(u, module, name)
        u.persistent_load = lambda pid: persistent_load(u, pid)
        return u

    return [("c2", StringIO, c), ("python2", StringIO, Py)]


READINGS = python2() if PY2 else python3()
REGISTRIES = [getattr(copyreg, name) for name in ("_extension_registry", "_inverted_registry", "_extension_cache")]


def run(data):
    """All readings of one case; returns how each ended: "ok" where pickle after pickle loads up to the end of the bytes."""
    ends = []
    for n, (_, file, make) in enumerate(READINGS):
        BIT[0] = 1 << n
        f = file(data)
        end = "ok"
        for count in range(IN_A_ROW):
            for registry in REGISTRIES:
                registry.clear()
            REGISTRIES[0][("preset", "ext")] = 240
            REGISTRIES[1][240] = ("preset", "ext")
            before = f.tell()
            try:
                make(f).load()
            except MemoryError:
                end = "MemoryError"
                break
            except Exception as e:
                end = type(e).__name__ + ": " + str(e)
                break
            if f.tell() >= len(data) or f.tell() == before:
                break
        ends.append(end)
    return ends


SURROGATE = re.compile(u"[\ud800-\udfff]")


def clean(name):
    if isinstance(name, bytes):
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            return name.decode("latin1")
    return SURROGATE.sub(u"\ufffd", name)


def record():
    stdin = sys.stdin if PY2 else sys.stdin.buffer
    out = sys.stdout
    verbose = "verbose" in sys.argv
    out.write(json.dumps([name for name, _, _ in READINGS]) + "\n")
    out.flush()
    while True:
        head = stdin.read(4)
        if len(head) < 4:
            return
        data = stdin.read(struct.unpack("<I", head)[0])
        EVENTS.clear()
        ends = run(data)
        events = [[mask, tag, clean(module), clean(name)] for (tag, module, name), mask in EVENTS.items()]
        ok = sum(1 << n for n, end in enumerate(ends) if end == "ok")
        out.write(json.dumps({"ok": ok, "events": events, "ends": [repr(e) for e in ends] if verbose else []}) + "\n")
        out.flush()


if __name__ == "__main__":
    # A memo index may ask for any amount of memory: that has to fail, not to work.
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.setrecursionlimit(500)
    # About escapes in texts, one for each.
    warnings.simplefilter("ignore")
    record()
