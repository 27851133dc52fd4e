/* proc/fields.c: all numbers by group and name, made from the lists in <husk/process.h>; lines of files that
 * say one number each. */
#include "proc/fields.h"

#include "proc/parse.h"

#include <string.h>

#define PROCESS_FIELD(NUMBER, name, unit, ask, text) { #name, HUSK_UNIT_##unit, text },
#define FIELD(NUMBER, name, unit, text) { #name, HUSK_UNIT_##unit, text },
static const husk_memory_field process_fields[] = { HUSK_PROCESS_LIST(PROCESS_FIELD) };
static const husk_memory_field system_fields[] = { HUSK_SYSTEM_LIST(FIELD) };
static const husk_memory_field cgroup_fields[] = { HUSK_CGROUP_LIST(FIELD) };
static const husk_memory_field native_fields[] = { HUSK_NATIVE_LIST(FIELD) };
static const husk_memory_field map_fields[] = { HUSK_MAP_LIST(FIELD) };

#define PROCESS_ASK(NUMBER, name, unit, ask, text) HUSK_ASK_##ask,
static const uint8_t process_asks[] = { HUSK_PROCESS_LIST(PROCESS_ASK) };

enum { GROUP_PROCESS, GROUP_SYSTEM, GROUP_CGROUP, GROUP_NATIVE, GROUP_MAP, GROUPS };
static const struct {
    const char *name;
    const husk_memory_field *fields;
    size_t count;
} groups[] = {
    { "process", process_fields, HUSK_PROCESS_FIELDS },
    { "system", system_fields, HUSK_SYSTEM_FIELDS },
    { "cgroup", cgroup_fields, HUSK_CGROUP_FIELDS },
    { "native", native_fields, HUSK_NATIVE_FIELDS },
    { "map", map_fields, HUSK_MAP_FIELDS },
};

/* What husk__field_set relies on. */
#define LAID_OUT(type, fields)                                                                               \
    _Static_assert(sizeof(type) == ((fields) + 1) * sizeof(uint64_t) && (fields) <= 64, #type)
LAID_OUT(husk_process_memory, HUSK_PROCESS_FIELDS);
LAID_OUT(husk_system_memory, HUSK_SYSTEM_FIELDS);
LAID_OUT(husk_cgroup_memory, HUSK_CGROUP_FIELDS);
LAID_OUT(husk_native_memory, HUSK_NATIVE_FIELDS);
LAID_OUT(husk_map_memory, HUSK_MAP_FIELDS);

static int find_group(const char *name)
{
    for (int g = 0; g < GROUPS; g++)
        if (strcmp(groups[g].name, name) == 0)
            return g;
    return -1;
}

static int find_field(int group, const char *name)
{
    for (size_t n = 0; n < groups[group].count; n++)
        if (strcmp(groups[group].fields[n].name, name) == 0)
            return (int)n;
    return -1;
}

bool husk_memory_field_at(const char *group, size_t number, husk_memory_field *out)
{
    int g = find_group(group);
    if (g < 0 || number >= groups[g].count)
        return false;
    *out = groups[g].fields[number];
    return true;
}

bool husk_memory_value(const void *memory, size_t number, uint64_t *out)
{
    const uint64_t *words = memory;
    if (number >= 64 || !(words[0] >> number & 1))
        return false;
    *out = words[1 + number];
    return true;
}

static husk_status no_field(const char *group, const char *field)
{
    return husk_fail(HUSK_EINVAL, "memory of the %s: there is no field \"%.100s\"", group, field);
}

static husk_status take_field(int group, int number, const void *memory, uint64_t *out)
{
    if (husk_memory_value(memory, (size_t)number, out))
        return HUSK_OK;
    return husk_fail(HUSK_EMISSING, "memory of the %s: the system does not tell %s", groups[group].name,
                     groups[group].fields[number].name);
}

husk_status husk_memory_ask(int64_t pid, const char *group, const char *field, uint64_t *out)
{
    union {
        husk_process_memory process;
        husk_system_memory system;
        husk_cgroup_memory cgroup;
        husk_native_memory native;
    } memory;
    int g = find_group(group);
    if (g < 0 || g == GROUP_MAP)
        return husk_fail(HUSK_EINVAL, "there is no group of numbers \"%.100s\"", group);
    int number = find_field(g, field);
    if (number < 0)
        return no_field(group, field);
    husk_status status = g == GROUP_PROCESS
                             ? husk_process_memory_get(pid, process_asks[number], &memory.process)
                         : g == GROUP_SYSTEM ? husk_system_memory_get(&memory.system)
                         : g == GROUP_CGROUP ? husk_cgroup_memory_get(pid, &memory.cgroup)
                                             : husk_native_memory_get(&memory.native);
    uint64_t value = 0;
    if (status && !husk_memory_value(&memory, (size_t)number, &value))
        return status; /* says more than that it is missing */
    return take_field(g, number, &memory, out);
}

husk_status husk_memory_percent(int64_t pid, const char *field, double *out)
{
    int number = find_field(GROUP_PROCESS, field);
    if (number < 0)
        return no_field("process", field);
    if (process_fields[number].unit != HUSK_UNIT_BYTES)
        return husk_fail(HUSK_EINVAL, "memory of the process: %s is not in bytes", field);
    uint64_t bytes, total;
    husk_status status = husk_memory_ask(pid, "process", field, &bytes);
    if (!status)
        status = husk_memory_ask(0, "system", "total", &total);
    if (status)
        return status;
    if (total == 0)
        return husk_fail(HUSK_EIO, "memory of the system: the total is 0");
    *out = (double)bytes * 100 / (double)total;
    return HUSK_OK;
}

bool husk__field_line(void *memory, const struct husk__key *keys, size_t count, char sign, const char *line,
                      bool add)
{
    for (size_t k = 0; k < count; k++) {
        const char *at = husk__parse_key(line, keys[k].key, sign);
        uint64_t value = 0;
        if (!at)
            continue;
        if (keys[k].plain ? !husk__parse_u64(&at, &value) : !husk__parse_kb(at, &value))
            return false;
        if (add)
            husk__field_add(memory, keys[k].number, value);
        else
            husk__field_set(memory, keys[k].number, value);
        return true;
    }
    return false;
}

/* "12.34" in hundredths. */
static bool parse_hundredths(const char **at, uint64_t *out)
{
    uint64_t whole, part = 0;
    if (!husk__parse_u64(at, &whole) || whole > UINT64_MAX / 200)
        return false;
    if (**at == '.') {
        (*at)++;
        for (int digit = 0; digit < 2; digit++) {
            bool there = **at >= '0' && **at <= '9';
            part = part * 10 + (there ? (uint64_t)(**at - '0') : 0);
            *at += there;
        }
        while (**at >= '0' && **at <= '9')
            (*at)++;
    }
    *out = whole * 100 + part;
    return true;
}

void husk__field_pressure(void *memory, size_t first, const char *line)
{
    static const char *const words[] = { "avg10=", "avg60=", "avg300=", "total=" };
    const char *at = husk__parse_key(line, "some", ' ');
    if (!at && (at = husk__parse_key(line, "full", ' ')))
        first += 4;
    for (size_t w = 0; at && w < 4; w++) {
        size_t length = strlen(words[w]);
        uint64_t value = 0;
        husk__parse_blanks(&at);
        if (strncmp(at, words[w], length) != 0)
            return;
        at += length;
        if (w < 3 ? !parse_hundredths(&at, &value) : !husk__parse_u64(&at, &value))
            return;
        husk__field_set(memory, first + w, value);
    }
}
