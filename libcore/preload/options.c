/* preload/options.c: see options.h. */
#define _GNU_SOURCE
#include "preload/options.h"

#include <husk/trace.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void preload_complain(const char *format, ...)
{
    char line[PRELOAD_PATH_MOST + 256] = "husk-preload: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    length += more < 0 ? 0 : (size_t)more;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    ssize_t written = write(2, line, length);
    (void)written;
}

static bool complain(const char *name, const char *value, const char *wanted)
{
    preload_complain("%s=%.200s%s: it is %s; nothing is traced", name, value,
                     strlen(value) > 200 ? "..." : "", wanted);
    return false;
}

static bool read_number(const char *text, uint64_t *out, const char **end)
{
    if (*text < '0' || *text > '9')
        return false;
    char *after;
    errno = 0;
    *out = strtoull(text, &after, 10);
    *end = after;
    return errno == 0;
}

static bool read_frames(const char *name, const char *value, struct preload_options *out)
{
    uint64_t number;
    const char *end;
    if (!read_number(value, &number, &end) || *end || number < 1 || number > HUSK_TRACE_MOST_FRAMES)
        return complain(name, value, "a number of frames, 1 to 65535");
    out->frames = (uint32_t)number;
    return true;
}

static bool read_sample(const char *name, const char *value, struct preload_options *out)
{
    static const char units[] = "KMG";
    uint64_t number;
    const char *end;
    bool good = read_number(value, &number, &end);
    const char *unit = good && *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? (unsigned)(unit - units + 1) * 10 : 0;
    if (!good || end[unit ? 1 : 0] || number > (uint64_t)1 << (48 - shift))
        return complain(name, value, "a number of bytes, as 524288, 512K or 1M, up to 2^48");
    out->sample = (size_t)number << shift;
    return true;
}

static bool read_follow(const char *name, const char *value, struct preload_options *out)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return complain(name, value, "0 or 1");
    out->follow = *value == '1';
    return true;
}

static bool read_signal(const char *name, const char *value, struct preload_options *out)
{
    uint64_t number;
    const char *end, *word = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
    if (read_number(value, &number, &end) && !*end && number > 0 && number < NSIG)
        out->signal = (int)number;
    for (int n = 1; n < NSIG && !out->signal; n++)
        if (sigabbrev_np(n) && strcmp(sigabbrev_np(n), word) == 0)
            out->signal = n;
    if (!out->signal || out->signal == SIGKILL || out->signal == SIGSTOP)
        return complain(name, value, "the name or number of a signal that can be caught, as USR2");
    return true;
}

static bool read_root(const char *name, const char *value, struct preload_options *out)
{
    uint64_t number;
    const char *end;
    if (!read_number(value, &number, &end) || *end || number > INT32_MAX)
        return complain(name, value, "a process id");
    out->root = (pid_t)number;
    return true;
}

static bool read_out(const char *name, const char *value, struct preload_options *out)
{
    char here[PRELOAD_PATH_MOST] = "";
    if (*value != '/' && !getcwd(here, sizeof here))
        return complain(name, value, "a path that can be found (there is no current directory)");
    int length = snprintf(out->out, sizeof out->out, "%s%s%s", here, *here ? "/" : "", value);
    /* With room for what preload_options_path puts into it. */
    if (length < 0 || length > PRELOAD_PATH_MOST - 64)
        return complain(name, value, "a shorter path");
    return true;
}

bool preload_options_read(struct preload_options *out)
{
    static const struct {
        const char *name;
        bool (*read)(const char *name, const char *value, struct preload_options *out);
    } rows[] = {
        { "HUSK_PRELOAD_FRAMES", read_frames }, { "HUSK_PRELOAD_SAMPLE", read_sample },
        { "HUSK_PRELOAD_FOLLOW", read_follow }, { "HUSK_PRELOAD_SIGNAL", read_signal },
        { "HUSK_PRELOAD_ROOT", read_root },     { "HUSK_PRELOAD_OUT", read_out },
    };
    *out = (struct preload_options){ .frames = 32 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].name);
        if (value && *value && !rows[i].read(rows[i].name, value, out))
            return false;
    }
    char name[64];
    (void)snprintf(name, sizeof name, "trace.%ld.husk", (long)getpid());
    return *out->out || read_out("HUSK_PRELOAD_OUT", name, out);
}

void preload_options_path(const struct preload_options *options, pid_t pid, unsigned number,
                          char path[PRELOAD_PATH_MOST])
{
    const char *slash = strrchr(options->out, '/');
    const char *dot = strrchr(slash ? slash + 1 : options->out, '.');
    size_t stem = dot && dot != slash + 1 ? (size_t)(dot - options->out) : strlen(options->out);
    char id[24] = "", count[24] = "";
    if (pid != options->root)
        (void)snprintf(id, sizeof id, ".%ld", (long)pid);
    if (number)
        (void)snprintf(count, sizeof count, "-%u", number);
    (void)snprintf(path, PRELOAD_PATH_MOST, "%.*s%s%s%s", (int)stem, options->out, id, count,
                   options->out + stem);
}
