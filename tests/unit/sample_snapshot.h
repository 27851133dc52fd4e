/* tests/unit/sample_snapshot.h: snapshots made by hand, for tests of what reads them.
 *
 * Each is built anew, as husk_snapshot_new would have left it (settled, figures of the records equal to what is
 * there), and is freed with husk_snapshot_free. NULL: memory was made to fail.
 *
 * sample_snapshot(): small and full of what is rare.
 *
 *   node     type      size  made where   edges
 *      0     node        48  R1 epoch 0   left 1, right 2                          hidden 1
 *      1     node        48  R1 epoch 0   left 3, right 4
 *      2     node        48  R1 epoch 1   left 0 (0 -> 2 -> 0), label 9
 *      3     node        48  R3 epoch 1   left 3 (itself)
 *      4     node        48  R2 epoch 0
 *      5     list      2432  R2 epoch 1   300 items: item i is node 10 + i % 20    hidden 70000 (spilled)
 *      6     wide      2448  R6 epoch 1   slot0 1, slot249 7, slot250 8, slot299 9 hidden 1
 *      7     ODD_NAME    64  R4 epoch 2   finalized, pending                       hidden -1 (spilled)
 *      8     ODD_NAME   5 GiB R4 epoch 2  frozen                                   (size spilled)
 *      9     text        64  -
 *  10-29     text   32 + 16 * (n - 10); R5 epoch 2 if n is even, else not traced
 *     30     weak box    32  -            target 0 (weak)                          hidden 1
 *     31     weak map    96  R7 epoch 0   [3] 1 => 29, [8] 9 => 31 (itself), [12] 4 => no object
 *                                                                                  hidden 1
 *     32     list        96  R1 epoch 2   item 2 is 5, item 4000000000 is 6        hidden 65535 (spilled)
 *     33     text        32  -            immortal
 *     34     ?           16  -                                                     hidden 2
 *  35-69     node        48  R8 epoch 0   left: the next one; 69's is 35: a ring that nothing holds
 *
 *   record   stack                                             context
 *     R1     load main.c:20 < main main.c:10                   tag load, thread main
 *     R2     demo_alloc (native) < load main.c:20 < main       thread main
 *     R3     a < b < a < main main.c:10  (script.lua, 1, 2)    domain db, thread main
 *     R4     ODD_FUNCTION ODD_FILE:3 < serve script.lua:7      tag serve, domain net, thread work;er; 13 deep
 *     R5     ? (native, no name) < serve script.lua:7          the same
 *     R6     as R1's                                           domain db, thread main
 *     R7     a script.lua:1 < main main.c:10                   thread main
 *     R8     load main.c:25 < main main.c:10                   tag load, thread main
 *     R9     as R8's                                           domain db; all of it died again
 *
 *   blocks   buffers: 1000 R2 epoch 1, 24 R6 epoch 1, 4096 not traced
 *            foreign: 500 R7 epoch 0, 6 GiB R4 epoch 2, 1 R7 epoch 2
 *   epochs   0 from 0 s; 1 from 1 s, mark "loaded"; 2 from 2.5 s */
#ifndef TESTS_SAMPLE_SNAPSHOT_H
#define TESTS_SAMPLE_SNAPSHOT_H

#include "view/snapshot.h"

struct husk_snapshot *sample_snapshot(void);

/* Bytes with a newline, quotes, semicolons, NUL, </script>, and what is no UTF-8. */
#define ODD_NAME "odd\n\"type\";\0</script>\xFF"
#define ODD_FILE "dir;x/fi\nle\"'.lua"
#define ODD_FUNCTION "f</script>\0\xC3(;\\"
#define ODD_LENGTH(text) (sizeof(text) - 1)

#define SAMPLE_GIB ((uint64_t)1 << 30)
/* Sums of the sample; tests/unit/view_snapshot.c holds them against the snapshot. */
enum {
    SAMPLE_NODES = 70,
    SAMPLE_TYPES = 9,         /* "?" among them */
    SAMPLE_EDGES = 348,       /* strong */
    SAMPLE_WEAK_EDGES = 6,    /* 1 of the box, 3 keys, 2 values */
    SAMPLE_RECORDS = 10,      /* number 0 among them */
    SAMPLE_STACKS = 11,       /* likewise */
    SAMPLE_FRAMES = 10,       /* likewise */
    SAMPLE_TRACED_NODES = 56, /* with blocks: 61 */
    SAMPLE_TRACED = 61,
};
/* size less 5 GiB (6 GiB for foreign blocks), of all and of what is traced */
enum {
    SAMPLE_NODE_BYTES_LESS = 10880,
    SAMPLE_BUFFER_BYTES = 5120,
    SAMPLE_FOREIGN_BYTES_LESS = 501,
};

/* Alive by record: objects and blocks; less 11 GiB for R4. */
#define SAMPLE_LIVE                                                                                          \
    {                                                                                                        \
        { 0, 0 }, { 4, 240 }, { 3, 3480 }, { 1, 48 }, { 3, 64 }, { 10, 1760 }, { 2, 2472 }, { 3, 597 },      \
            { 35, 1680 }, { 0, 0 },                                                                          \
    }

/* Random, the same for the same numbers: types of all kinds, edges that follow them, strings that repeat, about
 * `sites` places; spills are frequent. edges is met exactly if nodes > 0. sites 0: nothing was traced. */
struct husk_snapshot *sample_snapshot_random(uint64_t seed, size_t nodes, size_t edges, size_t sites);

/* Two of the same program. The same things have other numbers in the new one: places and strings were met in
 * another order. Objects of type "thing", no edges:
 *
 *   place                          old              new            difference
 *   grow     app.c:1    10 x 100 bytes   30 x 100    +20, +2000
 *   shrink   app.c:2    20 x 200          5 x 200    -15, -3000
 *   same     app.c:3     7 x 50           7 x 50       0, 0
 *   gone     app.c:4     4 x 1000         -           -4, -4000
 *   fresh    app.c:5     -                6 x 500     +6, +3000
 *   swap     app.c:6     4 x 100          2 x 200     -2, 0
 * each called by main app.c:100. */
void sample_snapshot_pair(struct husk_snapshot **older, struct husk_snapshot **newer);

#endif
