/* ffi_fixture.c: a small C library with owners, for the tests of husk.ffi. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <husk.h>

typedef struct thing {
    int number, count;
    struct thing *child;
    const char *label;
    int (*hook)(int);
} thing;

#define EXPORT __attribute__((visibility("default")))

EXPORT int thing_alive;

EXPORT thing *thing_new(int number);
EXPORT void thing_free(thing *t);
EXPORT thing *thing_child(thing *t);
EXPORT void thing_take(thing *t, thing *child);
EXPORT void thing_label(thing *t, const char *label);
EXPORT const char *thing_label_of(thing *t);
EXPORT void thing_hook(thing *t, int (*hook)(int));
EXPORT int thing_run(thing *t, int x);
EXPORT int thing_open(int number, thing **out);
EXPORT int thing_divide(int a, int b, int *quotient, int *rest);
EXPORT int on_thread(int (*f)(int), int x);
EXPORT husk_obj *same_object(husk_obj *o);
EXPORT husk_obj *new_list(husk_heap *heap);
EXPORT size_t count_of(husk_obj *o);
EXPORT void eat(husk_obj *o);
EXPORT void steal(husk_obj *o);
EXPORT double point_x(const void *point);
#define TEN(x)                                                                                               \
    int x##0, int x##1, int x##2, int x##3, int x##4, int x##5, int x##6, int x##7, int x##8, int x##9
#define FOUR(x) int x##0, int x##1, int x##2, int x##3
#define FIVE(x) FOUR(x), int x##4
EXPORT int forty(TEN(a), TEN(b), TEN(c), FOUR(d), int (*f)(int), FIVE(e));
EXPORT int forty_again(int x);
EXPORT void eat_late(TEN(a), TEN(b), TEN(c), FOUR(d), husk_obj *o);

thing *thing_new(int number)
{
    if (number < 0) {
        errno = EDOM;
        return NULL;
    }
    thing *t = calloc(1, sizeof *t);
    t->number = number;
    thing_alive++;
    return t;
}

void thing_free(thing *t)
{
    if (!t)
        return;
    thing_free(t->child);
    free(t);
    thing_alive--;
}

thing *thing_child(thing *t)
{
    return t->child;
}

void thing_take(thing *t, thing *child)
{
    thing_free(t->child);
    t->child = child;
}

void thing_label(thing *t, const char *label)
{
    t->label = label;
}

const char *thing_label_of(thing *t)
{
    return t->label;
}

void thing_hook(thing *t, int (*hook)(int))
{
    t->hook = hook;
}

int thing_run(thing *t, int x)
{
    return t->hook ? t->hook(x) : -1;
}

int thing_open(int number, thing **out)
{
    *out = thing_new(number);
    return *out ? 0 : errno;
}

int thing_divide(int a, int b, int *quotient, int *rest)
{
    if (!b)
        return EDOM;
    *quotient = a / b;
    if (rest)
        *rest = a % b;
    return 0;
}

typedef struct job {
    int (*f)(int);
    int x, result;
} job;

static void *work(void *data)
{
    job *j = data;
    j->result = j->f(j->x);
    return NULL;
}

int on_thread(int (*f)(int), int x)
{
    job j = { f, x, -1 };
    pthread_t id;
    if (pthread_create(&id, NULL, work, &j) != 0)
        return -2;
    pthread_join(id, NULL);
    return j.result;
}

husk_obj *same_object(husk_obj *o)
{
    return o;
}

husk_obj *new_list(husk_heap *heap)
{
    return husk_list_new(heap);
}

size_t count_of(husk_obj *o)
{
    return husk_obj_strong_count(o);
}

void eat(husk_obj *o)
{
    husk_obj_release(o);
}

void steal(husk_obj *o)
{
    husk_obj_release(o);
}

double point_x(const void *point)
{
    return *(const double *)point;
}

static int (*late)(int);

int forty(TEN(a), TEN(b), TEN(c), FOUR(d), int (*f)(int), FIVE(e))
{
    late = f;
    return f(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7 + b8 +
             b9 + c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + d0 + d1 + d2 + d3 + e0 + e1 + e2 + e3 +
             e4);
}

int forty_again(int x)
{
    return late(x);
}

void eat_late(TEN(a), TEN(b), TEN(c), FOUR(d), husk_obj *o)
{
    if (a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7 + b8 + b9 +
            c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + d0 + d1 + d2 + d3 ==
        34)
        husk_obj_release(o);
}
