/* The four codecs as Kafka's own clients write them, and CRC-32C. A decoder stops at its limit, whatever the stream claims. */
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <snappy-c.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "sim/log/batch.h"
#include "sim/log/record.h"

enum {
    CHUNK_BYTES = 64 * 1024,            /* how much room a decoder gets at a time */
    XERIAL_HEADER = 16,
    XERIAL_BLOCK = 32 * 1024,
    SNAPPY_MOST_GROWTH = 64,            /* a copy of at most 64 bytes takes two */
    LZ4_LEVEL_MOST = 12,
};

/* SnappyCodec's header: magic, version 1, oldest version that can read it 1. */
static const uint8_t xerial_header[XERIAL_HEADER] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1 };
static const uint8_t lz4_magic[4] = { 0x04, 0x22, 0x4d, 0x18 };

uint32_t crc32c(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = ~0u;

    for (; size > INT32_MAX; at += 1 << 30, size -= 1 << 30)
        crc = crc32_iscsi((unsigned char *)at, 1 << 30, crc);
    return ~crc32_iscsi((unsigned char *)at, (int)size, crc);
}

static enum err corrupt(struct reason *reason, const char *what)
{
    return err_because(ERR_CORRUPT_MESSAGE, reason, "%s", what);
}

static enum err too_large(struct reason *reason, size_t limit)
{
    return err_because(ERR_CORRUPT_MESSAGE, reason, "The compressed data is larger than %zu bytes", limit);
}

/* Room for the next piece of output: at most what the limit leaves, and one byte more, which tells full from too much. */
static size_t next_room(size_t used, size_t limit)
{
    size_t room = used < CHUNK_BYTES ? CHUNK_BYTES : used;

    return room < limit - used + 1 ? room : limit - used + 1;
}

/* ---- gzip ---- */
static enum err gzip_compress(int level, struct bytes plain, struct buffer *out, struct reason *reason)
{
    z_stream stream = { 0 };
    gz_header header = { .os = 255 };   /* unknown, as Java writes since 16 */
    enum err err = ERR_OK;
    size_t start = out->size, room;

    if (plain.size > UINT32_MAX / 2)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Too much for one gzip stream: %zu bytes", plain.size);
    if (level == INT32_MIN || level < -1 || level > 9)
        level = Z_DEFAULT_COMPRESSION;
    if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "zlib does not start");
    deflateSetHeader(&stream, &header);
    room = deflateBound(&stream, plain.size);
    stream.next_in = (Bytef *)plain.data;
    stream.avail_in = (uInt)plain.size;
    stream.next_out = buffer_add(out, room);
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        err = err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "zlib does not finish");
    out->size = start + (err ? 0 : room - stream.avail_out);
    deflateEnd(&stream);
    return err;
}

/* Members may follow each other; what is no member after one is left unread, as GZIPInputStream does. */
static enum err gzip_decompress(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    struct inflate_state *state = mem_alloc(sizeof(*state));
    size_t start = out->size, used = 0;
    enum err err = ERR_OK;
    bool more = true;

    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    state->next_in = (uint8_t *)packed.data;
    state->avail_in = (uint32_t)packed.size;
    while (more) {
        size_t room = next_room(used, limit);
        int result;

        state->next_out = buffer_add(out, room);
        state->avail_out = (uint32_t)room;
        result = isal_inflate(state);
        used += room - state->avail_out;
        out->size = start + used;
        if (result != ISAL_DECOMP_OK)
            err = corrupt(reason, "Not a gzip stream, or a broken one");
        else if (used > limit)
            err = too_large(reason, limit);
        else if (state->block_state == ISAL_BLOCK_FINISH) {
            more = state->avail_in >= 2 && state->next_in[0] == 0x1f && state->next_in[1] == 0x8b;
            if (more)
                isal_inflate_reset(state);
        } else if (!state->avail_in && state->avail_out)
            err = corrupt(reason, "The gzip stream is cut short");
        if (err)
            break;
    }
    mem_free(state);
    return err;
}

