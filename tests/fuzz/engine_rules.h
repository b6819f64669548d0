/* What decisions look at in the engine's fuzz target: two versions of a small policy with limits of
 * minutes, two calendars, a ragged region tree. Made once, read-only. */
#ifndef TESTS_FUZZ_ENGINE_RULES_H
#define TESTS_FUZZ_ENGINE_RULES_H

#include "core/world.h"

enum { ENGINE_VIEWS = 2 };

/* `index` below ENGINE_VIEWS. Static memory. */
const struct world_view *engine_view(unsigned index);

#endif
