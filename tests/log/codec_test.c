/* The four codecs: what we write we read, what others write we read, what is broken is refused. */
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "sim/log/record.h"
#include "tests/harness.h"

static struct bytes text(const char *chars)
{
    return bytes_text(chars);
}

/* `size` bytes that compress somewhat, the same each time. */
static struct buffer sample(size_t size)
{
    struct buffer buffer = { 0 };
    uint32_t state = 1;

    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        buffer_i8(&buffer, (int8_t)(state >> 24 & (i & 64 ? 0xff : 3)));
    }
    return buffer;
}

static void check_unpacked(int codec, struct bytes packed, struct bytes plain)
{
    struct buffer out = { 0 };

    CHECK_INT(ERR_OK, codec_decompress(codec, packed, 10 << 20, &out, NULL));
    CHECK_INT(plain.size, out.size);
    CHECK(!plain.size || !memcmp(plain.data, out.data, out.size));
    buffer_done(&out);
}

static void check_refused(int codec, struct bytes packed, size_t limit)
{
    struct buffer out = { 0 };
    struct reason reason;

    CHECK_INT(ERR_CORRUPT_MESSAGE, codec_decompress(codec, packed, limit, &out, &reason));
    buffer_done(&out);
}

TEST(crc32c_is_castagnoli)
{
    CHECK_INT(0xe3069283, crc32c("123456789", 9));
    CHECK_INT(0, crc32c("", 0));
}

TEST(codecs_have_kafka_s_names)
{
    int codec;

    CHECK_TEXT("none", codec_name(CODEC_NONE));
    CHECK_TEXT("zstd", codec_name(CODEC_ZSTD));
    CHECK_TEXT("producer", codec_name(CODEC_PRODUCER));
    CHECK_TEXT("unknown", codec_name(7));
    CHECK(codec_parse("uncompressed", &codec) && codec == CODEC_NONE);
    CHECK(codec_parse("GZIP", &codec) && codec == CODEC_GZIP);
    CHECK(codec_parse("producer", &codec) && codec == CODEC_PRODUCER);
    CHECK(!codec_parse("brotli", &codec));
}

