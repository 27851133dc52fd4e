/* bindings/lua/host_names.c: what Lua's functions are called in tracebacks: as the call that reached each first called
 * it. Another call may know another name or none (a tail call), and a place must not have two: so names are kept, by
 * the function's address, in a table in C. An address that is used again by another function of the same line gets
 * that one's name: the only way in which a name can be wrong.
 *
 * The table grows to MOST names and then begins anew, so that closures without end do not keep memory without end. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST = 256,
    MOST = 1 << 15,
    NAME_ROOM = 64,
};

typedef struct name {
    const void *function; /* NULL: free */
    const char *source;
    int line;
    char text[NAME_ROOM];
} name;

struct husk_lua_names {
    size_t mask; /* room - 1; a power of two less one */
    size_t used; /* at most half of the room */
    name all[];
};

static husk_lua_names *table_of(size_t room)
{
    husk_lua_names *made = calloc(1, sizeof *made + room * sizeof *made->all);
    if (made)
        made->mask = room - 1;
    return made;
}

/* The function's slot, or the free one where it belongs. */
static name *slot(husk_lua_names *names, const void *function)
{
    size_t at = (size_t)(((uint64_t)(uintptr_t)function >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    while (names->all[at &= names->mask].function && names->all[at].function != function)
        at++;
    return &names->all[at];
}

/* Room for one more, or NULL if memory is refused: then this name is not kept. */
static husk_lua_names *with_room(husk_lua_names **names)
{
    husk_lua_names *old = *names;
    if (old && old->used * 2 < old->mask)
        return old;
    if (old && old->used >= MOST) {
        memset(old->all, 0, (old->mask + 1) * sizeof *old->all);
        old->used = 0;
        return old;
    }
    husk_lua_names *made = table_of(old ? (old->mask + 1) * 2 : FIRST);
    if (!made)
        return NULL;
    for (size_t i = 0; old && i <= old->mask; i++)
        if (old->all[i].function)
            *slot(made, old->all[i].function) = old->all[i];
    made->used = old ? old->used : 0;
    free(old);
    return *names = made;
}

/* What the call was made by: "pcall" for [C], "f", "method"; or the place of a function without a name. */
static void learn(name *to, lua_State *L, lua_Debug *at)
{
    lua_getinfo(L, "n", at);
    if (at->name)
        snprintf(to->text, sizeof to->text, "%s", at->name);
    else if (at->what[0] == 'C')
        snprintf(to->text, sizeof to->text, "?");
    else
        snprintf(to->text, sizeof to->text, "function at line %d", at->linedefined);
}

const char *husk_lua_function_name(husk_lua_names **names, lua_State *L, lua_Debug *at, const void *function)
{
    name *known = *names ? slot(*names, function) : NULL;
    if (known && known->function && known->line == at->linedefined && known->source == at->source)
        return known->text;
    if (!known || !known->function) {
        husk_lua_names *room = with_room(names);
        if (!room)
            return NULL;
        known = slot(room, function);
        room->used++;
    }
    learn(known, L, at);
    known->function = function;
    known->source = at->source;
    known->line = at->linedefined;
    return known->text;
}

void husk_lua_names_free(husk_lua_names *names)
{
    free(names);
}
