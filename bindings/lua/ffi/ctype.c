/* bindings/lua/ffi/ctype.c: types in Lua: one ctype for each, kept as long as the state. husk/ffi/types.lua makes them
 * from declarations; value.c and cdata.c read them. */
#include "lua_ffi.h"

#include <stdio.h>

const char husk_lua_ctype_magic;

husk_lua_ctype *husk_lua_ctype_at(lua_State *L, int at)
{
    husk_lua_ctype *ctype = lua_type(L, at) == LUA_TUSERDATA ? lua_touserdata(L, at) : NULL;
    if (!ctype || lua_rawlen(L, at) < sizeof *ctype || ctype->magic != &husk_lua_ctype_magic)
        return NULL;
    return ctype;
}

husk_lua_ctype *husk_lua_ctype_check(lua_State *L, int at, const char *function)
{
    husk_lua_ctype *ctype = husk_lua_ctype_at(L, at);
    if (!ctype) {
        char room[160];
        const husk_lua_ffi *ffi = husk_lua_ffi_get(L);
        husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "bad argument #%d to '%s' (C type expected, got %s)", at,
                          function, husk_lua_ffi_describe(L, at, room, sizeof room));
    }
    return ctype;
}

void husk_lua_ctype_push(lua_State *L, const husk_lua_ctype *ctype)
{
    husk_lua_ffi_table(L, HUSK_LUA_FFI_TYPES);
    lua_rawgetp(L, -1, ctype);
    lua_remove(L, -2);
}

/* Pointers to const and to what is not const are two ctypes, and one type. */
bool husk_lua_ctype_same(const husk_lua_ctype *a, const husk_lua_ctype *b)
{
    return a == b || (a->type && a->type == b->type);
}

/* Pushes the ctype of the key on top of the stack, which it takes: the one that there is (true), or a new one to be filled,
 * with that spelling. */
static bool push_keyed(lua_State *L, husk_lua_ffi *ffi, const char *name, husk_lua_ctype **out)
{
    husk_lua_ffi_table(L, HUSK_LUA_FFI_TYPES);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TUSERDATA) {
        lua_replace(L, -3);
        lua_pop(L, 1);
        *out = lua_touserdata(L, -1);
        return true;
    }
    lua_pop(L, 1);
    husk_lua_ctype *ctype =
        lua_newuserdatauv(L, sizeof *ctype, 3); /* name; parameters or fields; fields by name */
    memset(ctype, 0, sizeof *ctype);
    ctype->magic = &husk_lua_ctype_magic;
    ctype->ffi = ffi;
    ctype->name = lua_pushstring(L, name);
    lua_setiuservalue(L, -2, 1);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 3);
    luaL_setmetatable(L, HUSK_LUA_FFI_CTYPE_META);
    *out = ctype;
    return false;
}

/* The new ctype on top, with its table below and the key below that: enters it. */
static void enter_keyed(lua_State *L, husk_lua_ctype *ctype)
{
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, ctype);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static void set_type(husk_lua_ctype *ctype, const husk_ffi_type *type)
{
    ctype->type = type;
    ctype->kind = ctype->number = husk_ffi_type_kind(type);
    if (ctype->kind == HUSK_FFI_ENUM)
        ctype->number = husk_ffi_type_kind(husk_ffi_type_element(type));
    ctype->size = husk_ffi_type_size(type);
    ctype->align = husk_ffi_type_alignment(type);
}

/* The ctype of a type that has no parts of its own. */
static husk_lua_ctype *push_plain(lua_State *L, husk_lua_ffi *ffi, const husk_ffi_type *type,
                                  const char *name)
{
    husk_lua_ctype *ctype;
    lua_pushlstring(L, (const char *)&type, sizeof type);
    if (!push_keyed(L, ffi, name, &ctype)) {
        set_type(ctype, type);
        enter_keyed(L, ctype);
    }
    return ctype;
}

