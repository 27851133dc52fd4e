/* bindings/python/host_list.c: husk.List, a mutable sequence. What is not here (index, count, pop, remove, extend,
 * reverse) comes from collections.abc.MutableSequence (husk/__init__.py).
 *
 * Comparison is identity, as for all objects of a heap. */
#include "host.h"

static husk_py_heap *home_of(PyObject *self)
{
    return ((husk_py_proxy *)self)->home;
}

static PyObject *out_of_range(PyObject *self, Py_ssize_t index, size_t count)
{
    (void)self;
    return husk_py_fail(HUSK_ERANGE, "list index %zd is out of range: the list has %zu item%s", index, count,
                        count == 1 ? "" : "s");
}

/* The item at index, which is not negative. */
static PyObject *list_item(PyObject *self, Py_ssize_t index)
{
    husk_obj *list = husk_py_obj(self);
    husk_value v;
    if (!list)
        return NULL;
    if (HUSK_PY_RARE(index < 0 || husk_list_peek(list, (size_t)index, &v) != HUSK_OK))
        return out_of_range(self, index, husk_list_count(list));
    return husk_py_from_value(home_of(self), v);
}

static Py_ssize_t list_length(PyObject *self)
{
    husk_obj *list = husk_py_obj(self);
    return list ? (Py_ssize_t)husk_list_count(list) : -1;
}

/* Runs call, which stores x in the list: the receiver is looked at after x, whose conversion may run code. */
typedef husk_status store_fn(husk_obj *list, size_t index, husk_value v);
static int store(PyObject *self, Py_ssize_t index, PyObject *x, store_fn *call)
{
    husk_py_heap *home = home_of(self);
    husk_value v;
    husk_obj *made;
    if (!husk_py_obj(self) || !husk_py_to_value(home, x, &v, &made))
        return -1;
    husk_status status = call(((husk_py_proxy *)self)->obj, (size_t)index, v);
    if (made)
        husk_obj_release(made);
    if (HUSK_PY_RARE(status != HUSK_OK)) {
        husk_py_raise(home, status);
        return -1;
    }
    husk_py_leave();
    return 0;
}

static husk_status call_append(husk_obj *list, size_t index, husk_value v)
{
    (void)index;
    return husk_list_append(list, v);
}

static int remove_one(PyObject *self, Py_ssize_t index)
{
    husk_py_heap *home = home_of(self);
    husk_obj *list = husk_py_obj(self);
    husk_status status = list ? husk_list_remove(list, (size_t)index, NULL) : HUSK_OK;
    if (!list)
        return -1;
    if (status != HUSK_OK) {
        husk_py_raise(home, status);
        return -1;
    }
    husk_py_leave();
    return 0;
}

static int list_set_item(PyObject *self, Py_ssize_t index, PyObject *x)
{
    husk_obj *list = husk_py_obj(self);
    if (!list)
        return -1;
    size_t count = husk_list_count(list);
    if (index < 0 || (size_t)index >= count) {
        out_of_range(self, index, count);
        return -1;
    }
    return x ? store(self, index, x, husk_list_set) : remove_one(self, index);
}

/* ---- slices ---- */

/* Values on their way, each with a reference of ours if it is one. */
typedef struct values {
    husk_value *at;
    size_t count, room;
} values;

static bool values_room(values *all, size_t room)
{
    all->count = 0;
    all->room = room;
    all->at = room <= PY_SSIZE_T_MAX / sizeof(husk_value)
                  ? PyMem_Malloc((room ? room : 1) * sizeof(husk_value))
                  : NULL;
    if (!all->at)
        PyErr_NoMemory();
    return all->at != NULL;
}

/* Gives the references back, unless the heap has closed. May run any code. */
static void values_end(husk_py_heap *home, values *all)
{
    for (size_t i = 0; i < all->count && home->heap; i++)
        husk_value_release(all->at[i]);
    PyMem_Free(all->at);
    all->at = NULL;
    husk_py_leave();
}

