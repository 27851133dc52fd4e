/* bindings/go/host.c: heaps and their hosts, and the calls of one crossing each. Walks are in host_walk.c. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hosts ---- */

static void on_error(husk_heap *heap, husk_status status, const char *text, void *data)
{
    husk_go_host *host = data;
    size_t bytes = strlen(text) + 1;
    husk_go_report *report = malloc(sizeof *report + bytes);
    if (!report) {
        fprintf(stderr, "husk: heap '%s': %s (%s)\n", husk_heap_name(heap), text, husk_status_name(status));
        return;
    }
    report->next = NULL;
    report->status = status;
    report->text = memcpy((char *)(report + 1), text, bytes);
    if (host->last)
        host->last->next = report;
    else
        host->first = report;
    host->last = report;
    host->waiting++;
}

husk_go_host *husk_go_host_new(const char *name, size_t max_bytes, bool stress, uintptr_t id)
{
    husk_go_host *host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    husk_heap_options options = {
        HUSK_HEAP_OPTIONS, .name = name, .max_bytes = max_bytes, .data = host, .stress = stress,
    };
    host->id = id;
    host->status = husk_heap_new(&options, &host->heap);
    if (host->status == HUSK_OK)
        husk_heap_on_error(host->heap, on_error, host, NULL);
    else
        host->heap = NULL;
    if (host->heap && (host->status = husk_go_trace_source(host)) != HUSK_OK)
        husk_go_host_close(host);
    return host;
}

void husk_go_host_close(husk_go_host *host)
{
    husk_heap_close(host->heap);
    host->heap = NULL;
}

void husk_go_host_free(husk_go_host *host)
{
    husk_go_trace_forget(host);
    free(host);
}

static husk_go_host *host_of(const husk_obj *obj)
{
    return husk_heap_data(husk_obj_heap(obj));
}

/* ---- tokens ---- */

husk_go_token *husk_go_token_new(husk_go_host *host, uintptr_t value)
{
    husk_go_token *token = malloc(sizeof *token);
    if (token) {
        token->next = NULL;
        token->host = host;
        token->value = value;
    }
    return token;
}

void husk_go_token_let_go(void *data)
{
    husk_go_token *token = data;
    husk_go_host *host = token->host;
    token->next = host->loose;
    host->loose = token;
    host->waiting++;
}

husk_go_token *husk_go_take_loose(husk_go_host *host)
{
    husk_go_token *first = host->loose;
    host->loose = NULL;
    for (husk_go_token *token = first; token; token = token->next)
        host->waiting--;
    return first;
}

husk_go_report *husk_go_take_reports(husk_go_host *host)
{
    husk_go_report *first = host->first;
    host->first = host->last = NULL;
    for (husk_go_report *report = first; report; report = report->next)
        host->waiting--;
    return first;
}

/* ---- values ---- */

int husk_go_kind(const husk_obj *obj)
{
    husk_kind kind = husk_obj_kind(obj);
    husk_obj *weak = (husk_obj *)(uintptr_t)obj;
    if (kind == HUSK_KIND_WEAK)
        return husk_cleanup_of(weak) ? HUSK_GO_KIND_CLEANUP
               : husk_soft_of(weak)  ? HUSK_GO_KIND_SOFT
               : husk_watch_of(weak) ? HUSK_GO_KIND_WATCH
                                     : HUSK_KIND_WEAK;
    if (kind == HUSK_KIND_OTHER && husk_deadqueue_of(weak))
        return HUSK_GO_KIND_QUEUE;
    return (int)kind;
}

husk_go_slot husk_go_slot_of(husk_status status, husk_value v)
{
    husk_go_slot slot = { v.as.b, (v.tag & 0xff) | (uint64_t)(uint8_t)-status << 16 };
    if (status == HUSK_OK && v.tag == HUSK_OBJ) {
        uint64_t kind = (uint64_t)husk_go_kind(v.as.o);
        slot.word = (uintptr_t)v.as.o;
        slot.meta |= kind << 8;
        if (kind == HUSK_KIND_TEXT) {
            slot.word = (uintptr_t)husk_text_bytes(v.as.o);
            slot.meta = HUSK_GO_TEXT | kind << 8 | (uint64_t)husk_text_length(v.as.o) << 24;
        }
    }
    return slot;
}

