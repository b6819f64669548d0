#include "server/command/http_ask.h"

#include "core/base/check.h"
#include "server/command/tls_ask.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HOST_BYTES_MAX = 256, PORT_BYTES_MAX = 6 };

struct place {
    char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
    const char *host_port; /* as in the URL */
    bool is_https;
};

/* http://HOST:PORT or http://[V6]:PORT, or the same with https */
static bool read_url(struct place *ret, const char *url) {
    static const char plain[] = "http://", secure[] = "https://";
    ret->is_https = strncmp(url, secure, sizeof secure - 1) == 0;
    if (!ret->is_https && strncmp(url, plain, sizeof plain - 1) != 0) {
        return false;
    }
    ret->host_port = url + (ret->is_https ? sizeof secure : sizeof plain) - 1;
    const char *colon = strrchr(ret->host_port, ':');
    if (colon == NULL || colon == ret->host_port) {
        return false;
    }
    const char *host = ret->host_port, *end = colon;
    if (*host == '[' && end[-1] == ']') {
        host++;
        end--;
    }
    size_t host_bytes = (size_t)(end - host), port_bytes = strlen(colon + 1);
    if (host_bytes == 0 || host_bytes >= HOST_BYTES_MAX || port_bytes == 0 ||
        port_bytes >= PORT_BYTES_MAX || strspn(colon + 1, "0123456789") != port_bytes) {
        return false;
    }
    memcpy(ret->host, host, host_bytes);
    ret->host[host_bytes] = '\0';
    memcpy(ret->port, colon + 1, port_bytes + 1);
    return true;
}

static int connect_to(const struct place *place, struct error *error) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    const struct timeval timeout = {.tv_sec = HTTP_ASK_TIMEOUT_S};
    struct addrinfo *found = NULL;
    int fd = -1, failure = getaddrinfo(place->host, place->port, &hints, &found);
    if (failure != 0) {
        error_set_message(error, place->host_port, ": ", gai_strerror(failure));
        return -1;
    }
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            error_set_message(error, place->host_port, ": ", strerror(errno));
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    }
    return fd;
}

/* Closed behind the answer, so that the end of the connection is its end: HTTP/1.0. */
static void write_request(struct buffer *to, const struct http_ask *ask,
                          const struct place *place) {
    char length[64];
    buffer_append_text(to, ask->method);
    buffer_append_text(to, " ");
    buffer_append_text(to, ask->path);
    buffer_append_text(to, " HTTP/1.0\r\nHost: ");
    buffer_append_text(to, place->host_port);
    if (ask->token[0] != '\0') {
        buffer_append_text(to, "\r\nAuthorization: Bearer ");
        buffer_append_text(to, ask->token);
    }
    if (ask->body.bytes > 0) {
        (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu", ask->body.bytes);
        buffer_append_text(to, "\r\nContent-Type: application/json");
        buffer_append_text(to, length);
    }
    buffer_append_text(to, "\r\n\r\n");
    buffer_append_slice(to, ask->body);
}

static bool send_all(int fd, struct tls_ask *tls, struct slice bytes) {
    while (bytes.bytes > 0) {
        ssize_t sent = tls != NULL ? tls_ask_send(tls, bytes.data, bytes.bytes)
                                   : send(fd, bytes.data, bytes.bytes, MSG_NOSIGNAL);
        if (sent < 0 && (tls != NULL || errno != EINTR)) {
            return false;
        }
        size_t taken = sent < 0 ? 0 : (size_t)sent;
        bytes = (struct slice){bytes.data + taken, bytes.bytes - taken};
    }
    return true;
}

static bool receive_all(int fd, struct tls_ask *tls, struct buffer *to) {
    uint8_t piece[16384];
    for (;;) {
        ssize_t got = tls != NULL ? tls_ask_receive(tls, piece, sizeof piece)
                                  : recv(fd, piece, sizeof piece, 0);
        if (got < 0 && tls == NULL && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0;
        }
        if (to->bytes + (size_t)got > HTTP_ASK_ANSWER_BYTES_MAX) {
            return false;
        }
        buffer_append(to, piece, (size_t)got);
    }
}

/* The status line's number and where the body begins; false: it is no answer of HTTP. */
static bool read_head(struct slice answer, unsigned *ret_status, size_t *ret_body) {
    static const char version[] = "HTTP/1.";
    const size_t digits_at = sizeof version + 1;
    const uint8_t *end =
        answer.bytes == 0 ? NULL : memmem(answer.data, answer.bytes, "\r\n\r\n", 4);
    if (end == NULL || answer.bytes < digits_at + 3 ||
        memcmp(answer.data, version, sizeof version - 1) != 0) {
        return false;
    }
    *ret_status = 0;
    for (size_t i = digits_at; i < digits_at + 3; i++) {
        if (answer.data[i] < '0' || answer.data[i] > '9') {
            return false;
        }
        *ret_status = *ret_status * 10 + (unsigned)(answer.data[i] - '0');
    }
    *ret_body = (size_t)(end - answer.data) + 4;
    return true;
}

enum status http_ask(const struct http_ask *ask, unsigned *ret_status, struct buffer *ret_body,
                     struct error *error) {
    struct place place;
    struct buffer request, answer;
    size_t body = 0;
    if (!read_url(&place, ask->url)) {
        return error_set(error, STATUS_INVALID, ask->url,
                         ": must be http://HOST:PORT or https://HOST:PORT", NULL);
    }
    int fd = connect_to(&place, error);
    if (fd < 0) {
        return STATUS_IO;
    }
    struct tls_ask *tls = NULL;
    if (place.is_https) {
        (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without asking for no signal */
        if (tls_ask_open(&tls, fd, place.host, ask->ca, error) != STATUS_OK) {
            (void)close(fd);
            return STATUS_IO;
        }
    }
    buffer_init(&request);
    buffer_init(&answer);
    write_request(&request, ask, &place);
    bool whole = send_all(fd, tls, buffer_slice(&request)) && receive_all(fd, tls, &answer) &&
                 read_head(buffer_slice(&answer), ret_status, &body);
    if (whole) {
        buffer_append(ret_body, answer.data + body, answer.bytes - body);
    } else {
        error_set_message(error, place.host_port, ": no answer that is HTTP came", NULL);
    }
    tls_ask_close(tls);
    (void)close(fd);
    buffer_deinit(&request);
    buffer_deinit(&answer);
    return whole ? STATUS_OK : STATUS_IO;
}
