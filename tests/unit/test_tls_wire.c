#include "server/tls/tls_wire.h"
#include "tests/unit/support.h"

static void input_is_lent_then_kept(void **state) {
    (void)state;
    struct tls_wire wire;
    char lent[] = "abcdef", got[8] = "";
    size_t bytes = 0;
    tls_wire_init(&wire);
    BIO *bio = tls_wire_bio(&wire);
    tls_wire_give(&wire, slice_text(lent));
    assert_int_equal(BIO_read_ex(bio, got, 2, &bytes), 1);
    assert_true(bytes == 2 && memcmp(got, "ab", 2) == 0);
    tls_wire_keep(&wire);
    memset(lent, 'x', sizeof lent - 1);
    tls_wire_keep(&wire); /* again changes nothing */
    assert_int_equal(BIO_read_ex(bio, got, 8, &bytes), 1);
    assert_true(bytes == 4 && memcmp(got, "cdef", 4) == 0);
    assert_int_equal(BIO_read_ex(bio, got, 8, &bytes), 0);
    assert_true(BIO_should_retry(bio) && BIO_should_read(bio));
    assert_int_equal(wire.taken_bytes, 6);
    tls_wire_keep(&wire);
    assert_null(wire.held);
    tls_wire_give(&wire, SLICE_LITERAL("gh"));
    tls_wire_keep(&wire);
    assert_int_equal(tls_wire_drop_input(&wire), 2);
    BIO_free(bio);
    tls_wire_deinit(&wire);
}

static void output_is_bounded_and_stays_in_place(void **state) {
    (void)state;
    struct tls_wire wire;
    static uint8_t block[TLS_WIRE_OUT_BYTES];
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = (uint8_t)(i * 31 >> 3);
    }
    tls_wire_init(&wire);
    BIO *bio = tls_wire_bio(&wire);
    assert_int_equal(tls_wire_output(&wire).bytes, 0);
    assert_int_equal(BIO_write_ex(bio, block, 1000, &bytes), 1);
    const uint8_t *at = tls_wire_output(&wire).data;
    assert_int_equal(BIO_write_ex(bio, block + 1000, sizeof block - 1000 + 1, &bytes), 1);
    assert_int_equal(bytes, sizeof block - 1000); /* the last byte has no room */
    assert_int_equal(BIO_write_ex(bio, block, 1, &bytes), 0);
    assert_true(BIO_should_retry(bio) && BIO_should_write(bio));
    tls_wire_sent(&wire, 10);
    assert_ptr_equal(tls_wire_output(&wire).data, at + 10);
    assert_memory_equal(at, block, sizeof block);
    tls_wire_sent(&wire, sizeof block - 10);
    assert_null(wire.out); /* idle, it holds nothing */
    assert_int_equal(BIO_write_ex(bio, block, 1, &bytes), 1);
    BIO_free(bio);
    tls_wire_deinit(&wire);
}

static void past_its_bound_input_fails(void **state) {
    (void)state;
    struct tls_wire wire;
    char got[8];
    size_t bytes = 0;
    tls_wire_init(&wire);
    wire.taken_bytes_most = 4;
    BIO *bio = tls_wire_bio(&wire);
    tls_wire_give(&wire, SLICE_LITERAL("abcdefgh"));
    assert_int_equal(BIO_read_ex(bio, got, 4, &bytes), 1); /* at the bound */
    assert_int_equal(BIO_read_ex(bio, got, 1, &bytes), 1); /* past it: the last that is given */
    assert_int_equal(BIO_read_ex(bio, got, 1, &bytes), 0);
    assert_false(BIO_should_retry(bio));
    assert_int_equal(BIO_write_ex(bio, "x", 1, &bytes), 1); /* an alert may still go */
    BIO_free(bio);
    tls_wire_deinit(&wire);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_is_lent_then_kept),
        cmocka_unit_test(output_is_bounded_and_stays_in_place),
        cmocka_unit_test(past_its_bound_input_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
