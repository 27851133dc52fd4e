/* tests/fuzz/ffi.c: any bytes as the text of a type. What parses is spelled, and parses again to the same
 * type; it is made ready to be called where it is a function, and a heap type where it is a struct. What
 * does not parse leaves the space as it was.
 *
 * With HUSK_FUZZER it is a target for libFuzzer; without, a program over files, folders and damaged copies
 * of them. */
#include <husk/ffi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "%s: %s\n", what, husk_message());
    abort();
}

static void nobody(void *data, void *const *args, size_t count, void *result)
{
    (void)data;
    (void)args;
    (void)count;
    (void)result;
}

static void use(husk_ffi_space *space, const husk_ffi_type *type)
{
    static char spelled[2 * HUSK_FFI_MAX_TEXT];
    const husk_ffi_type *again;
    /* A spelling may be longer than a text may be: "T" is a letter and "unsigned long" two words for
     * "u64". */
    if (husk_ffi_type_spell(type, spelled, sizeof spelled) == HUSK_OK &&
        strlen(spelled) <= HUSK_FFI_MAX_TEXT) {
        must(husk_ffi_parse(space, spelled, &again) == HUSK_OK, spelled);
        must(again == type, spelled);
    }
    if (husk_ffi_type_kind(type) == HUSK_FFI_FUNCTION) {
        husk_ffi_call *call;
        husk_ffi_closure *closure;
        void *code;
        if (husk_ffi_call_new(space, type, space, NULL, 0, &call) == HUSK_OK)
            husk_ffi_call_free(call);
        if (husk_ffi_closure_new(space, type, NULL, nobody, NULL, NULL, &closure, &code) == HUSK_OK)
            husk_ffi_closure_end(closure);
    }
    husk_ffi_field field;
    for (size_t i = 0; husk_ffi_type_field(type, i, &field); i++)
        must(field.offset + husk_ffi_type_size(field.type) <= husk_ffi_type_size(type), spelled);
}

static void try_text(const char *text)
{
    husk_ffi_space *space;
    const husk_ffi_type *type;
    must(husk_ffi_space_new(&space) == HUSK_OK, "space");
    must(husk_ffi_struct_declare(space, "struct Open", &type) == HUSK_OK, "declare");
    must(husk_ffi_typedef(space, "Open", type) == HUSK_OK, "typedef");
    size_t count = husk_ffi_space_count(space);
    size_t held = husk_ffi_memory_held();
    if (husk_ffi_parse(space, text, &type) == HUSK_OK) {
        use(space, type);
    } else {
        must(!type && husk_ffi_space_count(space) == count, "a failed text left types behind");
        must(husk_ffi_memory_held() <= held + 4096 * sizeof(void *), "a failed text left memory behind");
    }
    husk_ffi_space_free(space);
    husk_ffi_quarantine_empty();
    must(husk_ffi_memory_held() == 0, "memory is held");
}

static void try_bytes(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    if (size)
        memcpy(text, bytes, size);
    text[size] = 0;
    try_text(text);
    free(text);
}

#ifdef HUSK_FUZZER

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    try_bytes(bytes, size);
    return 0;
}

#else

/* Texts of the grammar's words in any order: most of them wrong somewhere. */
static void try_random(unsigned long seed, size_t rounds)
{
    static const char *const words[] = { "i32",
                                         "f64",
                                         "void",
                                         "str",
                                         "ref",
                                         "unsigned",
                                         "long",
                                         "Open",
                                         "struct ",
                                         "union",
                                         "enum",
                                         "{",
                                         "}",
                                         "{",
                                         "}",
                                         "(",
                                         ")",
                                         "(",
                                         ")",
                                         "*",
                                         "[",
                                         "]",
                                         "[2]",
                                         ",",
                                         ",",
                                         ":",
                                         "x:",
                                         "y:",
                                         "a",
                                         "=",
                                         "-",
                                         "7",
                                         "...",
                                         ",...)",
                                         "enum{A,B=3}",
                                         "enum:u8{",
                                         "{x:i8,y:f64[3]}",
                                         "i32(i32,str)*",
                                         " ",
                                         "\t",
                                         "\x80",
                                         "18446744073709551616",
                                         "{union{a:i32,b:ref},c:bool}" };
    uint64_t state = seed;
    for (size_t round = 0; round < rounds; round++) {
        char text[512];
        size_t used = 0;
        size_t wanted = 1 + (state >> 33) % 24;
        text[0] = 0;
        for (size_t i = 0; i < wanted; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const char *word = words[(state >> 33) % (sizeof words / sizeof *words)];
            int n = snprintf(text + used, sizeof text - used, "%s", word);
            used += (size_t)n;
        }
        try_text(text);
    }
}

/* FILE: each line is a text, tried whole, cut short, and with one byte changed. */
static size_t try_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    char line[4096];
    size_t tried = 0;
    while (fgets(line, sizeof line, file)) {
        size_t size = strcspn(line, "\n");
        try_bytes((const uint8_t *)line, size);
        for (size_t cut = 0; cut < size; cut++)
            try_bytes((const uint8_t *)line, cut);
        static const char other[] = "{}()[]*,:. a0-\x7F";
        for (size_t at = 0; at < size; at++) {
            char kept = line[at];
            for (const char *o = other; *o; o++) {
                line[at] = *o;
                try_bytes((const uint8_t *)line, size);
            }
            line[at] = kept;
        }
        tried++;
    }
    (void)fclose(file);
    return tried;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE...\n", argv[0]);
        return 2;
    }
    size_t tried = 0;
    for (int i = 1; i < argc; i++)
        tried += try_file(argv[i]);
    try_random(1, 200000);
    printf("%zu texts and what is near them\n", tried);
    return tried ? 0 : 1;
}

#endif
