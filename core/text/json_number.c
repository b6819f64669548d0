#include "core/base/check.h"
#include "core/text/json.h"

/* A number's text taken apart: digits * 10^exponent, digits cut after nineteen. */
struct decimal {
    bool negative;
    uint64_t digits;
    int64_t exponent;
};

enum {
    DIGITS_MAX = 19,       /* 10^19 fits 64 bits */
    EXPONENT_CLAMP = 9999, /* beyond any double, whatever the digits are */
    EXACT_POWER_MAX = 22,  /* 10^22 is the last power of ten that a double holds exactly */
};

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static const uint8_t *read_exponent(int64_t *ret, const uint8_t *at, const uint8_t *end) {
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    int64_t value = 0;
    for (; at < end && is_digit(*at); at++) {
        /* Large enough to cancel any count of leading zeros a text can hold. */
        if (value < INT64_C(1000000000000)) {
            value = value * 10 + (*at - '0');
        }
    }
    *ret = negative ? -value : value;
    return at;
}

static struct decimal read_decimal(struct slice text) {
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.bytes;
    struct decimal decimal = {0};
    if (at < end && *at == '-') {
        decimal.negative = true;
        at++;
    }
    int digits_count = 0;
    bool fraction = false;
    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
        } else if (digits_count < DIGITS_MAX) {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
            digits_count += decimal.digits != 0;
            decimal.exponent -= fraction;
        } else {
            decimal.exponent += !fraction;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        int64_t exponent;
        at = read_exponent(&exponent, at + 1, end);
        decimal.exponent += exponent;
    }
    CHECK(at == end);
    return decimal;
}

/* Extended precision keeps the error far below half a unit of a double. */
static long double power_of_ten(int64_t exponent) {
    static const long double powers[] = {1e1L,  1e2L,  1e4L,   1e8L,  1e16L,
                                         1e32L, 1e64L, 1e128L, 1e256L};
    CHECK(exponent >= 0 && exponent < 512);
    long double power = 1.0L;
    for (size_t bit = 0; bit < ARRAY_COUNT(powers); bit++) {
        if ((exponent >> bit & 1) != 0) {
            power *= powers[bit];
        }
    }
    return power;
}

static double scale(uint64_t digits, int64_t exponent) {
    static const double powers[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    /* Clinger's fast path: both factors are exact, so the one operation rounds correctly. */
    if (digits <= UINT64_C(1) << 53 && exponent >= -EXACT_POWER_MAX &&
        exponent <= EXACT_POWER_MAX) {
        double value = (double)digits;
        return exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
    }
    if (digits == 0 || exponent < -400) {
        return 0.0;
    }
    if (exponent > 400) {
        return __builtin_inf();
    }
    long double value = (long double)digits;
    return (double)(exponent < 0 ? value / power_of_ten(-exponent)
                                 : value * power_of_ten(exponent));
}

double json_number(struct slice text) {
    CHECK(text.bytes != 0);
    struct decimal decimal = read_decimal(text);
    if (decimal.exponent > EXPONENT_CLAMP) {
        decimal.exponent = EXPONENT_CLAMP;
    }
    if (decimal.exponent < -EXPONENT_CLAMP) {
        decimal.exponent = -EXPONENT_CLAMP;
    }
    double value = scale(decimal.digits, decimal.exponent);
    return decimal.negative ? -value : value;
}

bool json_integer(int64_t *ret_value, struct slice text) {
    CHECK(text.bytes != 0);
    bool negative = text.data[0] == '-';
    uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;
    for (size_t i = negative; i < text.bytes; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}
