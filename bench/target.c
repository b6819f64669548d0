#include "bench/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("gridd-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

bool target_parse(struct target *ret, const char *url) {
    if (strncmp(url, "http://", 7) != 0) {
        return false;
    }
    const char *host = url + 7;
    const char *colon = strrchr(host, ':');
    if (colon == NULL || colon == host) {
        return false;
    }
    size_t port_bytes = strcspn(colon + 1, "/\r\n");
    size_t host_bytes = (size_t)(colon - host);
    if (host[0] == '[' && host[host_bytes - 1] == ']') {
        host++;
        host_bytes -= 2;
    }
    if (host_bytes >= sizeof ret->host || port_bytes == 0 || port_bytes >= sizeof ret->port) {
        return false;
    }
    *ret = (struct target){0};
    memcpy(ret->host, host, host_bytes);
    memcpy(ret->port, colon + 1, port_bytes);
    return true;
}

int target_connect(const struct target *target) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(target->host, target->port, &hints, &found) != 0) {
        die("no address for %s:%s", target->host, target->port);
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        die("cannot connect to %s:%s: %s", target->host, target->port, strerror(errno));
    }
    freeaddrinfo(found);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

uint64_t answer_number(struct slice json, const char *name) {
    char key[64];
    int bytes = snprintf(key, sizeof key, "\"%s\":", name);
    const char *found = memmem(json.data, json.bytes, key, (size_t)bytes);
    const char *end = (const char *)json.data + json.bytes;
    uint64_t value = 0;
    for (found = found == NULL ? end : found + bytes; found < end && *found >= '0' && *found <= '9';
         found++) {
        value = value * 10 + (uint64_t)(*found - '0');
    }
    return value;
}
