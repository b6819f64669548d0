/* The command centre's screen: files compiled in (server/console/), and what the page must know of
 * this server before anybody has logged in. */
#include "core/base/check.h"
#include "server/api/routes.h"
#include "server/console/console_files.h"
#include "server/json_out.h"
#include "server/services.h"

#include <string.h>

enum { POLICY_TEXT_BYTES = 512 };

static const struct console_file *find_file(struct slice path) {
    for (size_t i = 0; i < console_files_count; i++) {
        if (slice_is(path, console_files[i].path)) {
            return &console_files[i];
        }
    }
    return NULL;
}

/* scheme://host[:port] of a tile address; empty when there is none. */
static struct slice tile_origin(const char *tiles) {
    const char *host = strstr(tiles, "://");
    if (host == NULL) {
        return (struct slice){NULL, 0};
    }
    host += 3;
    return (struct slice){(const uint8_t *)tiles, (size_t)(host - tiles) + strcspn(host, "/")};
}

/* Content Security Policy Level 3. No inline script or style, nothing from elsewhere but the tiles
 * that the operator named; forms and frames are not used. */
static void add_guards(struct http_request *request) {
    struct slice origin = tile_origin(services_of(request)->config->console_tiles);
    struct buffer text;
    buffer_init(&text);
    buffer_append_text(&text, "default-src 'none'; script-src 'self'; style-src 'self'; "
                              "connect-src 'self'; img-src 'self' data:");
    if (origin.bytes > 0) {
        buffer_append_text(&text, " ");
        buffer_append_slice(&text, origin);
    }
    buffer_append_text(&text, "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    char policy[POLICY_TEXT_BYTES];
    CHECK(text.bytes < sizeof policy);
    memcpy(policy, text.data, text.bytes);
    policy[text.bytes] = '\0';
    buffer_deinit(&text);
    http_add_header(request, "Content-Security-Policy", policy);
    http_add_header(request, "Referrer-Policy", "no-referrer");
    http_add_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    http_add_header(request, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
}

/* Does a comma-separated list name the entity tag? Weak comparison (RFC 9110 13.1.2), so a
 * W/ before the quote does not matter. */
static bool names_tag(struct slice list, const char *tag) {
    size_t bytes = strlen(tag);
    return slice_is(list, "*") ||
           (list.bytes >= bytes && memmem(list.data, list.bytes, tag, bytes) != NULL);
}

/* A weight of nothing but zeros: "q=0", "q=0.000". */
static bool is_refused(struct slice parameters) {
    const uint8_t *at = memmem(parameters.data, parameters.bytes, "q=", 2);
    if (at == NULL) {
        return false;
    }
    for (at += 2; at < parameters.data + parameters.bytes; at++) {
        if (*at != '0' && *at != '.' && *at != ' ') {
            return false;
        }
    }
    return true;
}

/* Is gzip taken (RFC 9110 12.5.3)? */
static bool takes_gzip(const struct http_request *request) {
    struct slice list;
    if (!http_header(request, "Accept-Encoding", &list)) {
        return false;
    }
    const uint8_t *at = memmem(list.data, list.bytes, "gzip", 4);
    if (at == NULL) {
        return false;
    }
    size_t left = (size_t)(list.data + list.bytes - (at + 4));
    const uint8_t *end = memchr(at + 4, ',', left);
    return !is_refused((struct slice){at + 4, end != NULL ? (size_t)(end - (at + 4)) : left});
}

void api_console_on_headers(struct http_request *request) {
    const struct console_file *file = find_file(http_path(request));
    if (file == NULL) {
        http_problem(request, 404, "not found", "the console has no such file", NULL);
        return;
    }
    bool is_gzip = takes_gzip(request);
    const char *etag = is_gzip ? file->etag_gzip : file->etag;
    struct slice known;
    add_guards(request);
    /* Kept, but asked for each time: after an upgrade the page and its modules belong together. */
    http_add_header(request, "Cache-Control", "no-cache");
    http_add_header(request, "Vary", "Accept-Encoding");
    http_add_header(request, "ETag", etag);
    if (http_header(request, "If-None-Match", &known) && names_tag(known, etag)) {
        http_respond(request, 304, NULL, (struct slice){NULL, 0});
        return;
    }
    if (is_gzip) {
        http_add_header(request, "Content-Encoding", "gzip");
    }
    http_respond(request, 200, file->media_type, is_gzip ? file->gzip : file->plain);
}

void api_console_settings_on_headers(struct http_request *request) {
    const struct config *config = services_of(request)->config;
    struct buffer body;
    struct json_out out;
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "version");
    json_out_text(&out, GRIDD_VERSION);
    json_out_key(&out, "auth");
    json_out_bool(&out, !config->no_auth);
    json_out_key(&out, "tiles");
    json_out_text(&out, *config->console_tiles != '\0' ? config->console_tiles : NULL);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}
