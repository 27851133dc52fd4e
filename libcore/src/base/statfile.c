/* base/statfile.c: see statfile.h. The locks are those of open files (F_OFD_SETLK): other opens and closes of the file
 * in the same process do not end them, as they would with those of processes. */
#define _GNU_SOURCE
#include "base/statfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of this user's, for its running programs (XDG base directories). */
static bool runtime_folder(uid_t user, char path[STATPAGE_PATH])
{
    struct stat about;
    const char *named = user == geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;
    int length = named && named[0] == '/'
                     ? snprintf(path, STATPAGE_PATH, "%s", named)
                     : snprintf(path, STATPAGE_PATH, "/run/user/%lu", (unsigned long)user);
    return length > 0 && length < STATPAGE_PATH && stat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
           about.st_uid == user;
}

bool husk__statfile_folder(unsigned i, uid_t user, char path[STATPAGE_PATH])
{
    if (runtime_folder(user, path)) {
        if (i == 0)
            return true;
        i--;
    }
    (void)snprintf(path, STATPAGE_PATH, "/dev/shm");
    return i == 0;
}

bool husk__statfile_path(const char *folder, int pid, char path[STATPAGE_PATH])
{
    int length = snprintf(path, STATPAGE_PATH, "%s/" STATFILE_NAME "%d", folder, pid);
    return length > 0 && length < STATPAGE_PATH;
}

bool husk__statfile_own(int file)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool husk__statfile_is_owned(int file)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    return fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

void husk__statfile_sweep(const char *path, int file)
{
    struct stat opened, named;
    if (fstat(file, &opened) == 0 && opened.st_uid == geteuid() && lstat(path, &named) == 0 &&
        named.st_ino == opened.st_ino && named.st_dev == opened.st_dev && !husk__statfile_is_owned(file))
        (void)unlink(path);
}
