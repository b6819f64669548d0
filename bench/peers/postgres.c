/* PostgreSQL: COPY into a temporary table, then INSERT ... ON CONFLICT DO NOTHING, in one
 * transaction. Ordered by id, or two bulks with the same ids lock each other out. */
#include "bench/peers/peer.h"
#include "core/base/check.h"
#include "server/buffer.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct connection {
    PGconn *pg;
    struct buffer rows;
};

static PGconn *open_pg(const struct target *target) {
    char text[256];
    snprintf(text, sizeof text, "host=%s port=%s user=postgres dbname=postgres", target->host,
             target->port);
    PGconn *pg = PQconnectdb(text);
    if (PQstatus(pg) != CONNECTION_OK) {
        die("no PostgreSQL: %s", PQerrorMessage(pg));
    }
    return pg;
}

static void run(PGconn *pg, const char *sql, ExecStatusType wanted) {
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != wanted) {
        die("PostgreSQL refused \"%.60s\": %s", sql, PQerrorMessage(pg));
    }
    PQclear(result);
}

static void prepare_bare(const struct target *target) {
    PGconn *pg = open_pg(target);
    run(pg,
        "SET client_min_messages = warning; DROP TABLE IF EXISTS reports; CREATE TABLE reports (id "
        "text PRIMARY KEY, grid text NOT NULL, occurred_at timestamptz NOT NULL, report text NOT "
        "NULL)",
        PGRES_COMMAND_OK);
    PQfinish(pg);
}

static void prepare(const struct target *target) {
    prepare_bare(target);
    PGconn *pg = open_pg(target);
    run(pg, "CREATE INDEX ON reports (grid, occurred_at)", PGRES_COMMAND_OK);
    PQfinish(pg);
}

static void *connect_pg(const struct target *target, unsigned number) {
    (void)number;
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection->pg = open_pg(target);
    buffer_init(&connection->rows);
    run(connection->pg,
        "CREATE TEMP TABLE stage (id text, grid text, occurred_at timestamptz, report text) ON "
        "COMMIT DELETE ROWS",
        PGRES_COMMAND_OK);
    return connection;
}

static void disconnect_pg(void *context) {
    struct connection *connection = context;
    PQfinish(connection->pg);
    buffer_deinit(&connection->rows);
    free(connection);
}

/* In COPY's text form a backslash is written twice; JSON lines hold no tab and no line feed. */
static void append_text(struct buffer *to, struct slice text) {
    while (text.bytes > 0) {
        const uint8_t *found = memchr(text.data, '\\', text.bytes);
        size_t bytes = found == NULL ? text.bytes : (size_t)(found - text.data) + 1;
        buffer_append(to, text.data, bytes);
        if (found != NULL) {
            buffer_append(to, "\\", 1);
        }
        text = (struct slice){text.data + bytes, text.bytes - bytes};
    }
}

static void append_row(struct buffer *to, const struct peer_report *report) {
    append_text(to, report->id);
    buffer_append(to, "\t", 1);
    append_text(to, report->grid);
    buffer_append(to, "\t", 1);
    append_text(to, report->occurred_at);
    buffer_append(to, "\t", 1);
    append_text(to, report->line);
    buffer_append(to, "\n", 1);
}

static void send_copy(void *context, const struct peer_report *reports, size_t count) {
    struct connection *connection = context;
    PGconn *pg = connection->pg;
    buffer_reset(&connection->rows);
    for (size_t i = 0; i < count; i++) {
        append_row(&connection->rows, &reports[i]);
    }
    run(pg, "BEGIN", PGRES_COMMAND_OK);
    run(pg, "COPY stage FROM STDIN", PGRES_COPY_IN);
    if (PQputCopyData(pg, (const char *)connection->rows.data, (int)connection->rows.bytes) != 1 ||
        PQputCopyEnd(pg, NULL) != 1) {
        die("COPY failed: %s", PQerrorMessage(pg));
    }
    PGresult *result = PQgetResult(pg);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        die("COPY was refused: %s", PQerrorMessage(pg));
    }
    PQclear(result);
    while ((result = PQgetResult(pg)) != NULL) {
        PQclear(result);
    }
    run(pg,
        "INSERT INTO reports SELECT id, grid, occurred_at, report FROM stage ORDER BY id ON "
        "CONFLICT DO NOTHING; COMMIT",
        PGRES_COMMAND_OK);
}

/* One row needs no stage. */
static void send_row(struct connection *connection, const struct peer_report *report) {
    char id[128], grid[64], occurred_at[64], line[4096];
    CHECK(report->id.bytes < sizeof id && report->grid.bytes < sizeof grid &&
          report->occurred_at.bytes < sizeof occurred_at && report->line.bytes < sizeof line);
    snprintf(id, sizeof id, "%.*s", (int)report->id.bytes, (const char *)report->id.data);
    snprintf(grid, sizeof grid, "%.*s", (int)report->grid.bytes, (const char *)report->grid.data);
    snprintf(occurred_at, sizeof occurred_at, "%.*s", (int)report->occurred_at.bytes,
             (const char *)report->occurred_at.data);
    snprintf(line, sizeof line, "%.*s", (int)report->line.bytes, (const char *)report->line.data);
    const char *const values[] = {id, grid, occurred_at, line};
    PGresult *result = PQexecParams(
        connection->pg, "INSERT INTO reports VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", 4,
        NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        die("PostgreSQL refused a row: %s", PQerrorMessage(connection->pg));
    }
    PQclear(result);
}

static void send_reports(void *context, const struct peer_report *reports, size_t count) {
    if (count == 1) {
        send_row(context, reports);
    } else {
        send_copy(context, reports, count);
    }
}

static uint64_t stored(const struct target *target) {
    PGconn *pg = open_pg(target);
    PGresult *result = PQexec(pg, "SELECT count(*) FROM reports");
    uint64_t count =
        PQntuples(result) == 1 ? strtoull(PQgetvalue(result, 0, 0), NULL, 10) : UINT64_MAX;
    PQclear(result);
    PQfinish(pg);
    return count;
}

const struct peer peer_postgres = {
    "postgres",   "COPY and INSERT ON CONFLICT; indexes by id and by grid and time",
    prepare,      connect_pg,
    send_reports, disconnect_pg,
    stored};
const struct peer peer_postgres_bare = {
    "postgres-bare", "the same without the index by grid: no timeline",
    prepare_bare,    connect_pg,
    send_reports,    disconnect_pg,
    stored};
