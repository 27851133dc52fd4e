/* view/pathtext.c: paths read and as text. Found by path.c. */
#include "view/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int64_t husk__path_held(const struct husk_snapshot *snapshot, size_t n, size_t target, size_t known)
{
    int64_t hidden = husk__node_hidden(snapshot, n);
    return n == target && hidden > 0 ? hidden - (int64_t)known : hidden;
}

size_t husk__path_shown(size_t steps, size_t k)
{
    if (steps <= 2 * PATH_ENDS)
        return k < steps ? k : SIZE_MAX;
    return k < PATH_ENDS ? k : steps - 2 * PATH_ENDS + k;
}

const husk_snapshot *husk_path_snapshot(const husk_path *path)
{
    return path->snapshot;
}

size_t husk_path_count(const husk_path *path)
{
    return path->garbage ? 0 : path->count;
}

bool husk_path_root_get(const husk_path *path, size_t index, husk_path_root *out)
{
    if (index >= husk_path_count(path))
        return false;
    const struct husk__path_found *found = &path->found[index];
    unsigned flags = SNAP(path->snapshot, NODES)[found->nodes[0]].flags;
    int64_t held = husk__path_held(path->snapshot, found->nodes[0], path->target, path->known);
    *out = (husk_path_root){
        .node = found->nodes[0],
        .kind = held > 0                ? HUSK_ROOT_HELD
                : flags & NODE_IMMORTAL ? HUSK_ROOT_IMMORTAL
                                        : HUSK_ROOT_FROZEN,
        .held = held > 0 ? held : 0,
        .steps = found->steps,
    };
    return true;
}

static const char *name_of(const struct husk_snapshot *snapshot, const struct husk__field *field)
{
    return field->name ? husk__snap_text(snapshot, field->name, NULL) : NULL;
}

bool husk__path_step(const struct husk_path *path, size_t index, size_t step, husk_path_step *out)
{
    if (index >= path->count || step >= path->found[index].steps)
        return false;
    const struct husk__path_found *found = &path->found[index];
    uint32_t from = found->nodes[step], to = found->nodes[step + 1];
    *out = (husk_path_step){ .from = from, .to = to, .index = SIZE_MAX, .ephemeron = true };
    struct husk__edge_walk walk = husk__edges_of(path->snapshot, from);
    struct husk__entry_walk at = husk__entry_walk_begin();
    while (husk__edge_next(&walk))
        if (husk__entry_walk_next(&at, &walk) == KEEPS_HERE && walk.to == to) {
            out->name = name_of(path->snapshot, walk.field);
            out->index = walk.index == UINT32_MAX ? SIZE_MAX : walk.index;
            out->ephemeron = false;
            break;
        }
    return true;
}

bool husk_path_step_get(const husk_path *path, size_t index, size_t step, husk_path_step *out)
{
    if (path->garbage || !husk__path_step(path, index, step, out))
        return false;
    for (size_t k = 0; k < 2 * PATH_ENDS; k++)
        if (husk__path_shown(path->found[index].steps, k) == step && path->found[index].keys[k][0])
            out->key = path->found[index].keys[k];
    return true;
}

/* ---- text ---- */

struct line {
    char *out;
    size_t room, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t left = line->used < line->room ? line->room - line->used : 0;
    int length = vsnprintf(left ? line->out + line->used : NULL, left, format, arguments);
    va_end(arguments);
    line->used += length > 0 ? (size_t)length : 0;
}

static const char *type_of(const struct husk_path *path, size_t node)
{
    const struct husk__node *n = &SNAP(path->snapshot, NODES)[node];
    return husk__snap_text(path->snapshot, SNAP(path->snapshot, TYPES)[husk__node_type(n)].name, NULL);
}

static void add_step(struct line *line, const struct husk_path *path, size_t index, size_t k)
{
    const struct husk__path_found *found = &path->found[index];
    size_t s = husk__path_shown(found->steps, k);
    husk_path_step step;
    if (s == SIZE_MAX || !husk__path_step(path, index, s, &step))
        return;
    if (k == PATH_ENDS && found->steps > 2 * PATH_ENDS)
        add(line, " -> (%zu more) -> %s", found->steps - 2 * PATH_ENDS, type_of(path, step.from));
    if (found->keys[k][0])
        add(line, " %s", found->keys[k]);
    else if (step.ephemeron)
        add(line, " (key of an entry)");
    else if (step.index != SIZE_MAX)
        add(line, " [%zu]", step.index + path->first_index);
    else if (step.name)
        add(line, " .%s", step.name);
    /* The object before a gap is not named: the gap stands for it. */
    if (k + 1 != PATH_ENDS || found->steps <= 2 * PATH_ENDS)
        add(line, " -> %s", type_of(path, step.to));
}

static void add_root(struct line *line, const struct husk_path *path, size_t index)
{
    static const char *const kinds[] = { "held from outside", "immortal", "frozen" };
    const struct husk__path_found *found = &path->found[index];
    husk_path_root root;
    if (husk_path_root_get(path, index, &root)) {
        add(line, "root %s (%s", type_of(path, root.node), kinds[root.kind]);
        if (root.kind == HUSK_ROOT_HELD)
            add(line, " by %lld", (long long)root.held);
        add(line, ")");
    } else if (found->nodes[0] == path->target) {
        add(line, "garbage, in a cycle: %s", type_of(path, found->nodes[0]));
    } else {
        add(line, "garbage, referred to by garbage: %s", type_of(path, found->nodes[0]));
    }
}

size_t husk_path_text(const husk_path *path, size_t index, char *out, size_t room)
{
    struct line line = { out, room, 0 };
    if (room)
        out[0] = '\0';
    if (index >= path->count) {
        if (index == 0)
            add(&line, "nothing holds %s but the %zu reference%s of who asks", type_of(path, path->target),
                path->known, path->known == 1 ? "" : "s");
        return line.used;
    }
    add_root(&line, path, index);
    for (size_t k = 0; k < 2 * PATH_ENDS; k++)
        add_step(&line, path, index, k);
    husk_node node;
    husk_frame frame;
    if (husk_snapshot_node(path->snapshot, path->target, &node) && node.stack &&
        husk_snapshot_frame(path->snapshot, node.stack, 0, &frame))
        add(&line, frame.line ? " (made at %s:%u)" : " (made at %s)",
            *frame.file       ? frame.file
            : *frame.function ? frame.function
                              : frame.module,
            frame.line);
    return line.used;
}
