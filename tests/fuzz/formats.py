"""Files in the formats that the program reads: valid, damaged, and with false headers."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, helper, numpy_helper

from tests.fuzz.hostile import changed, changed_json, damaged, json_bytes, number, text, text_bytes, value

# --- .npy ----------------------------------------------------------------------------------------

_DTYPES = (
    "|O", "<f4", "<f8", "<i8", "<i4", "|u1", "|b1", "<c16", "<U8", "|S3", "|V8", "<M8[ns]", ">f4", "x", "[('a','<i4')]",
)  # fmt: skip
_LENGTHS = (0, 1, 2, 3, 10, 2**31, 2**40, 2**62, 2**63, -1, 10**30)


def npy(array: NDArray[Any]) -> bytes:
    """An array as a `.npy` file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def hostile_npy(rng: Random, array: NDArray[Any]) -> bytes:
    """An array like `array`, with other values, another header, or damaged."""
    kind = rng.random()
    if kind < 0.35:
        return npy(_other_values(rng, array))
    return _lying_header(rng, array) if kind < 0.7 else damaged(rng, npy(array))


@np.errstate(all="ignore")
def _other_values(rng: Random, array: NDArray[Any]) -> NDArray[Any]:
    array = array.copy()
    flat = array.reshape(-1)
    for _ in range(1 + rng.randrange(3) if len(flat) else 0):
        wanted = number(rng)
        if array.dtype.kind != "f":
            limits = np.iinfo(array.dtype)
            whole = 0 if wanted != wanted or abs(wanted) == float("inf") else int(wanted)
            flat[rng.randrange(len(flat))] = min(max(whole, limits.min), limits.max)
        else:
            flat[rng.randrange(len(flat))] = np.float64(min(max(wanted, -1e308), 1e308) if wanted == wanted else wanted)
    kind = rng.randrange(6)
    if kind == 0:
        return array[: rng.randrange(len(array) + 1)]
    if kind == 1:
        return np.concatenate([array, array])
    dtypes = ("float64", "int64", "uint8", "float16", "bool", "complex64")
    return array.astype(rng.choice(dtypes)) if kind == 2 else array


def _lying_header(rng: Random, array: NDArray[Any]) -> bytes:
    shape = tuple(rng.choice(_LENGTHS) for _ in range(rng.randrange(4))) if rng.random() < 0.7 else array.shape
    dtype = rng.choice(_DTYPES) if rng.random() < 0.6 else array.dtype.str
    described = dtype if dtype[0] == "[" else repr(dtype)
    header = f"{{'descr': {described}, 'fortran_order': {rng.random() < 0.2}, 'shape': {shape}, }}"
    if rng.random() < 0.2:
        broken = ("", "{}", "[" * 500, "__import__('os').system('ls')", header[:-3], header + "#" * 9000, text(rng))
        header = rng.choice(broken)
    written = header.encode("utf-8", "surrogatepass") + b"\n"
    version = rng.choice((1, 1, 1, 2, 3, 9))
    width = 2 if version == 1 else 4
    size = min(rng.choice((len(written), len(written), len(written), 0, 65535, 2**31)), 256**width - 1)
    return b"\x93NUMPY" + bytes([version, 0]) + size.to_bytes(width, "little") + written + array.tobytes()


# --- .safetensors --------------------------------------------------------------------------------

_TYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3", "C64", "F4", "X"]