/* ---- snappy ---- */
static enum err snappy_compress_block(struct bytes plain, struct buffer *out, struct reason *reason)
{
    size_t size = snappy_max_compressed_length(plain.size);
    size_t start = out->size;
    uint8_t *at = buffer_add(out, 4 + size);

    if (snappy_compress((const char *)plain.data, plain.size, (char *)at + 4, &size) != SNAPPY_OK) {
        out->size = start;
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "snappy does not compress");
    }
    put_u32(at, (uint32_t)size);
    out->size = start + 4 + size;
    return ERR_OK;
}

static enum err xerial_compress(int level, struct bytes plain, struct buffer *out, struct reason *reason)
{
    enum err err = ERR_OK;

    (void)level;                        /* snappy has none */
    buffer_put(out, xerial_header, sizeof(xerial_header));
    for (size_t at = 0; !err && at < plain.size; at += XERIAL_BLOCK) {
        size_t size = plain.size - at < XERIAL_BLOCK ? plain.size - at : XERIAL_BLOCK;

        err = snappy_compress_block((struct bytes){ plain.data + at, size }, out, reason);
    }
    return err;
}

static enum err snappy_block(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    size_t start = out->size, size = 0;

    if (snappy_uncompressed_length((const char *)packed.data, packed.size, &size) != SNAPPY_OK ||
        size > packed.size * SNAPPY_MOST_GROWTH)
        return corrupt(reason, "Not a snappy block");
    if (size > limit)
        return too_large(reason, limit);
    if (snappy_uncompress((const char *)packed.data, packed.size, (char *)buffer_add(out, size), &size) != SNAPPY_OK) {
        out->size = start;
        return corrupt(reason, "A broken snappy block");
    }
    out->size = start + size;
    return ERR_OK;
}

/* Java's clients frame blocks in xerial's way, some others send one bare block; a frame's header may come again between blocks. */
static enum err snappy_decompress(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    struct reader reader = reader_of(packed);
    size_t start = out->size;
    enum err err = ERR_OK;

    if (packed.size < XERIAL_HEADER || memcmp(packed.data, xerial_header, 8))
        return snappy_block(packed, limit, out, reason);
    while (!err && reader_left(&reader)) {
        uint32_t size;
        struct bytes block;

        if (reader_left(&reader) >= XERIAL_HEADER && !memcmp(reader.at, xerial_header, 8)) {
            reader_bytes(&reader, XERIAL_HEADER);
            continue;
        }
        size = reader_u32(&reader);
        block = reader_bytes(&reader, size);
        if (reader.failed)
            return corrupt(reason, "The snappy stream is cut short");
        err = snappy_block(block, limit - (out->size - start), out, reason);
    }
    return err;
}

/* ---- lz4 ---- */
static enum err lz4_compress(int level, struct bytes plain, struct buffer *out, struct reason *reason)
{
    LZ4F_preferences_t preferences = {
        .frameInfo = { .blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent },
    };
    size_t start = out->size, room, size;

    if (level != INT32_MIN)             /* the default is the fast compressor, any level the thorough one */
        preferences.compressionLevel = level < LZ4HC_CLEVEL_MIN ? LZ4HC_CLEVEL_MIN :
                                       level > LZ4_LEVEL_MOST ? LZ4_LEVEL_MOST : level;
    room = LZ4F_compressFrameBound(plain.size, &preferences);
    size = LZ4F_compressFrame(buffer_add(out, room), room, plain.data, plain.size, &preferences);
    out->size = start + (LZ4F_isError(size) ? 0 : size);
    if (LZ4F_isError(size))
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "lz4: %s", LZ4F_getErrorName(size));
    return ERR_OK;
}

