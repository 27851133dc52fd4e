/* Two objects that hold each other are dropped and collected: a program as somebody outside of Husk builds it. */
#include <husk.h>
#include <stdio.h>
#include <string.h>

typedef struct node {
    husk_obj *other;
} node;
static const husk_slot slots[] = { HUSK_REF(node, other) };
static const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "node", .size = sizeof(node), .slots = slots,
                                     .slot_count = 1 };

int main(void)
{
    husk_heap *heap;
    const husk_type *type;
    husk_pass pass = { 0 };
    if (husk_heap_new(NULL, &heap) || husk_type_register(&spec, &type))
        return 1;
    husk_obj *a = husk_obj_new(heap, type), *b = husk_obj_new(heap, type);
    if (!a || !b || husk_obj_set(a, &((node *)husk_obj_data(a))->other, b))
        return 1;
    husk_status failed =
        husk_obj_take(b, &((node *)husk_obj_data(b))->other, a); /* a's reference is b's now */
    husk_obj_release(b);
    failed |= husk_heap_collect(heap, &pass);
    husk_heap_close(heap);
    printf("husk %s: %zu collected\n", husk_version(), pass.collected);
    return failed || pass.collected != 2;
}
