/* bindings/lua/ffi/heaps.c: run-time types in the heap: objects laid out as a C struct, with raw fields that keep their
 * ranges, and refs that are counted and visited. husk/ffi/heaptype.lua makes their classes. */
#include "lua_ffi.h"

#include <stdio.h>

static void core_table(lua_State *L, const husk_lua_ffi *ffi, int which)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &ffi->husk->key[which]);
}

/* Upvalues: 1 fields by name, 2 the type, 3 the class, 4 the ffi. */
static husk_lua_ffi *upvalue_ffi(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(4));
}

static const husk_type *upvalue_type(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(2));
}

/* The live object of this type at 1, or it raises. */
static husk_obj *check_object(lua_State *L, const char *what)
{
    const husk_lua_ffi *ffi = upvalue_ffi(L);
    ffi->husk->barrier(L);
    const husk_lua_proxy *proxy = ffi->husk->proxy_at(L, 1);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    if (obj && proxy->type == upvalue_type(L))
        return obj;
    char text[240];
    if (proxy && proxy->type == upvalue_type(L)) {
        ffi->husk->dead_text(proxy, what, text, sizeof text);
        husk_lua_ffi_fail(L, ffi, HUSK_ESTATE, "%s", text);
    }
    husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "%s: %s expected, got %s", what, husk_type_name(upvalue_type(L)),
                      husk_lua_ffi_describe(L, 1, text, sizeof text));
    return NULL;
}

static const husk_lua_field *field_of(lua_State *L)
{
    lua_pushvalue(L, 2);
    const husk_lua_field *field =
        lua_rawget(L, lua_upvalueindex(1)) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    return field;
}

static int no_field(lua_State *L)
{
    return husk_lua_ffi_fail(L, upvalue_ffi(L), HUSK_EMISSING, "%s has no field '%s'",
                             husk_type_name(upvalue_type(L)),
                             lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
}

static husk_obj **slot_of(husk_obj *obj, const husk_lua_field *field)
{
    return (husk_obj **)(void *)((char *)husk_obj_data(obj) + field->offset);
}

/* The object in a slot; making its handle may run any code, so the slot is looked at again. */
static int push_ref(lua_State *L, const husk_lua_field *field)
{
    const husk_lua_shared *husk = upvalue_ffi(L)->husk;
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_obj *found = *slot_of(check_object(L, "reading a field"), field);
        if (!found) {
            lua_pushnil(L);
            return 1;
        }
        if (husk->push_known(L, found))
            return 1;
        if (made) {
            husk_obj_retain(found);
            husk->push_owned(L, made, found);
            return 1;
        }
        made = husk->proxy_new(L);
    }
}

static int object_index(lua_State *L)
{
    const husk_lua_field *field = field_of(L);
    if (!field) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL)
            return 1;
        const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
        if (!strcmp(name, "close") || !strcmp(name, "release")) {
            lua_pushcfunction(L, upvalue_ffi(L)->husk->release);
            return 1;
        }
        check_object(L, "reading a field");
        return no_field(L);
    }
    husk_obj *obj = check_object(L, "reading a field");
    if (field->type->kind == HUSK_FFI_REF)
        return push_ref(L, field);
    char *at = (char *)husk_obj_data(obj) + field->offset;
    if (!husk_lua_ctype_is_object(field->type)) {
        husk_lua_ffi_push(L, field->type, at);
        return 1;
    }
    husk_lua_cdata *view = husk_lua_cdata_pointer(L, field->type, at, 1); /* keeps the handle */
    view->proxy = lua_touserdata(L, 1);
    view->span = field->type->size;
    return 1;
}

/* Value `at` into a field of the object at 1, whose handle keeps it. */
static void set_field(lua_State *L, const husk_lua_ffi *ffi, husk_obj *obj, const husk_lua_field *field,
                      int at, const char *name)
{
    const husk_lua_shared *husk = ffi->husk;
    husk_heap *heap = husk_obj_heap(obj);
    husk_lua_host *host = husk_heap_data(heap);
    if (field->type->kind != HUSK_FFI_REF) {
        char why[HUSK_LUA_FFI_WHY];
        if (!husk_lua_ffi_store(L, at, field->type, (char *)husk_obj_data(obj) + field->offset, false, why))
            husk_lua_ffi_fail(L, ffi, strstr(why, "out of range") ? HUSK_ERANGE : HUSK_EINVAL, "%s.%s: %s",
                              husk_type_name(husk_obj_type(obj)), name, why);
        return;
    }
    husk_value value;
    husk_obj *made;
    husk_lua_trouble trouble;
    host->L = L;
    if (!husk->to_value(L, at, heap, name, &value, &made, &trouble))
        husk_lua_ffi_fail(L, ffi, trouble.status, "%s", trouble.text);
    if (value.tag != HUSK_OBJ && value.tag != HUSK_NIL) {
        char room[160];
        husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "%s.%s: object of the heap or nil expected, got %s",
                          husk_type_name(husk_obj_type(obj)), name,
                          husk_lua_ffi_describe(L, at, room, sizeof room));
    }
    husk_obj_retain(obj);
    husk_status status = husk_obj_set(obj, slot_of(obj, field), value.tag == HUSK_OBJ ? value.as.o : NULL);
    if (made)
        husk_obj_release(made);
    husk_obj_release(obj);
    if (status != HUSK_OK)
        husk->fail(L, heap, status);
    husk->leave(L, host);
}

