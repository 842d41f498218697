"""Every byte that a server keeps below a folder, as it lies there and as it is when it is unpacked: gzip and zstd wherever they begin in a
file, the columns of Parquet.

    found = store_search(server.data, [b"hunter2"])        # [(path, word)]; the server may run"""
import io
import os
import zlib

import pyarrow
import pyarrow.parquet

GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


def unpacked(raw):
    at = raw.find(GZIP)
    while at >= 0:
        try:
            yield zlib.decompressobj(31).decompress(raw[at:])
        except zlib.error:
            pass  # three bytes that look like it
        at = raw.find(GZIP, at + 1)
    at = raw.find(ZSTD)
    while at >= 0:
        stream, parts = pyarrow.CompressedInputStream(pyarrow.BufferReader(raw[at:]), "zstd"), []
        try:
            while part := stream.read(1 << 16):
                parts.append(part)
        except (OSError, pyarrow.ArrowInvalid):
            pass  # its end, or what follows it in the file
        yield b"".join(parts)
        at = raw.find(ZSTD, at + 1)


def texts_of(path):
    with open(path, "rb") as f:
        raw = f.read()
    yield raw
    yield from unpacked(raw)
    if raw[:4] == b"PAR1" and raw[-4:] == b"PAR1":
        for batch in pyarrow.parquet.ParquetFile(io.BytesIO(raw)).iter_batches():
            yield repr(batch.to_pydict()).encode()


def store_search(folder, words):
    """Also as an address, as JSON and as Python write the word."""
    found = []
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            try:
                for text in texts_of(path):
                    found += [(path, word) for word in words if word in text and (path, word) not in found]
            except FileNotFoundError:
                pass  # the server has moved it: it was seen, or will be
    return found
