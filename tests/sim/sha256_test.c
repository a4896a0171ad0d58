/* SHA-256 is the standard's. */
#include "tests/sim/sha256.h"
#include "tests/sim/sim_lab.h"

TEST(sha256_is_the_standards)
{
    uint8_t sum[32];

    sha256("abc", 3, sum);
    CHECK_HEX("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sum, 32);
    sha256("", 0, sum);
    CHECK_HEX("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sum, 32);
    sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, sum);
    CHECK_HEX("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", sum, 32);
}
