/* tests/preload/own.c: a program with a malloc of its own: the simplest one there is. */
#include <stddef.h>
#include <string.h>

static _Alignas(16) char room[1 << 22];
static size_t used;

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *block, size_t bytes);
void free(void *block);

void *malloc(size_t bytes)
{
    size_t need = (bytes + 31) & ~(size_t)15;
    if (need < bytes || need > sizeof room - used)
        return NULL;
    char *at = room + used;
    used += need;
    memcpy(at, &bytes, sizeof bytes);
    return at + 16;
}

void *calloc(size_t count, size_t bytes)
{
    return bytes && count > sizeof room / bytes ? NULL : malloc(count * bytes);
}

void *realloc(void *block, size_t bytes)
{
    void *fresh = malloc(bytes);
    size_t have = 0;
    if (block)
        memcpy(&have, (char *)block - 16, sizeof have);
    if (fresh && have)
        memcpy(fresh, block, have < bytes ? have : bytes);
    return fresh;
}

void free(void *block)
{
    (void)block;
}

int main(void)
{
    char *volatile text = malloc(100);
    strcpy(text, "own");
    return text[0] == 'o' ? 0 : 1;
}