static husk_lua_ctype *push_element(lua_State *L, husk_lua_ffi *ffi, char mark, husk_lua_ctype *element,
                                    bool constant, size_t count, const char *name)
{
    husk_lua_ctype *ctype;
    char key[1 + sizeof element + 1 + sizeof count];
    key[0] = mark;
    memcpy(key + 1, &element, sizeof element);
    key[1 + sizeof element] = (char)constant;
    memcpy(key + 2 + sizeof element, &count, sizeof count);
    lua_pushlstring(L, key, sizeof key);
    if (push_keyed(L, ffi, name, &ctype))
        return ctype;
    const husk_ffi_type *type = NULL;
    husk_status status = HUSK_OK;
    if (mark == '*')
        status = husk_ffi_pointer(ffi->space, element->type ? element->type : element->element->type, &type);
    else if (count != SIZE_MAX)
        status = husk_ffi_array(ffi->space, element->type, count, &type);
    if (status != HUSK_OK)
        husk_lua_ffi_fail_message(L, ffi, status);
    if (type) {
        set_type(ctype, type);
    } else {
        ctype->kind = ctype->number = HUSK_FFI_ARRAY;
        ctype->align = element->align;
    }
    ctype->element = element;
    ctype->constant = constant;
    ctype->count = mark == '*' ? 0 : count;
    enter_keyed(L, ctype);
    return ctype;
}

static husk_lua_ctype *push_function(lua_State *L, husk_lua_ffi *ffi, husk_lua_ctype *result,
                                     husk_lua_ctype *const *params, size_t count, bool variadic,
                                     const char *name)
{
    husk_lua_ctype *ctype;
    luaL_Buffer key;
    luaL_buffinit(L, &key);
    luaL_addchar(&key, variadic ? '.' : '(');
    luaL_addlstring(&key, (const char *)&result, sizeof result);
    for (size_t i = 0; i < count; i++)
        luaL_addlstring(&key, (const char *)&params[i], sizeof params[i]);
    luaL_pushresult(&key);
    if (push_keyed(L, ffi, name, &ctype))
        return ctype;
    const husk_ffi_type *types[HUSK_FFI_MAX_PARAMS], *type;
    for (size_t i = 0; i < count; i++)
        types[i] = params[i]->type;
    husk_status status = husk_ffi_function(ffi->space, result->type, types, count, variadic, &type);
    if (status != HUSK_OK)
        husk_lua_ffi_fail_message(L, ffi, status);
    set_type(ctype, type);
    ctype->params = lua_newuserdatauv(L, (count + 1) * sizeof *ctype->params, 0);
    lua_setiuservalue(L, -2, 2);
    for (size_t i = 0; i < count; i++)
        ctype->params[i] = params[i];
    ctype->count = count;
    ctype->element = result;
    ctype->variadic = variadic;
    enter_keyed(L, ctype);
    return ctype;
}

/* Fields by name, those of unnamed members too. The table is on top. */
static void enter_fields(lua_State *L, husk_lua_ctype *ctype, husk_lua_ctype *whole, size_t offset,
                         size_t *next)
{
    for (size_t i = 0; i < ctype->count; i++) {
        husk_ffi_field field;
        if (!husk_ffi_type_field(ctype->type, i, &field))
            continue;
        if (!field.name) {
            enter_fields(L, ctype->fields[i].type, whole, offset + ctype->fields[i].offset, next);
            continue;
        }
        husk_lua_field *made = lua_newuserdatauv(L, sizeof *made, 0);
        made->type = ctype->fields[i].type;
        made->offset = offset + ctype->fields[i].offset;
        lua_setfield(L, -2, field.name);
        lua_pushstring(L, field.name); /* in their order, for pairs and tables without names */
        lua_rawseti(L, -2, (lua_Integer)++ * next);
    }
}

/* After completion: the ctype on top learns its fields, whose ctypes are given. */
static void set_fields(lua_State *L, husk_lua_ctype *ctype, husk_lua_ctype *const *types, size_t count)
{
    husk_lua_field *fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
    lua_setiuservalue(L, -2, 2);
    for (size_t i = 0; i < count; i++) {
        husk_ffi_field field;
        if (!husk_ffi_type_field(ctype->type, i, &field))
            continue;
        fields[i].type = types[i];
        fields[i].offset = field.offset;
    }
    ctype->fields = fields;
    ctype->count = count;
    ctype->size = husk_ffi_type_size(ctype->type);
    ctype->align = husk_ffi_type_alignment(ctype->type);
    lua_getiuservalue(L, -1, 3);
    size_t next = 0;
    enter_fields(L, ctype, ctype, 0, &next);
    lua_pop(L, 1);
}

