"""Makes tests/golden/features.npy and labels.npy with NumPy; `... check PATH` prints a file as JSON."""

import json
import pathlib
import sys

import numpy as np

FEATURES = np.array([[[0.5, -1.25], [3e-30, 16777216.0]]] * 3, dtype="<f4") * [[[1]], [[2]], [[-4]]]
LABELS = np.array([0, 9, 2**53], dtype="<i8")

if sys.argv[1:2] == ["check"]:
    array = np.load(sys.argv[2], allow_pickle=False)
    print(json.dumps([array.dtype.str, array.shape, array.ravel().tolist()]))
else:
    folder = pathlib.Path(__file__).parent
    np.save(folder / "features.npy", FEATURES.astype("<f4"))
    np.save(folder / "labels.npy", LABELS)
