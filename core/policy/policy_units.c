/* Who handles what, where. */
#include "core/base/check.h"
#include "core/policy/policy_code.h"

#include <string.h>

const struct unit *policy_unit_by_tag(const struct policy *policy, uint32_t tag) {
    CHECK(policy->units_count <= UNITS_MAX);
    for (uint32_t i = 0; i < policy->units_count; i++) {
        if (policy->units[i].tag == tag) {
            return &policy->units[i];
        }
    }
    return NULL;
}

const struct unit *policy_unit(const struct policy *policy, struct slice code) {
    const struct unit *found = policy_unit_by_tag(policy, policy_tag(code));
    return found != NULL && slice_is(code, found->code) ? found : NULL;
}

enum status policy_add_unit(struct policy *policy, struct slice code, struct slice name,
                            struct error *error) {
    uint32_t tag = policy_tag(code);
    const struct unit *owner = policy_unit_by_tag(policy, tag);
    enum status status = policy_code_check(code, name, owner != NULL ? owner->code : NULL, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (policy->units_count == UNITS_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 256 units", NULL, NULL);
    }
    struct unit *unit = &policy->units[policy->units_count++];
    policy_code_copy(unit->code, code);
    policy_code_copy(unit->name, name);
    unit->tag = tag;
    return STATUS_OK;
}

static const char *region_problem(struct slice region) {
    if (region.bytes > REGION_CODE_CAP) {
        return "a region code is longer than 64 bytes";
    }
    return region.bytes > 0 && memchr(region.data, '\0', region.bytes) != NULL
               ? "a region code has a NUL"
               : NULL;
}

static bool is_assigned(const struct policy *policy, uint32_t category_tag, struct slice region) {
    for (uint32_t i = 0; i < policy->assignments_count; i++) {
        const struct assignment *assignment = &policy->assignments[i];
        if (assignment->category_tag == category_tag && slice_is(region, assignment->region)) {
            return true;
        }
    }
    return false;
}

enum status policy_add_assignment(struct policy *policy, struct slice category, struct slice region,
                                  struct slice unit, struct error *error) {
    const struct category *wanted = policy_category(policy, category);
    if (category.bytes > 0 && wanted == NULL) {
        return policy_code_refuse(error, category, "is no category of the policy");
    }
    const struct unit *handler = policy_unit(policy, unit);
    if (handler == NULL) {
        return policy_code_refuse(error, unit, "is no unit of the policy");
    }
    const char *why = region_problem(region);
    if (why != NULL) {
        return error_set(error, STATUS_INVALID, why, NULL, NULL);
    }
    uint32_t category_tag = wanted != NULL ? wanted->tag : 0;
    if (is_assigned(policy, category_tag, region)) {
        return error_set(error, STATUS_INVALID, "the same category and region are assigned already",
                         NULL, NULL);
    }
    if (policy->assignments_count == ASSIGNMENTS_MAX) {
        return error_set(error, STATUS_FULL, "a policy has at most 1024 assignments", NULL, NULL);
    }
    struct assignment *assignment = &policy->assignments[policy->assignments_count++];
    *assignment = (struct assignment){.category_tag = category_tag, .unit_tag = handler->tag};
    if (region.bytes > 0) {
        memcpy(assignment->region, region.data, region.bytes);
    }
    return STATUS_OK;
}

/* How well an assignment fits: 0 not at all; else the deeper the better, and in one region a named
 * category better than any. */
static size_t fitness(const struct assignment *assignment, uint32_t category_tag,
                      const struct slice *path, size_t path_count) {
    size_t named = assignment->category_tag != 0 ? 1 : 0;
    if (named != 0 && assignment->category_tag != category_tag) {
        return 0;
    }
    if (assignment->region[0] == '\0') {
        return 1 + named;
    }
    for (size_t depth = path_count; depth > 0; depth--) {
        if (slice_is(path[depth - 1], assignment->region)) {
            return 2 * depth + 1 + named;
        }
    }
    return 0;
}

const struct unit *policy_unit_for(const struct policy *policy, uint32_t category_tag,
                                   const struct slice *path, size_t path_count) {
    CHECK(path_count <= REGION_DEPTH_CAP);
    const struct assignment *best = NULL;
    size_t best_fitness = 0;
    for (uint32_t i = 0; i < policy->assignments_count; i++) {
        size_t fits = fitness(&policy->assignments[i], category_tag, path, path_count);
        if (fits > best_fitness) {
            best_fitness = fits;
            best = &policy->assignments[i];
        }
    }
    if (best == NULL) {
        return NULL;
    }
    const struct unit *unit = policy_unit_by_tag(policy, best->unit_tag);
    CHECK(unit != NULL);
    return unit;
}
