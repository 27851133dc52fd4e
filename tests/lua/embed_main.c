/* tests/lua/embed_main.c: the module in programs of C: which calls allocate nothing, a fork, several states in
 * several threads, states that are closed with everything still there.
 *
 * Usage: embed_main CASE, with the module in Lua's paths. */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <husk.h>

static size_t allocations; /* of Lua's */

static void *counting(void *data, void *block, size_t old_size, size_t size)
{
    (void)data;
    (void)old_size;
    if (!size) {
        free(block);
        return NULL;
    }
    allocations++;
    return realloc(block, size);
}

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n", what, text ? text : "?");
    exit(1);
}

static void run(lua_State *L, const char *what, const char *code)
{
    if (luaL_dostring(L, code) != LUA_OK)
        fail(what, luaL_tolstring(L, -1, NULL));
}

/* ---- what allocates nothing ---- */

static const char prepare[] = "local husk = require 'husk'\n"
                              "local Node = husk.type('Node', {'value', 'next'})\n"
                              "n, m, l = Node{value = 1}, Node{value = 2.5}, husk.list{1}\n"
                              "n.next, l[2] = m, n\n"
                              "w, box, map = husk.weak(n), husk.box(print), husk.map{k = 1}\n"
                              "map[n] = m\n"
                              "release, getrefcount = husk.release, husk.getrefcount\n"
                              "spare = {}\n"
                              "for i = 1, 100 do spare[i] = Node{value = i} end\n"
                              "collectgarbage() collectgarbage('stop')\n";

/* A hundred rounds: what one allocates, a hundred allocate. */
static const char *const quiet[] = {
    "local n = n for i = 1, 100 do local _ = n.value end",
    "local n = n for i = 1, 100 do local _ = n.next end",
    "local n = n for i = 1, 100 do n.value = i end",
    "local n, m, l = n, m, l for i = 1, 100 do n.next = l n.next = m end",
    "local l = l for i = 1, 100 do local _ = l[1], l[2], #l end",
    "local l, n, m = l, n, m for i = 1, 100 do l[2] = m l[2] = n end",
    "local w = w for i = 1, 100 do local _ = w() end",
    "local box = box for i = 1, 100 do local _ = box.value end",
    "local map, n = map, n for i = 1, 100 do local _ = map[n], map.k end",
    "local getrefcount, n = getrefcount, n for i = 1, 100 do getrefcount(n) end",
    "local release, spare = release, spare for i = 1, 100 do release(spare[i]) end",
};

static int case_quiet(void)
{
    lua_State *L = lua_newstate(counting, NULL);
    luaL_openlibs(L);
    run(L, "preparing", prepare);
    int wrong = 0;
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++) {
        if (luaL_loadstring(L, quiet[i]) != LUA_OK)
            fail(quiet[i], lua_tostring(L, -1));
        size_t before = allocations;
        uint64_t requests = husk_memory_requests();
        if (lua_pcall(L, 0, 0, 0) != LUA_OK)
            fail(quiet[i], luaL_tolstring(L, -1, NULL));
        size_t made = allocations - before, asked = (size_t)(husk_memory_requests() - requests);
        if (made || asked) {
            printf("%zu allocations of Lua's, %zu requests of the heap's: %s\n", made, asked, quiet[i]);
            wrong = 1;
        }
    }
    size_t before = allocations;
    run(L, "the count of allocations", "local _ = husk == nil and {}");
    if (allocations == before) /* compiling alone allocates */
        fail("counting", "nothing is counted");
    lua_close(L);
    return wrong;
}

/* ---- fork ---- */

static const char family[] = "local husk = require 'husk'\n"
                             "local Node = husk.type('Node', {'value', 'next'}, {finalize = function(self) "
                             "ended = (ended or 0) + 1 end})\n"
                             "n = Node{value = 'shared'}\n"
                             "n.next = husk.box{n}\n"
                             "w = husk.weak(n, function() gone = true end)\n"
                             "husk.gc.disable('fork') husk.gc.freeze()\n";

static const char afterwards[] = "local husk = require 'husk'\n"
                                 "husk.gc.unfreeze() husk.gc.enable()\n"
                                 "assert(n.value == 'shared' and n.next.value[1] == n)\n"
                                 "for i = 1, 1000 do n.value = husk.list{n.value, i} end\n"
                                 "n = nil\n"
                                 "husk.collect()\n"
                                 "assert(ended == 1 and gone and husk.verify())\n";

static int case_fork(void)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    run(L, "before the fork", family);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fail("fork", "failed");
    run(L, child ? "in the parent" : "in the child", afterwards);
    lua_close(L);
    if (husk_memory_held() != 0)
        fail(child ? "in the parent" : "in the child", "bytes are held");
    if (!child)
        exit(0);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status))
        fail("the child", "did not end well");
    return 0;
}

/* ---- threads with a state each ---- */

static const char work[] =
    "local husk = require 'husk'\n"
    "local Node = husk.type('Node', {'value', 'next'}, {finalize = function(self) return self.value end})\n"
    "local left = 0\n"
    "for round = 1, 60 do\n"
    "  for i = 1, 50 do\n"
    "    local n = Node{value = i}\n"
    "    n.next = husk.box(setmetatable({n}, {__gc = function() left = left + #husk.list{i} end}))\n"
    "  end\n"
    "  husk.collect()\n"
    "  husk.verify()\n"
    "end\n"
    "assert(left == 3000 and not husk.census().Node)\n";

static void *worker(void *data)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    run(L, data, work);
    lua_close(L);
    return NULL;
}

static int case_threads(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    static char name[] = "in a thread";
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, worker, name))
            fail("pthread_create", "failed");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (husk_memory_held() != 0)
        fail("after all threads", "bytes are held");
    return 0;
}

/* ---- closing ---- */

static const char everything[] =
    "local husk = require 'husk'\n"
    "local Node = husk.type('Node', {'value', 'next'}, {finalize = function(self)\n"
    "  keep = {self, husk.list{self.value}, husk.weak.keys{[self] = {self}}} husk.collect() end})\n"
    "husk.on_error(function() end)\n"
    "h = husk.heap{name = 'h'}\n"
    "local n, m = Node{value = 1}, h:new(Node, {value = 2})\n"
    "n.next, m.next = husk.box{m}, h:box{n}\n"
    "set, keys = husk.weak.set{n}, h:weak_keys{[m] = function() return n end}\n"
    "husk.weak.finalize(n, function() n2 = Node{value = 3} end)\n"
    "w = husk.weak(n, function() error 'late' end)\n"
    "co = coroutine.wrap(function() local x <close> = husk.list{} coroutine.yield() end) co()\n"
    "for k in pairs(keys) do iterator = {pairs(keys)} iterator[1](keys) break end\n"
    "setmetatable({}, {__gc = function() pcall(husk.collect) pcall(function() return n.value end) end})\n";

static int case_close(void)
{
    for (int round = 0; round < 20; round++) {
        lua_State *L = luaL_newstate();
        luaL_openlibs(L);
        run(L, "everything", everything);
        if (round % 2)
            run(L, "collecting", "require('husk').collect()");
        if (round % 3 == 1)
            run(L, "closing", "h:close()");
        lua_close(L);
        if (husk_memory_held() != 0)
            fail("after lua_close", "bytes are held");
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } cases[] = {
        { "quiet", case_quiet }, { "fork", case_fork }, { "threads", case_threads }, { "close", case_close }
    };
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(argv[1], cases[i].name))
            return cases[i].run();
    fprintf(stderr, "usage: embed_main quiet|fork|threads|close\n");
    return 2;
}