def safetensors(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any], rng: Random | None = None) -> bytes:
    """A safetensors file; with `rng` one whose header, metadata or bytes are wrong.

    The format: eight bytes with the length of a JSON header, the header, the tensors.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    content = bytearray()
    names = {"float32": "F32", "float16": "F16", "int64": "I64"}
    for name, tensor in tensors.items():
        ends = [len(content), len(content) + tensor.nbytes]
        header[name] = {"dtype": names[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": ends}
        content += tensor.tobytes()
    written, size = json.dumps(header).encode(), None
    if rng is not None:
        if rng.random() < 0.5:
            name = rng.choice(tuple(header))
            if name != "__metadata__":
                field = rng.choice(("dtype", "shape", "data_offsets"))
                lengths = [rng.choice(_LENGTHS) for _ in range(rng.randrange(4))]
                header[name] = {**header[name], field: rng.choice(_TYPES) if field == "dtype" else lengths}
            else:
                header = changed(rng, header)
        if rng.random() < 0.2 and len(content) > 8:
            at = rng.randrange(len(content) // 4) * 4
            content[at : at + 4] = np.float32(rng.choice((np.nan, np.inf, 3e38))).tobytes()
        written = json_bytes(rng, header) if rng.random() < 0.2 else json.dumps(header).encode()
        size = rng.choice((None, None, None, 0, 1, 2**40, 2**64 - 1))
    whole = (len(written) if size is None else size).to_bytes(8, "little") + written + bytes(content)
    return damaged(rng, whole) if rng is not None and rng.random() < 0.1 else whole


# --- .onnx ---------------------------------------------------------------------------------------

_OPERATORS = (
    "Conv", "Relu", "Flatten", "MatMul", "Gemm", "Transpose", "Reshape", "Expand", "ConstantOfShape", "Range",
    "NonZero", "Loop", "If", "Scan", "Tile", "Pad", "Resize", "Concat", "Split", "Unsqueeze", "StringNormalizer",
    "Nothing", "",
)  # fmt: skip
_SIDES = (-1, 0, 1, 2, 3, 64, 2**20, 2**31, 2**62)


def change_graph(rng: Random, model: ModelProto) -> ModelProto:
    """Change something in a model's graph, in place; returns the model."""
    graph = model.graph
    kind = rng.randrange(9)
    if kind == 0 and graph.node:
        rng.choice(graph.node).op_type = rng.choice(_OPERATORS)
    elif kind == 1 and graph.node:
        node = rng.choice(graph.node)
        names = [name for other in graph.node for name in (*other.input, *other.output)] or [""]
        rng.choice((node.input, node.output)).append(rng.choice(names))
    elif kind == 2 and graph.initializer:
        tensor = rng.choice(graph.initializer)
        del tensor.dims[:]
        tensor.dims.extend(rng.choice(_SIDES) for _ in range(rng.randrange(4)))
    elif kind == 3 and graph.initializer:
        rng.choice(graph.initializer).data_type = rng.randrange(0, 30)
    elif kind == 4 and graph.initializer:
        tensor = rng.choice(graph.initializer)
        tensor.raw_data = rng.choice((b"", tensor.raw_data[:-1], tensor.raw_data * 2, rng.randbytes(64)))
    elif kind == 5:
        values = rng.choice((graph.input, graph.output))
        if values and (sides := rng.choice(values).type.tensor_type.shape.dim):
            rng.choice(sides).dim_value = rng.choice(_SIDES)
    elif kind == 6:
        shape = numpy_helper.from_array(np.array([rng.choice(_SIDES) for _ in range(rng.randrange(4))], np.int64), "s")
        graph.initializer.append(shape)
        operator = rng.choice(_OPERATORS)
        graph.node.insert(
            0, helper.make_node(operator, [rng.choice(("s", "images")), "s"], [rng.choice(("levels", "x"))])
        )
    elif kind == 7 and graph.node:
        node = rng.choice(graph.node)
        value = rng.choice((1, [1, 2**40], 1.5, "text", [-1], linear_graph()))
        node.attribute.append(helper.make_attribute(rng.choice(("axis", "to", "kernel_shape", "body", "perm")), value))
    else:
        model.opset_import[0].version = rng.choice((-1, 0, 1, 6, 17, 25, 99, 2**40))
    return model


