/* view/snapbuild.c: putting a snapshot together: sections that grow, strings stored once. Who fills them is
 * view/take.c; reading is view/snapshot.c. */
#include "base/memory.h"
#include "view/snapfile.h"

#include <string.h>

static const struct {
    const char *name;
    size_t item;
} sections[SECTIONS] = {
#define ROW(name, number, type) [number] = { #name, sizeof(type) },
    HUSK_SECTION_LIST(ROW)
#undef ROW
};

size_t husk__section_item(unsigned kind)
{
    return kind < SECTIONS ? sections[kind].item : 0;
}

const char *husk__section_name(unsigned kind)
{
    return kind < SECTIONS && sections[kind].name ? sections[kind].name : "?";
}

/* A section without elements lies somewhere all the same: readers may add 0 to its place. */
static const struct husk__section nothing = { sections, 0 };

void husk__snap_clear(struct husk_snapshot *snapshot)
{
    for (unsigned k = 0; k < SECTIONS; k++)
        snapshot->sections[k] = nothing;
}

/* What a section of so many bytes takes of the limit: as much as it can take of a file, with its row in the
 * table and the gap before it. */
static size_t cost(size_t bytes)
{
    size_t gap = (bytes >= FILE_PAGE ? FILE_PAGE : FILE_ALIGN) - 1;
    return bytes ? bytes + gap + sizeof(struct husk__file_row) : 0;
}

void *husk__snap_add(struct husk_snapshot *snapshot, unsigned kind, size_t count)
{
    struct husk__grow *own = &snapshot->own[kind];
    size_t item = sections[kind].item;
    if (count > (SIZE_MAX / 2 - own->used) / item)
        return NULL;
    size_t bytes = count * item, more = cost(own->used + bytes) - cost(own->used);
    if (snapshot->limit && (snapshot->taken > snapshot->limit || more > snapshot->limit - snapshot->taken)) {
        snapshot->over = true;
        return NULL;
    }
    void *at = husk__grow_add(own, bytes);
    if (at)
        snapshot->taken += more;
    return at;
}

void husk__snap_expect(struct husk_snapshot *snapshot, unsigned kind, size_t count)
{
    if (!snapshot->limit && count <= SIZE_MAX / 4 / sections[kind].item)
        (void)husk__grow_room(&snapshot->own[kind], count * sections[kind].item);
}

/* Takes back the latest `bytes` of a section, which are zeroed for whoever comes next. */
static void take_back(struct husk_snapshot *snapshot, unsigned kind, size_t bytes)
{
    struct husk__grow *own = &snapshot->own[kind];
    snapshot->taken -= cost(own->used) - cost(own->used - bytes);
    own->used -= bytes;
    memset(own->at + own->used, 0, bytes);
}

void husk__snap_drop(struct husk_snapshot *snapshot, unsigned kind)
{
    snapshot->taken -= cost(snapshot->own[kind].used);
    husk__grow_free(&snapshot->own[kind]);
    snapshot->sections[kind] = nothing;
}

void husk__snap_settle(struct husk_snapshot *snapshot)
{
    for (unsigned k = 1; k < SECTIONS; k++)
        if (snapshot->own[k].at)
            snapshot->sections[k] =
                (struct husk__section){ snapshot->own[k].at, snapshot->own[k].used / sections[k].item };
    husk__raw_free(snapshot->string_table, snapshot->string_room * sizeof(uint32_t));
    snapshot->string_table = NULL;
    snapshot->string_room = 0;
}

/* ---- strings ---- */

/* FNV-1a, 64 bits folded to 32. */
static uint32_t hash_of(const char *bytes, size_t length)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    return (uint32_t)(hash ^ hash >> 32);
}

static size_t own_strings(const struct husk_snapshot *snapshot)
{
    size_t used = snapshot->own[SECTION_STRING_OFF].used;
    return used ? used / sizeof(uint64_t) - 1 : 0;
}

