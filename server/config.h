/* The configuration: defaults, then the YAML file, then flags. Every key is documented with its
 * default in server/gridd.yaml. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "core/limits.h"
#include "core/status.h"
#include "server/log.h"

struct config {
    char data[4096];
    char listen[256];       /* 127.0.0.1:8080 */
    char policy_path[4096]; /* "": the built-in default policy */
    char calendar_path[4096];
    bool no_auth;
    enum log_level log_level;
    bool access_log;      /* a line per request; errors are always logged */
    uint64_t cache_bytes; /* RocksDB block cache */
    uint64_t memtable_bytes;
    uint64_t pool_threads; /* readers: UV_THREADPOOL_SIZE */
    bool accept_loss;
    uint64_t accept_loss_after;
    struct limits limits;
};

void config_init(struct config *config);
/* Reads a YAML file over `config`. INVALID names the file, the line and what is wrong (unknown key,
 * bad value, out of range); `config` is then unchanged. */
MUST_USE enum status config_load(struct config *config, const char *path, struct error *error);

#endif