def linear_graph() -> GraphProto:
    """A graph, for operators that have one."""
    value = helper.make_tensor_value_info("x", 1, [1])
    return helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "inner", [value], [value])


# --- dumps ---------------------------------------------------------------------------------------

_COPY_TOKENS = (
    b"\\.\n", b"\\N", b"\\", b"\t", b"\n", b"\r\n", b"\\x00", b"\\777",
    b"COPY samples (id, key, strokes) FROM stdin;\n",
    b'COPY "public"."samples" FROM stdin;\n', b"COPY other (a) FROM stdin;\n", b"\x00", b"\xff",
    b"INSERT INTO samples VALUES",
    b"\\restrict abc\n", b"\\connect x\n", b"--", b"[[[1,2]]]", b"\\\\",
)  # fmt: skip

_HEADS = (
    b"--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n",
    b"--\n-- PostgreSQL database dump\n--\n\n\\restrict aB3xYz\n\n-- Dumped from database version 18.0\n\n"
    b"SET transaction_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n",
    b"\xef\xbb\xbf", b"",
)  # fmt: skip
_TABLES = b'samples|public.samples|"samples"|"odd ""name".samples|SAMPLES|samples2|other.samples'.split(b"|")


def strokes(rng: Random) -> bytes:
    """Strokes JSON, good or not."""

    def point() -> list[float]:
        return [rng.randrange(400), rng.choice((rng.randrange(400), rng.uniform(0, 400)))]

    whole = [[point() for _ in range(1 + rng.randrange(6))] for _ in range(1 + rng.randrange(3))]
    return json.dumps(whole).encode() if rng.random() < 0.5 else changed_json(rng, whole)


def dump(rng: Random) -> bytes:
    """A text dump of pg_dump, of old or new versions, with valid and invalid rows; half of them damaged."""
    columns = [b"id", b"key", b"strokes"]
    if rng.random() < 0.3:
        rng.shuffle(columns)
    if rng.random() < 0.1:
        columns += [rng.choice((b"user_id", b'"a,b"', b"id", b'"Key"'))]
    named = b" (" + b", ".join(columns) + b")" if rng.random() < 0.9 else b""
    blocks = []
    for _ in range(rng.choice((1, 1, 1, 2, 0))):
        rows = [_row(rng, columns, number) for number in range(rng.randrange(8))]
        end = b"\\.\n\n" if rng.random() < 0.95 else b""
        blocks.append(b"COPY " + rng.choice(_TABLES) + named + b" FROM stdin;\n" + b"".join(rows) + end)
    end = rng.choice((b"", b"\\unrestrict aB3xYz\n", b"ALTER TABLE samples;\n"))
    whole = rng.choice(_HEADS) + b"".join(blocks) + end
    if rng.random() < 0.1:
        whole = whole.replace(b"\n", b"\r\n")
    return damaged(rng, whole, _COPY_TOKENS) if rng.random() < 0.5 else whole


_STATEMENT_TOKENS = (
    b"'", b"''", b"E'", b"\\", b"(", b")", b",", b";", b"NULL", b"::json", b"\n", b'"', b"\\.\n", b"VALUES", b"\xff",
    b"\x00", b"INSERT INTO samples VALUES (", b"COPY samples FROM stdin WITH (FORMAT csv);\n",
    b"CREATE TABLE samples (\n    key text,\n",
)  # fmt: skip


