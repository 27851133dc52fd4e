/* tests/lines/place.h: code whose lines are known, compiled with line tables of each version (tests/CMakeLists.txt). */
#ifndef TESTS_LINES_PLACE_H
#define TESTS_LINES_PLACE_H

int place_3(int n), place_4(int n), place_5(int n);

/* Inlined, so that code of one function is of two files. */
static inline int place_turn(int n)
{
    for (int i = 0; i < 5; i++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return n;
}

#endif
