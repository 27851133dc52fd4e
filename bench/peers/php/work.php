<?php
/* work.php ROW SIZE SAMPLES: the work as one writes it in PHP; ../work says what each row does.
 *
 * An object is one of a class with typed properties, two references and an integer. PHP's collector looks only at suspects:
 * objects that lost a reference and lived on. Before a full collection of a heap that lives the root becomes one, so
 * that everything it holds is looked at. */

class Node
{
    public ?Node $a = null;
    public ?Node $b = null;
    public int $number;

    public function __construct(int $number)
    {
        $this->number = $number;
    }
}

class Branch
{
    public ?Branch $left = null;
    public ?Branch $right = null;
    public ?Branch $parent = null;
    public int $number;

    public function __construct(int $number)
    {
        $this->number = $number;
    }
}

const MASK = 0xFFFFFFFF;
$state = 42;

/* Marsaglia's xorshift of 32 bits, as everywhere. */
function below(int $limit): int
{
    global $state;
    $x = $state;
    $x ^= $x << 13 & MASK;
    $x ^= $x >> 17;
    $x ^= $x << 5 & MASK;
    $state = $x;
    return $x * $limit >> 32;
}

function figure(string $name, float $value): void
{
    printf("%s %.4f\n", $name, $value);
}

function sample(string $name, int $ns, int $operations): void
{
    figure($name, $ns / $operations);
}

function print_sum(int $sum): void
{
    printf("sum %d\n", $sum & MASK);
}

function check(bool $done, string $what): void
{
    if (!$done) {
        fwrite(STDERR, "the work was not done: $what\n");
        exit(1);
    }
}

function field(string $name): int
{
    preg_match("/$name:\\s*(\\d+)/", file_get_contents("/proc/self/status"), $found);
    return (int) $found[1] * 1024;
}

/* What this process has run, in microseconds' steps. */
function thread_time(): int
{
    $usage = getrusage();
    return ($usage["ru_utime.tv_sec"] + $usage["ru_stime.tv_sec"]) * 1000000000
        + ($usage["ru_utime.tv_usec"] + $usage["ru_stime.tv_usec"]) * 1000;
}

/* ---- the graph ---- */

function shuffled(int $count): array
{
    $order = [];
    for ($i = 0; $i < $count; $i++) {
        $j = below($i + 1);
        $order[$i] = $order[$j] ?? 0;
        $order[$j] = $i;
    }
    return $order;
}

function plan(int $count, ?int &$root): array
{
    $out = array_fill(0, 2 * $count, 0);
    $slot = array_fill(0, 2 * $count, 0);
    $slots = 0;
    $rooted = false;
    $order = shuffled($count);
    $root = $order[0];
    for ($i = 0; $i < $count; $i++) {
        $number = $order[$i];
        if ($i > 0) {
            $pick = below($slots);
            $out[$slot[$pick]] = $number;
            $slot[$pick] = $slot[--$slots];
        }
        $slot[$slots++] = 2 * $number;
        $slot[$slots++] = 2 * $number + 1;
    }
    while ($slots > 0) {
        $place = $slot[--$slots];
        $from = $place >> 1;
        $to = $root;
        if ($rooted || $from === $root) {
            do {
                $to = below($count);
            } while ($to === $from);
        }
        $rooted = $rooted || $to === $root;
        $out[$place] = $to;
    }
    return $out;
}

function age(array &$at, array $out, int $count): void
{
    $start = array_fill(0, $count + 1, 0);
    $into = array_fill(0, 2 * $count, 0);
    $done = array_fill(0, $count, 0);
    foreach ($out as $to) {
        $start[$to + 1]++;
    }
    for ($i = 0; $i < $count; $i++) {
        $start[$i + 1] += $start[$i];
    }
    foreach ($out as $edge => $to) {
        $into[$start[$to] + $done[$to]++] = $edge;
    }
    for ($round = 0; $round < 3; $round++) {
        foreach (shuffled($count) as $i) {
            $fresh = new Node($i);
            $fresh->a = $at[$out[2 * $i]];
            $fresh->b = $at[$out[2 * $i + 1]];
            for ($e = $start[$i]; $e < $start[$i + 1]; $e++) {
                $edge = $into[$e];
                if ($edge & 1) {
                    $at[$edge >> 1]->b = $fresh;
                } else {
                    $at[$edge >> 1]->a = $fresh;
                }
            }
            $at[$i] = $fresh;
        }
    }
}