static bool values_from(husk_py_heap *home, PyObject *items, values *all)
{
    size_t count = (size_t)PySequence_Fast_GET_SIZE(items);
    if (!values_room(all, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        husk_obj *made;
        if ((size_t)PySequence_Fast_GET_SIZE(items) != count) {
            PyErr_SetString(PyExc_RuntimeError, "the items changed while they were stored");
            return false;
        }
        PyObject *x = Py_NewRef(PySequence_Fast_GET_ITEM(items, (Py_ssize_t)i));
        bool good = husk_py_to_value(home, x, &all->at[i], &made);
        if (good && !made)
            husk_value_retain(all->at[i]);
        Py_DECREF(x);
        if (!good)
            return false;
        all->count++;
    }
    return true;
}

/* list[start:start + count], retained. */
static bool values_of(husk_obj *list, size_t start, size_t step, size_t count, values *all)
{
    if (!values_room(all, count))
        return false;
    for (size_t i = 0; i < count && husk_list_peek(list, start + i * step, &all->at[i]) == HUSK_OK; i++) {
        husk_value_retain(all->at[i]);
        all->count++;
    }
    return true;
}

/* Moves the items from `from` on to `to`, within a list that has room. No item ends: each is held from another
 * place, or by `values` of the caller. */
static void move_items(husk_obj *list, size_t to, size_t from, size_t count)
{
    husk_value v;
    for (size_t k = 0; k < count; k++) {
        size_t i = to < from ? k : count - 1 - k;
        if (husk_list_peek(list, from + i, &v) == HUSK_OK)
            (void)husk_list_set(list, to + i, v);
    }
}

/* list[start:start + old->count] = fresh. `old` holds what was there, so that nothing ends, and no hook runs,
 * before the list is whole. */
static husk_status replace(husk_obj *list, size_t start, const values *old, const values *fresh)
{
    size_t count = husk_list_count(list), tail = count - start - old->count;
    for (size_t i = old->count; i < fresh->count; i++) {
        husk_status status = husk_list_append(list, husk_nil());
        if (status == HUSK_OK)
            continue;
        while (husk_list_count(list) > count)
            (void)husk_list_remove(list, husk_list_count(list) - 1, NULL);
        return status;
    }
    if (old->count != fresh->count)
        move_items(list, start + fresh->count, start + old->count, tail);
    for (size_t i = fresh->count; i < old->count; i++)
        (void)husk_list_remove(list, husk_list_count(list) - 1, NULL);
    for (size_t i = 0; i < fresh->count; i++)
        (void)husk_list_set(list, start + i, fresh->at[i]);
    return HUSK_OK;
}

static PyObject *get_slice(PyObject *self, PyObject *slice)
{
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0)
        return NULL;
    husk_py_heap *home = home_of(self);
    PyObject *result = husk_py_obj(self) ? husk_py_list_build(home, NULL) : NULL;
    husk_obj *list = result ? husk_py_obj(self) : NULL;
    if (!list) {
        Py_XDECREF(result);
        return NULL;
    }
    Py_ssize_t count = PySlice_AdjustIndices((Py_ssize_t)husk_list_count(list), &start, &stop, step);
    husk_status status = HUSK_OK;
    for (Py_ssize_t i = 0; i < count && status == HUSK_OK; i++) {
        husk_value v;
        status = husk_list_peek(list, (size_t)(start + i * step), &v);
        if (status == HUSK_OK)
            status = husk_list_append(((husk_py_proxy *)result)->obj, v);
    }
    if (status == HUSK_OK)
        return result;
    Py_DECREF(result);
    return husk_py_raise(home, status);
}

static int extended(PyObject *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count, const values *fresh)
{
    husk_obj *list = ((husk_py_proxy *)self)->obj;
    values old;
    if ((size_t)count != fresh->count) {
        PyErr_Format(PyExc_ValueError, "%zu items for an extended slice of %zd", fresh->count, count);
        return -1;
    }
    if (!values_room(&old, (size_t)count))
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        size_t at = (size_t)(start + i * step);
        if (husk_list_peek(list, at, &old.at[i]) == HUSK_OK) {
            husk_value_retain(old.at[i]);
            old.count++;
            (void)husk_list_set(list, at, fresh->at[i]);
        }
    }
    values_end(home_of(self), &old);
    return 0;
}

/* del list[start:stop:step] with step > 1, as a replacement of the whole range by what stays. */
static bool keep_between(husk_obj *list, size_t start, size_t step, size_t count, values *fresh)
{
    size_t span = (count - 1) * step + 1;
    if (!values_room(fresh, span - count))
        return false;
    for (size_t i = 0; i < span; i++) {
        if (i % step == 0)
            continue;
        if (husk_list_peek(list, start + i, &fresh->at[fresh->count]) == HUSK_OK)
            husk_value_retain(fresh->at[fresh->count++]);
    }
    return true;
}

