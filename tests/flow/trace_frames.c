/* tests/flow/trace_frames.c: what a place is made of: said, pushed, of sources and languages, native; and of which thread. */
#include "trace_story.h"

#include <pthread.h>

static husk_obj *here(husk_heap *heap)
{
    return husk_obj_new_here(heap, type_node);
}

static void said_places(husk_heap *heap)
{
    START(1, HUSK_TRACE_GIVEN);
    HOLD obj = here(heap);
    TRY(obj);
    if (!story_failing) {
        assert_non_null(strstr(place_of(obj), "trace_frames.c:"));
        assert_non_null(strstr(place_of(obj), " here"));
    }
    HOLD unsaid = husk_obj_new(heap, type_node); /* what was said is used up */
    TRY(unsaid);
    assert_string_equal(place_of(unsaid), "?");
    assert_int_equal(figures(heap).count, 2);
    assert_true(figures(heap).unknown >= 1);
}

static void pushed_frames(husk_heap *heap)
{
    TRY_OK(husk_trace_push(heap, "a.x", 1, "main")); /* before tracing begins */
    START(3, HUSK_TRACE_GIVEN);
    TRY_OK(husk_trace_push(heap, "b.x", 10, "outer"));
    TRY_OK(husk_trace_push(heap, "b.x", 20, NULL));
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    if (!story_failing)
        assert_string_equal(place_of(obj), "b.x:20 <b.x:10 outer<a.x:1 main");
    TRY_OK(husk_trace_line(heap, 21));
    HOLD next = husk_obj_new_here(heap, type_node);
    TRY(next);
    if (!story_failing) {
        assert_non_null(strstr(place_of(next), " pushed_frames<b.x:21 <b.x:10 outer"));
        husk_snapshot *snapshot;
        TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
        TRY_OK(through_file(&snapshot));
        husk_node about;
        size_t number = husk_snapshot_find(snapshot, (uintptr_t)next);
        assert_int_not_equal(number, SIZE_MAX);
        assert_true(husk_snapshot_node(snapshot, number, &about));
        assert_int_equal(husk_snapshot_depth(snapshot, about.stack), 3);
        assert_int_equal(husk_snapshot_total_depth(snapshot, about.stack), 4);
        husk_frame frame;
        assert_true(husk_snapshot_frame(snapshot, about.stack, 1, &frame));
        assert_string_equal(frame.file, "b.x");
        assert_int_equal(frame.line, 21);
        assert_false(husk_snapshot_frame(snapshot, about.stack, 3, &frame));
        husk_snapshot_free(snapshot);
    }
    TRY_OK(husk_trace_pop(heap));
    TRY_OK(husk_trace_pop(heap));
    TRY_OK(husk_trace_pop(heap));
    assert_int_equal(husk_trace_pop(heap), HUSK_ESTATE);
    husk_heap_clear_failure(heap);
}

/* A script of three frames, the newest in line 7, of which the source knows all but the newest by number. */
struct script {
    uint32_t line, known[2];
    uint64_t round, serial;
    unsigned asked, ended, forgotten;
};

static size_t tell_script(husk_trace_sink *sink, void *data)
{
    static const char *const functions[] = { "middle", NULL };
    struct script *script = data;
    script->asked++;
    size_t more = 0;
    script->serial = husk_trace_serial(sink);
    if (script->round != husk_trace_frame_round(sink)) {
        script->round = husk_trace_frame_round(sink);
        script->forgotten++;
        memset(script->known, 0, sizeof script->known);
    }
    bool room = husk_trace_add(sink, "s.lua", 5, script->line, "inner");
    for (unsigned i = 0; i < 2; i++) {
        if (!script->known[i])
            script->known[i] = husk_trace_frame(sink, "s.lua and more", 5, 10 * (i + 1), functions[i]);
        if (room)
            room = husk_trace_add_frame(sink, script->known[i]);
        else
            more++;
    }
    return more;
}

static void end_script(void *data)
{
    ((struct script *)data)->ended++;
}

static void frames_of_a_source(husk_heap *heap)
{
    static struct script script; /* a story that fails ends before its heap */
    script = (struct script){ .line = 7 };
    TRY_OK(husk_trace_set_source(heap, tell_script, &script, end_script, NULL, 0));
    START(3, HUSK_TRACE_LANGUAGE);
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    if (!story_failing)
        assert_string_equal(place_of(a), "s.lua:7 inner<s.lua:10 middle<s.lua:20 ");
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    if (!story_failing) {
        assert_string_equal(place_of(b), "s.lua:7 inner<s.lua:10 middle<s.lua:20 ");
        assert_int_equal(figures(heap).places, 1);
    }
    assert_int_equal(script.forgotten, 1);
    uint64_t serial = script.serial;
    husk_trace_stop(heap);
    START(2, HUSK_TRACE_LANGUAGE); /* cut: the third is counted, and filled in by nobody */
    script.line = 8;
    HOLD c = node_new(heap, type_node, 3);
    TRY(c);
    if (!story_failing)
        assert_string_equal(place_of(c), "s.lua:8 inner<s.lua:10 middle");
    assert_int_equal(script.asked, 3);
    assert_int_not_equal(script.serial, serial);
    if (!story_failing)
        assert_int_equal(script.forgotten, 2);
    TRY_OK(husk_trace_set_source(heap, NULL, NULL, NULL, NULL, 0));
    assert_int_equal(script.ended, 1);
    HOLD d = node_new(heap, type_node, 4);
    TRY(d);
    assert_string_equal(place_of(d), "?");
}