static int object_newindex(lua_State *L)
{
    const husk_lua_field *field = field_of(L);
    husk_obj *obj = check_object(L, "setting a field");
    if (!field)
        return no_field(L);
    set_field(L, upvalue_ffi(L), obj, field, 3, lua_tostring(L, 2));
    return 0;
}

/* make(heap, values): an object; values is a table or nil. Upvalues as above. */
static int make_object(lua_State *L)
{
    const husk_lua_ffi *ffi = upvalue_ffi(L);
    const husk_type *type = upvalue_type(L);
    char room[160];
    lua_settop(L, 2);
    if (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TTABLE)
        return husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "bad argument #1 to '%s' (table expected, got %s)",
                                 husk_type_name(type), husk_lua_ffi_describe(L, 2, room, sizeof room));
    husk_lua_proxy *made = ffi->husk->proxy_new(L); /* may run any code */
    husk_heap *heap = ffi->husk->arg_heap(L, 1, husk_type_name(type));
    if (!heap)
        return lua_error(L);
    husk_obj *obj = husk_obj_new(heap, type);
    if (!obj)
        return ffi->husk->fail(L, heap, husk_heap_failure(heap));
    ffi->husk->adopt(L, made, obj);
    if (lua_isnil(L, 2))
        return 1;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        const husk_lua_field *field =
            lua_rawget(L, lua_upvalueindex(1)) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
        lua_pop(L, 1);
        if (!field || lua_type(L, -2) != LUA_TSTRING)
            return husk_lua_ffi_fail(L, ffi, HUSK_EMISSING, "%s has no field '%s'", husk_type_name(type),
                                     lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                                    : luaL_typename(L, -2));
        obj = husk_lua_proxy_obj(made); /* an error hook may have released it */
        if (!obj)
            return husk_lua_ffi_fail(L, ffi, HUSK_ESTATE, "%s: released while it was made",
                                     husk_type_name(type));
        set_field(L, ffi, obj, field, lua_gettop(L), lua_tostring(L, -2));
    }
    return 1;
}

/* Pushes a closure with the four upvalues: those of the table and class at these places. */
static void push_closure(lua_State *L, husk_lua_ffi *ffi, lua_CFunction function, int fields,
                         const husk_type *type, int class)
{
    lua_pushvalue(L, fields);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_pushvalue(L, class);
    lua_pushlightuserdata(L, ffi);
    lua_pushcclosure(L, function, 4);
}

/* core.heap_type(struct, name, class, pairs): the class of that type, and the function that makes its objects. */
static int heap_type(lua_State *L)
{
    husk_lua_ctype *layout = husk_lua_ctype_check(L, 1, "husk.type");
    husk_lua_ffi *ffi = layout->ffi;
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 4);
    luaL_checkstack(L, 24, NULL);
    const husk_type *type;
    husk_status status = husk_ffi_heap_type(ffi->space, layout->type, luaL_checkstring(L, 2), &type);
    if (status != HUSK_OK)
        return husk_lua_ffi_fail(L, ffi, status, "husk.type: %s", husk_message());
    lua_getiuservalue(L, 1, 3);
    int fields = lua_gettop(L);
    core_table(L, ffi, HUSK_LUA_CLASSES);
    int classes = lua_gettop(L);
    if (lua_rawgetp(L, classes, type) != LUA_TNIL) {
        lua_replace(L, 3); /* asked for before */
    } else {
        lua_pop(L, 1);
        lua_newtable(L); /* the metatable of handles */
        luaL_setfuncs(L, ffi->husk->ends, 0);
        push_closure(L, ffi, object_index, fields, type, 3);
        lua_setfield(L, -2, "__index");
        push_closure(L, ffi, object_newindex, fields, type, 3);
        lua_setfield(L, -2, "__newindex");
        lua_pushvalue(L, 4);
        lua_setfield(L, -2, "__pairs");
        lua_pushstring(L, husk_type_name(type));
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__name");
        lua_setfield(L, -2, "__metatable");
        core_table(L, ffi, HUSK_LUA_METAS);
        lua_rotate(L, -2, 1);
        lua_rawsetp(L, -2, type);
        lua_pop(L, 1);
        core_table(L, ffi, HUSK_LUA_KINDS);
        lua_pushvalue(L, 3);
        lua_pushlightuserdata(L, (void *)(uintptr_t)type);
        lua_rawset(L, -3);
        lua_pop(L, 1);
        lua_pushvalue(L, 3);
        lua_rawsetp(L, classes, type);
    }
    lua_pushvalue(L, 3);
    push_closure(L, ffi, make_object, fields, type, 3);
    return 2;
}

/* core.cast_object(pointer type, object): the struct of an object, as C sees it; it ends with the handle. */
static int object_pointer(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.struct_of");
    const husk_lua_ffi *ffi = type->ffi;
    const husk_lua_proxy *proxy = ffi->husk->proxy_at(L, 2);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    const husk_ffi_type *layout = obj ? husk_ffi_heap_type_struct(ffi->space, husk_obj_type(obj)) : NULL;
    if (!layout)
        return husk_lua_ffi_fail(L, ffi, HUSK_EINVAL,
                                 "ffi.struct_of: an object of a type with a layout expected");
    husk_lua_cdata *view =
        husk_lua_cdata_pointer(L, husk_lua_ctype_of(L, type->ffi, layout), husk_obj_data(obj), 2);
    view->proxy = lua_touserdata(L, 2);
    view->span = husk_ffi_type_size(layout);
    return 1;
}

void husk_lua_ffi_open_heaps(lua_State *L)
{
    static const luaL_Reg functions[] = { { "heap_type", heap_type },
                                          { "struct_of", object_pointer },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
}
