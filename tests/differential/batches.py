"""Record batches (magic 2) byte by byte as a history wants them, also wrong ones, and back again. The codecs are the system's libraries by ctypes."""
import ctypes
import gzip
import struct
import zlib

HEADER = struct.Struct('>qiiBIhiqqqhii')
CODECS = {'none': 0, 'gzip': 1, 'snappy': 2, 'lz4': 3, 'zstd': 4}
CODEC_NAMES = {number: name for name, number in CODECS.items()}
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL, DELETE_HORIZON = 8, 16, 32, 64
XERIAL = bytes.fromhex('82534e4150505900') + struct.pack('>ii', 1, 1)


def library(name, **functions):
    loaded = ctypes.CDLL(name)
    for function, result in functions.items():
        getattr(loaded, function).restype = result
    return loaded


isal = library('libisal.so.2', crc32_iscsi=ctypes.c_uint32)
snappy = library('libsnappy.so.1', snappy_max_compressed_length=ctypes.c_size_t)
lz4 = library('liblz4.so.1', LZ4F_compressFrameBound=ctypes.c_size_t, LZ4F_compressFrame=ctypes.c_size_t, LZ4F_createDecompressionContext=ctypes.c_size_t,
              LZ4F_decompress=ctypes.c_size_t)
zstd = library('libzstd.so.1', ZSTD_compressBound=ctypes.c_size_t, ZSTD_compress=ctypes.c_size_t, ZSTD_createDStream=ctypes.c_void_p,
               ZSTD_decompressStream=ctypes.c_size_t, ZSTD_isError=ctypes.c_uint)


def crc32c(data):
    return ~isal.crc32_iscsi(data, len(data), ctypes.c_uint32(0xffffffff)) & 0xffffffff


class Lz4Preferences(ctypes.Structure):
    _fields_ = [('block_size', ctypes.c_int), ('block_mode', ctypes.c_int), ('content_checksum', ctypes.c_int), ('frame_type', ctypes.c_int),
                ('content_size', ctypes.c_ulonglong), ('dictionary', ctypes.c_uint), ('block_checksum', ctypes.c_int), ('level', ctypes.c_int),
                ('auto_flush', ctypes.c_uint), ('favor_speed', ctypes.c_uint), ('reserved', ctypes.c_uint * 3)]