/* items NULL: delete. */
static int assign_slice(PyObject *self, PyObject *slice, PyObject *items)
{
    husk_py_heap *home = home_of(self);
    values fresh = { 0 }, old = { 0 };
    Py_ssize_t start, stop, step;
    int result = -1;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0 || !husk_py_obj(self))
        return -1;
    PyObject *fast = items ? PySequence_Fast(items, "the items of a slice come from an iterable") : NULL;
    husk_obj *list = NULL;
    if (!items || (fast && values_from(home, fast, &fresh)))
        list = husk_py_obj(self);
    if (list) {
        Py_ssize_t count = PySlice_AdjustIndices((Py_ssize_t)husk_list_count(list), &start, &stop, step);
        if (items && step != 1) {
            result = extended(self, start, step, count, &fresh);
        } else {
            if (step < 0 && count) {
                start += (count - 1) * step;
                step = -step;
            }
            bool good = true;
            size_t span = (size_t)count;
            if (count && step > 1) {
                good = keep_between(list, (size_t)start, (size_t)step, (size_t)count, &fresh);
                span = (size_t)(count - 1) * (size_t)step + 1;
            }
            if (good && values_of(list, (size_t)start, 1, span, &old)) {
                husk_status status = replace(list, (size_t)start, &old, &fresh);
                if (status == HUSK_OK)
                    result = 0;
                else
                    husk_py_raise(home, status);
            }
        }
    }
    values_end(home, &old);
    values_end(home, &fresh);
    Py_XDECREF(fast);
    return result;
}

/* ---- subscripts ---- */

/* An index from the end becomes one from the start. False: an exception is set. */
static bool take_index(PyObject *self, PyObject *key, Py_ssize_t *index)
{
    if (!PyIndex_Check(key)) {
        PyErr_Format(PyExc_TypeError, "list indexes are ints or slices, not %.100s",
                     husk_py_name(Py_TYPE(key)));
        return false;
    }
    *index = PyNumber_AsSsize_t(key, husk_py_error_of(HUSK_ERANGE));
    if (*index == -1 && PyErr_Occurred())
        return false;
    if (*index < 0) {
        Py_ssize_t count = list_length(self);
        if (count < 0)
            return false;
        if (*index + count < 0) {
            out_of_range(self, *index, (size_t)count);
            return false;
        }
        *index += count;
    }
    return true;
}

static PyObject *list_subscript(PyObject *self, PyObject *key)
{
    Py_ssize_t index;
    if (PySlice_Check(key))
        return get_slice(self, key);
    return take_index(self, key, &index) ? list_item(self, index) : NULL;
}

static int list_assign(PyObject *self, PyObject *key, PyObject *x)
{
    Py_ssize_t index;
    if (PySlice_Check(key))
        return assign_slice(self, key, x);
    return take_index(self, key, &index) ? list_set_item(self, index, x) : -1;
}

static int list_contains(PyObject *self, PyObject *x)
{
    for (Py_ssize_t i = 0;; i++) {
        husk_obj *list = husk_py_obj(self); /* an __eq__ may have closed the heap or shortened the list */
        if (!list)
            return -1;
        if ((size_t)i >= husk_list_count(list))
            return 0;
        PyObject *item = list_item(self, i);
        int same = item ? PyObject_RichCompareBool(item, x, Py_EQ) : -1;
        Py_XDECREF(item);
        if (same)
            return same;
    }
}

/* ---- methods ---- */

