#!/usr/bin/env python3
"""Build operators.txt from libraries that are really installed.

    operators.py OUT INTERPRETER...    run the probe in every interpreter, merge, write OUT
    operators.py --probe               print what this interpreter's libraries register

A line `@family` begins a family; the line behind it has its operators, sorted. Gradients are left out where the name of the operator
that they belong to says the same (`x_grad`, `_backward_x`). No model is read and no graph is run.
"""
import os
import subprocess
import sys


def tensorflow():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow  # noqa: F401
    from tensorflow.core.framework import op_def_pb2

    try:
        from tensorflow.python.client import pywrap_tf_session as c
    except ImportError:
        from tensorflow.python import pywrap_tensorflow as c
    ops = op_def_pb2.OpList()
    ops.ParseFromString(c.TF_GetBuffer(c.TF_GetAllOpList()))
    return {op.name for op in ops.op}


def onnx():
    from onnx import defs

    return {s.name for s in defs.get_all_schemas_with_history() if s.domain == ""}


def contrib():
    """Operators of onnx's and onnxruntime's own domains."""
    from onnx import defs

    found = {s.name for s in defs.get_all_schemas_with_history() if s.domain}
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as runtime
    except ImportError:
        return found
    return found | {s.name for s in runtime.get_all_operator_schema() if s.domain not in ("", "ai.onnx")}


def mxnet():
    import ctypes

    import numpy

    # Names that numpy has dropped since the last release of MXNet.
    for name in ("bool", "int", "float", "object"):
        if name not in numpy.__dict__:
            setattr(numpy, name, __builtins__.__dict__[name] if hasattr(__builtins__, "__dict__") else __builtins__[name])
    from mxnet.base import _LIB, check_call, py_str

    count, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    check_call(_LIB.MXListAllOpNames(ctypes.byref(count), ctypes.byref(names)))
    found = {py_str(names[i]) for i in range(count.value)}
    return {n for n in found if not (n.startswith("_backward_") and n[10:] in found)}


def paddle():
    try:
        from paddle.base import core, framework
    except ImportError:
        from paddle.fluid import core, framework
    found = set(framework.OpProtoHolder.instance().op_proto_map)
    if hasattr(core, "get_all_op_names"):
        found |= set(core.get_all_op_names())
    return {n for n in found if not (n.endswith("_grad") and n[:-5] in found)}


FAMILIES = {"contrib": contrib, "mxnet": mxnet, "onnx": onnx, "paddle": paddle, "tensorflow": tensorflow}


def probe():
    for family, names in FAMILIES.items():
        try:
            found = names()
        except Exception as why:
            print(f"{family}: {why!r}", file=sys.stderr)
            continue
        for name in found:
            print(f"= {family} {name}")


def main():
    if sys.argv[1:] == ["--probe"]:
        return probe()
    out, merged = sys.argv[1], {family: set() for family in FAMILIES}
    for python in sys.argv[2:]:
        run = subprocess.run([python, os.path.abspath(__file__), "--probe"], stdout=subprocess.PIPE, check=True, universal_newlines=True)
        for line in run.stdout.splitlines():
            mark, _, rest = line.partition(" ")
            if mark == "=":
                family, _, name = rest.partition(" ")
                merged[family].add(name)
    with open(out, "w") as f:
        for family, names in sorted(merged.items()):
            f.write(f"@{family}\n{' '.join(sorted(names))}\n")


main()
