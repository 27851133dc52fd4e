/* cli/watch.c: waiting on a terminal, for commands that draw again and again: time passes, a key is pressed, the
 * window changes its size, or a signal wants an end. Signals are let in while waiting only, so that none is lost and
 * none interrupts a drawing. Whatever happens the terminal is left as it was found. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
enum { CAUGHT = sizeof caught / sizeof *caught };

static struct {
    bool on, keys, hidden; /* hidden: the cursor, by whoever draws */
    struct termios before;
    struct sigaction actions[CAUGHT];
    sigset_t mask;
} watch;
static volatile sig_atomic_t end_by, stop_asked, resized;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        resized = 1;
    else if (number == SIGTSTP)
        stop_asked = 1;
    else
        end_by = number;
}

/* What a write to a terminal that is gone leads to is somebody else's question. */
static void say(const char *sequence)
{
    ssize_t ignored = write(STDOUT_FILENO, sequence, strlen(sequence));
    (void)ignored;
}

/* A process in the background may not change the terminal. */
static bool in_foreground(void)
{
    return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void enter(void)
{
    watch.keys = watch.hidden && in_foreground() && tcgetattr(STDIN_FILENO, &watch.before) == 0;
    if (watch.keys) {
        struct termios now = watch.before;
        now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        now.c_cc[VMIN] = 0;
        now.c_cc[VTIME] = 0;
        watch.keys = tcsetattr(STDIN_FILENO, TCSADRAIN, &now) == 0;
    }
    if (watch.hidden)
        say("\033[?25l");
}

static void leave(void)
{
    if (watch.hidden)
        say("\033[?25h");
    if (watch.keys)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &watch.before);
    watch.keys = false;
}

/* host.watch_begin(draws): draws: the cursor is hidden, and keys are read one by one; else the terminal belongs to
 * somebody else. */
static int watch_begin(lua_State *L)
{
    if (watch.on)
        return 0;
    struct sigaction ours = { .sa_handler = on_signal };
    sigset_t block;
    sigemptyset(&block);
    for (int i = 0; i < CAUGHT; i++)
        sigaddset(&block, caught[i]);
    sigprocmask(SIG_BLOCK, &block, &watch.mask);
    ours.sa_mask = block;
    end_by = stop_asked = resized = 0;
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &ours, &watch.actions[i]);
    watch.on = true;
    watch.hidden = lua_toboolean(L, 1);
    enter();
    return 0;
}

/* host.watch_end(): as it was. A signal other than SIGINT that ended the wait has its usual effect now. */
static int watch_end(lua_State *L)
{
    (void)L;
    if (!watch.on)
        return 0;
    leave();
    watch.on = false;
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &watch.actions[i], NULL);
    int number = end_by;
    sigprocmask(SIG_SETMASK, &watch.mask, NULL);
    if (number && number != SIGINT)
        raise(number);
    return 0;
}

/* Ctrl-Z: the shell gets its terminal as it was, and we get it back later. */
static void stop(void)
{
    stop_asked = 0;
    leave();
    raise(SIGSTOP);
    enter();
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* host.watch_wait(seconds): "time", "interrupt", "resize", or the key. */
static int watch_wait(lua_State *L)
{
    double until = now() + luaL_checknumber(L, 1);
    for (;;) {
        double left = until - now();
        if (left < 0)
            left = 0;
        struct timespec most = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        int got = ppoll(&input, watch.keys ? 1 : 0, &most, &watch.mask);
        if (end_by) {
            lua_pushliteral(L, "interrupt");
            return 1;
        }
        if (stop_asked || resized) {
            if (stop_asked)
                stop();
            resized = 0;
            lua_pushliteral(L, "resize");
            return 1;
        }
        if (got == 0) {
            lua_pushliteral(L, "time");
            return 1;
        }
        char key;
        ssize_t length = got > 0 ? read(STDIN_FILENO, &key, 1) : -1;
        if (length == 1) {
            lua_pushlstring(L, &key, 1);
            return 1;
        }
        if (length == 0 || (got > 0 && errno != EINTR && errno != EAGAIN))
            watch.keys = false; /* the terminal is gone */
    }
}

/* host.columns(): columns and rows of the terminal on standard output; 80 and 24 if it does not tell. */
static int columns(lua_State *L)
{
    struct winsize size = { 0 };
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
        size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

void husk_cli_open_watch(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "watch_begin", watch_begin },
        { "watch_end", watch_end },
        { "watch_wait", watch_wait },
        { "columns", columns },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
