"""Makes tests/golden/mixed.safetensors with nothing but the standard library.

An implementation of the format of its own, so that reader and writer are not only tested against
each other: `python3 tests/golden/safetensors.py` writes the file, `... check PATH` reads one that
kiln wrote and prints what it holds as JSON.
"""

import json
import pathlib
import struct
import sys

CODES = {"BOOL": "?", "U8": "B", "I8": "b", "I16": "h", "U16": "H", "F16": "e", "I32": "i",
         "U32": "I", "F32": "f", "F64": "d", "I64": "q", "U64": "Q"}

# In the order in which the reference implementation writes them.
TENSORS = [
    ("u64", "U64", [1], [2**64 - 1]),
    ("i64", "I64", [2], [-(2**63), 2**63 - 1]),
    ("f64", "F64", [1, 2], [0.1, -1e300]),
    ("conv1/weights", "F32", [2, 3], [0.0, 1.0, -2.5, 3.25, 1e-30, 16777216.0]),
    ("nothing", "F32", [3, 0], []),
    ("scalar", "F32", [], [0.5]),
    ("u32", "U32", [1], [4294967295]),
    ("i32", "I32", [1], [-2147483648]),
    ("half", "F16", [3], [1.0, -2.0, 65504.0]),
    ("u16", "U16", [1], [65535]),
    ("i16", "I16", [1], [-32768]),
    ("i8", "I8", [1], [-128]),
    ("bytes \u00fc\"", "U8", [3], [0, 127, 255]),
    ("yes", "BOOL", [2], [True, False]),
]
METADATA = {"step": "2000", "format": "kiln \u00e9"}


def write(path):
    header, data = {"__metadata__": METADATA}, b""
    for name, dtype, shape, values in TENSORS:
        part = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        offsets = [len(data), len(data) + len(part)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += part
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def check(path):
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    assert length % 8 == 0, "the header is not padded"
    header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
    found = {"__metadata__": header.pop("__metadata__", {})}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        code = CODES[entry["dtype"]]
        assert begin % struct.calcsize(code) == 0, f"{name} is not aligned"
        count = (end - begin) // struct.calcsize(code)
        values = struct.unpack(f"<{count}{code}", data[begin:end])
        found[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "values": values}
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2])
    else:
        write(pathlib.Path(__file__).with_name("mixed.safetensors"))
