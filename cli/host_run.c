/* cli/host_run.c: other programs: running one in front, and what has to be known of files for that. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The words of the table at `index` as execvp wants them, in memory of Lua's that stays on the stack. */
static char **words_of(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    size_t count = (size_t)luaL_len(L, index);
    luaL_argcheck(L, count > 0, index, "no command");
    char **words = lua_newuserdatauv(L, (count + 1) * sizeof *words, 1);
    lua_newtable(L); /* keeps the strings */
    for (size_t i = 0; i < count; i++) {
        lua_geti(L, index, (lua_Integer)i + 1);
        words[i] = (char *)(size_t)luaL_checkstring(L, -1);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    words[count] = NULL;
    lua_setiuservalue(L, -2, 1);
    return words;
}

/* In the child. The variables are set one by one: what is not named stays. */
static _Noreturn void become(lua_State *L, char **words, int variables, int report)
{
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigemptyset(&usual.sa_mask);
    sigaction(SIGINT, &usual, NULL);
    sigaction(SIGQUIT, &usual, NULL);
    bool set = true;
    for (lua_pushnil(L); set && lua_next(L, variables); lua_pop(L, 1))
        set = setenv(lua_tostring(L, -2), lua_tostring(L, -1), 1) == 0;
    char id[32];
    (void)snprintf(id, sizeof id, "%ld", (long)getpid());
    if (set && setenv("HUSK_PRELOAD_ROOT", id, 1) == 0)
        (void)execvp(words[0], words);
    int why = errno;
    ssize_t written = write(report, &why, sizeof why);
    (void)written;
    _exit(127);
}

/* The child's errno, or 0 if it became the command: then the pipe just closes. */
static int read_report(int pipe)
{
    int why = 0;
    ssize_t got;
    while ((got = read(pipe, &why, sizeof why)) < 0 && errno == EINTR) {
    }
    return got == sizeof why ? why : 0;
}

/* host.run(words, variables): runs a command in front, with these variables set. Its exit code; 128 + n and n if
 * signal n ended it; nil, text and errno if it cannot be run. SIGINT and SIGQUIT are the command's alone. */
static int host_run(lua_State *L)
{
    char **words = words_of(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return luaL_fileresult(L, 0, words[0]);
    struct sigaction deaf = { .sa_handler = SIG_IGN }, interrupt, quit;
    sigemptyset(&deaf.sa_mask);
    sigaction(SIGINT, &deaf, &interrupt);
    sigaction(SIGQUIT, &deaf, &quit);
    pid_t child = fork();
    if (child == 0)
        become(L, words, 2, ends[1]);
    int why = child < 0 ? errno : 0, status = 0;
    close(ends[1]);
    if (child > 0) {
        why = read_report(ends[0]);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    if (why) {
        errno = why;
        return luaL_fileresult(L, 0, words[0]);
    }
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    lua_pushinteger(L, number ? 128 + number : WEXITSTATUS(status));
    if (!number)
        return 1;
    lua_pushinteger(L, number);
    return 2;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

/* host.stat(path): a table, or nil and why. `mark` is another one when the file has been written anew. */
static int host_stat(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat status;
    if (stat(path, &status) != 0)
        return luaL_fileresult(L, 0, path);
    lua_newtable(L);
    set_integer(L, "size", (lua_Integer)status.st_size);
    lua_pushboolean(L, S_ISDIR(status.st_mode));
    lua_setfield(L, -2, "is_directory");
    lua_pushboolean(L, S_ISREG(status.st_mode) && access(path, X_OK) == 0);
    lua_setfield(L, -2, "is_program");
    lua_pushboolean(L, (status.st_mode & S_ISUID && status.st_uid != getuid()) ||
                           (status.st_mode & S_ISGID && status.st_gid != getgid()));
    lua_setfield(L, -2, "changes_user");
    lua_pushfstring(L, "%I:%I:%I.%I", (LUAI_UACINT)status.st_dev, (LUAI_UACINT)status.st_ino,
                    (LUAI_UACINT)status.st_mtim.tv_sec, (LUAI_UACINT)status.st_mtim.tv_nsec);
    lua_setfield(L, -2, "mark");
    return 1;
}

/* host.may_write(path): whether a file may be made or replaced there; else nil and why. */
static int host_may_write(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    const char *slash = strrchr(path, '/');
    lua_pushlstring(L, path, slash ? (size_t)(slash - path) + 1 : 0);
    const char *folder = slash ? lua_tostring(L, -1) : ".";
    if (access(folder, W_OK | X_OK) != 0)
        return luaL_fileresult(L, 0, path);
    lua_pushboolean(L, 1);
    return 1;
}

/* host.library(name): the path of a library of ours, beside the program as it was built or installed, or nil. */
static int host_library(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    char *slash = strrchr(program, '/');
    static const char *const ways[] = { HUSK_TO_LIB, "../lib" };
    for (size_t i = 0; slash && i < sizeof ways / sizeof *ways; i++) {
        lua_pushfstring(L, "%s/%s/%s", (*slash = 0, program), ways[i], name);
        char whole[PATH_MAX];
        if (realpath(lua_tostring(L, -1), whole)) {
            lua_pushstring(L, whole);
            return 1;
        }
    }
    return 0;
}

void husk_cli_open_run(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "run", host_run },         { "stat", host_stat }, { "may_write", host_may_write },
        { "library", host_library }, { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
