/* The families of TLS; nothing is written while it is off. */
#include "server/process/metrics_text.h"

void metrics_text_write_tls(struct buffer *to, const struct metrics *metrics, int64_t expires_s) {
    metrics_text_family(to, "gridd_tls_handshakes_total", "counter", "TLS handshakes by outcome.");
    for (size_t i = 0; i < TLS_OUTCOME_COUNT; i++) {
        metrics_text_sample(to, "gridd_tls_handshakes_total", "result",
                            tls_outcome_name((enum tls_outcome)i), metrics->tls_handshakes[i]);
    }
    metrics_text_family(to, "gridd_tls_handshake_duration_seconds", "histogram",
                        "From accept to the end of a handshake that came to be.");
    metrics_text_histogram(to, "gridd_tls_handshake_duration_seconds", NULL, NULL,
                           &metrics->tls_handshake_seconds);
    metrics_text_family(to, "gridd_tls_certificate_expiry_timestamp_seconds", "gauge",
                        "End of the certificate in force, or of its chain; alert 14 days before.");
    metrics_text_double(to, "gridd_tls_certificate_expiry_timestamp_seconds", (double)expires_s);
    metrics_text_family(to, "gridd_tls_reloads_total", "counter",
                        "Certificates read again by SIGHUP.");
    metrics_text_sample(to, "gridd_tls_reloads_total", "result", "ok", metrics->tls_reloads[1]);
    metrics_text_sample(to, "gridd_tls_reloads_total", "result", "failed", metrics->tls_reloads[0]);
}
