#include "server/process/log.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "core/text/json.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    /* PIPE_BUF on Linux: a longer write to a pipe could be torn by another process's line. */
    LINE_BYTES = 4096,
    /* Kept free for `,"cut":true,"suppressed":18446744073709551615}` and the line end. */
    TAIL_BYTES = 64,
    VALUE_BYTES_MAX = 256,
};

static const char *const event_names[] = {
#define LOG_EVENT_NAME(name, text) text,
    LOG_EVENT_TABLE(LOG_EVENT_NAME)
#undef LOG_EVENT_NAME
};
static const char *const level_names[] = {"debug", "info", "warn", "error"};

static _Atomic int level_min = LOG_LEVEL_INFO;
static _Atomic uint64_t lines_total[LOG_LEVEL_COUNT];
static pthread_mutex_t rates_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct log_rate rates[LOG_EVENT_COUNT];

struct line {
    char text[LINE_BYTES];
    size_t bytes;
    bool cut;
};

void log_set_level(enum log_level level) {
    atomic_store(&level_min, (int)level);
}

bool log_level_parse(enum log_level *ret_level, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(level_names); i++) {
        if (slice_is(text, level_names[i])) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level) {
    return level_names[level];
}

uint64_t log_lines_total(enum log_level level) {
    return atomic_load(&lines_total[level]);
}

bool log_rate_take(struct log_rate *rate, int64_t now_ms, uint64_t *ret_suppressed) {
    if (now_ms < rate->window_ms || now_ms - rate->window_ms >= 1000) {
        rate->window_ms = now_ms;
        rate->lines = 0;
    }
    if (rate->lines >= LOG_LINES_PER_SECOND) {
        rate->suppressed++;
        return false;
    }
    rate->lines++;
    *ret_suppressed = rate->suppressed;
    rate->suppressed = 0;
    return true;
}

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t room(const struct line *line) {
    return LINE_BYTES - TAIL_BYTES - line->bytes;
}

static bool put(struct line *line, const char *text, size_t bytes) {
    if (bytes > room(line)) {
        return false;
    }
    memcpy(line->text + line->bytes, text, bytes);
    line->bytes += bytes;
    return true;
}

static bool put_text(struct line *line, const char *text) {
    return put(line, text, strlen(text));
}

/* Bytes of the UTF-8 sequence at the front, 0 when there is no whole and right one. */
static size_t sequence_bytes(struct slice text) {
    uint8_t lead = text.data[0];
    size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes > text.bytes) {
        return 0;
    }
    return utf8_is_valid((struct slice){text.data, bytes}) ? bytes : 0;
}

/* One character; bytes that are no UTF-8 become U+FFFD, so that a line is always JSON. */
static bool put_character(struct line *line, struct slice *text) {
    char escaped[8];
    size_t bytes = sequence_bytes(*text);
    const uint8_t *at = text->data;
    text->data += bytes == 0 ? 1 : bytes;
    text->bytes -= bytes == 0 ? 1 : bytes;
    if (bytes == 0) {
        return put_text(line, "\\ufffd");
    }
    if (*at == '"' || *at == '\\') {
        escaped[0] = '\\';
        escaped[1] = (char)*at;
        return put(line, escaped, 2);
    }
    if (*at < 0x20 || *at == 0x7f) {
        snprintf(escaped, sizeof escaped, "\\u%04x", *at);
        return put(line, escaped, 6);
    }
    return put(line, (const char *)at, bytes);
}

/* A cut never splits a character: the last one is left out when it reaches past the bound. */
static bool put_string(struct line *line, struct slice value) {
    size_t whole = value.bytes;
    if (value.bytes > VALUE_BYTES_MAX) {
        value.bytes = VALUE_BYTES_MAX;
        while (value.bytes > VALUE_BYTES_MAX - 3 && (value.data[value.bytes] & 0xc0) == 0x80) {
            value.bytes--;
        }
    }
    bool cut = value.bytes < whole;
    bool fits = put_text(line, "\"");
    while (fits && value.bytes > 0) {
        fits = put_character(line, &value);
    }
    if (fits && cut) {
        fits = put_text(line, "...");
    }
    return fits && put_text(line, "\"");
}

static bool put_key(struct line *line, const char *key) {
    return put_text(line, line->bytes == 1 ? "\"" : ",\"") && put_text(line, key) &&
           put_text(line, "\":");
}

/* A pair that does not fit is left out whole and the line says so. */
static void put_pair(struct line *line, const char *key, struct slice value) {
    size_t before = line->bytes;
    if (!put_key(line, key) || !put_string(line, value)) {
        line->bytes = before;
        line->cut = true;
    }
}