/* The value that an argument stands for; *made is the text that was made for it, or NULL. */
static husk_status value_of(husk_heap *heap, husk_go_arg arg, husk_value *out, husk_obj **made)
{
    *made = NULL;
    *out = arg.v;
    if (arg.v.tag != HUSK_GO_TEXT)
        return HUSK_OK;
    *made = husk_text_new(heap, arg.bytes ? arg.bytes : "", arg.length);
    if (!*made)
        return husk_heap_failure(heap);
    *out = husk_ref(*made);
    return HUSK_OK;
}

static husk_status store(husk_go_op op, husk_obj *self, size_t index, husk_value key, husk_value v)
{
    switch (op) {
    case HUSK_GO_RECORD_SET:
        return husk_record_set(self, index, v);
    case HUSK_GO_LIST_SET:
        return husk_list_set(self, index, v);
    case HUSK_GO_LIST_INSERT:
        return husk_list_insert(self, index, v);
    case HUSK_GO_LIST_APPEND:
        return husk_list_append(self, v);
    case HUSK_GO_MAP_SET:
        return husk_map_set(self, key, v);
    case HUSK_GO_WEAKVALUEMAP_SET:
        return husk_weakvaluemap_set(self, key, v.as.o);
    case HUSK_GO_WEAKKEYMAP_SET:
        return husk_weakkeymap_set(self, key.as.o, v);
    }
    return husk_heap_fail(husk_obj_heap(self), HUSK_EINVAL, "no such operation: %d", (int)op);
}

husk_status husk_go_store(husk_go_op op, husk_obj *self, size_t index, husk_go_arg key, husk_go_arg v)
{
    husk_heap *heap = husk_obj_heap(self);
    husk_obj *made_key, *made;
    husk_value plain_key, plain;
    husk_obj_retain(self);
    husk_status status = value_of(heap, key, &plain_key, &made_key);
    if (status == HUSK_OK) {
        status = value_of(heap, v, &plain, &made);
        if (status == HUSK_OK)
            status = store(op, self, index, plain_key, plain);
        husk_obj_drop(&made);
    }
    husk_obj_drop(&made_key);
    husk_obj_release(self);
    return status;
}

husk_go_slot husk_go_map_get(husk_obj *map, husk_go_arg key, bool weak)
{
    husk_value v = husk_nil();
    husk_obj *obj = NULL;
    bool text = key.v.tag == HUSK_GO_TEXT;
    const char *bytes = key.bytes ? key.bytes : "";
    husk_status status;
    if (!weak) {
        status = text ? husk_map_peek_text(map, bytes, key.length, &v) : husk_map_peek(map, key.v, &v);
    } else {
        status = text ? husk_weakvaluemap_peek_text(map, bytes, key.length, &obj)
                      : husk_weakvaluemap_peek(map, key.v, &obj);
        v = husk_ref(obj);
    }
    return husk_go_slot_of(status, v);
}

husk_status husk_go_map_remove(husk_obj *map, husk_go_arg key, bool weak)
{
    const char *bytes = key.bytes ? key.bytes : "";
    husk_status status;
    husk_obj_retain(map);
    if (key.v.tag == HUSK_GO_TEXT)
        status = weak ? husk_weakvaluemap_remove_text(map, bytes, key.length)
                      : husk_map_remove_text(map, bytes, key.length);
    else
        status = weak ? husk_weakvaluemap_remove(map, key.v) : husk_map_remove(map, key.v);
    husk_obj_release(map);
    return status;
}

husk_status husk_go_list_remove(husk_obj *list, size_t index)
{
    husk_obj_retain(list);
    husk_status status = husk_list_remove(list, index, NULL);
    husk_obj_release(list);
    return status;
}

