/* SHA-256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sha256.h"

static void assert_hex(const uint8_t digest[SHA256_BYTES], const char *hex)
{
    char text[SHA256_HEX_BYTES];
    sha256_to_hex(digest, text);
    assert_string_equal(text, hex);
}

static void assert_digest(struct bytes bytes, const char *hex)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes, digest);
    assert_hex(digest, hex);
    /* in two pieces, cut everywhere */
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct sha256 sha256;
        sha256_init(&sha256);
        sha256_add(&sha256, bytes_from(bytes.ptr, cut));
        sha256_add(&sha256, bytes_from(bytes.ptr + cut, bytes.len - cut));
        sha256_end(&sha256, digest);
        assert_hex(digest, hex);
    }
}

/* Goal: it is SHA-256. Method: the examples of FIPS 180, and the lengths around a block's end (made with sha256sum). */
static void test_examples(void **state)
{
    (void)state;
    assert_digest(BYTES(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest(BYTES("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest(BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    uint8_t a[1000];
    memset(a, 'a', sizeof a);
    assert_digest(bytes_from(a, 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_digest(bytes_from(a, 56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    assert_digest(bytes_from(a, 63), "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
    assert_digest(bytes_from(a, 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    assert_digest(bytes_from(a, 119), "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
    assert_digest(bytes_from(a, 1000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

/* Goal: it is HMAC-SHA-256. Method: test cases 1, 2, 6 and 7 of RFC 4231, and one key of exactly a block (made with Python's
 * hmac). */
static void test_hmac(void **state)
{
    (void)state;
    uint8_t key[131], mac[SHA256_BYTES];
    memset(key, 0x0b, 20);
    hmac_sha256(bytes_from(key, 20), BYTES("Hi There"), mac);
    assert_hex(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(BYTES("Jefe"), BYTES("what do ya want for nothing?"), mac);
    assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    hmac_sha256(bytes_from(key, 131), BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_hex(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha256(bytes_from(key, 131),
                BYTES("This is a test using a larger than block-size key and a larger than block-size data. The key "
                      "needs to be hashed before being used by the HMAC algorithm."),
                mac);
    assert_hex(mac, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    hmac_sha256(bytes_from(key, 64), BYTES(""), mac);
    assert_hex(mac, "db2cf93f633fcdfd9bb7f3b99763a63725cb8e38b4fa60a87d0e94b71d8b5970");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples), cmocka_unit_test(test_hmac) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