/* In another thread, whose births are another place's. */
static void *make_elsewhere(void *data)
{
    husk_heap *heap = data;
    return husk_trace_thread(heap) == HUSK_OK ? node_new(heap, type_node, 2) : NULL;
}

static void births_of_threads(husk_heap *heap)
{
    assert_int_equal(husk_trace_thread(heap), HUSK_ESTATE);
    husk_heap_clear_failure(heap);
    static struct script script;
    script = (struct script){ .line = 7 };
    TRY_OK(husk_trace_set_source(heap, tell_script, &script, NULL, NULL, 0));
    START(1, HUSK_TRACE_LANGUAGE);
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    pthread_t thread;
    void *made = NULL;
    assert_int_equal(pthread_create(&thread, NULL, make_elsewhere, heap), 0);
    assert_int_equal(pthread_join(thread, &made), 0);
    HOLD b = made;
    TRY(b);
    TRY_OK(husk_trace_thread(heap));
    HOLD c = node_new(heap, type_node, 3);
    TRY(c);
    if (!story_failing)
        assert_int_equal(figures(heap).places, 2);
    TRY_OK(husk_trace_set_source(heap, NULL, NULL, NULL, NULL, 0));
}

static void native_places(husk_heap *heap)
{
    START(1, HUSK_TRACE_NATIVE);
    HOLD list = husk_list_new(heap); /* the library's own frames are not shown: two lines, two places */
    HOLD text = husk_text_new(heap, "x", 1);
    TRY(list && text);
    husk_place_frame a, b;
    if (!story_failing) {
        assert_true(husk_trace_of(list, 0, &a));
        assert_true(husk_trace_of(text, 0, &b));
        assert_true(a.address && b.address && a.address != b.address);
        uintptr_t me = (uintptr_t)native_places;
        assert_in_range(a.address, me, me + 4096);
        assert_in_range(b.address, me, me + 4096);
    }
}

/* ---- a language's frames ---- */

typedef struct puppet { /* an interpreter with a stack, the newest frame first */
    struct {
        char file[32]; /* its memory is reused for other names, as that of a collected string is */
        uint32_t line;
        const char *function;
    } frames[4];
    size_t count;
} puppet;

static size_t puppet_frames(husk_trace_sink *sink, void *data)
{
    const puppet *s = data;
    size_t i = 0;
    while (i < s->count && husk_trace_add(sink, s->frames[i].file, strlen(s->frames[i].file),
                                          s->frames[i].line, s->frames[i].function))
        i++;
    return i + 1 < s->count ? s->count - i - 1 : 0;
}

static void language_frames(husk_heap *heap)
{
    puppet s = { .count = 3,
                 .frames = { { "new.x", 3, "inner" }, { "new.x", 7, NULL }, { "main.x", 9, "main" } } };
    TRY_OK(husk_trace_set_source(heap, puppet_frames, &s, NULL, NULL, 0));
    START(2, HUSK_TRACE_LANGUAGE | HUSK_TRACE_GIVEN);
    for (int round = 0; round < 3; round++) { /* the first learns the words, the others know them */
        HOLD obj = husk_obj_new(heap, type_node);
        TRY(obj);
        if (!story_failing)
            assert_string_equal(place_of(obj), "new.x:3 inner<new.x:7 ");
    }
    strcpy(s.frames[0].file, "old.x"); /* the same address, line and function, another text */
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    if (!story_failing)
        assert_string_equal(place_of(obj), "old.x:3 inner<new.x:7 ");
    HOLD given = here(heap);
    TRY(given);
    if (!story_failing) {
        assert_non_null(strstr(place_of(given), " here<old.x:3 inner"));
        husk_trace_stop(heap);
        /* The program plays the interpreter: its own frames give way to the script's, those of libc follow. */
        const void *code[] = { (const void *)(uintptr_t)puppet_frames };
        TRY_OK(husk_trace_set_source(heap, puppet_frames, &s, NULL, code, 1));
        START(5, 0);
        HOLD mixed = husk_obj_new(heap, type_node);
        TRY(mixed);
        const char *place = place_of(mixed);
        assert_ptr_equal(strstr(place, "old.x:3 inner<new.x:7 <main.x:9 main"), place);
    }
    TRY_OK(husk_trace_set_source(heap, NULL, NULL, NULL, NULL, 0));
}

STORIES(STORY(language_frames, 0), STORY(said_places, 0), STORY(pushed_frames, 0),
        STORY(frames_of_a_source, 0), STORY(births_of_threads, 0), STORY(native_places, 0));