husk_status husk_go_clear(husk_obj *container)
{
    husk_status status = HUSK_OK;
    husk_obj_retain(container);
    switch (husk_obj_kind(container)) {
    case HUSK_KIND_LIST:
        status = husk_list_clear(container);
        break;
    case HUSK_KIND_MAP:
        status = husk_map_clear(container);
        break;
    case HUSK_KIND_WEAKKEYMAP:
        status = husk_weakkeymap_clear(container);
        break;
    case HUSK_KIND_WEAKVALUEMAP:
        status = husk_weakvaluemap_clear(container);
        break;
    case HUSK_KIND_WEAKSET:
        status = husk_weakset_clear(container);
        break;
    default:
        status = husk_heap_fail(husk_obj_heap(container), HUSK_ETYPE, "not a container");
    }
    husk_obj_release(container);
    return status;
}

husk_go_entry husk_go_next(husk_obj *container, size_t cursor)
{
    husk_value key = husk_nil(), v = husk_nil();
    husk_obj *obj = NULL;
    bool there = false;
    switch (husk_obj_kind(container)) {
    case HUSK_KIND_MAP:
        there = husk_map_next(container, &cursor, &key, &v);
        break;
    case HUSK_KIND_WEAKKEYMAP:
        there = husk_weakkeymap_next(container, &cursor, &obj, &v);
        key = husk_ref(obj);
        break;
    case HUSK_KIND_WEAKVALUEMAP:
        there = husk_weakvaluemap_next(container, &cursor, &key, &obj);
        v = husk_ref(obj);
        break;
    case HUSK_KIND_WEAKSET:
        there = husk_weakset_next(container, &cursor, &obj);
        key = husk_ref(obj);
        break;
    default:
        break;
    }
    husk_go_entry entry = { .cursor = cursor, .there = there };
    if (there) {
        entry.key = husk_go_slot_of(HUSK_OK, key);
        entry.v = husk_go_slot_of(HUSK_OK, v);
    }
    return entry;
}

/* ---- births ---- */

husk_obj *husk_go_new(husk_heap *heap, int what)
{
    switch ((husk_kind)what) {
    case HUSK_KIND_LIST:
        return husk_list_new(heap);
    case HUSK_KIND_MAP:
        return husk_map_new(heap);
    case HUSK_KIND_WEAKKEYMAP:
        return husk_weakkeymap_new(heap);
    case HUSK_KIND_WEAKVALUEMAP:
        return husk_weakvaluemap_new(heap);
    case HUSK_KIND_WEAKSET:
        return husk_weakset_new(heap);
    default:
        husk_heap_fail(heap, HUSK_EINVAL, "no such kind: %d", what);
        return NULL;
    }
}

/* The free function is how a box is known to be ours. */
static void free_value(void *token)
{
    husk_go_token_let_go(token);
}

husk_obj *husk_go_box_new(husk_heap *heap, husk_go_token *token)
{
    return husk_box_new(heap, token, free_value);
}

husk_go_token *husk_go_box_token(const husk_obj *box)
{
    husk_go_token *token = husk_obj_kind(box) == HUSK_KIND_BOX ? husk_box_value(box) : NULL;
    return token && token->host == host_of(box) ? token : NULL;
}

void husk_go_release(husk_obj *const *objs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        husk_obj_release(objs[i]);
}

/* ---- hooks ---- */

static void on_gone(husk_weak *weak, void *data)
{
    const husk_go_token *token = data;
    huskGoGone(token->host->id, weak, token->value);
}

husk_weak *husk_go_weak_new(husk_obj *obj, husk_go_token *token)
{
    return token ? husk_weak_new(obj, on_gone, token, husk_go_token_let_go)
                 : husk_weak_new(obj, NULL, NULL, NULL);
}

static void on_cleanup(husk_heap *heap, void *data)
{
    const husk_go_token *token = data;
    (void)heap;
    huskGoCleanup(token->host->id, token->value);
}

husk_cleanup *husk_go_cleanup_new(husk_obj *obj, husk_go_token *token, bool at_exit)
{
    return husk_cleanup_new(obj, on_cleanup, token, husk_go_token_let_go, at_exit);
}

