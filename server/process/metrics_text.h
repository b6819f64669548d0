/* Prometheus' text format 0.0.4. A family is announced once, then its samples follow. */
#ifndef SERVER_PROCESS_METRICS_TEXT_H
#define SERVER_PROCESS_METRICS_TEXT_H

#include "server/process/metrics.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* # HELP and # TYPE. `type`: counter, gauge or histogram. */
void metrics_text_family(struct buffer *to, const char *name, const char *type, const char *help);
/* `label` NULL: no label. The value of a label is escaped. */
void metrics_text_sample(struct buffer *to, const char *name, const char *label, const char *word,
                         uint64_t value);
void metrics_text_double(struct buffer *to, const char *name, double value);
/* Buckets (cumulative), sum and count. */
void metrics_text_histogram(struct buffer *to, const char *name, const char *label,
                            const char *word, const struct histogram *histogram);
/* A label's value between quotes, escaped. */
void metrics_text_quoted(struct buffer *to, const char *word);
/* A family of one sample without labels. */
void metrics_text_counter(struct buffer *to, const char *name, const char *help, uint64_t value);
void metrics_text_gauge(struct buffer *to, const char *name, const char *help, uint64_t value);

#define METRICS_OPEN_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
/* The same in OpenMetrics 1.0: a counter's family is named without _total, and `# EOF` ends it. */
void metrics_text_open(struct buffer *to, struct slice text);

/* All of struct metrics. `route_names` has `routes_count` names, by route index. */
void metrics_text_write(struct buffer *to, const struct metrics *metrics,
                        const char *const *route_names, size_t routes_count);

/* The families of TLS (metrics_tls.c). `expires_s`: the certificate's end, seconds since 1970. */
void metrics_text_write_tls(struct buffer *to, const struct metrics *metrics, int64_t expires_s);

#endif