/* One frame; what follows it is left unread, as Kafka's Lz4BlockInputStream does. */
static enum err lz4_decompress(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    LZ4F_dctx *context;
    size_t start = out->size, used = 0, at = 0, hint = 1;
    enum err err = ERR_OK;

    if (packed.size < 7 || memcmp(packed.data, lz4_magic, 4))
        return corrupt(reason, "Not an lz4 frame");
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "lz4 does not start");
    while (!err && hint) {
        size_t room = next_room(used, limit), given = packed.size - at, taken = room;

        hint = LZ4F_decompress(context, buffer_add(out, room), &taken, packed.data + at, &given, NULL);
        if (LZ4F_isError(hint))
            taken = 0;
        used += taken;
        at += given;
        out->size = start + used;
        if (LZ4F_isError(hint))
            err = corrupt(reason, "A broken lz4 frame");
        else if (used > limit)
            err = too_large(reason, limit);
        else if (hint && !taken && at == packed.size)
            err = corrupt(reason, "The lz4 frame is cut short");
    }
    LZ4F_freeDecompressionContext(context);
    return err;
}

/* XXH32 of fewer than 16 bytes, seed 0: all that a frame's header needs. */
static uint32_t xxh32_short(const uint8_t *data, size_t size)
{
    const uint32_t prime1 = 0x9E3779B1, prime2 = 0x85EBCA77, prime3 = 0xC2B2AE3D, prime4 = 0x27D4EB2F, prime5 = 0x165667B1;
    uint32_t hash = prime5 + (uint32_t)size;

    for (; size >= 4; data += 4, size -= 4) {
        uint32_t word = (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];

        hash += word * prime3;
        hash = (hash << 17 | hash >> 15) * prime4;
    }
    for (; size; data++, size--) {
        hash += *data * prime5;
        hash = (hash << 11 | hash >> 21) * prime1;
    }
    hash = (hash ^ hash >> 15) * prime2;
    hash = (hash ^ hash >> 13) * prime3;
    return hash ^ hash >> 16;
}

/* Where the header checksum stands: after FLG, BD and the content size, if there is one. 0: no lz4 frame. */
static size_t lz4_checksum_at(struct bytes packed)
{
    size_t at = 6;

    if (packed.size < 7 || memcmp(packed.data, lz4_magic, 4))
        return 0;
    if (packed.data[4] & 0x08)
        at += 8;
    if (packed.data[4] & 0x01)
        at += 4;
    return at < packed.size ? at : 0;
}

enum err codec_decompress_magic_0(int codec, struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    size_t at = codec == CODEC_LZ4 ? lz4_checksum_at(packed) : 0;
    struct bytes mended = packed;
    enum err err;

    if (at) {
        uint8_t *copy = mem_copy(packed.data, packed.size);

        copy[at] = (uint8_t)(xxh32_short(copy + 4, at - 4) >> 8);
        mended.data = copy;
    }
    err = codec_decompress(codec, mended, limit, out, reason);
    if (at)
        mem_free((void *)mended.data);
    return err;
}

enum err codec_compress_magic_0(int codec, struct bytes plain, struct buffer *out, struct reason *reason)
{
    size_t start = out->size, at;
    enum err err = codec_compress(codec, INT32_MIN, plain, out, reason);

    if (err || codec != CODEC_LZ4)
        return err;
    at = lz4_checksum_at((struct bytes){ out->data + start, out->size - start });
    if (at)                             /* KAFKA-3160: the frame's magic was counted in */
        out->data[start + at] = (uint8_t)(xxh32_short(out->data + start, at) >> 8);
    return ERR_OK;
}

