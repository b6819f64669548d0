/* Any bytes as configuration and as policy: refused with a message and nothing changed, or taken; a
 * configuration that was taken is written and read back the same. */
#include "core/base/check.h"
#include "server/process/config.h"
#include "server/rules/policy_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char path[64];
static int file = -1;

static void fill(struct slice text) {
    if (file < 0) {
        file = memfd_create("settings", MFD_CLOEXEC);
        CHECK(file >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    CHECK(ftruncate(file, 0) == 0);
    CHECK(pwrite(file, text.data, text.bytes, 0) == (ssize_t)text.bytes);
}

static void read_config(void) {
    static struct config before, config, again;
    struct error error = {""};
    config_init(&before);
    config_init(&config);
    if (config_load(&config, path, &error) != STATUS_OK) {
        CHECK(error.message[0] != '\0' && memcmp(&before, &config, sizeof config) == 0);
        return;
    }
    struct buffer text;
    buffer_init(&text);
    config_write(&config, &text);
    fill(buffer_slice(&text));
    config_init(&again);
    CHECK(config_load(&again, path, &error) == STATUS_OK);
    CHECK(memcmp(&again.limits, &config.limits, sizeof config.limits) == 0);
    CHECK(strcmp(again.data, config.data) == 0 && strcmp(again.listen, config.listen) == 0);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct policy policy;
    struct error error = {""};
    struct slice text = {data, bytes};
    fill(text);
    CHECK(policy_load(&policy, path, &error) == STATUS_OK || error.message[0] != '\0');
    read_config();
    return 0;
}