static PyObject *list_append(PyObject *self, PyObject *x)
{
    return store(self, 0, x, call_append) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *list_insert(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "List.insert(): 2 arguments expected, got %zd", count);
    Py_ssize_t index = PyNumber_AsSsize_t(args[0], NULL), length;
    if ((index == -1 && PyErr_Occurred()) || (length = list_length(self)) < 0)
        return NULL;
    if (index < 0)
        index = index + length < 0 ? 0 : index + length;
    if (index > length)
        index = length;
    return store(self, index, args[1], husk_list_insert) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *list_clear(PyObject *self, PyObject *none)
{
    (void)none;
    husk_obj *list = husk_py_obj(self);
    if (!list)
        return NULL;
    husk_py_heap *home = home_of(self);
    husk_status status = husk_list_clear(list);
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    husk_py_leave();
    Py_RETURN_NONE;
}

static int append_all(PyObject *self, PyObject *items)
{
    PyObject *iterator = PyObject_GetIter(items), *x;
    if (!iterator)
        return -1;
    int failed = 0;
    while (!failed && (x = PyIter_Next(iterator))) {
        failed = store(self, 0, x, call_append);
        Py_DECREF(x);
    }
    Py_DECREF(iterator);
    return failed || PyErr_Occurred() ? -1 : 0;
}

static PyObject *list_extend(PyObject *self, PyObject *items)
{
    if (items == self) { /* of itself: what it has now */
        PyObject *copy = PySequence_List(self);
        int failed = copy ? append_all(self, copy) : -1;
        Py_XDECREF(copy);
        return failed ? NULL : Py_NewRef(Py_None);
    }
    return append_all(self, items) < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *husk_py_list_build(husk_py_heap *home, PyObject *items)
{
    husk_py_proxy *proxy = husk_py_proxy_new(husk_py.list_type);
    husk_heap *heap = proxy ? husk_py_open(home, "List") : NULL;
    husk_obj *list = heap ? husk_list_new(heap) : NULL;
    if (!list) {
        Py_XDECREF((PyObject *)proxy);
        return heap ? husk_py_raise_failure(home) : NULL;
    }
    PyObject *self = husk_py_adopt(home, proxy, list);
    if (self && items && append_all(self, items) < 0)
        Py_CLEAR(self);
    return self;
}

static PyObject *list_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "", "heap", NULL };
    PyObject *items = NULL, *heap = NULL;
    (void)type;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O$O:List", names, &items, &heap))
        return NULL;
    husk_py_heap *home = husk_py_heap_for(heap);
    return home ? husk_py_list_build(home, items) : NULL;
}

/* ---- iteration ---- */

typedef struct list_iterator {
    PyObject_HEAD PyObject *list; /* NULL: exhausted */
    Py_ssize_t next;
} list_iterator;

static PyTypeObject *iterator_type;

static PyObject *list_iter(PyObject *self)
{
    list_iterator *it = PyObject_GC_New(list_iterator, iterator_type);
    if (!it)
        return NULL;
    it->list = Py_NewRef(self);
    it->next = 0;
    PyObject_GC_Track((PyObject *)it);
    return (PyObject *)it;
}

static PyObject *iterator_next(PyObject *self)
{
    list_iterator *it = (list_iterator *)self;
    husk_obj *list = it->list ? husk_py_obj(it->list) : NULL;
    husk_value v;
    if (!list)
        return NULL;
    if ((size_t)it->next < husk_list_count(list) && husk_list_peek(list, (size_t)it->next, &v) == HUSK_OK) {
        it->next++;
        return husk_py_from_value(home_of(it->list), v);
    }
    Py_CLEAR(it->list);
    return NULL;
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((list_iterator *)self)->list);
    return 0;
}

static void iterator_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((list_iterator *)self)->list);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

bool husk_py_add_lists(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef methods[] = {
        { "append", list_append, METH_O, "append($self, value, /)\n--\n\nAdds value at the end." },
        { "insert", FAST(list_insert), METH_FASTCALL,
          "insert($self, index, value, /)\n--\n\nInserts value before index; beyond the ends is at the "
          "end." },
        { "extend", list_extend, METH_O, "extend($self, values, /)\n--\n\nAdds all values at the end." },
        { "clear", list_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemoves all items." },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc, "List(items=(), /, *, heap=None)\n--\n\nA list in a heap, husk.default if none is "
                     "named. Comparison "
                     "is identity; a slice is a new List." },
        { Py_tp_new, list_new },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { Py_tp_iter, list_iter },
        { Py_tp_methods, methods },
        { Py_sq_length, list_length },
        { Py_sq_item, list_item },
        { Py_sq_contains, list_contains },
        { Py_mp_length, list_length },
        { Py_mp_subscript, list_subscript },
        { Py_mp_ass_subscript, list_assign },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.List",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    static PyType_Slot iterator_slots[] = {
        { Py_tp_dealloc, iterator_dealloc },
        { Py_tp_traverse, iterator_traverse },
        { Py_tp_iter, PyObject_SelfIter },
        { Py_tp_iternext, iterator_next },
        { 0, NULL },
    };
    static PyType_Spec iterator_spec = {
        .name = "husk._core.list_iterator",
        .basicsize = sizeof(list_iterator),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = iterator_slots,
    };
    iterator_type = (PyTypeObject *)PyType_FromSpec(&iterator_spec);
    husk_py.list_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    return iterator_type && husk_py.list_type &&
           PyModule_AddObjectRef(module, "List", (PyObject *)husk_py.list_type) == 0;
}
