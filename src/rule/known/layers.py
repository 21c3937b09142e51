#!/usr/bin/env python3
"""Build layers.txt from the sources of Keras packages of many versions.

    layers.py OUT FOLDER...            every folder holds one unpacked wheel or source archive

A name enters when a package defines it where models take their parts from: layers, losses, metrics, optimizers, initializers,
regularizers, constraints, activations, operations, quantizers, dtype policies, models. Classes enter by themselves; of functions
only those that compute. Nothing is imported: the sources are read as syntax trees, so that versions which no longer install
count as well.

What is left out, and why:

  functions that build or load objects by name (get, serialize, deserialize, *_from_*, load*, save*): they are gadgets
  functions that call their arguments (map, scan, cond, while_loop …): a call of them is as good as the argument
  TFSMLayer, TorchModuleWrapper: they load another model, and are judged by what they load
"""
import ast
import os
import re
import sys
import warnings

warnings.simplefilter("ignore")

# Parts of a path or of an exported name that hold parts of models.
PARTS = set("""
    layers models losses metrics optimizers initializers regularizers constraints activations ops quantizers dtype_policies
    mixed_precision random engine core convolutional recurrent pooling normalization embeddings merge noise local wrappers
    advanced_activations activation attention cudnn_recurrent convolutional_recurrent objectives legacy_layers
""".split())

# Where functions compute.
FUNCTIONS = set("activations losses metrics ops initializers regularizers constraints objectives".split())

SKIP = re.compile(r"(^|_)(test|tests|testing|benchmarks?|examples?|integration_tests?|export|distribute|saving|datasets|applications|callbacks|utils|tools)(_|$|\.py$)|_test\.py$|^test_")
DENY = re.compile(r"^(get|serialize|deserialize|load.*|save.*|map|scan|cond|while_loop|fori_loop|switch|vectorized_map|custom_gradient|associative_scan|.*_from_.*|from_.*|to_.*|TFSMLayer|TorchModuleWrapper|.*TestCase.*|Test.*)$")
# Exported from elsewhere, and part of saved models all the same.
ALSO = {"FeatureSpace", "Feature", "Cross", "SeedGenerator", "Variable", "KerasTensor"}


def exports(node):
    out = []
    for d in node.decorator_list:
        if isinstance(d, ast.Call) and "export" in ast.unparse(d.func):
            for a in ast.walk(d):
                if isinstance(a, ast.Constant) and isinstance(a.value, str):
                    out.append(a.value)
    return out


def names(path, parts):
    try:
        tree = ast.parse(open(path, encoding="utf-8", errors="replace").read())
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or node.name.startswith("_"):
            continue
        public = exports(node)
        spaces = set(parts).union(*[e.split(".")[:-1] for e in public]) if public else set(parts)
        wanted = PARTS if isinstance(node, ast.ClassDef) else FUNCTIONS
        if not spaces & wanted and node.name not in ALSO:
            continue
        for name in {node.name, *[e.rsplit(".", 1)[-1] for e in public]}:
            if not DENY.match(name) and re.fullmatch(r"[A-Za-z]\w*", name):
                yield name


def main(out, folders):
    found = set()
    for folder in folders:
        for base, dirs, files in os.walk(folder):
            parts = os.path.relpath(base, folder).split(os.sep)
            dirs[:] = sorted(d for d in dirs if not SKIP.search(d) or d == "utils")
            for f in files:
                if f.endswith(".py") and not SKIP.search(f):
                    inside = parts + [f[:-3]]
                    if "utils" in parts and f != "feature_space.py":
                        continue
                    found.update(names(os.path.join(base, f), inside))
    with open(out, "w", encoding="utf-8") as w:
        w.write("\n".join(sorted(found)) + "\n")
    print(len(found), "names")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
