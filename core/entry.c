#include "core/entry.h"

#include "core/check.h"

const char *entry_kind_name(enum entry_kind kind) {
    switch (kind) {
    case ENTRY_REPORT:
        return "report";
    }
    CHECK(false);
}
