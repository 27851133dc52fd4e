/* cli/repl.c: lines from a terminal, with history and completion (libedit), or from anything else (fgets).
 *
 * libedit's own signal handling is off: it sends a caught signal to the whole process group. We read the
 * characters, so a SIGINT is seen there and ends the line. What a name may be completed to, Lua says. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

static volatile sig_atomic_t hit; /* SIGINT while a line is read */

static void on_interrupt(int number)
{
    (void)number;
    hit = 1;
}

#ifdef HUSK_HAVE_LIBEDIT
#include <histedit.h>

static EditLine *editor;
static History *history_list;
static HistEvent history_event;
static char *history_file;
static lua_State *completer;     /* the state that reads a line */
static const char completer_key; /* registry: its function */
static char prompt_text[64];
static volatile sig_atomic_t resized;

static char *give_prompt(EditLine *e)
{
    (void)e;
    return prompt_text;
}

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

static int read_character(EditLine *e, wchar_t *out)
{
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (;;) {
        char byte;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) {
            if (resized) {
                resized = 0;
                el_resize(e);
            }
            if (!hit)
                continue;
        }
        if (got <= 0)
            return (int)got;
        size_t length = mbrtowc(out, &byte, 1, &state);
        if (length == (size_t)-1) {
            *out = L'?';
            return 1;
        }
        if (length != (size_t)-2)
            return 1;
    }
}

typedef struct request { /* to Lua, and back, without an error passing through libedit */
    const char *text;
    size_t length;
    char insert[256];
    bool shown;
} request;

static int ask_lua(lua_State *L)
{
    request *r = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &completer_key);
    lua_pushlstring(L, r->text, r->length);
    lua_call(L, 1, 2);
    if (lua_type(L, -2) == LUA_TSTRING)
        snprintf(r->insert, sizeof r->insert, "%s", lua_tostring(L, -2));
    if (lua_type(L, -1) == LUA_TSTRING) {
        printf("\n%s\n", lua_tostring(L, -1));
        r->shown = true;
    }
    return 0;
}

static unsigned char complete(EditLine *e, wint_t character)
{
    const LineInfo *line = el_line(e);
    request r = { line->buffer, (size_t)(line->cursor - line->buffer), "", false };
    (void)character;
    if (!lua_checkstack(completer, 4))
        return CC_ERROR;
    lua_pushcfunction(completer, ask_lua);
    lua_pushlightuserdata(completer, &r);
    if (lua_pcall(completer, 1, 0, 0) != LUA_OK) {
        lua_pop(completer, 1);
        return CC_ERROR;
    }
    if (*r.insert && el_insertstr(e, r.insert) < 0)
        return CC_ERROR;
    return r.shown ? CC_REDISPLAY : *r.insert ? CC_REFRESH : CC_ERROR;
}

/* host.line_open(history_file or nil, complete): complete(text) gives what to insert and what to show.
 * Returns whether there is a line editor. */
static int line_open(lua_State *L)
{
    const char *file = luaL_optstring(L, 1, NULL);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &completer_key);
    if (editor || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        lua_pushboolean(L, editor != NULL);
        return 1;
    }
    editor = el_init("husk", stdin, stdout, stderr);
    history_list = editor ? history_init() : NULL;
    if (!history_list) {
        if (editor)
            el_end(editor);
        editor = NULL;
        lua_pushboolean(L, 0);
        return 1;
    }
    el_set(editor, EL_PROMPT, give_prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_SIGNAL, 0);
    el_set(editor, EL_GETCFN, read_character);
    el_wset(editor, EL_ADDFN, L"husk-complete", L"completes a Lua name", complete); /* el_set leaks copies */
    el_set(editor, EL_BIND, "^I", "husk-complete", NULL);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history(history_list, &history_event, H_SETSIZE, 1000);
    history(history_list, &history_event, H_SETUNIQUE, 1);
    el_set(editor, EL_HIST, history, history_list);
    el_source(editor, NULL); /* ~/.editrc has the last word */
    if (file && (history_file = strdup(file)))
        history(history_list, &history_event, H_LOAD, history_file);
    lua_pushboolean(L, 1);
    return 1;
}

static int line_close(lua_State *L)
{
    (void)L;
    if (!editor)
        return 0;
    if (history_file) {
        mode_t before = umask(077); /* what was typed is nobody else's */
        history(history_list, &history_event, H_SAVE, history_file);
        umask(before);
        free(history_file);
        history_file = NULL;
    }
    history_end(history_list);
    el_end(editor);
    editor = NULL;
    return 0;
}

/* A line of the terminal in *text, valid until the next one; false: the end, or SIGINT. */
static bool edit_line(lua_State *L, const char *prompt, const char **text, size_t *length)
{
    struct sigaction ours = { .sa_handler = on_resize }, before;
    sigemptyset(&ours.sa_mask);
    snprintf(prompt_text, sizeof prompt_text, "%s", prompt);
    completer = L;
    sigaction(SIGWINCH, &ours, &before);
    int count = 0;
    *text = el_gets(editor, &count);
    sigaction(SIGWINCH, &before, NULL);
    *length = count > 0 ? (size_t)count : 0;
    return *text && count > 0;
}

static void remember(const char *text)
{
    if (editor)
        history(history_list, &history_event, H_ENTER, text);
}

static bool has_editor(void)
{
    return editor != NULL;
}
#else
static int line_open(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}

static int line_close(lua_State *L)
{
    (void)L;
    return 0;
}

static bool edit_line(lua_State *L, const char *prompt, const char **text, size_t *length)
{
    (void)L, (void)prompt, (void)text, (void)length;
    return false;
}

static void remember(const char *text)
{
    (void)text;
}

static bool has_editor(void)
{
    return false;
}
#endif

static bool plain_line(const char *prompt, char **room, size_t *size, size_t *length)
{
    if (isatty(STDIN_FILENO)) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    clearerr(stdin);
    ssize_t got = getline(room, size, stdin);
    *length = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* host.line_read(prompt): the line without its end; nil at the end of input; false after SIGINT. */
static int line_read(lua_State *L)
{
    static char *room; /* of getline; kept for the next line */
    static size_t size;
    const char *prompt = luaL_checkstring(L, 1);
    struct sigaction ours = { .sa_handler = on_interrupt }, before;
    sigemptyset(&ours.sa_mask);
    hit = 0;
    sigaction(SIGINT, &ours, &before);
    const char *text = NULL;
    size_t length = 0;
    bool there;
    if (has_editor()) {
        there = edit_line(L, prompt, &text, &length);
    } else {
        there = plain_line(prompt, &room, &size, &length);
        text = room;
    }
    sigaction(SIGINT, &before, NULL);
    if (hit) {
        putchar('\n');
        lua_pushboolean(L, 0);
        return 1;
    }
    if (!there) {
        lua_pushnil(L);
        return 1;
    }
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    lua_pushlstring(L, text, length);
    return 1;
}

static int line_add(lua_State *L)
{
    remember(luaL_checkstring(L, 1));
    return 0;
}

void husk_cli_open_lines(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "line_open", line_open },
        { "line_read", line_read },
        { "line_add", line_add },
        { "line_close", line_close },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
