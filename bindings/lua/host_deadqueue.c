/* bindings/lua/host_deadqueue.c: queues of the dead (husk/deadqueue.h).
 *
 *   q = heap:queue()          #q wait; q:poll() is the tag of the one that died first of those, or nil
 *   w = q:watch(object, tag)  the queue keeps w; w:detach(), w.alive, w.tag, w:get()
 * A tag is any Lua value but nil; the watch keeps it until it was polled. */
#include "host.h"

static husk_deadqueue *check_queue(lua_State *L, const char *function)
{
    husk_deadqueue *queue = husk_deadqueue_of(husk_lua_check_obj(L, 1, function));
    if (!queue) {
        husk_lua_push_arg_error(L, function, 1, "queue");
        lua_error(L);
    }
    return queue;
}

static husk_watch *check_watch(lua_State *L, const char *function)
{
    husk_watch *watch = husk_watch_of(husk_lua_check_obj(L, 1, function));
    if (!watch) {
        husk_lua_push_arg_error(L, function, 1, "watch");
        lua_error(L);
    }
    return watch;
}

/* core.new_queue(heap) */
static int new_queue(lua_State *L)
{
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:queue");
    husk_lua_enter(L, heap);
    husk_deadqueue *queue = husk_deadqueue_new(heap);
    if (!queue)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, husk_deadqueue_obj(queue));
    return 1;
}

/* queue:watch(object, tag) */
static int queue_watch(lua_State *L)
{
    static const char name[] = "queue:watch";
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        husk_lua_push_arg_error(L, name, 3, "tag: any value but nil");
        return lua_error(L);
    }
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    (void)check_queue(L, name);
    husk_lua_token *token = husk_lua_token_new(L, 3);
    husk_obj *obj = husk_lua_arg_obj(L, 2, name);
    husk_obj *self = obj ? husk_lua_arg_obj(L, 1, name) : NULL;
    if (!self) {
        husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_enter(L, heap);
    husk_watch *watch = husk_watch_new(husk_deadqueue_of(self), obj, token, husk_lua_token_loose);
    if (!watch)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, husk_watch_obj(watch));
    return 1;
}

/* queue:poll(): a tag, or nil. */
static int queue_poll(lua_State *L)
{
    lua_settop(L, 1);
    luaL_checkstack(L, 4, NULL);
    husk_deadqueue *queue = check_queue(L, "queue:poll");
    husk_lua_host *host = husk_lua_enter(L, husk_obj_heap(husk_deadqueue_obj(queue)));
    husk_watch *watch = husk_deadqueue_poll(queue);
    if (watch) {
        husk_lua_push_token(L, husk_watch_data(watch));
        husk_watch_release(watch);
    } else {
        lua_pushnil(L);
    }
    husk_lua_leave(L, host);
    return 1;
}

/* for tag in queue:each(): polls until none waits. */
static int queue_each(lua_State *L)
{
    (void)check_queue(L, "queue:each");
    lua_pushcfunction(L, queue_poll);
    lua_pushvalue(L, 1);
    return 2;
}

static int queue_len(lua_State *L)
{
    husk_lua_push_size(L, husk_deadqueue_count(check_queue(L, "#queue")));
    return 1;
}

static int queue_watching(lua_State *L)
{
    husk_lua_push_size(L, husk_deadqueue_watching(check_queue(L, "queue:watching")));
    return 1;
}

static int queue_fd(lua_State *L)
{
    husk_deadqueue *queue = check_queue(L, "queue:fd");
    husk_heap *heap = husk_obj_heap(husk_deadqueue_obj(queue));
    int fd = husk_deadqueue_fd(queue);
    if (fd < 0) {
        husk_lua_enter(L, heap);
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    }
    lua_pushinteger(L, fd);
    return 1;
}

static int queue_index(lua_State *L)
{
    return husk_lua_push_method(L, "queue");
}

/* watch:detach(): whether it was in a queue. */
static int watch_detach(lua_State *L)
{
    husk_watch *watch = check_watch(L, "watch:detach");
    husk_lua_host *host = husk_lua_enter(L, husk_obj_heap(husk_watch_obj(watch)));
    bool was = husk_watch_detach(watch); /* not the last reference: the handle has one */
    husk_lua_leave(L, host);
    lua_pushboolean(L, was);
    return 1;
}

/* watch:get(): the object, or nil. */
static int watch_get(lua_State *L)
{
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_obj *obj = husk_weak_lock(husk_watch_weak(check_watch(L, "watch:get")));
        if (!obj) {
            lua_pushnil(L);
            return 1;
        }
        if (made) {
            husk_lua_push_owned(L, made, obj);
            return 1;
        }
        bool known = husk_lua_push_proxy(L, obj);
        husk_obj_release(obj); /* not the last: somebody else held it a moment ago, and nothing ran */
        if (known)
            return 1;
        made = husk_lua_proxy_new(L);
    }
}

static int watch_index(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!strcmp(key, "alive")) {
        lua_pushboolean(L, husk_watch_is_pending(check_watch(L, "watch.alive")));
        return 1;
    }
    if (!strcmp(key, "tag")) {
        husk_lua_push_token(L, husk_watch_data(check_watch(L, "watch.tag")));
        return 1;
    }
    return husk_lua_push_method(L, "watch");
}

void husk_lua_open_queues(lua_State *L)
{
    static const luaL_Reg queue_meta[] = { { "__len", queue_len }, { NULL, NULL } };
    static const luaL_Reg queue_methods[] = { { "watch", queue_watch },       { "poll", queue_poll },
                                              { "each", queue_each },         { "fd", queue_fd },
                                              { "watching", queue_watching }, { NULL, NULL } };
    static const luaL_Reg watch_meta[] = { { NULL, NULL } };
    static const luaL_Reg watch_methods[] = { { "detach", watch_detach },
                                              { "get", watch_get },
                                              { NULL, NULL } };
    husk_lua_open_kind(L, HUSK_LUA_QUEUE, "husk.Queue", queue_meta, queue_index, queue_methods);
    husk_lua_open_kind(L, HUSK_LUA_WATCH, "husk.Watch", watch_meta, watch_index, watch_methods);
    lua_getfield(L, -1, "heap");
    lua_pushcfunction(L, new_queue);
    lua_setfield(L, -2, "queue");
    lua_pop(L, 1);
}
