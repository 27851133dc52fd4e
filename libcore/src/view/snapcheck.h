/* view/snapcheck.h: what the checks of a file's sections have in common: snapcheck.c has those of the tables,
 * snapcheckgraph.c those of types, nodes and edges. */
#ifndef HUSK_VIEW_SNAPCHECK_H
#define HUSK_VIEW_SNAPCHECK_H

#include "view/snapshot.h"

/* What the edges of a type's nodes must keep to. */
struct husk__type_rule {
    uint32_t instances;
    uint16_t fields; /* EDGE_FIELD is below it */
    uint8_t mode;
};
enum { RULE_PLAIN = 0, RULE_ALL_INDEXED = 1, RULE_EACH = 2 };

struct husk__checker {
    const struct husk_snapshot *snapshot;
    const char *name;
    size_t strings;
    struct husk__type_rule *rules; /* one for each type */
};

#define ROWS(checker, section) SNAP((checker)->snapshot, section)
#define COUNT(checker, section) SNAP_COUNT((checker)->snapshot, section)
#define BAD(checker, section, element, ...)                                                                  \
    husk__check_bad((checker), SECTION_##section, (element), __VA_ARGS__)

/* Fails with HUSK_EFORMAT and a text that names file, section and element. */
husk_status husk__check_bad(const struct husk__checker *checker, unsigned kind, size_t element,
                            const char *format, ...) __attribute__((format(printf, 4, 5), cold));

#define STRING(checker, section, element, string)                                                            \
    do {                                                                                                     \
        if ((string) >= (checker)->strings)                                                                  \
            return BAD(checker, section, (element), "there is no string %u", (string));                      \
    } while (0)

/* Each looks at its sections once, those before them being right already. The first also fills checker->rules. */
husk_status husk__check_types(const struct husk__checker *checker);
husk_status husk__check_nodes(const struct husk__checker *checker);
husk_status husk__check_edges(const struct husk__checker *checker);

#endif
