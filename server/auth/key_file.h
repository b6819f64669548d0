/* Small files with keys and certificates, read whole. */
#ifndef SERVER_AUTH_KEY_FILE_H
#define SERVER_AUTH_KEY_FILE_H

#include "core/base/status.h"

enum key_file_kind {
    KEY_FILE_SECRET, /* nobody but its owner may read it (a group may below $CREDENTIALS_DIRECTORY,
                        where systemd gives it) */
    KEY_FILE_PUBLIC,
};

/* At most `room` - 1 bytes, so that a file that is larger is told from one that fits: TOO_LARGE.
 * NOT_FOUND: there is no such file. IO: it cannot be read, or a secret can be read by others; the
 * message then says how to mend that. What was read of a secret is the caller's to wipe. */
MUST_USE enum status key_file_read(uint8_t *to, size_t room, size_t *ret_bytes, const char *path,
                                   enum key_file_kind kind, struct error *error);

/* Puts $CREDENTIALS_DIRECTORY/`name` into `to` when systemd gave that credential. */
MUST_USE bool key_file_credential(char *to, size_t room, const char *name);

#endif