def compress(codec, data):
    if codec == 'none':
        return data
    if codec == 'gzip':
        return gzip.compress(data, 6, mtime=0)
    if codec == 'snappy':
        out = XERIAL
        for at in range(0, len(data), 32768) or [0]:
            piece = data[at:at + 32768]
            room = snappy.snappy_max_compressed_length(ctypes.c_size_t(len(piece)))
            target, size = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
            assert snappy.snappy_compress(piece, ctypes.c_size_t(len(piece)), target, ctypes.byref(size)) == 0
            out += struct.pack('>i', size.value) + target.raw[:size.value]
        return out
    if codec == 'lz4':
        preferences = Lz4Preferences(block_size=4, block_mode=1)
        room = lz4.LZ4F_compressFrameBound(ctypes.c_size_t(len(data)), ctypes.byref(preferences))
        target = ctypes.create_string_buffer(room)
        size = lz4.LZ4F_compressFrame(target, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), ctypes.byref(preferences))
        return target.raw[:size]
    room = zstd.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    target = ctypes.create_string_buffer(room)
    size = zstd.ZSTD_compress(target, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    return target.raw[:size]


class ZstdBuffer(ctypes.Structure):
    _fields_ = [('at', ctypes.c_void_p), ('size', ctypes.c_size_t), ('position', ctypes.c_size_t)]


def decompress(codec, data, room=8 << 20):
    if codec == 'none':
        return data
    if codec == 'gzip':
        return zlib.decompress(data, 31)
    if codec == 'snappy':
        if data[:8] != XERIAL[:8]:
            return unsnap(data)
        out, at = b'', 16
        while at < len(data):
            size, = struct.unpack_from('>i', data, at)
            out += unsnap(data[at + 4:at + 4 + size])
            at += 4 + size
        return out
    target = ctypes.create_string_buffer(room)
    if codec == 'lz4':
        context, written, read = ctypes.c_void_p(), ctypes.c_size_t(room), ctypes.c_size_t(len(data))
        lz4.LZ4F_createDecompressionContext(ctypes.byref(context), 100)
        left = lz4.LZ4F_decompress(context, target, ctypes.byref(written), data, ctypes.byref(read), None)
        lz4.LZ4F_freeDecompressionContext(context)
        assert left == 0, 'a damaged lz4 frame'
        return target.raw[:written.value]
    stream = ctypes.c_void_p(zstd.ZSTD_createDStream())
    source = ctypes.create_string_buffer(data, len(data))
    into = ZstdBuffer(ctypes.cast(target, ctypes.c_void_p), room, 0)
    out_of = ZstdBuffer(ctypes.cast(source, ctypes.c_void_p), len(data), 0)
    while out_of.position < out_of.size:
        assert not zstd.ZSTD_isError(ctypes.c_size_t(zstd.ZSTD_decompressStream(stream, ctypes.byref(into), ctypes.byref(out_of))))
    zstd.ZSTD_freeDStream(stream)
    return target.raw[:into.position]


def unsnap(piece):
    size = ctypes.c_size_t()
    assert snappy.snappy_uncompressed_length(piece, ctypes.c_size_t(len(piece)), ctypes.byref(size)) == 0
    target = ctypes.create_string_buffer(size.value or 1)
    assert snappy.snappy_uncompress(piece, ctypes.c_size_t(len(piece)), target, ctypes.byref(size)) == 0
    return target.raw[:size.value]


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def sized(value):
    return varint(-1) if value is None else varint(len(value)) + value


def record(timestamp_delta, offset_delta, key, value, headers):
    body = b'\0' + varint(timestamp_delta) + varint(offset_delta) + sized(key) + sized(value) + varint(len(headers))
    body += b''.join(sized(name) + sized(content) for name, content in headers)
    return varint(len(body)) + body


def batch(records, codec='none', producer=(-1, -1, -1), attributes=0, base_offset=0, max_timestamp=None, count=None, last_delta=None, magic=2, deltas=None,
          break_crc=False, trailing=b'', extra_length=0):
    """`records`: (timestamp, key, value, headers). The rest overrides what a well-behaved client would write."""
    base = records[0][0] if records else -1
    payload = b''.join(record(t - base, deltas[i] if deltas else i, key, value, headers) for i, (t, key, value, headers) in enumerate(records)) + trailing
    body = compress(codec, payload)
    head = struct.pack('>hiqqqhii', attributes | CODECS[codec], len(records) - 1 if last_delta is None else last_delta, base,
                       max([r[0] for r in records] or [-1]) if max_timestamp is None else max_timestamp, *producer,
                       len(records) if count is None else count)
    crc = crc32c(head + body) ^ (1 if break_crc else 0)
    return struct.pack('>qiiBI', base_offset, len(head) + len(body) + 9 + extra_length, -1, magic, crc) + head + body


class Batch:
    """One decoded batch; `records` are (offset, timestamp, key, value, headers)."""

    def __init__(self, data, at=0):
        (self.base_offset, length, self.leader_epoch, self.magic, self.crc, self.attributes, self.last_delta, self.base_timestamp, self.max_timestamp,
         self.producer_id, self.producer_epoch, self.base_sequence, self.count) = HEADER.unpack_from(data, at)
        self.size = 12 + length
        self.bytes = data[at:at + self.size]
        self.position = at
        self.codec = CODEC_NAMES[self.attributes & 7]
        self.last_offset = self.base_offset + self.last_delta

    def records(self):
        data, at, out = decompress(self.codec, self.bytes[61:]), 0, []
        for _ in range(self.count):
            length, at = read_varint(data, at)
            end = at + length
            at += 1
            timestamp, at = read_varint(data, at)
            offset, at = read_varint(data, at)
            key, at = read_sized(data, at)
            value, at = read_sized(data, at)
            headers, many = [], 0
            many, at = read_varint(data, at)
            for _ in range(many):
                name, at = read_sized(data, at)
                content, at = read_sized(data, at)
                headers.append((name, content))
            assert at == end
            timestamp = self.max_timestamp if self.attributes & LOG_APPEND_TIME else self.base_timestamp + timestamp
            out.append((self.base_offset + offset, timestamp, key, value, headers))
        return out


def read_sized(data, at):
    size, at = read_varint(data, at)
    return (None, at) if size < 0 else (data[at:at + size], at + size)


def batches(data):
    at, out = 0, []
    while at + 61 <= len(data):
        size = 12 + struct.unpack_from('>i', data, at + 8)[0]
        if size < 61 or at + size > len(data):
            break
        out.append(Batch(data, at))
        at += size
    return out
