/* tests/flow/fork.c: a child process with the heap of its parent. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 1000 };

/* In the child: 0 if all is well. */
static int child(husk_heap *heap, husk_obj *head)
{
    if (husk_heap_verify(heap) != HUSK_OK || objects_of(heap) != KEPT)
        return 1;
    husk_pass pass;
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != 0)
        return 2;
    for (int i = 0; i < 100; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        if (!obj)
            return 3;
        husk_obj_set(obj, &node_of(obj)->a, obj);
        husk_obj_set(obj, &node_of(obj)->b, head);
        husk_obj_release(obj);
    }
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != 100)
        return 4;
    husk_obj_release(head);
    if (objects_of(heap) != 0 || husk_heap_verify(heap) != HUSK_OK)
        return 5;
    husk_heap_close(heap);
    return husk_memory_held() ? 6 : 0;
}

static void freeze_and_fork(husk_heap *heap)
{
    HOLD head = NULL;
    for (int i = 0; i < KEPT; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    husk_heap_freeze(heap);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(heap, head));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    husk_heap_unfreeze(heap);
    verify(heap);
    assert_int_equal(objects_of(heap), KEPT);
}

STORIES(STORY(freeze_and_fork, STORY_NO_FAULT));