static const char *own_string(const struct husk_snapshot *snapshot, size_t number, size_t *length)
{
    const uint64_t *off = (const uint64_t *)(const void *)snapshot->own[SECTION_STRING_OFF].at;
    *length = (size_t)(off[number + 1] - off[number]) - 1; /* less its NUL */
    return snapshot->own[SECTION_STRINGS].at + off[number];
}

static void put(uint32_t *table, size_t room, uint32_t hash, uint32_t number)
{
    size_t at = hash & (room - 1);
    while (table[at])
        at = (at + 1) & (room - 1);
    table[at] = number + 1;
}

/* Room in the table for one more at a load of one half. */
static bool table_room(struct husk_snapshot *snapshot)
{
    size_t count = own_strings(snapshot);
    if (snapshot->string_room >= (count + 1) * 2)
        return true;
    size_t room = snapshot->string_room ? snapshot->string_room * 2 : 256;
    while (room < (count + 1) * 2)
        room *= 2;
    uint32_t *table = husk__raw_new(room * sizeof *table);
    if (!table)
        return false;
    for (size_t n = 0; n < count; n++) {
        size_t length;
        const char *text = own_string(snapshot, n, &length);
        put(table, room, hash_of(text, length), (uint32_t)n);
    }
    husk__raw_free(snapshot->string_table, snapshot->string_room * sizeof *table);
    snapshot->string_table = table;
    snapshot->string_room = room;
    return true;
}

/* False: nothing was added. */
static bool append(struct husk_snapshot *snapshot, const char *bytes, size_t length)
{
    bool first = snapshot->own[SECTION_STRING_OFF].used == 0;
    uint64_t *off = husk__snap_add(snapshot, SECTION_STRING_OFF, first ? 2 : 1);
    if (!off)
        return false;
    char *at = husk__snap_add(snapshot, SECTION_STRINGS, length + 1); /* zeroed: the NUL is there */
    if (!at) {
        take_back(snapshot, SECTION_STRING_OFF, (first ? 2 : 1) * sizeof *off);
        return false;
    }
    if (length)
        memcpy(at, bytes, length);
    off[first ? 1 : 0] = snapshot->own[SECTION_STRINGS].used;
    return true;
}

uint32_t husk__snap_string(struct husk_snapshot *snapshot, const char *bytes, size_t length, bool *failed)
{
    if (length == 0)
        return 0;
    if (!table_room(snapshot)) {
        *failed = true;
        return 0;
    }
    uint32_t hash = hash_of(bytes, length);
    size_t mask = snapshot->string_room - 1;
    for (size_t at = hash & mask; snapshot->string_table[at]; at = (at + 1) & mask) {
        size_t have;
        const char *text = own_string(snapshot, snapshot->string_table[at] - 1, &have);
        if (have == length && memcmp(text, bytes, length) == 0)
            return snapshot->string_table[at] - 1;
    }
    size_t number = own_strings(snapshot);
    if (number >= UINT32_MAX - 1 || !append(snapshot, bytes, length)) {
        *failed = true;
        return 0;
    }
    put(snapshot->string_table, snapshot->string_room, hash, (uint32_t)number);
    return (uint32_t)number;
}

bool husk__snap_number(struct husk_snapshot *snapshot, const char *group, const char *name, uint64_t value)
{
    bool failed = false;
    uint32_t g = husk__snap_string(snapshot, group, strlen(group), &failed);
    uint32_t n = husk__snap_string(snapshot, name, strlen(name), &failed);
    struct husk__number *number = failed ? NULL : SNAP_ADD(snapshot, NUMBERS);
    if (number)
        *number = (struct husk__number){ g, n, value };
    return number;
}

/* ---- beginning and end ---- */

