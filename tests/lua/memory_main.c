/* tests/lua/memory_main.c: a script, again and again, with the n-th request of Lua for memory refused, for
 * every n; first each alone, then all from the n-th on. Whatever is refused, Lua raises an error, no error
 * passes through Husk's frames, the heap stays whole, and after lua_close not one byte is held.
 *
 * Usage: memory_main SCRIPT. The script returns a function, which is what runs with memory failing. Built for libhusk-ffi
 * (HUSK_MEMORY_FFI) it refuses that library's requests too, and wants its memory back. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <husk.h>
#ifdef HUSK_MEMORY_FFI
#include <husk/ffi.h>
#endif

static struct {
    bool armed, forever, hit;
    long left; /* requests until the refused one */
} plan;

/* Lua asks again after an emergency collection: one refusal is two in a row. */
static void *allocate(void *data, void *block, size_t old_size, size_t size)
{
    (void)data;
    if (!size) {
        free(block);
        return NULL;
    }
    if (plan.armed && (!block || size > old_size) && --plan.left <= 0) {
        plan.hit = true;
        if (plan.forever || plan.left > -2)
            return NULL;
    }
    return realloc(block, size);
}

static void fail(const char *what, const char *text)
{
    printf("%s: %s (request %ld from the end, %s)\n", what, text ? text : "?", plan.left,
           plan.forever ? "and all later ones" : "alone");
    exit(1);
}

#ifdef HUSK_MEMORY_FFI
static bool refuses_ffi; /* whose requests: Lua's, or libhusk-ffi's */

static void arm(long refused, bool forever)
{
    plan.armed = !refuses_ffi;
    if (!refuses_ffi)
        return;
    plan.left = (long)husk_ffi_memory_requests() + refused;
    husk_ffi_memory_fail((uint64_t)refused, forever);
}

static void disarm(void)
{
    plan.armed = false;
    if (refuses_ffi)
        plan.hit = (long)husk_ffi_memory_requests() >= plan.left;
    husk_ffi_memory_fail(0, false);
}

static bool holds(void)
{
    husk_ffi_quarantine_empty();
    return husk_memory_held() != 0 || husk_ffi_memory_held() != 0;
}
#else
static void arm(long refused, bool forever)
{
    (void)refused;
    (void)forever;
    plan.armed = true;
}

static void disarm(void)
{
    plan.armed = false;
}

static bool holds(void)
{
    return husk_memory_held() != 0;
}
#endif

/* One run: true if the refused request came. */
static bool run(const char *script, long refused, bool forever)
{
    lua_State *L = lua_newstate(allocate, NULL);
    luaL_openlibs(L);
    if (luaL_loadfile(L, script) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
        fail("setting up", lua_tostring(L, -1));
    plan.left = refused;
    plan.forever = forever;
    plan.hit = false;
    arm(refused, forever);
    int status = lua_pcall(L, 0, 0, 0);
    disarm();
    if (status != LUA_OK && !plan.hit)
        fail("without a refusal", luaL_tolstring(L, -1, NULL));
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT);
    if (luaL_dostring(L, "local husk = require 'husk' husk.collect() husk.verify()") != LUA_OK)
        fail("afterwards", luaL_tolstring(L, -1, NULL));
    lua_close(L);
    if (holds())
        fail("after lua_close", "bytes are held");
    return plan.hit;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (!freopen("/dev/null", "w", stderr)) /* reports of hooks that had no memory: thousands */
        return 2;
    long step = getenv("HUSK_TEST_SMALL") ? 71 : 1, runs = 0;
    for (int forever = 0; forever < 2; forever++)
        for (long refused = 1; run(argv[1], refused, forever != 0); refused += step)
            runs++;
#ifdef HUSK_MEMORY_FFI
    refuses_ffi = true;
    for (int forever = 0; forever < 2; forever++)
        for (long refused = 1; run(argv[1], refused, forever != 0); refused++)
            runs++;
#endif
    printf("%ld refusals\n", runs);
    return runs > 10 ? 0 : 1;
}