TEST(every_codec_gives_back_what_it_took)
{
    static const size_t sizes[] = { 0, 1, 100, 32768, 32769, 65536, 65537, 1000000 };

    for (int codec = 0; codec < CODECS; codec++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
            for (int level = 0; level < 2; level++) {
                struct buffer plain = sample(sizes[i]), packed = { 0 };

                buffer_put(&packed, "before", 6); /* what is there stays */
                CHECK_INT(ERR_OK, codec_compress(codec, level ? 5 : INT32_MIN, buffer_bytes(&plain), &packed, NULL));
                CHECK(!memcmp(packed.data, "before", 6));
                check_unpacked(codec, (struct bytes){ packed.data + 6, packed.size - 6 }, buffer_bytes(&plain));
                buffer_done(&plain);
                buffer_done(&packed);
            }
}

TEST(streams_begin_as_kafka_s_producers_write_them)
{
    static const char *const starts[CODECS] = {
        [CODEC_GZIP] = "1f8b 0800 00000000 00ff", [CODEC_SNAPPY] = "82534e4150505900 00000001 00000001",
        [CODEC_LZ4] = "04224d18 60 40 82", [CODEC_ZSTD] = "28b52ffd",
    };
    static const size_t sizes[CODECS] = { [CODEC_GZIP] = 10, [CODEC_SNAPPY] = 16, [CODEC_LZ4] = 7, [CODEC_ZSTD] = 4 };

    for (int codec = CODEC_GZIP; codec < CODECS; codec++) {
        struct buffer plain = sample(200000), packed = { 0 };

        CHECK_INT(ERR_OK, codec_compress(codec, INT32_MIN, buffer_bytes(&plain), &packed, NULL));
        CHECK_HEX(starts[codec], packed.data, sizes[codec]);
        if (codec == CODEC_ZSTD)
            CHECK_INT(-1, (int64_t)ZSTD_getFrameContentSize(packed.data, packed.size)); /* unknown, as a stream's */
        buffer_done(&plain);
        buffer_done(&packed);
    }
}

TEST(xerial_blocks_are_of_32_kilobytes)
{
    struct buffer plain = sample(40000), packed = { 0 };
    size_t size;

    CHECK_INT(ERR_OK, codec_compress(CODEC_SNAPPY, INT32_MIN, buffer_bytes(&plain), &packed, NULL));
    CHECK(snappy_uncompressed_length((char *)packed.data + 20, get_u32(packed.data + 16), &size) == SNAPPY_OK);
    CHECK_INT(32768, size);
    buffer_done(&plain);
    buffer_done(&packed);
}

TEST(bare_snappy_and_repeated_xerial_headers_are_read)
{
    struct bytes plain = text("one block without a frame, one block without a frame");
    char block[200];
    size_t size = sizeof(block);
    struct buffer packed = { 0 };

    CHECK(snappy_compress((const char *)plain.data, plain.size, block, &size) == SNAPPY_OK);
    check_unpacked(CODEC_SNAPPY, (struct bytes){ (uint8_t *)block, size }, plain);
    codec_compress(CODEC_SNAPPY, INT32_MIN, text("one and "), &packed, NULL);
    codec_compress(CODEC_SNAPPY, INT32_MIN, text("another"), &packed, NULL);
    check_unpacked(CODEC_SNAPPY, buffer_bytes(&packed), text("one and another"));
    buffer_done(&packed);
}

TEST(gzip_members_may_follow_each_other_and_garbage_after_them)
{
    struct buffer packed = { 0 };

    codec_compress(CODEC_GZIP, 9, text("one and "), &packed, NULL);
    codec_compress(CODEC_GZIP, 1, text("another"), &packed, NULL);
    check_unpacked(CODEC_GZIP, buffer_bytes(&packed), text("one and another"));
    buffer_put(&packed, "garbage", 7);
    check_unpacked(CODEC_GZIP, buffer_bytes(&packed), text("one and another"));
    buffer_done(&packed);
}

TEST(lz4_frames_of_other_shapes_are_read)
{
    struct buffer plain = sample(300000);

    for (int shape = 0; shape < 16; shape++) {
        LZ4F_preferences_t preferences = {
            .frameInfo = {
                .blockSizeID = shape & 1 ? LZ4F_max4MB : LZ4F_max64KB,
                .contentChecksumFlag = shape & 2 ? LZ4F_contentChecksumEnabled : 0,
                .contentSize = shape & 4 ? plain.size : 0,
                .blockChecksumFlag = shape & 8 ? LZ4F_blockChecksumEnabled : 0,
            },
        };
        size_t room = LZ4F_compressFrameBound(plain.size, &preferences);
        struct buffer packed = { 0 };

        packed.size = LZ4F_compressFrame(buffer_add(&packed, room), room, plain.data, plain.size, &preferences);
        check_unpacked(CODEC_LZ4, buffer_bytes(&packed), buffer_bytes(&plain));
        buffer_done(&packed);
    }
    buffer_done(&plain);
}

TEST(magic_0_s_wrong_lz4_checksum_is_written_and_read)
{
    struct bytes plain = text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    struct buffer packed = { 0 }, out = { 0 };

    CHECK_INT(ERR_OK, codec_compress_magic_0(CODEC_LZ4, plain, &packed, NULL));
    CHECK_HEX("04224d18 60 40 1a", packed.data, 7); /* KafkaLZ4BlockOutputStream with the broken checksum */
    check_refused(CODEC_LZ4, buffer_bytes(&packed), 1000);
    CHECK_INT(ERR_OK, codec_decompress_magic_0(CODEC_LZ4, buffer_bytes(&packed), 1000, &out, NULL));
    CHECK(bytes_equal(plain, buffer_bytes(&out)));
    buffer_clear(&packed);
    buffer_clear(&out);
    CHECK_INT(ERR_OK, codec_compress(CODEC_LZ4, INT32_MIN, plain, &packed, NULL)); /* and the right one */
    CHECK_INT(ERR_OK, codec_decompress_magic_0(CODEC_LZ4, buffer_bytes(&packed), 1000, &out, NULL));
    CHECK(bytes_equal(plain, buffer_bytes(&out)));
    buffer_done(&packed);
    buffer_done(&out);
}

TEST(zstd_frames_with_and_without_a_size_follow_each_other)
{
    struct buffer packed = { 0 };
    size_t start;

    codec_compress(CODEC_ZSTD, INT32_MIN, text("one and "), &packed, NULL);
    start = packed.size;
    buffer_add(&packed, 100);
    packed.size = start + ZSTD_compress(packed.data + start, 100, "another", 7, 1);
    check_unpacked(CODEC_ZSTD, buffer_bytes(&packed), text("one and another"));
    buffer_done(&packed);
}

TEST(a_stream_that_unfolds_beyond_its_limit_is_refused)
{
    uint8_t *zeros = calloc(1, 1 << 20);

    for (int codec = 0; codec < CODECS; codec++) {
        struct buffer packed = { 0 };

        codec_compress(codec, INT32_MIN, (struct bytes){ zeros, 1 << 20 }, &packed, NULL);
        check_unpacked(codec, buffer_bytes(&packed), (struct bytes){ zeros, 1 << 20 });
        check_refused(codec, buffer_bytes(&packed), (1 << 20) - 1);
        check_refused(codec, buffer_bytes(&packed), 0);
        buffer_done(&packed);
    }
    free(zeros);
}

TEST(a_length_that_is_only_claimed_is_not_believed)
{
    static const uint8_t snappy[] = { 0xff, 0xff, 0xff, 0x7f, 0 }; /* 268 MB in 5 bytes */

    check_refused(CODEC_SNAPPY, (struct bytes){ snappy, sizeof(snappy) }, 1 << 30);
    check_refused(CODECS, text("x"), 10);
    check_refused(-1, text("x"), 10);
    for (int codec = CODEC_GZIP; codec < CODECS; codec++)
        check_refused(codec, (struct bytes){ 0 }, 10);
}

/* Whatever is cut off or flipped: an answer, no crash; never more than the limit. */
TEST(broken_streams_do_no_harm)
{
    for (int codec = CODEC_GZIP; codec < CODECS; codec++) {
        struct buffer plain = sample(3000), packed = { 0 };

        codec_compress(codec, INT32_MIN, buffer_bytes(&plain), &packed, NULL);
        for (size_t size = 0; size < packed.size; size++) {
            uint8_t *exact = malloc(size + !size);
            struct buffer out = { 0 };
            enum err err;

            memcpy(exact, packed.data, size);
            err = codec_decompress(codec, (struct bytes){ exact, size }, 5000, &out, NULL);
            CHECK(err || codec == CODEC_SNAPPY); /* xerial's stream may end after any block */
            buffer_done(&out);
            free(exact);
        }
        for (size_t bit = 0; bit < packed.size * 8; bit += 3) {
            struct buffer out = { 0 };

            packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            codec_decompress(codec, buffer_bytes(&packed), 5000, &out, NULL);
            CHECK(out.size <= 5001);
            packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            buffer_done(&out);
        }
        buffer_done(&plain);
        buffer_done(&packed);
    }
}
