/* NATS JetStream: a stream in files, one subject a grid, recognised by the header Nats-Msg-Id. */
#include "bench/peers/peer.h"
#include "core/base/check.h"

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_BYTES_MAX = 96, ID_BYTES_MAX = 96, ACKNOWLEDGE_WAIT_MS = 60000 };
static const char stream_name[] = "REPORTS";

struct connection {
    natsConnection *nats;
    jsCtx *stream;
};

static void must(natsStatus status, const char *what) {
    if (status != NATS_OK) {
        die("NATS: %s: %s", what, natsStatus_GetText(status));
    }
}

static void connection_open(struct connection *ret, const struct target *target) {
    char url[128];
    jsOptions options;
    snprintf(url, sizeof url, "nats://%s:%s", target->host, target->port);
    must(natsConnection_ConnectTo(&ret->nats, url), "connecting");
    must(jsOptions_Init(&options), "options");
    must(natsConnection_JetStream(&ret->stream, ret->nats, &options), "JetStream");
}

static void connection_close(struct connection *connection) {
    jsCtx_Destroy(connection->stream);
    natsConnection_Destroy(connection->nats);
}

static void prepare(const struct target *target) {
    struct connection connection;
    jsStreamConfig config;
    const char *subjects[] = {"g.>"};
    connection_open(&connection, target);
    must(jsStreamConfig_Init(&config), "configuration");
    config.Name = stream_name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.Duplicates = INT64_C(3600) * 1000000000; /* longer than any run */
    must(js_AddStream(NULL, connection.stream, &config, NULL, NULL), "making the stream");
    connection_close(&connection);
}

static void *connect_nats(const struct target *target, unsigned number) {
    (void)number;
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection_open(connection, target);
    return connection;
}

static void disconnect_nats(void *context) {
    connection_close(context);
    free(context);
}

static void name_report(const struct peer_report *report, char subject[SUBJECT_BYTES_MAX],
                        char id[ID_BYTES_MAX]) {
    snprintf(subject, SUBJECT_BYTES_MAX, "g.%.*s", (int)report->grid.bytes,
             (const char *)report->grid.data);
    snprintf(id, ID_BYTES_MAX, "%.*s", (int)report->id.bytes, (const char *)report->id.data);
}

static void send_reports(void *context, const struct peer_report *reports, size_t count) {
    struct connection *connection = context;
    jsPubOptions options, wait;
    char subject[SUBJECT_BYTES_MAX], id[ID_BYTES_MAX];
    must(jsPubOptions_Init(&options), "options");
    must(jsPubOptions_Init(&wait), "options");
    wait.MaxWait = ACKNOWLEDGE_WAIT_MS;
    options.MsgId = id;
    for (size_t i = 0; i < count; i++) {
        name_report(&reports[i], subject, id);
        if (count == 1) {
            must(js_Publish(NULL, connection->stream, subject, reports[i].line.data,
                            (int)reports[i].line.bytes, &options, NULL),
                 "publishing");
        } else {
            must(js_PublishAsync(connection->stream, subject, reports[i].line.data,
                                 (int)reports[i].line.bytes, &options),
                 "publishing");
        }
    }
    if (count > 1) {
        must(js_PublishAsyncComplete(connection->stream, &wait), "waiting for acknowledgements");
    }
}

static uint64_t stored(const struct target *target) {
    struct connection connection;
    jsStreamInfo *info = NULL;
    connection_open(&connection, target);
    must(js_GetStreamInfo(&info, connection.stream, stream_name, NULL, NULL), "stream info");
    uint64_t count = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    connection_close(&connection);
    return count;
}

const struct peer peer_nats = {
    "nats",       "JetStream in files, Nats-Msg-Id, asynchronous publishing",
    prepare,      connect_nats,
    send_reports, disconnect_nats,
    stored};
