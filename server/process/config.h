/* The configuration: defaults, then the YAML file, then flags. Every key is documented with its
 * default in server/gridd.yaml. One table drives the file, the flags and the print-out. */
#ifndef SERVER_PROCESS_CONFIG_H
#define SERVER_PROCESS_CONFIG_H

#include "core/base/status.h"
#include "core/limits.h"
#include "server/buffer.h"
#include "server/process/log.h"

struct config {
    char data[4096];
    char listen[256];       /* 127.0.0.1:8080 */
    char admin[256];        /* as listen, or unix:PATH; "": no listener of its own */
    char policy_path[4096]; /* "": the built-in default policy */
    char calendar_path[4096];
    char keys_path[4096]; /* "": auth_keys_path says where */
    /* "": the systemd credentials tls.crt, tls.key, tls.ca, where they are */
    char tls_certificate[4096], tls_key[4096], tls_client_ca[4096];
    char tls_client_listen[256]; /* "": none */
    bool no_auth, insecure_no_auth, insecure_http;
    enum log_level log_level;
    bool log_level_given;    /* by a flag: a reload of the file does not change it */
    char console_tiles[256]; /* address of map tiles with {z} {x} {y}; "": none */
    bool access_log;         /* a line per request; errors are always logged */
    uint64_t cache_bytes;    /* RocksDB block cache */
    uint64_t memtable_bytes;
    uint64_t pool_threads; /* readers: UV_THREADPOOL_SIZE */
    bool accept_loss;
    uint64_t accept_loss_after;
    struct limits limits;
};

/* key, field of struct config, kind of value, smallest, largest (TEXT: bytes) */
#define CONFIG_TABLE(X)                                                                            \
    X(data, data, TEXT, 0, 4095)                                                                   \
    X(listen, listen, TEXT, 3, 255)                                                                \
    X(admin, admin, TEXT, 0, 255)                                                                  \
    X(policy, policy_path, TEXT, 0, 4095)                                                          \
    X(calendar, calendar_path, TEXT, 0, 4095)                                                      \
    X(keys, keys_path, TEXT, 0, 4095)                                                              \
    X(tls_certificate, tls_certificate, TEXT, 0, 4095)                                             \
    X(tls_key, tls_key, TEXT, 0, 4095)                                                             \
    X(tls_client_ca, tls_client_ca, TEXT, 0, 4095)                                                 \
    X(tls_client_listen, tls_client_listen, TEXT, 0, 255)                                          \
    X(no_auth, no_auth, BOOL, 0, 1)                                                                \
    X(insecure_no_auth, insecure_no_auth, BOOL, 0, 1)                                              \
    X(insecure_http, insecure_http, BOOL, 0, 1)                                                    \
    X(log_level, log_level, LEVEL, 0, 0)                                                           \
    X(access_log, access_log, BOOL, 0, 1)                                                          \
    X(console_tiles, console_tiles, TILES, 0, 255)                                                 \
    X(cache_bytes, cache_bytes, NUMBER, 1 * MIB, 1024 * GIB)                                       \
    X(memtable_bytes, memtable_bytes, NUMBER, 1 * MIB, 4 * GIB)                                    \
    X(pool_threads, pool_threads, NUMBER, 1, 1024)                                                 \
    X(accept_loss, accept_loss, BOOL, 0, 1)                                                        \
    X(accept_loss_after, accept_loss_after, NUMBER, 0, UINT64_MAX)

void config_init(struct config *config);
/* Reads a YAML file over `config`. INVALID names the file, the line and what is wrong (unknown key,
 * bad value, out of range); `config` is then unchanged. */
MUST_USE enum status config_load(struct config *config, const char *path, struct error *error);
/* Sets one key from its text, as the file would: numbers are decimal, with KiB, MiB or GiB if
 * wanted. NOT_FOUND: no such key. INVALID: `error` has the reason without the key's name. */
MUST_USE enum status config_set(struct config *config, const char *key, const char *value,
                                struct error *error);
/* The same for a row of LIMITS_TABLE. */
MUST_USE enum status config_set_limit(struct config *config, const char *name, const char *value,
                                      struct error *error);
/* What no single key shows: the limits must hold together. */
MUST_USE enum status config_check(const struct config *config, struct error *error);
/* Appends the whole configuration as YAML that config_load reads back to the same. */
void config_write(const struct config *config, struct buffer *to);
/* Is the host of HOST:PORT an address of this machine alone (127.0.0.0/8, ::1, localhost,
 * unix:PATH)? */
bool config_is_loopback(const char *host_port);

/* Decimal digits with an optional KiB, MiB or GiB, nothing else. False when it does not fit. */
MUST_USE bool config_number_parse(uint64_t *ret_value, const char *text);

#endif
