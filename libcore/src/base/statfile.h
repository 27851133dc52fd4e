/* base/statfile.h: where the files of statpage.h lie, and whether their owners live. */
#ifndef HUSK_BASE_STATFILE_H
#define HUSK_BASE_STATFILE_H

#include "base/statpage.h"

#include <sys/types.h>

#define STATFILE_NAME "husk-gcstat."

/* Folder number i in which the file of a process of this user may lie: where this process would put its own comes
 * first. False: no more. */
bool husk__statfile_folder(unsigned i, uid_t user, char path[STATPAGE_PATH]);
bool husk__statfile_path(const char *folder, int pid, char path[STATPAGE_PATH]);

/* The open file is locked by the process that made it. */
bool husk__statfile_is_owned(int file);
bool husk__statfile_own(int file);
/* The file at this path, opened as file, has no owner any more: removes it, if it is of our user. */
void husk__statfile_sweep(const char *path, int file);

#endif
