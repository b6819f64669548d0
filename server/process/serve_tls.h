/* TLS of a run of `gridd serve`: which files, read at the start and again on SIGHUP, and what is
 * told of them. Loop thread. */
#ifndef SERVER_PROCESS_SERVE_TLS_H
#define SERVER_PROCESS_SERVE_TLS_H

#include "server/process/config.h"
#include "server/tls/tls_context.h"

struct serve_tls {
    /* NULL: not configured. */
    struct tls_context *open;     /* of `listen` */
    struct tls_context *gateways; /* of `tls_client_listen`: asks for certificates */
};

/* Does `listen` speak TLS? By tls_certificate, or the systemd credential tls.crt. */
bool serve_tls_is_on(const struct config *config);
/* NULL, or what is missing or does not go together; static. */
const char *serve_tls_fault(const struct config *config);
/* Fills `ret` when TLS is on, else leaves it empty. The message names the file. */
MUST_USE enum status serve_tls_load(struct serve_tls *ret, const struct config *config,
                                    struct error *error);
/* The same for a server that runs: also refused when TLS would go away, or when the certificate has
 * expired, since what is in force can hardly be worse. */
MUST_USE enum status serve_tls_load_again(struct serve_tls *ret, const struct serve_tls *tls,
                                          const struct config *config, int64_t now_ms,
                                          struct error *error);
/* New connections get what `fresh` has, which is used up. */
void serve_tls_replace(struct serve_tls *tls, struct serve_tls *fresh);
void serve_tls_free(struct serve_tls *tls);
/* A line of the log: until when the certificate holds; a warning when that is soon or over. */
void serve_tls_tell(const struct serve_tls *tls, int64_t now_ms);

#endif
