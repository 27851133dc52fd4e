/* bindings/generic/handle.c: the table of handles, and the homes of heaps. What scripts do with them is in value.c
 * and calls.c.
 *
 * One lock guards the table, the homes' rings and their lists of the dead; nothing of Husk is called while it is
 * held, so that a long release blocks nobody. The heap itself needs no lock: only its owner gets to it. */
#include "handle.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_MAX = 4,
    NAME_MAX_SHOWN = 63,
    HALF = sizeof(uintptr_t) * 8 / 2,
    INDEX_BITS = HALF > 20 ? HALF : 20
};
#define INDEX_MASK (((uintptr_t)1 << INDEX_BITS) - 1)
#define NONE UINT32_MAX

typedef struct home {
    husk_heap *heap; /* NULL: closed */
    pthread_t owner;
    size_t entries;    /* of the table that point here, of any kind */
    size_t dead_count; /* those that wait in `dead` */
    uint32_t first;    /* ring of the entries with an object, NONE at its ends */
    uint32_t dead;     /* objects that wait for the owner */
    husk_obj *kept[KEPT_MAX];
    int kept_count;
    husk_generic_extra extra;
    char name[NAME_MAX_SHOWN + 1]; /* for messages after closing */
} home;

typedef enum entry_kind { FREE = 0, HEAP, OBJ, DEAD } entry_kind;

