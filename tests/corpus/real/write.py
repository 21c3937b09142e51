"""Writes the small files beside this script with the libraries that write them in the wild.

    python write.py            needs numpy, torch, scikit-learn, safetensors, gguf, h5py and keras

Everything here is harmless by construction, so every file must be clear. Libraries that are not installed leave their files as they are.
"""

import collections
import datetime
import decimal
import fractions
import pathlib
import pickle
import random
import sys
import uuid

HERE = pathlib.Path(__file__).parent

# The folders beside this script have the libraries' names.
sys.path = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != HERE.resolve()]


def at(name):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    return path


def plain():
    values = {
        "numbers": [0, -1, 2**31, -(2**63), 2**100, 1.5, 3 + 4j, True, None],
        "texts": ["", "ascii", "日本語", "line\nbreak", "x" * 300],
        "bytes": [b"", b"abc\xff", bytes(300), bytearray(b"mutable")],
        "sets": [set(), {1, 2}, frozenset({3})],
        "nested": [[[[()]]], {"a": {"b": {}}}, (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "kept": collections.OrderedDict(a=1),
        "counted": collections.Counter("abca"),
        "defaults": collections.defaultdict(list, a=[1]),
        "queue": collections.deque([1, 2], 5),
        "when": datetime.datetime(2020, 1, 2, 3, 4, 5, 6, datetime.timezone.utc),
        "span": datetime.timedelta(days=1, seconds=2),
        "exact": decimal.Decimal("1.10"),
        "ratio": fractions.Fraction(1, 3),
        "id": uuid.UUID(int=1),
        "range": range(3),
        "slice": slice(1, 2),
        "path": pathlib.PurePosixPath("a/b"),
    }
    values["self"] = values["numbers"]
    for protocol in range(6):
        at(f"pickle/values-{protocol}.pkl").write_bytes(pickle.dumps(values, protocol))
    several = b"".join(pickle.dumps(n, 4) for n in ([1, 2], {"a": "b"}, random.Random(1).random()))
    at("pickle/several.pkl").write_bytes(several)
    at("pickle/long-list.pkl").write_bytes(pickle.dumps([str(n) for n in range(2000)], 4))


def numpy_files():
    import numpy as np

    np.save(at("numpy/floats.npy"), np.arange(12, dtype="<f4").reshape(3, 4))
    np.save(HERE / "numpy/scalar.npy", np.float64(1.5))
    np.save(HERE / "numpy/texts.npy", np.array(["a", "bcd"]))
    np.save(HERE / "numpy/fields.npy", np.zeros(3, dtype=[("x", "<f8"), ("name", "S4"), ("pair", "<i2", (2,))]))
    np.save(HERE / "numpy/objects.npy", np.array([{"a": 1}, None, [1, 2]], dtype=object), allow_pickle=True)
    np.save(HERE / "numpy/empty.npy", np.zeros((0, 3)))
    np.savez(HERE / "numpy/stored.npz", a=np.arange(5), b=np.ones((2, 2)))
    np.savez_compressed(HERE / "numpy/packed.npz", a=np.zeros(1000), b=np.arange(5))
    for protocol in (2, 5):
        at(f"pickle/numpy-{protocol}.pkl").write_bytes(pickle.dumps({"a": np.arange(6.0).reshape(2, 3), "s": np.int64(3), "d": np.dtype("f4")}, protocol))


def sklearn_files():
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    x = np.random.default_rng(1).normal(size=(40, 3))
    y = (x[:, 0] > 0).astype(int)
    for name, model in (("pipeline", make_pipeline(StandardScaler(), LogisticRegression())), ("tree", DecisionTreeClassifier(max_depth=3, random_state=1))):
        at(f"sklearn/{name}.pkl").write_bytes(pickle.dumps(model.fit(x, y)))


def torch_files():
    import torch

    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    torch.save(model.state_dict(), at("torch/state.pt"))
    torch.save(model.state_dict(), HERE / "torch/legacy.pt", _use_new_zipfile_serialization=False)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, HERE / "torch/checkpoint.pt")
    torch.save([torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, 2).t(), torch.tensor(5)], HERE / "torch/tensors.bin")


def safetensors_files():
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"a.weight": np.ones((2, 3), "f4"), "a.bias": np.zeros(3, "f2"), "ids": np.arange(4)}, at("safetensors/model.safetensors"), {"format": "pt"})
    save_file({"empty": np.zeros((0, 2), "f4")}, HERE / "safetensors/empty.safetensors")


def gguf_files():
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(at("gguf/model.gguf"), "llama")
    writer.add_name("tiny")
    writer.add_block_count(1)
    writer.add_token_list(["<s>", "a", "b"])
    writer.add_token_scores([0.0, -1.0, -2.0])
    writer.add_chat_template("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}")
    writer.add_tensor("blk.0.weight", np.ones((4, 32), "f4"))
    writer.add_tensor("half", np.zeros(8, "f2"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def hdf5_files():
    import h5py
    import numpy as np

    for version in ("earliest", "latest"):
        with h5py.File(at(f"hdf5/{version}.h5"), "w", libver=version) as f:
            f["group/numbers"] = np.arange(6.0).reshape(2, 3)
            f["alias"] = h5py.SoftLink("/group/numbers")
            f["texts"] = np.array(["a", "日本"], dtype=h5py.string_dtype())
            f.create_dataset("packed", data=np.arange(64), chunks=(16,), compression="gzip", shuffle=True)
            # More than eight attributes go to a heap of their own in the newer layout.
            for n in range(12):
                f["group"].attrs[f"attribute {n}"] = f"value {n}"
    with h5py.File(at("hdf5/user-block.h5"), "w", userblock_size=512) as f:
        f["numbers"] = np.zeros(3, "f4")


def keras_files():
    import keras

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, activation="relu"), keras.layers.Dense(1, dtype="float32")])
    model.compile("sgd", "mse")
    model.save(at("keras/model.keras"))
    model.save(at("keras/model.h5"))
    model.save_weights(at("keras/model.weights.h5"))
    at("keras/model.json").write_text(model.to_json())


for write in (plain, numpy_files, sklearn_files, torch_files, safetensors_files, gguf_files, hdf5_files, keras_files):
    try:
        write()
    except ImportError as missing:
        print(f"{write.__name__}: {missing}")
