/* Planted bugs: the proof that the tests can fail. `if (MUTANT(NAME))` is `if (false)` and leaves
 * nothing behind, but in a build with GRIDD_MUTANTS (the preset `mutants`), where GRIDD_MUTANT=NAME
 * in the environment switches one of them on. tests/sim/mutants.py has the test that catches each;
 * tests/README.md tells how to add one. */
#ifndef CORE_BASE_MUTANT_H
#define CORE_BASE_MUTANT_H

#ifdef GRIDD_MUTANTS

#define MUTANT_TABLE(X)                                                                            \
    X(ACK_BEFORE_SYNC)              /* told before the commit is on disk */                        \
    X(ACK_OFF_BY_ONE)               /* the entry after the durable ones is told too */             \
    X(BLOCK_HASH_NOT_COMPARED)      /* an altered journal block is taken */                        \
    X(CATCHUP_SKIPS_ONE)            /* a feed that is behind loses an event */                     \
    X(CHAIN_NOT_CARRIED_ON)         /* blocks of one commit name the same block before them */     \
    X(CLOCKS_WITH_GAPS)             /* a restored ticket tells in another order */                 \
    X(COMMAND_FORGOTTEN_ON_RESTART) /* the ids of commands are not in the ticket's row */          \
    X(COMMAND_NOT_REMEMBERED)       /* a command sent twice is done twice */                       \
    X(CONTENT_NOT_COMPARED)         /* another report under the same id is a repeat */             \
    X(CURSOR_OFF_BY_ONE)            /* a feed resumes one event too late */                        \
    X(DEDUPE_FORGETS_ON_RESTART)    /* identities are only in memory */                            \
    X(DUPLICATE_KEYS_TAKEN)         /* a JSON object with a member twice */                        \
    X(FEED_BEFORE_COMMIT)           /* an event is on the feed before it is on disk */             \
    X(FINAL_TICKETS_RESTORED)       /* what is over fills memory after a restart */                \
    X(FIRST_ROW_WINS)               /* of one key in one commit */                                 \
    X(FLUSHED_TICKET_IS_GONE)       /* a command closes the block that ended its ticket */         \
    X(FOLDED_HEADER_TAKEN)          /* obs-fold: smuggles a request */                             \
    X(HOLE_IS_A_TORN_TAIL)          /* damage inside acknowledged history passes */                \
    X(HORIZON_SKIPS_ROWS)           /* deadlines beyond one read are never read */                 \
    X(LINE_HELD_IS_LOST)            /* a line that is cut between two reads loses its beginning */ \
    X(LOOKUP_SKIPPED)               /* what memory forgot is new */                                \
    X(MEMBER_ROW_NOT_WRITTEN)       /* reports of an incident are lost */                          \
    X(MERGE_INTO_NEWER)             /* an older ticket is sent into a newer one */                 \
    X(MOVED_ROW_NOT_WRITTEN)        /* where an un-merged report went is lost */                   \
    X(OVERDUE_NOT_REMEMBERED)       /* a limit that passed is told again and again */              \
    X(PUBLISH_SKIPS_SMALL)          /* a block of one entry is not visible to reads */             \
    X(QUEUE_NEVER_SHRINKS)          /* intake stays paused for ever */                             \
    X(READ_ERROR_IS_ABSENT)         /* a failed look-up is a miss */                               \
    X(RECOVERY_SKIPS_LAST_BLOCK)    /* the newest block is not rebuilt */                          \
    X(REGION_BY_PREFIX)             /* r10 is within r1 */                                         \
    X(REPEATS_IN_A_HEAP)            /* an ack's end tells all that it held back */                 \
    X(RESET_NOT_TOLD)               /* a cursor ahead of the journal is believed */                \
    X(RING_OVERWRITES)              /* frames in the ring are written over */                      \
    X(ROWS_ITER_UNCHECKED)          /* a walk that failed was complete */                          \
    X(SEALED_BEFORE_WRITTEN)        /* meta data says sealed, the rows are on their way */         \
    X(SEALED_RUN_SKIPS_LAST)        /* the last row of a group is not sealed */                    \
    X(SETTLED_FILE_SKIPPED)         /* members leave memory and are in no file */                  \
    X(SPARE_BITS_TAKEN)             /* a token that is written in another way is taken */          \
    X(SUSPECTS_NOT_STORED)          /* reports from the future are not recognised later */         \
    X(TIMER_FIRES_EARLY)            /* by a second */                                              \
    X(TIMER_NOT_ARMED)              /* only a restart would fire it */                             \
    X(TIMER_ROW_NOT_WRITTEN)        /* a restart forgets it */                                     \
    X(TIMER_ROW_STAYS)              /* after it fired */                                           \
    X(TIME_GOES_BACK)               /* with the wall clock */                                      \
    X(UNMERGE_FORGETS_CLOCK)        /* a ticket works again and waits for nothing */               \
    X(UNMERGE_ROW_NOT_WRITTEN)      /* what is left of the incident is not stored */               \
    X(WATERMARK_NOT_BELIEVED)       /* a journal that ends too early opens */

enum mutant {
    MUTANT_NONE,
#define MUTANT_ENUM(name) MUTANT_##name,
    MUTANT_TABLE(MUTANT_ENUM)
#undef MUTANT_ENUM
};
extern enum mutant mutant_planted;
#define MUTANT(name) __builtin_expect(mutant_planted == MUTANT_##name, 0)

#else
#define MUTANT(name) false
#endif

#endif