/* ---- what husk/ffi/types.lua calls ---- */

/* core.basic(name, spelling) */
static int basic(lua_State *L)
{
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    const husk_ffi_type *type = husk_ffi_space_find(ffi->space, luaL_checkstring(L, 1));
    if (!type)
        return luaL_error(L, "no type '%s'", lua_tostring(L, 1));
    push_plain(L, ffi, type, luaL_checkstring(L, 2));
    return 1;
}

/* core.pointer(element, constant, spelling) */
static int pointer(lua_State *L)
{
    push_element(L, husk_lua_ffi_get(L), '*', husk_lua_ctype_check(L, 1, "pointer"), lua_toboolean(L, 2) != 0,
                 0, luaL_checkstring(L, 3));
    return 1;
}

/* core.array(element, constant, spelling, [count]) */
static int array(lua_State *L)
{
    push_element(L, husk_lua_ffi_get(L), '[', husk_lua_ctype_check(L, 1, "array"), lua_toboolean(L, 2) != 0,
                 lua_isnoneornil(L, 4) ? SIZE_MAX : (size_t)luaL_checkinteger(L, 4), luaL_checkstring(L, 3));
    return 1;
}

static size_t read_ctypes(lua_State *L, int at, husk_lua_ctype **out, size_t most)
{
    size_t count = lua_rawlen(L, at);
    luaL_argcheck(L, count <= most, at, "too many types");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        out[i] = husk_lua_ctype_at(L, -1);
        luaL_argcheck(L, out[i] != NULL, at, "not a type");
        lua_pop(L, 1);
    }
    return count;
}

/* core.func(result, {params}, variadic, spelling) */
static int func(lua_State *L)
{
    husk_lua_ctype *params[HUSK_FFI_MAX_PARAMS];
    size_t count = read_ctypes(L, 2, params, HUSK_FFI_MAX_PARAMS);
    push_function(L, husk_lua_ffi_get(L), husk_lua_ctype_check(L, 1, "function"), params, count,
                  lua_toboolean(L, 3) != 0, luaL_checkstring(L, 4));
    return 1;
}

/* core.declare(name, spelling, is_union) */
static int declare(lua_State *L)
{
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    const husk_ffi_type *type;
    const char *name = luaL_checkstring(L, 1);
    husk_status status = lua_toboolean(L, 3) ? husk_ffi_union_declare(ffi->space, name, &type)
                                             : husk_ffi_struct_declare(ffi->space, name, &type);
    if (status != HUSK_OK)
        return husk_lua_ffi_fail_message(L, ffi, status);
    push_plain(L, ffi, type, luaL_checkstring(L, 2));
    return 1;
}

/* Reads {names} at `at` (false: none) and {types} behind it. Both userdata stay on the stack. */
static size_t read_fields(lua_State *L, int at, husk_ffi_field **fields, husk_lua_ctype ***types)
{
    size_t count = lua_rawlen(L, at + 1);
    *types = lua_newuserdatauv(L, (count + 1) * sizeof **types, 0);
    *fields = lua_newuserdatauv(L, (count + 1) * sizeof **fields, 0);
    read_ctypes(L, at + 1, *types, HUSK_FFI_MAX_FIELDS);
    for (size_t i = 0; i < count; i++) {
        husk_ffi_field *field = &(*fields)[i];
        memset(field, 0, sizeof *field);
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        field->name = lua_tostring(L, -1); /* the table has it */
        field->type = (*types)[i]->type;
        lua_pop(L, 1);
    }
    return count;
}

/* core.complete(ctype, {names}, {types}) */
static int complete(lua_State *L)
{
    husk_lua_ctype *ctype = husk_lua_ctype_check(L, 1, "complete");
    husk_ffi_field *fields;
    husk_lua_ctype **types;
    size_t count = read_fields(L, 2, &fields, &types);
    if (ctype->fields)
        return 0;
    if (!husk_ffi_type_is_complete(ctype->type)) {
        husk_status status = husk_ffi_complete(ctype->ffi->space, ctype->type, fields, count, 0);
        if (status != HUSK_OK)
            return husk_lua_ffi_fail_message(L, ctype->ffi, status);
    }
    lua_pushvalue(L, 1);
    set_fields(L, ctype, types, count);
    return 0;
}

