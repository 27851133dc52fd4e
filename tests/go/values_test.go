package tests

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"husk.example/husk"
)

// What goes into a slot comes back: through records, lists and maps alike.
func TestRoundTrips(t *testing.T) {
	h := newHeap(t)
	list := husk.Must(h.List())
	cases := []struct{ in, out any }{
		{nil, nil}, {true, true}, {false, false},
		{1, int64(1)}, {-1, int64(-1)}, {int64(math.MinInt64), int64(math.MinInt64)}, {int64(math.MaxInt64), int64(math.MaxInt64)},
		{int8(-5), int64(-5)}, {int16(-5), int64(-5)}, {int32(-5), int64(-5)},
		{uint(7), int64(7)}, {uint8(255), int64(255)}, {uint16(7), int64(7)}, {uint32(math.MaxUint32), int64(math.MaxUint32)},
		{uint64(math.MaxInt64), int64(math.MaxInt64)}, {uintptr(9), int64(9)},
		{2.5, 2.5}, {float32(0.5), 0.5}, {math.Inf(-1), math.Inf(-1)}, {math.Copysign(0, -1), math.Copysign(0, -1)},
		{"", ""}, {"text", "text"}, {"a\x00b", "a\x00b"}, {"\xff\xfe invalid", "\xff\xfe invalid"}, {"日本", "日本"},
	}
	node := husk.Must(h.New(Node))
	byKey := husk.Must(h.Map())
	for i, c := range cases {
		ok(t, node.Set("value", c.in))
		same(t, fmt.Sprintf("record %v", c.in), husk.Must(node.Get("value")), c.out)
		ok(t, list.Append(c.in))
		same(t, fmt.Sprintf("list %v", c.in), husk.Must(list.At(i)), c.out)
		ok(t, byKey.Set(i, c.in))
		same(t, fmt.Sprintf("map %v", c.in), husk.Must(byKey.Get(i)), c.out)
		if c.in != nil {
			ok(t, byKey.Set(c.in, i))
			same(t, fmt.Sprintf("key %v", c.in), husk.Must(byKey.Get(c.in)), any(int64(i)))
		}
	}
	same(t, "length", list.Len(), len(cases))
	ok(t, node.Set("value", math.NaN()))
	if f := husk.Must(husk.Get[float64](node, "value")); !math.IsNaN(f) {
		t.Errorf("NaN came back as %v", f)
	}
}

func TestObjectsComeBack(t *testing.T) {
	h := newHeap(t)
	node, other := husk.Must(h.New(Node, 1)), husk.Must(h.New(Node, 2))
	ok(t, node.Set("next", other))
	back := husk.Must(husk.Get[*husk.Record](node, "next"))
	if !husk.Equal(back, other) {
		t.Error("another object came back")
	}
	if husk.Identity && back != other {
		t.Error("another handle came back")
	}
	// Every kind has its handle.
	holder := husk.Must(h.List(node, husk.Must(h.List()), husk.Must(h.Map()), husk.Must(h.Box(1)), husk.Must(node.Weak()),
		husk.Must(h.WeakKeyMap()), husk.Must(h.WeakValueMap()), husk.Must(h.WeakSet()), husk.Must(node.OnDeath(func() {}, false))))
	want := []string{"record", "list", "map", "box", "weak", "weakkeymap", "weakvaluemap", "weakset", "cleanup"}
	ok(t, holder.Each(func(i int, v any) bool {
		x := v.(husk.Object)
		same(t, "kind", x.Kind().String(), want[i])
		return true
	}))
	_ = husk.Must(husk.At[*husk.Weak](holder, 4))
	_ = husk.Must(husk.At[*husk.Cleanup](holder, 8))
	_ = husk.Must(husk.At[*husk.WeakSet](holder, 7))
}

