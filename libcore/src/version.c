/* version.c: the version of the library that runs. */
#include <husk/base.h>

#define TEXT(x) #x
#define JOIN(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *husk_version(void)
{
    return JOIN(HUSK_VERSION_MAJOR, HUSK_VERSION_MINOR, HUSK_VERSION_PATCH);
}