/* core.aggregate({names}, {types}, spelling, is_union): one without a name. */
static int aggregate(lua_State *L)
{
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    husk_ffi_field *fields;
    husk_lua_ctype **types;
    size_t count = read_fields(L, 1, &fields, &types);
    const husk_ffi_type *type;
    husk_status status = lua_toboolean(L, 4) ? husk_ffi_union(ffi->space, fields, count, &type)
                                             : husk_ffi_struct(ffi->space, fields, count, &type);
    if (status != HUSK_OK)
        return husk_lua_ffi_fail_message(L, ffi, status);
    husk_lua_ctype *ctype = push_plain(L, ffi, type, luaL_checkstring(L, 3));
    if (!ctype->fields)
        set_fields(L, ctype, types, count);
    return 1;
}

/* core.enum(name or nil, under, {names}, {values}, spelling) */
static int enumeration(lua_State *L)
{
    const husk_lua_ctype *under = husk_lua_ctype_check(L, 2, "enum");
    size_t count = lua_rawlen(L, 3);
    husk_ffi_constant *constants = lua_newuserdatauv(L, (count + 1) * sizeof *constants, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i + 1);
        lua_rawgeti(L, 4, (lua_Integer)i + 1);
        constants[i].name = lua_tostring(L, -2);
        constants[i].value = (int64_t)lua_tointeger(L, -1);
        lua_pop(L, 2);
    }
    const husk_ffi_type *type;
    husk_status status =
        husk_ffi_enum(under->ffi->space, lua_tostring(L, 1), under->type, constants, count, &type);
    if (status != HUSK_OK)
        return husk_lua_ffi_fail_message(L, under->ffi, status);
    push_plain(L, under->ffi, type, luaL_checkstring(L, 5));
    return 1;
}

husk_lua_ctype *husk_lua_ctype_of(lua_State *L, husk_lua_ffi *ffi, const husk_ffi_type *type)
{
    char name[240];
    static const struct {
        husk_ffi_kind kind;
        const char *word;
    } words[] = { { HUSK_FFI_I8, "signed char" },   { HUSK_FFI_U8, "unsigned char" },
                  { HUSK_FFI_I16, "short" },        { HUSK_FFI_U16, "unsigned short" },
                  { HUSK_FFI_I32, "int" },          { HUSK_FFI_U32, "unsigned int" },
                  { HUSK_FFI_I64, "long" },         { HUSK_FFI_U64, "unsigned long" },
                  { HUSK_FFI_F32, "float" },        { HUSK_FFI_F64, "double" },
                  { HUSK_FFI_STR, "const char *" }, { HUSK_FFI_REF, "husk_obj *" } };
    luaL_checkstack(L, 16, NULL);
    (void)husk_ffi_type_spell(type, name, sizeof name);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == husk_ffi_type_kind(type))
            (void)snprintf(name, sizeof name, "%s", words[i].word); /* as C calls it */
    size_t count = husk_ffi_type_count(type);
    husk_lua_ctype *ctype, *parts[HUSK_FFI_MAX_PARAMS];
    int top = lua_gettop(L);
    switch (husk_ffi_type_kind(type)) {
    case HUSK_FFI_POINTER: {
        husk_lua_ctype *element = husk_lua_ctype_of(L, ffi, husk_ffi_type_element(type));
        size_t length = strlen(element->name);
        if (element->kind != HUSK_FFI_FUNCTION && element->kind != HUSK_FFI_ARRAY &&
            length + 3 < sizeof name) {
            memcpy(name, element->name, length); /* as C writes it */
            memcpy(name + length, length && name[length - 1] == '*' ? "*" : " *",
                   length && name[length - 1] == '*' ? 2 : 3);
        }
        ctype = push_element(L, ffi, '*', element, false, 0, name);
        break;
    }
    case HUSK_FFI_ARRAY:
        ctype = push_element(L, ffi, '[', husk_lua_ctype_of(L, ffi, husk_ffi_type_element(type)), false,
                             count, name);
        break;
    case HUSK_FFI_FUNCTION: {
        for (size_t i = 0; i < count; i++)
            parts[i] = husk_lua_ctype_of(L, ffi, husk_ffi_type_param(type, i));
        husk_lua_ctype *result = husk_lua_ctype_of(L, ffi, husk_ffi_type_result(type));
        ctype = push_function(L, ffi, result, parts, count, husk_ffi_type_is_variadic(type), name);
        break;
    }
    case HUSK_FFI_STRUCT:
    case HUSK_FFI_UNION:
        ctype = push_plain(L, ffi, type, name);
        if (!ctype->fields && husk_ffi_type_is_complete(type)) {
            husk_lua_ctype **types = lua_newuserdatauv(L, (count + 1) * sizeof *types, 0);
            ctype->fields = lua_newuserdatauv(L, sizeof *ctype->fields, 0); /* a field may point back here */
            ctype->count = 0;
            for (size_t i = 0; i < count; i++) {
                husk_ffi_field field;
                (void)husk_ffi_type_field(type, i, &field);
                types[i] = husk_lua_ctype_of(L, ffi, field.type);
            }
            husk_lua_ctype_push(L, ctype);
            set_fields(L, ctype, types, count);
        }
        break;
    default:
        ctype = push_plain(L, ffi, type, name);
    }
    lua_settop(L, top); /* the table of types has them all */
    return ctype;
}

