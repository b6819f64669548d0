/* ClickHouse: an HTTP insert a bulk. It recognises nothing and syncs nothing: the mark for speed
 * with bulks, not the same promise. */
#include "bench/peers/peer.h"
#include "core/base/check.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_BYTES_MAX = 512, ANSWER_BYTES_MAX = 512 };

struct answer {
    char text[ANSWER_BYTES_MAX];
    size_t bytes;
};

struct connection {
    CURL *curl;
    struct answer answer;
};

static size_t take_answer(char *data, size_t size, size_t count, void *context) {
    struct answer *answer = context;
    size_t bytes = size * count;
    size_t kept = (size_t)min_u64(bytes, ANSWER_BYTES_MAX - 1 - answer->bytes);
    memcpy(answer->text + answer->bytes, data, kept);
    answer->bytes += kept;
    answer->text[answer->bytes] = '\0';
    return bytes;
}

static void open_curl(struct connection *ret, const struct target *target, const char *settings) {
    char url[URL_BYTES_MAX];
    snprintf(url, sizeof url, "http://%s:%s/?%s", target->host, target->port, settings);
    *ret = (struct connection){.curl = curl_easy_init()};
    CHECK(ret->curl != NULL);
    curl_easy_setopt(ret->curl, CURLOPT_URL, url);
    curl_easy_setopt(ret->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(ret->curl, CURLOPT_WRITEFUNCTION, take_answer);
}

static void post(struct connection *connection, struct slice body) {
    connection->answer.bytes = 0;
    connection->answer.text[0] = '\0';
    curl_easy_setopt(connection->curl, CURLOPT_WRITEDATA, &connection->answer);
    curl_easy_setopt(connection->curl, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt(connection->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.bytes);
    CURLcode failure = curl_easy_perform(connection->curl);
    long status = 0;
    curl_easy_getinfo(connection->curl, CURLINFO_RESPONSE_CODE, &status);
    if (failure != CURLE_OK || status != 200) {
        die("ClickHouse answered %ld: %s %s", status, curl_easy_strerror(failure),
            connection->answer.text);
    }
}

/* One statement on a connection of its own; the first number of its answer. */
static uint64_t ask(const struct target *target, const char *sql) {
    struct connection connection;
    open_curl(&connection, target, "");
    post(&connection, slice_text(sql));
    uint64_t number = strtoull(connection.answer.text, NULL, 10);
    curl_easy_cleanup(connection.curl);
    return number;
}

static void prepare(const struct target *target) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)ask(target, "DROP TABLE IF EXISTS reports");
    (void)ask(target,
              "CREATE TABLE reports (id String, source String, category String, occurred_at "
              "String, grid String, severity String, channel String, reporter String, text "
              "String) ENGINE = MergeTree ORDER BY (grid, occurred_at)");
}

static void *connect_clickhouse(const struct target *target, unsigned number) {
    (void)number;
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    open_curl(connection, target,
              "query=INSERT%20INTO%20reports%20FORMAT%20JSONEachRow&"
              "input_format_skip_unknown_fields=1");
    return connection;
}

static void disconnect_clickhouse(void *context) {
    struct connection *connection = context;
    curl_easy_cleanup(connection->curl);
    free(connection);
}

static void send_reports(void *context, const struct peer_report *reports, size_t count) {
    struct slice last = reports[count - 1].line;
    const uint8_t *begin = reports[0].line.data;
    post(context, (struct slice){begin, (size_t)(last.data - begin) + last.bytes});
}

/* Only a query for distinct ids says how many reports there are. */
static uint64_t stored(const struct target *target) {
    return ask(target, "SELECT uniqExact(id) FROM reports");
}

const struct peer peer_clickhouse = {"clickhouse", "INSERT ... FORMAT JSONEachRow over HTTP",
                                     prepare,      connect_clickhouse,
                                     send_reports, disconnect_clickhouse,
                                     stored};