husk_obj *husk_go_soft_new(husk_obj *obj, husk_go_token *token)
{
    return husk_soft_obj(token ? husk_soft_new(obj, on_gone, token, husk_go_token_let_go)
                               : husk_soft_new(obj, NULL, NULL, NULL));
}

bool husk_go_soft_let_go(husk_obj *soft)
{
    husk_obj_retain(soft); /* a hook may end the handle */
    bool was = husk_soft_let_go(husk_soft_of(soft));
    husk_obj_release(soft);
    return was;
}

husk_obj *husk_go_queue_new(husk_heap *heap)
{
    return husk_deadqueue_obj(husk_deadqueue_new(heap));
}

husk_obj *husk_go_watch_new(husk_obj *queue, husk_obj *obj, husk_go_token *token)
{
    return husk_watch_obj(husk_watch_new(husk_deadqueue_of(queue), obj, token, husk_go_token_let_go));
}

uintptr_t husk_go_watch_value(husk_obj *watch)
{
    const husk_go_token *token = husk_watch_data(husk_watch_of(watch));
    return token->value;
}

husk_obj *husk_go_queue_poll(husk_obj *queue, uintptr_t *value)
{
    husk_watch *watch = husk_deadqueue_poll(husk_deadqueue_of(queue));
    if (!watch)
        return NULL;
    *value = husk_go_watch_value(husk_watch_obj(watch));
    return husk_watch_obj(watch);
}

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    const husk_go_token *token = data;
    husk_pass copy = *pass;
    (void)heap;
    huskGoPass(token->host->id, (int)phase, &copy, token->value);
}

husk_go_pass_id husk_go_on_pass(husk_heap *heap, husk_go_token *token)
{
    husk_go_pass_id made = { 0, HUSK_OK };
    made.status = husk_heap_on_pass(heap, on_pass, token, husk_go_token_let_go, &made.id);
    return made;
}

static void on_leaks(husk_heap *heap, const husk_leaks *leaks, void *data)
{
    const husk_go_token *token = data;
    (void)heap;
    huskGoLeaks(token->host->id, (husk_leaks *)(uintptr_t)leaks, token->value);
}

void husk_go_on_leaks(husk_heap *heap, husk_go_token *token, size_t most_objects)
{
    husk_heap_on_leaks(heap, token ? on_leaks : NULL, token, token ? husk_go_token_let_go : NULL,
                       most_objects);
}

husk_dryrun *husk_go_dryrun(husk_heap *heap, size_t most_objects, husk_status *status)
{
    husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS, .most_objects = most_objects };
    husk_dryrun *made = NULL;
    *status = husk_dryrun_new(heap, &options, &made);
    return made;
}

husk_hidden *husk_go_hidden(husk_heap *heap, size_t most_objects, bool by_place, husk_status *status)
{
    husk_hidden_options options = { HUSK_HIDDEN_OPTIONS, .most_objects = most_objects, .by_place = by_place };
    husk_hidden *made = NULL;
    *status = husk_hidden_new(heap, &options, &made);
    return made;
}

husk_leaks *husk_go_leaks(husk_heap *heap, size_t most_objects, husk_status *status)
{
    husk_leaks *made = NULL;
    *status = husk_leaks_new(heap, most_objects, &made);
    return made;
}

static void on_finalize(husk_obj *self)
{
    const husk_go_host *host = host_of(self);
    if (host) /* else the heap is not Go's, and knows the type only from there */
        huskGoFinalize(host->id, self, (uintptr_t)husk_type_data(husk_obj_type(self)));
}

husk_go_type husk_go_type_new(const char *name, char **fields, size_t count, uintptr_t finalizer)
{
    const husk_type *type = NULL;
    husk_go_type made = { NULL, HUSK_OK };
    made.status = husk_record_type(name, (const char *const *)fields, count, finalizer ? on_finalize : NULL,
                                   (void *)finalizer, &type);
    made.type = (husk_type *)(uintptr_t)type;
    return made;
}
