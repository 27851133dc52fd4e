/* view/glob.h: patterns for names. */
#ifndef HUSK_VIEW_GLOB_H
#define HUSK_VIEW_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the whole text is what the pattern says: * any text, ? any character, [abx-z] one of these, [!abx-z]
 * another one; a bracket that nothing closes is itself. Characters are those of UTF-8; a byte that is none is one
 * by itself. Case counts. */
bool husk__glob(const char *pattern, size_t pattern_length, const char *text, size_t length);

/* The same for files: what a compiler made of a source counts as the source (x.pyc as x.py, x.luac as x.lua), in
 * the pattern too. */
bool husk__glob_file(const char *pattern, size_t pattern_length, const char *text, size_t length);

#endif