function build(int $count, bool $aged, ?Node &$root): array
{
    $out = plan($count, $number);
    $at = [];
    for ($i = 0; $i < $count; $i++) {
        $at[$i] = new Node($i);
    }
    for ($i = 0; $i < $count; $i++) {
        $at[$i]->a = $at[$out[2 * $i]];
        $at[$i]->b = $at[$out[2 * $i + 1]];
    }
    if ($aged) {
        age($at, $out, $count);
    }
    $root = $at[$number];
    return $at;
}

function graph_sum(Node $root, int $count): int
{
    $found = [$root];
    $marked = str_repeat("\0", $count);
    $marked[$root->number] = "\1";
    $sum = 0;
    for ($done = 0; $done < count($found); $done++) {
        $o = $found[$done];
        $sum = $sum * 31 + $o->number & MASK;
        foreach ([$o->a, $o->b] as $to) {
            if ($marked[$to->number] === "\0") {
                $marked[$to->number] = "\1";
                $found[] = $to;
            }
        }
    }
    check(count($found) === $count, "the root holds all objects");
    return $sum;
}

function alive(string $name, int $size, int $samples, bool $held, bool $aged): void
{
    gc_disable();
    $at = build($size, $aged, $root);
    if (!$held) {
        unset($at);
    }
    for ($s = 0; $s <= $samples; $s++) {
        $touched = $root;
        unset($touched); /* a suspect now */
        $start = hrtime(true);
        $collected = gc_collect_cycles();
        $ns = hrtime(true) - $start;
        check($collected === 0, "nothing of the living graph is collected");
        if ($s > 0) {
            sample($name, $ns, $size);
        }
    }
    for ($i = 0; $held && $i < $size; $i++) {
        check($at[$i]->number === $i, "what is held lives");
    }
    print_sum(graph_sum($root, $size));
}

/* ---- garbage ---- */

function make_pairs(int $count): int
{
    $sum = 0;
    for ($i = 0; $i < $count; $i += 2) {
        $one = new Node($i);
        $other = new Node($i + 1);
        $one->a = $other;
        $sum = $sum * 31 + $one->number + $other->number & MASK;
        $other->a = $one;
    }
    return $sum;
}

function make_circle(int $count): int
{
    $sum = 0;
    $first = $last = new Node(0);
    for ($i = 1; $i < $count; $i++) {
        $o = new Node($i);
        $sum = $sum * 31 + $o->number & MASK;
        $o->a = $last;
        $last = $o;
    }
    $first->a = $last;
    return $sum;
}

function garbage(string $name, callable $make, int $size, int $samples): void
{
    gc_disable();
    $count = intdiv($size, 2) * 2;
    $sum = 0;
    for ($s = 0; $s <= $samples; $s++) {
        $sum = $make($count);
        $start = hrtime(true);
        $collected = gc_collect_cycles();
        $ns = hrtime(true) - $start;
        check($collected === $count, "the garbage is collected: $collected of $count");
        if ($s > 0) {
            sample($name, $ns, $count);
        }
    }
    print_sum($sum);
}

/* ---- trees, churn ---- */

class Grower
{
    public int $sum = 0;
    public int $number = 0;

    public function grow(int $depth): Branch
    {
        $t = new Branch($this->number++);
        $this->sum = $this->sum * 31 + $t->number & MASK;
        if ($depth > 0) {
            $t->left = $this->grow($depth - 1);
            $t->left->parent = $t;
            $t->right = $this->grow($depth - 1);
            $t->right->parent = $t;
        }
        return $t;
    }
}