func TestTypedValues(t *testing.T) {
	h := newHeap(t)
	list := husk.Must(h.List(300, "text", 1.5, nil, true))
	same(t, "int", husk.Must(husk.At[int](list, 0)), 300)
	same(t, "uint16", husk.Must(husk.At[uint16](list, 0)), 300)
	same(t, "any", husk.Must(husk.At[any](list, 0)), any(int64(300)))
	same(t, "string", husk.Must(husk.At[string](list, 1)), "text")
	same(t, "float64", husk.Must(husk.As[float64](list.At(2))), 1.5)
	same(t, "nil pointer", husk.Must(husk.At[*husk.Record](list, 3)), nil)
	same(t, "nil object", husk.Must(husk.At[husk.Object](list, 3)), nil)
	same(t, "bool", husk.Must(husk.At[bool](list, 4)), true)

	_, err := husk.At[int8](list, 0)
	wants(t, err, husk.ErrRange, "300", "int8")
	_, err = husk.At[int](list, 1)
	wants(t, err, husk.ErrType, "a text", "int")
	_, err = husk.At[string](list, 0)
	wants(t, err, husk.ErrType, "an integer", "string")
	_, err = husk.At[int](list, 3)
	wants(t, err, husk.ErrType, "nil", "int")
	_, err = husk.At[*husk.List](list, 0)
	wants(t, err, husk.ErrType, "*husk.List")
	_, err = husk.As[int](list.At(99))
	wants(t, err, husk.ErrRange, "99")
	ok(t, list.Set(0, -1))
	_, err = husk.At[uint](list, 0)
	wants(t, err, husk.ErrRange, "-1", "uint")
	_, err = husk.At[uint64](list, 0)
	wants(t, err, husk.ErrRange, "-1", "uint64")
}

func TestRecords(t *testing.T) {
	h := newHeap(t)
	again := husk.Must(husk.NewType("Node", "value", "next"))
	same(t, "the same type", again, Node)
	same(t, "declaration", Node.String(), "Node(value, next)")
	n := husk.Must(h.NewWith(Node, husk.Values{"value": "v"}))
	names := ""
	ok(t, n.Each(func(name string, v any) bool { names += fmt.Sprint(name, v, " "); return true }))
	same(t, "fields", names, "valuev next<nil> ")
	same(t, "type", husk.Must(n.Type()), Node)
	same(t, "type name", n.TypeName(), "Node")

	_, err := n.Get("colour")
	wants(t, err, husk.ErrMissing, "Node has no field 'colour'")
	wants(t, n.Set("colour", 1), husk.ErrMissing)
	_, err = h.New(Node, 1, 2, 3)
	wants(t, err, husk.ErrRange, "3 values")
	_, err = h.NewWith(Node, husk.Values{"colour": 1})
	wants(t, err, husk.ErrMissing)
	_, err = h.New(nil)
	wants(t, err, husk.ErrInvalid)
	_, err = husk.NewType("T", "a", "a")
	wants(t, err, husk.ErrInvalid, "a")
	_, err = husk.NewType("T", "")
	wants(t, err, husk.ErrInvalid)
	_, err = husk.NewType("T\x00", "a")
	wants(t, err, husk.ErrInvalid, "NUL")

	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("field%d", i)
	}
	wide := husk.Must(h.New(husk.Must(husk.NewType("Wide", many...))))
	ok(t, wide.Set("field99", 99))
	same(t, "last field", husk.Must(husk.Get[int](wide, "field99")), 99)
	wants(t, wide.Set("field100", 1), husk.ErrMissing)
	_, err = husk.NewType("TooWide", make([]string, 5000)...)
	wants(t, err, husk.ErrRange)
	same(t, "objects left by the failures", husk.Must(h.Census())["Node"], 1)
	runtime.KeepAlive(n)
}