/* ---- zstd ---- */
static enum err zstd_compress(int level, struct bytes plain, struct buffer *out, struct reason *reason)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t start = out->size, room = ZSTD_compressBound(plain.size), size;
    enum err err = ERR_OK;

    if (!context)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "zstd does not start");
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level == INT32_MIN ? 3 : level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0); /* Kafka streams: the size is not known when the header is written */
    size = ZSTD_compress2(context, buffer_add(out, room), room, plain.data, plain.size);
    if (ZSTD_isError(size)) {
        err = err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "zstd: %s", ZSTD_getErrorName(size));
        size = 0;
    }
    out->size = start + size;
    ZSTD_freeCCtx(context);
    return err;
}

/* Tried in a room that is four times larger each time: cheaper than zstd's streams, which copy all through a window of their own. */
static enum err zstd_decompress(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    size_t start = out->size, room = packed.size * 8 < CHUNK_BYTES ? CHUNK_BYTES : packed.size * 8, size;
    enum err err = ERR_OK;

    if (!context)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "zstd does not start");
    for (;; room *= 4) {
        room = room < limit ? room : limit;
        out->size = start;
        size = ZSTD_decompressDCtx(context, buffer_add(out, room), room, packed.data, packed.size);
        if (room == limit || !ZSTD_isError(size) || ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall)
            break;
    }
    if (!packed.size)
        err = corrupt(reason, "The zstd frame is missing");
    else if (ZSTD_isError(size))
        err = ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? too_large(reason, limit) :
                                                                      corrupt(reason, "Not a zstd frame, or a broken one");
    out->size = start + (err ? 0 : size);
    ZSTD_freeDCtx(context);
    return err;
}

/* ---- all of them ---- */
static const struct {
    const char *name;
    enum err (*compress)(int level, struct bytes plain, struct buffer *out, struct reason *reason);
    enum err (*decompress)(struct bytes packed, size_t limit, struct buffer *out, struct reason *reason);
} codecs[CODECS] = {
    [CODEC_NONE] = { "none", NULL, NULL },
    [CODEC_GZIP] = { "gzip", gzip_compress, gzip_decompress },
    [CODEC_SNAPPY] = { "snappy", xerial_compress, snappy_decompress },
    [CODEC_LZ4] = { "lz4", lz4_compress, lz4_decompress },
    [CODEC_ZSTD] = { "zstd", zstd_compress, zstd_decompress },
};

const char *codec_name(int codec)
{
    return codec == CODEC_PRODUCER ? "producer" : codec >= 0 && codec < CODECS ? codecs[codec].name : "unknown";
}

bool codec_parse(const char *name, int *codec)
{
    if (!strcasecmp(name, "producer") || !strcasecmp(name, "uncompressed")) {
        *codec = !strcasecmp(name, "producer") ? CODEC_PRODUCER : CODEC_NONE;
        return true;
    }
    for (int i = 0; i < CODECS; i++)
        if (!strcasecmp(name, codecs[i].name)) {
            *codec = i;
            return true;
        }
    return false;
}

static enum err check_codec(int codec, struct reason *reason)
{
    if (codec < 0 || codec >= CODECS)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "Unknown compression type id: %d", codec);
    return ERR_OK;
}

enum err codec_compress(int codec, int level, struct bytes plain, struct buffer *out, struct reason *reason)
{
    enum err err = check_codec(codec, reason);

    if (!err && !codecs[codec].compress)
        buffer_put(out, plain.data, plain.size);
    else if (!err)
        err = codecs[codec].compress(level, plain, out, reason);
    return err;
}

enum err codec_decompress(int codec, struct bytes packed, size_t limit, struct buffer *out, struct reason *reason)
{
    static const uint8_t nothing[1];
    enum err err = check_codec(codec, reason);

    if (err)
        return err;
    if (!packed.data)
        packed = (struct bytes){ nothing, 0 };
    if (packed.size > INT32_MAX)
        return too_large(reason, INT32_MAX);
    if (codecs[codec].decompress)
        return codecs[codec].decompress(packed, limit, out, reason);
    if (packed.size > limit)
        return too_large(reason, limit);
    buffer_put(out, packed.data, packed.size);
    return ERR_OK;
}