/* core.parse(text): the type of a signature in the library's own grammar. */
static int parse(lua_State *L)
{
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    const husk_ffi_type *type;
    husk_status status = husk_ffi_parse(ffi->space, luaL_checkstring(L, 1), &type);
    if (status != HUSK_OK)
        return husk_lua_ffi_fail_message(L, ffi, status);
    husk_lua_ctype_push(L, husk_lua_ctype_of(L, ffi, type));
    return 1;
}

/* core.typedef(name, ctype): for that grammar; whether the name was free. */
static int name_type(lua_State *L)
{
    const husk_lua_ctype *ctype = husk_lua_ctype_check(L, 2, "typedef");
    lua_pushboolean(L, ctype->type && husk_ffi_typedef(ctype->ffi->space, luaL_checkstring(L, 1),
                                                       ctype->type) == HUSK_OK);
    return 1;
}

/* core.explain(ctype, why): it will stay incomplete. */
static int explain(lua_State *L)
{
    husk_lua_ctype *ctype = husk_lua_ctype_check(L, 1, "explain");
    ctype->why = luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, 2);
    return 0;
}

/* core.info(ctype): kind, size, alignment, name, and what it is made of. */
static int info(lua_State *L)
{
    const husk_lua_ctype *ctype = husk_lua_ctype_check(L, 1, "info");
    lua_pushstring(L, husk_ffi_kind_name(ctype->kind));
    if (ctype->kind == HUSK_FFI_ARRAY && !ctype->type)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)ctype->size);
    lua_pushinteger(L, (lua_Integer)ctype->align);
    lua_pushstring(L, ctype->name);
    if (ctype->element)
        husk_lua_ctype_push(L, ctype->element);
    else
        lua_pushnil(L);
    lua_pushstring(L, ctype->why);
    return 6;
}

/* core.field(ctype, name): its offset and type, or nothing. */
static int field(lua_State *L)
{
    const husk_lua_ctype *ctype = husk_lua_ctype_check(L, 1, "offsetof");
    lua_getiuservalue(L, 1, 3);
    lua_getfield(L, -1, luaL_checkstring(L, 2));
    const husk_lua_field *found = ctype->fields ? lua_touserdata(L, -1) : NULL;
    if (!found)
        return 0;
    lua_pushinteger(L, (lua_Integer)found->offset);
    husk_lua_ctype_push(L, found->type);
    return 2;
}

static int ctype_tostring(lua_State *L)
{
    lua_pushfstring(L, "ctype<%s>", husk_lua_ctype_check(L, 1, "tostring")->name);
    return 1;
}

void husk_lua_ffi_open_ctypes(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "basic", basic },     { "pointer", pointer },   { "array", array },         { "func", func },
        { "declare", declare }, { "complete", complete }, { "aggregate", aggregate }, { "enum", enumeration },
        { "parse", parse },     { "typedef", name_type }, { "explain", explain },     { "info", info },
        { "field", field },     { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    if (luaL_newmetatable(L, HUSK_LUA_FFI_CTYPE_META)) {
        lua_pushcfunction(L, ctype_tostring);
        lua_setfield(L, -2, "__tostring");
    }
    lua_setfield(L, -2, "ctype_meta");
}