struct husk_snapshot *husk__snap_new(size_t limit)
{
    static const unsigned with_zero[] = { SECTION_TYPES,  SECTION_RECORDS, SECTION_CONTEXTS, SECTION_STACKS,
                                          SECTION_FRAMES, SECTION_MODULES, SECTION_THREADS };
    struct husk_snapshot *snapshot = husk__raw_new(sizeof *snapshot);
    if (!snapshot)
        return NULL;
    husk__snap_clear(snapshot);
    snapshot->limit = limit;
    snapshot->taken = sizeof(struct husk__file_head);
    bool ok = append(snapshot, "", 0);
    for (size_t i = 0; i < sizeof with_zero / sizeof *with_zero; i++)
        ok = ok && husk__snap_add(snapshot, with_zero[i], 1);
    bool failed = false;
    if (ok) {
        ((struct husk__type_row *)(void *)snapshot->own[SECTION_TYPES].at)->name =
            husk__snap_string(snapshot, "?", 1, &failed);
        ((struct husk__frame *)(void *)snapshot->own[SECTION_FRAMES].at)->file =
            husk__snap_string(snapshot, "<unknown>", 9, &failed);
    }
    if (!ok || failed) {
        husk_snapshot_free(snapshot);
        return NULL;
    }
    return snapshot;
}

/* ---- the one change there is afterwards ---- */

/* An array of the snapshot's own, with room for `more` bytes that will not move it. The former one stays as
 * long as the snapshot: texts in it were handed out. The size doubles each time, so it seldom happens. */
static bool make_own(struct husk_snapshot *snapshot, unsigned kind, size_t more)
{
    struct husk__grow *own = &snapshot->own[kind], next = { 0 };
    struct husk__section *section = &snapshot->sections[kind];
    size_t bytes = section->count * sections[kind].item;
    if (own->at && more <= own->reserved - own->used)
        return true;
    if (own->at && snapshot->outgrown_count == sizeof snapshot->outgrown / sizeof *snapshot->outgrown)
        return false;
    if (more > SIZE_MAX / 4 || !husk__grow_room(&next, bytes + more + (own->at ? bytes : 0)))
        return false;
    if (bytes)
        memcpy(husk__grow_add(&next, bytes), section->at, bytes);
    if (own->at)
        snapshot->outgrown[snapshot->outgrown_count++] = *own;
    *own = next;
    section->at = next.at;
    return true;
}

/* A string that is not looked for among the others: that would mean to read them all. */
static bool add_string(struct husk_snapshot *snapshot, const char *bytes, size_t length, uint32_t *number)
{
    size_t next = own_strings(snapshot);
    *number = length ? (uint32_t)next : 0;
    return length == 0 || (next < UINT32_MAX - 1 && append(snapshot, bytes, length));
}

husk_status husk_snapshot_note(husk_snapshot *snapshot, const char *key, const char *text)
{
    size_t key_length = strlen(key), text_length = strlen(text);
    if (!key_length)
        return husk_fail(HUSK_EINVAL, "a text about a snapshot needs a name");
    snapshot->over = false;
    bool ok = make_own(snapshot, SECTION_STRINGS, key_length + text_length + 2) &&
              make_own(snapshot, SECTION_STRING_OFF, 2 * sizeof(uint64_t)) &&
              make_own(snapshot, SECTION_META, sizeof(struct husk__meta));
    struct husk__meta *row = NULL, *rows = (void *)snapshot->own[SECTION_META].at, made = { 0, 0 };
    for (size_t i = 0; ok && i < snapshot->own[SECTION_META].used / sizeof *rows; i++)
        if (strcmp(husk__snap_text(snapshot, rows[i].key, NULL), key) == 0)
            row = &rows[i];
    if (row)
        made.key = row->key;
    else
        ok = ok && add_string(snapshot, key, key_length, &made.key);
    ok = ok && add_string(snapshot, text, text_length, &made.value);
    if (ok && !row)
        row = SNAP_ADD(snapshot, META);
    ok = ok && row;
    if (ok)
        *row = made;
    husk__snap_settle(snapshot);
    if (!ok && snapshot->over)
        return husk_fail(HUSK_ELIMIT, "the snapshot's limit of %zu bytes is reached", snapshot->limit);
    return ok ? HUSK_OK : husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
}