typedef struct entry {
    uintptr_t generation; /* of the present or, if free, the next token; never 0 */
    home *home;
    husk_obj *obj;       /* OBJ: NULL when the heap is closed */
    uint32_t prev, next; /* in the home's ring; next alone in the list of the dead and in the free list */
    entry_kind kind;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *table;
static size_t table_count, table_room;
static uint32_t free_first = NONE;
static const husk_type **types; /* by id */
static size_t types_room;

/* ---- messages ---- */

bool husk_generic_refuse(husk_generic_trouble *trouble, husk_status status, const char *function, int at,
                         const char *format, ...)
{
    char what[HUSK_GENERIC_ROOM - 100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    trouble->status = status;
    if (at > 0)
        snprintf(trouble->text, sizeof trouble->text, "%.40s: argument %d %s (%s)", function, at, what,
                 husk_status_name(status));
    else
        snprintf(trouble->text, sizeof trouble->text, "%.40s: %s (%s)", function, what,
                 husk_status_name(status));
    return false;
}

/* ---- the table; all of these with the lock held ---- */

static uint32_t entry_take(home *of, entry_kind kind, husk_obj *obj)
{
    uint32_t index = free_first;
    if (index != NONE) {
        free_first = table[index].next;
    } else {
        if (table_count == table_room) {
            size_t room = table_room ? table_room * 2 : 64;
            entry *grown = room <= INDEX_MASK ? realloc(table, room * sizeof *table) : NULL;
            if (!grown)
                return NONE;
            table = grown;
            table_room = room;
        }
        index = (uint32_t)table_count++;
        table[index].generation = 1;
    }
    entry *e = &table[index];
    e->home = of;
    e->obj = obj;
    e->kind = kind;
    e->prev = e->next = NONE;
    of->entries++;
    if (kind == OBJ) {
        e->next = of->first;
        if (of->first != NONE)
            table[of->first].prev = index;
        of->first = index;
    }
    return index;
}

/* Its token is refused from here on. */
static void entry_age(entry *e)
{
    e->generation = (e->generation + 1) & (UINTPTR_MAX >> INDEX_BITS);
    if (!e->generation)
        e->generation = 1;
}

static void entry_unring(uint32_t index)
{
    entry *e = &table[index];
    if (e->prev != NONE)
        table[e->prev].next = e->next;
    else
        e->home->first = e->next;
    if (e->next != NONE)
        table[e->next].prev = e->prev;
}

static void entry_free(uint32_t index)
{
    entry *e = &table[index];
    e->home->entries--;
    e->kind = FREE;
    e->home = NULL;
    e->obj = NULL;
    e->next = free_first;
    free_first = index;
}

static void *token_of(uint32_t index)
{
    return (void *)(table[index].generation << INDEX_BITS | (uintptr_t)index);
}

static entry *entry_of(const void *token)
{
    uintptr_t word = (uintptr_t)token;
    size_t index = (size_t)(word & INDEX_MASK);
    if (!token || index >= table_count || table[index].generation != word >> INDEX_BITS)
        return NULL;
    return table[index].kind == HEAP || table[index].kind == OBJ ? &table[index] : NULL;
}

/* ---- the end of things ---- */

/* Nobody has a wrapper of this home any more, but for dead ones. Whoever ended the last one closes it, on any
 * thread: no other can reach the heap. */
static bool home_forsaken(const home *of)
{
    return of->entries == of->dead_count;
}

/* Takes one object off the list of the dead; NULL at its end. */
static husk_obj *home_next_dead(home *of)
{
    pthread_mutex_lock(&lock);
    husk_obj *obj = NULL;
    uint32_t index = of->dead;
    if (index != NONE) {
        of->dead = table[index].next;
        of->dead_count--;
        obj = table[index].obj;
        entry_free(index);
    }
    pthread_mutex_unlock(&lock);
    return obj;
}

static void home_bury(home *of)
{
    for (husk_obj *obj; (obj = home_next_dead(of));)
        husk_obj_release(obj);
}

static void home_settle(home *of)
{
    while (of->kept_count > 0)
        husk_obj_release(of->kept[--of->kept_count]);
}

static void home_end(home *of)
{
    if (of->heap) {
        home_settle(of);
        home_bury(of);
        husk_heap_close(of->heap);
    }
    husk_generic_extra_end(&of->extra);
    free(of);
}

void husk_generic_heap_close(husk_heap *heap)
{
    home *of = husk_heap_data(heap);
    home_settle(of);
    for (;;) {
        pthread_mutex_lock(&lock);
        uint32_t index = of->first;
        husk_obj *obj = NULL;
        if (index != NONE) {
            entry_unring(index);
            obj = table[index].obj;
            table[index].obj = NULL;
            table[index].prev = table[index].next = NONE;
        }
        pthread_mutex_unlock(&lock);
        if (index == NONE)
            break;
        husk_obj_release(obj);
    }
    home_bury(of);
    pthread_mutex_lock(&lock);
    of->heap = NULL;
    pthread_mutex_unlock(&lock);
    husk_heap_close(heap);
}

void husk_generic_drop(const void *token)
{
    pthread_mutex_lock(&lock);
    entry *e = entry_of(token);
    if (!e) {
        pthread_mutex_unlock(&lock);
        return;
    }
    home *of = e->home;
    uint32_t index = (uint32_t)(e - table);
    husk_obj *obj = e->obj;
    entry_age(e);
    if (obj)
        entry_unring(index);
    bool here = pthread_equal(of->owner, pthread_self()) != 0;
    if (obj && !here) {
        e->kind = DEAD;
        e->next = of->dead;
        of->dead = index;
        of->dead_count++;
        obj = NULL;
    } else {
        entry_free(index);
    }
    bool last = home_forsaken(of);
    pthread_mutex_unlock(&lock);
    if (obj)
        husk_obj_release(obj);
    if (last)
        home_end(of);
}

/* ---- giving out ---- */

void *husk_generic_heap_new(const char *name, husk_generic_trouble *trouble)
{
    home *of = calloc(1, sizeof *of);
    if (of) {
        of->owner = pthread_self();
        of->first = of->dead = NONE;
        snprintf(of->name, sizeof of->name, "%s", name);
        husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = name, .data = of };
        husk_status status = husk_heap_new(&options, &of->heap);
        if (status == HUSK_OK) {
            pthread_mutex_lock(&lock);
            uint32_t index = entry_take(of, HEAP, NULL);
            void *token = index != NONE ? token_of(index) : NULL;
            pthread_mutex_unlock(&lock);
            if (token)
                return token;
            husk_heap_close(of->heap);
        }
        free(of);
        if (status != HUSK_OK) {
            husk_generic_refuse(trouble, status, "Heap", 0, "%s", husk_message());
            return NULL;
        }
    }
    husk_generic_refuse(trouble, HUSK_ENOMEM, "Heap", 0, "%s", husk_status_text(HUSK_ENOMEM));
    return NULL;
}

void *husk_generic_give(husk_obj *obj)
{
    home *of = husk_heap_data(husk_obj_heap(obj));
    pthread_mutex_lock(&lock);
    uint32_t index = entry_take(of, OBJ, obj);
    void *token = index != NONE ? token_of(index) : NULL;
    pthread_mutex_unlock(&lock);
    if (!token)
        husk_obj_release(obj);
    return token;
}

void *husk_generic_lend(husk_obj *obj)
{
    husk_obj_retain(obj);
    return husk_generic_give(obj);
}

void *husk_generic_type_token(const husk_type *type)
{
    size_t id = husk_type_id(type);
    pthread_mutex_lock(&lock);
    if (id >= types_room) {
        size_t room = id * 2 + 16;
        const husk_type **grown = realloc(types, room * sizeof *types);
        if (grown) {
            memset(grown + types_room, 0, (room - types_room) * sizeof *types);
            types = grown;
            types_room = room;
        }
    }
    bool known = id < types_room;
    if (known)
        types[id] = type;
    pthread_mutex_unlock(&lock);
    return known ? (void *)(uintptr_t)id : NULL;
}

/* ---- looking up ---- */

/* SWIG's destructors are functions like any other to the typemaps; they want the token. */
static bool is_destructor(const char *function)
{
    return strncmp(function, "delete_", 7) == 0;
}

/* The entry of a live token of that kind, its home usable here; NULL and a trouble. `of` gets the home, *obj the
 * object. */
static bool look_up(const void *token, entry_kind kind, const char *due, const char *function, int at,
                    home **of, husk_obj **obj, husk_generic_trouble *trouble)
{
    if (!token)
        return husk_generic_refuse(trouble, HUSK_EINVAL, function, at,
                                   "is nothing, or was released: %s is due", due);
    pthread_mutex_lock(&lock);
    entry *e = entry_of(token);
    bool right = e && e->kind == kind;
    *of = right ? e->home : NULL;
    *obj = right ? e->obj : NULL;
    pthread_mutex_unlock(&lock);
    if (!right)
        return husk_generic_refuse(trouble, HUSK_ESTATE, function, at, "has been released: %s is due", due);
    if (!pthread_equal((*of)->owner, pthread_self()))
        return husk_generic_refuse(trouble, HUSK_ESTATE, function, at,
                                   "is of heap '%s', which belongs to another thread", (*of)->name);
    if (!(*of)->heap)
        return husk_generic_refuse(trouble, HUSK_ESTATE, function, at, "is dead: heap '%s' is closed",
                                   (*of)->name);
    if (at == 1)
        home_settle(*of); /* what a call kept that was refused half-way */
    return true;
}

/* A wrapper's variable has the type of its class; here it is read and written as a pointer of any type. */
static const void *pointer_read(const void *variable)
{
    const void *pointer;
    memcpy(&pointer, variable, sizeof pointer);
    return pointer;
}

static void pointer_write(void *variable, const void *pointer)
{
    memcpy(variable, &pointer, sizeof pointer);
}

bool husk_generic_heap(void *pointer, const char *function, int at, husk_generic_trouble *trouble)
{
    home *of;
    husk_obj *obj;
    if (is_destructor(function))
        return true;
    if (!look_up(pointer_read(pointer), HEAP, "a heap", function, at, &of, &obj, trouble))
        return false;
    pointer_write(pointer, of->heap);
    return true;
}

bool husk_generic_obj(void *pointer, const char *function, int at, husk_generic_trouble *trouble)
{
    home *of;
    husk_obj *obj;
    if (is_destructor(function))
        return true;
    if (!look_up(pointer_read(pointer), OBJ, "an object", function, at, &of, &obj, trouble))
        return false;
    pointer_write(pointer, obj);
    return true;
}

bool husk_generic_weak(void *pointer, const char *function, int at, husk_generic_trouble *trouble)
{
    home *of;
    husk_obj *obj;
    if (is_destructor(function))
        return true;
    if (!look_up(pointer_read(pointer), OBJ, "a weak reference", function, at, &of, &obj, trouble))
        return false;
    if (!husk_weak_of(obj))
        return husk_generic_refuse(trouble, HUSK_ETYPE, function, at, "is a %s: a weak reference is due",
                                   husk_type_name(husk_obj_type(obj)));
    pointer_write(pointer, husk_weak_of(obj));
    return true;
}

bool husk_generic_cleanup(void *pointer, const char *function, int at, husk_generic_trouble *trouble)
{
    home *of;
    husk_obj *obj;
    if (is_destructor(function))
        return true;
    if (!look_up(pointer_read(pointer), OBJ, "a cleanup", function, at, &of, &obj, trouble))
        return false;
    if (!husk_cleanup_of(obj))
        return husk_generic_refuse(trouble, HUSK_ETYPE, function, at, "is a %s: a cleanup is due",
                                   husk_type_name(husk_obj_type(obj)));
    pointer_write(pointer, husk_cleanup_of(obj));
    return true;
}

bool husk_generic_type(void *pointer, const char *function, int at, husk_generic_trouble *trouble)
{
    uintptr_t id = (uintptr_t)pointer_read(pointer);
    pthread_mutex_lock(&lock);
    const husk_type *type = id < types_room ? types[id] : NULL;
    pthread_mutex_unlock(&lock);
    if (!type)
        return husk_generic_refuse(trouble, HUSK_EINVAL, function, at, "is no type");
    pointer_write(pointer, type);
    return true;
}

bool husk_generic_alive(const void *token)
{
    pthread_mutex_lock(&lock);
    entry *e = entry_of(token);
    bool alive = e && (e->kind == HEAP ? e->home->heap != NULL : e->obj != NULL);
    pthread_mutex_unlock(&lock);
    return alive;
}

/* ---- calls ---- */

bool husk_generic_keep(husk_heap *heap, husk_obj *obj)
{
    home *of = husk_heap_data(heap);
    if (of->kept_count == KEPT_MAX) {
        husk_obj_release(obj);
        return false;
    }
    of->kept[of->kept_count++] = obj;
    return true;
}

void husk_generic_leave(husk_heap *heap)
{
    home *of = husk_heap_data(heap);
    home_settle(of);
    home_bury(of);
}

void husk_generic_failed(husk_heap *heap, husk_status status, husk_generic_trouble *trouble)
{
    const char *text = husk_heap_message(heap);
    if (husk_heap_failure(heap) != status || !*text)
        text = husk_status_text(status);
    trouble->status = status;
    snprintf(trouble->text, sizeof trouble->text, "%.255s (%s)", text, husk_status_name(status));
    husk_generic_leave(heap);
}

husk_generic_extra *husk_generic_extra_of(const husk_heap *heap)
{
    return &((home *)husk_heap_data(heap))->extra;
}
