/* Shared by the unit tests: cmocka with what it wants included first. */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"

/* Path of a file under ../shared/data (or $GRIDD_SHARED/data), or NULL when it is absent; the test
 * then says so aloud and calls skip(). The result is static memory. */
const char *support_corpus(const char *name);
/* Whole file; free() the data. Fails the test when it cannot be read. */
struct slice support_read_file(const char *path);
/* A fresh directory below $TMPDIR; removed with support_remove_tree. Static memory, one at a time a
 * call. */
const char *support_temporary_directory(void);
void support_remove_tree(const char *path);

#endif