static void put_number(struct line *line, const char *key, const char *digits) {
    size_t before = line->bytes;
    if (!put_key(line, key) || !put_text(line, digits)) {
        line->bytes = before;
        line->cut = true;
    }
}

static void put_values(struct line *line, va_list *values) {
    char digits[24];
    const char *key;
    while ((key = va_arg(*values, const char *)) != NULL) {
        enum log_type type = (enum log_type)va_arg(*values, int);
        switch (type) {
        case LOG_TEXT: {
            const char *text = va_arg(*values, const char *);
            put_pair(line, key, slice_text(text == NULL ? "" : text));
            break;
        }
        case LOG_U64:
            snprintf(digits, sizeof digits, "%llu", va_arg(*values, unsigned long long));
            put_number(line, key, digits);
            break;
        case LOG_I64:
            snprintf(digits, sizeof digits, "%lld", va_arg(*values, long long));
            put_number(line, key, digits);
            break;
        case LOG_SLICE:
            put_pair(line, key, va_arg(*values, struct slice));
            break;
        }
    }
}

static void line_begin(struct line *line, enum log_level level, enum log_event event,
                       const char *msg) {
    char ts[INSTANT_TEXT_BYTES];
    instant_format(ts, clock_ms(CLOCK_REALTIME));
    line->bytes = 0;
    line->cut = false;
    put_text(line, "{");
    put_pair(line, "ts", (struct slice){(const uint8_t *)ts, sizeof ts});
    put_pair(line, "level", slice_text(level_names[level]));
    put_pair(line, "event", slice_text(event_names[event]));
    put_pair(line, "msg", slice_text(msg));
}

/* The tail always fits: room() keeps TAIL_BYTES back. One write, so that lines of several threads
 * never mix; what stderr does not take is lost, a log must not stop the server. */
static void line_end(struct line *line, uint64_t suppressed) {
    char tail[TAIL_BYTES];
    int bytes = suppressed > 0
                    ? snprintf(tail, sizeof tail, "%s,\"suppressed\":%llu}\n",
                               line->cut ? ",\"cut\":true" : "", (unsigned long long)suppressed)
                    : snprintf(tail, sizeof tail, "%s}\n", line->cut ? ",\"cut\":true" : "");
    CHECK(bytes > 0 && (size_t)bytes < sizeof tail);
    memcpy(line->text + line->bytes, tail, (size_t)bytes);
    line->bytes += (size_t)bytes;
    ssize_t written = write(STDERR_FILENO, line->text, line->bytes);
    (void)written;
}

void log_line(enum log_level level, enum log_event event, const char *msg, ...) {
    if ((int)level < atomic_load(&level_min)) {
        return;
    }
    atomic_fetch_add(&lines_total[level], 1);
    uint64_t suppressed;
    pthread_mutex_lock(&rates_mutex);
    bool pass = log_rate_take(&rates[event], clock_ms(CLOCK_MONOTONIC), &suppressed);
    if (event == LOG_SECURITY) {
        pass = true;
        suppressed = rates[event].suppressed = 0;
    }
    pthread_mutex_unlock(&rates_mutex);
    if (!pass) {
        return;
    }
    struct line line;
    line_begin(&line, level, event, msg);
    va_list values;
    va_start(values, msg);
    put_values(&line, &values);
    va_end(values);
    line_end(&line, suppressed);
}

void log_tick(void) {
    int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    for (int event = 0; event < LOG_EVENT_COUNT; event++) {
        uint64_t suppressed = 0;
        pthread_mutex_lock(&rates_mutex);
        struct log_rate *rate = &rates[event];
        if (rate->suppressed > 0 && now_ms - rate->window_ms >= 1000) {
            suppressed = rate->suppressed;
            rate->suppressed = 0;
        }
        pthread_mutex_unlock(&rates_mutex);
        if (suppressed > 0) {
            struct line line;
            line_begin(&line, LOG_LEVEL_WARN, (enum log_event)event,
                       "lines of this event were left out: more than 100 a second");
            line_end(&line, suppressed);
        }
    }
}

void log_check_failed(const char *file, int line, const char *condition) {
    fprintf(
        stderr,
        "{\"level\":\"error\",\"event\":\"check_failed\",\"msg\":\"gridd is wrong here and stops\","
        "\"file\":\"%s\",\"line\":%d,\"condition\":\"%s\"}\n",
        file, line, condition);
    abort();
}