func TestLists(t *testing.T) {
	h := newHeap(t)
	l := husk.Must(h.List(1, 2))
	ok(t, l.Insert(0, "first"))
	ok(t, l.Insert(3, "last"))
	ok(t, l.Append("a", "b"))
	ok(t, l.Remove(1))
	text := ""
	ok(t, l.Each(func(i int, v any) bool { text += fmt.Sprint(i, v, " "); return i < 3 }))
	same(t, "list", text, "0first 1 2 2last 3a ")
	wants(t, l.Insert(99, 1), husk.ErrRange, "99")
	wants(t, l.Insert(-1, 1), husk.ErrRange, "-1")
	wants(t, l.Set(-1, 1), husk.ErrRange, "-1")
	wants(t, l.Set(5, 1), husk.ErrRange)
	wants(t, l.Remove(-1), husk.ErrRange)
	wants(t, l.Remove(5), husk.ErrRange)
	_, err := l.At(-1)
	wants(t, err, husk.ErrRange, "-1")
	_, err = h.List(1, make(chan int))
	wants(t, err, husk.ErrType, "chan int", "Heap.Box")
	ok(t, l.Clear())
	same(t, "length", l.Len(), 0)
	// Growing and shrinking while it is walked.
	ok(t, l.Append(1, 2, 3))
	seen := 0
	ok(t, l.Each(func(i int, v any) bool {
		seen++
		if i == 0 {
			ok(t, l.Append(4))
			ok(t, l.Remove(1))
		}
		return true
	}))
	same(t, "seen", seen, 3)
}

func TestMaps(t *testing.T) {
	h := newHeap(t)
	m := husk.Must(h.Map())
	n := husk.Must(h.New(Node))
	ok(t, m.Set("lang", "C"))
	ok(t, m.Set(1.0, "one"))
	ok(t, m.Set(n, "by identity"))
	same(t, "1 is 1.0", husk.Must(husk.Lookup[string](m, 1)), "one")
	same(t, "by object", husk.Must(husk.Lookup[string](m, n)), "by identity")
	ok(t, m.Remove("lang"))
	wants(t, m.Remove("lang"), husk.ErrMissing)
	_, err := m.Get("lang")
	wants(t, err, husk.ErrMissing)
	wants(t, m.Set(nil, 1), husk.ErrInvalid)
	wants(t, m.Set(math.NaN(), 1), husk.ErrInvalid)
	_, err = m.Get(nil)
	wants(t, err, husk.ErrInvalid)
	wants(t, m.Set([]int{1}, 1), husk.ErrType, "[]int")
	keys := 0
	ok(t, m.Each(func(key, v any) bool {
		keys++
		return m.Remove(key) == nil
	}))
	same(t, "keys", keys, 2)
	same(t, "length", m.Len(), 0)
}

func TestBoxes(t *testing.T) {
	h := newHeap(t)
	type point struct{ x, y int }
	b := husk.Must(h.Box(&point{1, 2}))
	same(t, "x", husk.Must(husk.Unbox[*point](b)).x, 1)
	_, err := husk.Unbox[int](b)
	wants(t, err, husk.ErrType, "*tests.point", "int")
	old := husk.Must(b.SetValue("text"))
	same(t, "old", old.(*point).y, 2)
	same(t, "new", husk.Must(b.Value()), any("text"))
	same(t, "values", husk.Must(h.Figures()).Values, 1)
	list := husk.Must(h.List(b))
	ok(t, b.Release())
	same(t, "values while the list has it", husk.Must(h.Figures()).Values, 1)
	ok(t, list.Release())
	same(t, "values after", husk.Must(h.Figures()).Values, 0)
	nothing := husk.Must(h.Box(nil))
	same(t, "nil", husk.Must(nothing.Value()), nil)
	same(t, "no error", husk.Must(husk.Unbox[error](nothing)), nil)
	same(t, "nil", husk.Must(husk.Unbox[any](nothing)), nil)
	_, err = husk.Unbox[*point](nothing)
	wants(t, err, husk.ErrType, "<nil>", "*tests.point")
}