def statements(rng: Random) -> bytes:
    """A dump of INSERT statements or of COPY in CSV, with valid and invalid rows; half of them damaged."""
    rows = [(b"%d" % number, text_bytes(rng), strokes(rng)) for number in range(rng.randrange(6))]
    if rng.random() < 0.5:
        lists = [b"(%b, '%b', '%b')" % (row[0], *(field.replace(b"'", b"''") for field in row[1:])) for row in rows]
        head = b"INSERT INTO " + rng.choice(_TABLES) + rng.choice((b"", b" (id, key, strokes)")) + b" VALUES "
        whole = (
            b"".join(head + one + b";\n" for one in lists) if rng.random() < 0.5 else head + b",\n".join(lists) + b";\n"
        )
    else:
        lines = [b",".join(b'"' + field.replace(b'"', b'""') + b'"' for field in row) for row in rows]
        options = rng.choice((b"CSV", b"(FORMAT csv, HEADER)", b"CSV QUOTE '\"' ESCAPE '\\'", b"CSV DELIMITER ';'"))
        whole = b"COPY samples FROM stdin " + options + b";\n" + b"\n".join([*lines, b"\\."]) + b"\n"
    whole = rng.choice(_HEADS) + whole
    return damaged(rng, whole, _STATEMENT_TOKENS) if rng.random() < 0.5 else whole


_DOCUMENT_TOKENS = (
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\u", b"null", b"1e999", b"\n", b"\t", b"\x1e", b"\xff", b"\x00",
    b"<trace>", b"</trace>", b"<traceGroup>", b"</traceGroup>", b"<!--", b"<![CDATA[", b"&amp;", b"&x;", b"'", b"!",
    b"*", b"z", b"A1 1", b"NaN", b"key,strokes", b"PAR1", b"<?xml version='1.0' encoding='utf-16'?>",
    b"<!DOCTYPE ink [<!ENTITY x '&x;&x;'>]>",
)  # fmt: skip


def document(rng: Random) -> bytes:
    """JSON, CSV, InkML or SVG with some drawings; half of them damaged."""
    rows = [(text(rng), strokes(rng)) for _ in range(rng.randrange(5))]
    kind = rng.randrange(5)
    if kind == 0:
        texts = [b'{"key": %b, "strokes": %b}' % (json.dumps(key).encode(), ink) for key, ink in rows]
        whole = b"[" + b",".join(texts) + b"]" if rng.random() < 0.5 else b"\n".join(texts)
    elif kind == 1:
        texts = [b"[%b, %b]" % (json.dumps(key).encode(), ink) for key, ink in rows]
        whole = b"[" + b",".join(texts) + b"]" if rng.random() < 0.5 else b"\n".join(texts)
    elif kind == 2:
        lines = [b'"%b";"%b"' % (key.encode("utf-8", "replace").replace(b'"', b'""'), ink) for key, ink in rows]
        whole = b"\n".join([b"key;strokes", *lines])
    elif kind == 3:
        traces = [f"<traceGroup><annotation type='label'>k</annotation><trace>{trace(rng)}</trace></traceGroup>"] * len(
            rows
        )
        whole = f"<ink>{''.join(traces)}<trace id='1'>{trace(rng)}</trace><traceView traceDataRef='1'/></ink>".encode()
    else:
        whole = f"<svg><g transform='scale(2)'><path d='M1 2{path_data(rng)}'/></g></svg>".encode()
    return damaged(rng, whole, _DOCUMENT_TOKENS) if rng.random() < 0.5 else whole


def trace(rng: Random) -> str:
    """Points of an InkML trace."""
    return ",".join(rng.choice("!'\" ") + f"{rng.randrange(99)} {rng.uniform(-9, 9)}" for _ in range(rng.randrange(6)))


def path_data(rng: Random) -> str:
    """Commands of an SVG path."""
    return "".join(
        rng.choice("LlHhVvCcSsQqTtAaZz") + " 1" * rng.choice((0, 1, 2, 4, 6, 7)) for _ in range(rng.randrange(6))
    )


def _row(rng: Random, columns: Sequence[bytes], number_of_row: int) -> bytes:
    fields = {
        b"id": str(number_of_row if rng.random() < 0.8 else number(rng)).encode(),
        b"key": b"latex2e-OT1-_%d" % rng.randrange(3) if rng.random() < 0.6 else _escaped(text_bytes(rng)),
        b"strokes": strokes(rng),
    }
    return b"\t".join(fields.get(column, b"\\N") if rng.random() < 0.98 else b"\\N" for column in columns) + b"\n"


