/* Any bytes as a calendar file: refused with a message and nothing changed, or taken; then each
 * calendar meters, and what is due is the inverse of what is metered. */
#include "core/time/calendar_walk.h"
#include "server/rules/calendar_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct calendar_set set, before;

static enum status read_bytes(const uint8_t *data, size_t bytes, struct error *error) {
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("calendar", MFD_CLOEXEC);
        CHECK(file >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    CHECK(ftruncate(file, 0) == 0);
    CHECK(pwrite(file, data, bytes, 0) == (ssize_t)bytes);
    return calendar_file_read(&set, path, error);
}

static void meter(const struct calendar *calendar, enum metering metering, int64_t from_ms) {
    struct calendar_walk walk;
    struct calendar_piece piece;
    int64_t due_ms, units = 2 * calendar_scale(calendar, metering) + 1, walked = 0;
    if (calendar_due_ms(calendar, metering, from_ms, units, &due_ms) != STATUS_OK) {
        return; /* a holiday of ten years */
    }
    int64_t metered = calendar_metered(calendar, metering, from_ms, due_ms);
    CHECK(metered >= units && calendar_metered(calendar, metering, from_ms, due_ms - 1) < units);
    calendar_walk_init(&walk, calendar, metering, from_ms - DAY_MS, from_ms, due_ms);
    while (calendar_walk_next(&walk, &piece)) {
        walked += piece.units;
    }
    CHECK(walked == metered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct error error = {""};
    if (read_bytes(data, bytes, &error) != STATUS_OK) {
        CHECK(error.message[0] != '\0' && memcmp(&before, &set, sizeof set) == 0);
        return 0;
    }
    CHECK(set.calendars_count > 0);
    for (uint32_t i = 0; i < set.calendars_count; i++) {
        const struct calendar *calendar = &set.calendars[i];
        int64_t day = calendar->exceptions_count > 0 ? calendar->exceptions[0].day : 20000;
        for (enum metering metering = METERING_URGENT_HOUR; metering <= METERING_WORK_DAY;
             metering++) {
            meter(calendar, metering, calendar_midnight_ms(calendar, day) - 1);
        }
    }
    before = set;
    return 0;
}