function walk(Branch $t, int $sum): int
{
    $sum = $sum * 31 + $t->number & MASK;
    foreach ([$t->left, $t->right] as $child) {
        if ($child) {
            check($child->parent === $t, "a child knows its parent");
            $sum = walk($child, $sum);
        }
    }
    return $sum;
}

function make_pair(int $i, int $sum): int
{
    $one = new Node($i);
    $other = new Node($i + 1);
    $one->a = $other;
    $sum = $sum * 31 + $one->number + $other->number & MASK;
    $other->a = $one;
    return $sum;
}

function churn_graph(int $size): Node
{
    build($size, false, $root);
    return $root;
}

/* ---- weak references ---- */

function births(int $size): array
{
    $objects = [];
    for ($i = 0; $i < $size; $i++) {
        $objects[] = new Node($i);
    }
    return $objects;
}

function lock_row(string $name, int $size, int $samples, bool $alive): void
{
    $objects = births(64);
    $weaks = array_map(fn ($o) => WeakReference::create($o), $objects);
    if (!$alive) {
        unset($objects);
    }
    $turns = intdiv($size + 63, 64);
    for ($s = 0; $s <= $samples; $s++) {
        $sum = 0;
        $start = hrtime(true);
        for ($turn = 0; $turn < $turns; $turn++) {
            for ($i = 0; $i < 64; $i++) {
                $o = $weaks[$i]->get();
                if ($o !== null) {
                    $sum += $o->number + 1;
                }
            }
        }
        $ns = hrtime(true) - $start;
        $o = null;
        if ($s > 0) {
            sample($name, $ns, $turns * 64);
        }
    }
    print_sum($sum);
}

