/* view/takesymbols.c: names, lines and modules for the native frames of a snapshot that is being taken. Not inside the locks of
 * the tracers: the list of modules has a lock of its own, which may be held where memory is asked for. */
#include "base/memory.h"
#include "view/symbol.h"
#include "view/take.h"

#include <string.h>

static struct husk__frame *frames_of(const struct husk_snapshot *snapshot, size_t *count)
{
    const struct husk__grow *own = &snapshot->own[SECTION_FRAMES];
    *count = own->used / sizeof(struct husk__frame);
    return (struct husk__frame *)(void *)own->at;
}

/* A return address may be the first byte behind its function: the call is before it. */
static size_t collect(const struct husk__frame *frames, size_t count, struct husk__symbol *list)
{
    size_t found = 0;
    for (size_t f = 0; f < count; f++)
        if (frames[f].kind == FRAME_NATIVE)
            list[found++] = (struct husk__symbol){ .address = frames[f].address - 1, .tag = (uint32_t)f };
    return found;
}

/* The row of a module, made when the first frame in it is met. */
static uint32_t module_row(struct husk_snapshot *snapshot, const struct husk__symbol_module *module,
                           bool *failed)
{
    const struct husk__grow *own = &snapshot->own[SECTION_MODULES];
    const struct husk__module *rows = (const struct husk__module *)(void *)own->at;
    uint32_t count = (uint32_t)(own->used / sizeof *rows);
    for (uint32_t m = 1; m < count; m++)
        if (rows[m].start == module->start)
            return m;
    struct husk__module row = {
        .path = husk__snap_string(snapshot, module->path, strlen(module->path), failed),
        .build_id = husk__snap_string(snapshot, module->build_id, strlen(module->build_id), failed),
        .start = module->start,
        .end = module->end,
        .offset = module->offset
    };
    struct husk__module *to = *failed ? NULL : SNAP_ADD(snapshot, MODULES);
    *failed = *failed || !to;
    if (!to)
        return 0;
    *to = row;
    return count;
}

enum { FILE_MOST = 4096 };

/* The whole name of a file; 0 if it is not known, or longer than names of files are. */
static uint32_t file_name(struct husk_snapshot *snapshot, const struct husk__symbol *one, bool *failed)
{
    char path[FILE_MOST];
    const char *const parts[] = { one->file.base, one->file.directory, one->file.name };
    size_t length = 0;
    if (!one->line)
        return 0;
    for (size_t i = 0; i < 3; i++) {
        size_t more = strlen(parts[i]);
        if (parts[i][0] == '/')
            length = 0;
        if (!more)
            continue;
        if (length + more + 1 >= sizeof path)
            return 0;
        if (length && path[length - 1] != '/')
            path[length++] = '/';
        memcpy(path + length, parts[i], more);
        length += more;
    }
    return husk__snap_string(snapshot, path, length, failed);
}

static bool fill(struct husk_snapshot *snapshot, struct husk__symbols *symbols,
                 const struct husk__symbol *list, size_t count)
{
    bool failed = false;
    uint32_t module = SYMBOL_NONE, row = 0;
    for (size_t i = 0; i < count && !failed; i++) {
        const struct husk__symbol *one = &list[i];
        if (one->module != module) {
            module = one->module;
            row = module == SYMBOL_NONE
                      ? 0
                      : module_row(snapshot, husk__symbols_module(symbols, module), &failed);
        }
        size_t length = strcspn(one->name, "@"); /* the rest is the symbol's version */
        uint32_t name = husk__snap_string(snapshot, one->name, length, &failed);
        uint32_t file = file_name(snapshot, one, &failed);
        size_t all;
        struct husk__frame *frame = &frames_of(snapshot, &all)[one->tag];
        frame->module = row;
        frame->function = name;
        frame->file = file;
        frame->line = file ? one->line : 0;
    }
    return !failed;
}

bool husk__take_symbols(struct husk_snapshot *snapshot)
{
    size_t count, found = 0;
    const struct husk__frame *frames = frames_of(snapshot, &count);
    for (size_t f = 0; f < count; f++)
        found += frames[f].kind == FRAME_NATIVE;
    if (!found)
        return true;
    struct husk__symbol *list = husk__raw_new(found * sizeof *list);
    struct husk__symbols *symbols = list ? husk__symbols_open() : NULL;
    bool ok = symbols != NULL;
    if (ok) {
        (void)collect(frames, count, list);
        husk__symbols_name(symbols, list, found);
        ok = fill(snapshot, symbols, list, found);
    }
    husk__symbols_close(symbols);
    husk__raw_free(list, found * sizeof *list);
    return ok;
}