def _escaped(key: bytes) -> bytes:
    return key.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t").replace(b"\r", b"\\r")


def zipped(rng: Random, content: bytes) -> bytes:
    """Gzip data: whole, of several members, damaged, or a bomb of a few kilobytes that unpacks to many megabytes."""
    kind = rng.random()
    if kind < 0.002:
        return bomb(rng.choice((b"\x00", b"\n", b"a")), rng.choice((1, 20, 60)))
    packed = gzip.compress(content, 1)
    if kind < 0.1:
        return packed + gzip.compress(content[: rng.randrange(len(content) + 1)], 0)
    if kind < 0.15:
        return packed + rng.choice((b"\x00" * 100, b"rest", b"\x1f\x8b"))
    return damaged(rng, packed) if kind < 0.6 else packed


def archive(rng: Random, files: Mapping[str, bytes]) -> bytes:
    """A ZIP or tar archive or a file in another compression than gzip; half of them damaged."""
    packed = io.BytesIO()
    kind = rng.randrange(4)
    if kind == 0:
        with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as zip_file:
            for name, content in files.items():
                zip_file.writestr(name, content)
    elif kind == 1:
        with tarfile.open(fileobj=packed, mode=rng.choice(("w:", "w:gz", "w:xz"))) as tar_file:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar_file.addfile(member, io.BytesIO(content))
    else:
        packed.write((bz2.compress, lzma.compress)[kind - 2](next(iter(files.values()))))
    return damaged(rng, packed.getvalue()) if rng.random() < 0.5 else packed.getvalue()


def bomb(filling: bytes, megabytes: int) -> bytes:
    """Gzip data that unpacks to about a thousand times its size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = filling * (1_000_000 // len(filling))
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


# --- SQLite --------------------------------------------------------------------------------------

_SCHEMAS = (
    "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT)",
    "CREATE TABLE samples (id, key, strokes)",
    "CREATE TABLE samples (id TEXT PRIMARY KEY, key TEXT, strokes BLOB) WITHOUT ROWID",
    "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT)",
    "CREATE TABLE other (id, key, strokes)",
    "CREATE VIEW samples AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
    " SELECT id, 'k' AS key, '[[[1,2]]]' AS strokes FROM n",
    "CREATE VIEW samples AS SELECT 1 AS id, 'k' AS key, zeroblob(900000000) AS strokes",
    "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT AS (hex(zeroblob(100000000))))",
    "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT);"
    " CREATE INDEX i ON samples (key); CREATE TRIGGER t BEFORE INSERT ON samples BEGIN SELECT 1; END",
)  # fmt: skip


def sqlite(rng: Random) -> bytes:
    """An SQLite file: a store of drawings, another schema, or a damaged one."""
    schema = _SCHEMAS[0] if rng.random() < 0.5 else rng.choice(_SCHEMAS)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"PRAGMA page_size = {rng.choice((512, 4096))}; {schema};")
        if schema in _SCHEMAS[:3]:
            rows = [(number_of_row, _cell(rng), strokes(rng)) for number_of_row in range(rng.randrange(30))]
            connection.executemany("INSERT INTO samples VALUES (?, ?, ?)", rows)
        connection.commit()
        content = connection.serialize()
    if rng.random() < 0.5:
        head = rng.choice((0, 100, 512))  # headers stand at the beginning of pages
        content = content[:head] + damaged(rng, content[head:])
    return content


def _cell(rng: Random) -> Any:
    cell = value(rng, 0) if rng.random() < 0.5 else "latex2e-OT1-_alpha"
    if isinstance(cell, int) and not -(2**63) <= cell < 2**63:
        return str(cell)
    return cell.encode("utf-8", "surrogatepass") if isinstance(cell, str) and not cell.isprintable() else cell