$rows = [
    "held" => fn ($size, $samples) => alive("held", $size, $samples, true, false),
    "live" => fn ($size, $samples) => alive("live", $size, $samples, false, false),
    "aged" => fn ($size, $samples) => alive("aged", $size, $samples, false, true),
    "pairs" => fn ($size, $samples) => garbage("pairs", "make_pairs", $size, $samples),
    "circle" => fn ($size, $samples) => garbage("circle", "make_circle", $size, $samples),

    "trees" => function (int $size, int $samples): void {
        $before = field("VmRSS");
        $first = new Grower();
        $grower = new Grower();
        $kept = $first->grow($size);
        $start = hrtime(true);
        for ($i = 0; $i < 20; $i++) {
            $grower->grow($size);
        }
        gc_collect_cycles();
        $ns = hrtime(true) - $start;
        sample("trees", $ns, $grower->number);
        figure("trees_peak", field("VmHWM") - $before);
        check($grower->number === 20 * $first->number, "all trees have their nodes");
        print_sum(walk($kept, $grower->sum));
    },

    "churn" => function (int $size, int $samples): void {
        $before = field("VmRSS");
        $root = churn_graph($size);
        $sum = 0;
        $start = hrtime(true);
        for ($i = 0; $i < 10 * $size; $i += 2) {
            $sum = make_pair($i, $sum);
        }
        $ns = hrtime(true) - $start;
        sample("churn", $ns, 10 * $size);
        figure("churn_peak", field("VmHWM") - $before);
        print_sum($sum + graph_sum($root, $size));
    },

    "pauses" => function (int $size, int $samples): void {
        $root = churn_graph($size);
        $sum = $longest = 0;
        $last = thread_time();
        for ($i = 0; $i < 10 * $size; $i += 2) {
            $sum = make_pair($i, $sum);
            if ($i % 32 === 30) {
                $time = thread_time();
                $longest = max($longest, $time - $last);
                $last = $time;
            }
        }
        figure("pauses", $longest / 1e6);
        print_sum($sum + graph_sum($root, $size));
    },

    "birth" => function (int $size, int $samples): void {
        for ($s = 0; $s <= $samples; $s++) {
            $sum = 0;
            $start = hrtime(true);
            for ($i = 0; $i < $size; $i++) {
                $o = new Node($i);
                $sum += $o->number;
                unset($o);
            }
            $ns = hrtime(true) - $start;
            if ($s > 0) {
                sample("birth", $ns, $size);
            }
        }
        print_sum($sum);
    },

    "ring" => function (int $size, int $samples): void {
        $ring = [];
        for ($i = 0; $i < 1000; $i++) {
            $ring[] = new Node(0);
        }
        $turns = intdiv($size + 999, 1000);
        for ($s = 0; $s <= $samples; $s++) {
            $sum = 0;
            $start = hrtime(true);
            for ($turn = 0; $turn < $turns; $turn++) {
                for ($i = 0; $i < 1000; $i++) {
                    $sum += $ring[$i]->number;
                    $ring[$i] = new Node($i);
                }
            }
            $ns = hrtime(true) - $start;
            if ($s > 0) {
                sample("ring", $ns, $turns * 1000);
            }
        }
        print_sum($sum);
    },

    /* A list is dropped node by node: its end would recurse. */
    "list" => function (int $size, int $samples): void {
        gc_disable();
        for ($s = 0; $s <= $samples; $s++) {
            $head = null;
            $start = hrtime(true);
            for ($i = 0; $i < $size; $i++) {
                $o = new Node($i);
                $o->a = $head;
                $head = $o;
            }
            $built = hrtime(true) - $start;
            $sum = 0;
            for (; $o; $o = $o->a) {
                $sum = $sum * 31 + $o->number & MASK;
            }
            $start = hrtime(true);
            while ($head) {
                $next = $head->a;
                $head->a = null;
                $head = $next;
            }
            unset($next);
            $dropped = hrtime(true) - $start;
            if ($s > 0) {
                sample("list_build", $built, $size);
                sample("list_drop", $dropped, $size);
            }
        }
        print_sum($sum);
    },

    "bytes" => function (int $size, int $samples): void {
        gc_disable();
        $before = field("VmRSS");
        $head = null;
        $sum = 0;
        for ($i = 0; $i < $size; $i++) {
            $o = new Node($i);
            $o->a = $head;
            $head = $o;
        }
        figure("bytes", (field("VmRSS") - $before) / $size);
        $touched = $head;
        unset($touched);
        gc_collect_cycles();
        figure("bytes_after", (field("VmRSS") - $before) / $size);
        for (; $o; $o = $o->a) {
            $sum = $sum * 31 + $o->number & MASK;
        }
        print_sum($sum);
        while ($head) {
            $next = $head->a;
            $head->a = null;
            $head = $next;
        }
    },

    "weak_new" => function (int $size, int $samples): void {
        gc_disable();
        $weaks = array_fill(0, $size, null);
        for ($s = 0; $s <= $samples; $s++) {
            $objects = births($size);
            $start = hrtime(true);
            for ($i = 0; $i < $size; $i++) {
                $weaks[$i] = WeakReference::create($objects[$i]);
            }
            $ns = hrtime(true) - $start;
            if ($s > 0) {
                sample("weak_new", $ns, $size);
            }
            $sum = 0;
            foreach ($weaks as $w) {
                $sum = $sum * 31 + $w->get()->number & MASK;
            }
            unset($objects);
            foreach ($weaks as $w) {
                check($w->get() === null, "a lock gives nothing when the object is gone");
            }
        }
        print_sum($sum);
    },
    "weak_lock" => fn ($size, $samples) => lock_row("weak_lock", $size, $samples, true),
    "weak_dead" => fn ($size, $samples) => lock_row("weak_dead", $size, $samples, false),
];

ini_set("memory_limit", "-1");
if ($argc === 2 && $argv[1] === "--list") {
    echo "PHP ", PHP_VERSION, "\n", implode("\n", array_keys($rows)), "\n";
    exit(0);
}
if ($argc !== 4 || !isset($rows[$argv[1]])) {
    fwrite(STDERR, "usage: work.php ROW SIZE SAMPLES\n");
    exit(2);
}
$rows[$argv[1]]((int) $argv[2], (int) $argv[3]);
