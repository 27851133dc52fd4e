# tests/generic/abuse.pl: what a Perl script may do wrong is an exception that names it; nothing leaks, nothing crashes.
use strict;
use warnings;
use utf8;
use Husk;
use Scalar::Util qw(looks_like_number);

sub refused {
    my ($pattern, $body) = @_;
    die "not refused: $pattern" if eval { $body->(); 1 };
    die "refused with '$@', not $pattern" unless $@ =~ $pattern;
}

{
    my $heap = Husk::Heap->new('abuse');
    my $type = Husk::record_type('Node', 'value,next');
    my $node = Husk::record_new($heap, $type);
    my $list = Husk::list_new($heap);
    my $map  = Husk::map_new($heap);

    # Wrong things where an object, a value, a name or a number is due.
    refused(qr/argument 1 is nothing.*HUSK_EINVAL/, sub { Husk::list_count(undef) });
    refused(qr/husk_obj/, sub { Husk::list_count($heap) });
    refused(qr/husk_obj/, sub { Husk::list_count(42) });
    refused(qr/argument 2 is a ARRAY.*HUSK_ETYPE/, sub { Husk::list_append($list, [1]) });
    refused(qr/argument 2 is a Some::Class/, sub { Husk::list_append($list, bless {}, 'Some::Class') });
    refused(qr/beyond 64 bits/, sub { Husk::list_append($list, 18446744073709551615) });
    refused(qr/argument 2 is nothing/, sub { Husk::record_get($node, undef) });
    refused(qr/./, sub { Husk::list_get($list, -1) });
    refused(qr/index 7 .*HUSK_ERANGE/, sub { Husk::list_get($list, 7) });
    refused(qr/no field 'colour'/, sub { Husk::record_set($node, 'colour', 1) });
    refused(qr/list has no fields.*HUSK_ETYPE/, sub { Husk::record_get($list, 'value') });
    refused(qr/HUSK_ETYPE/, sub { Husk::list_append($node, 1) });
    refused(qr/HUSK_EINVAL/, sub { Husk::map_set($map, undef, 1) });
    refused(qr/HUSK_EMISSING/, sub { Husk::map_get($map, 'nothing') });
    refused(qr/HUSK_EINVAL/, sub { Husk::record_type('Twice', 'a a') });

    # A refused call leaves nothing behind, also when its text was made before the other argument was looked at.
    my $objects = $heap->figure('objects');
    refused(qr/ARRAY/, sub { Husk::map_set($map, 'a key', []) }) for 1 .. 1000;
    $heap->safepoint;
    die 'objects left' unless $heap->figure('objects') == $objects;

    # Values come back as they went in; what was a string is no number, and the other way round.
    for my $value (0, -1, 9223372036854775807, 1.5, '', '17', 'abc', "gr\x{fc}\x{df}e\0\x{263a}") {
        Husk::map_set($map, 1, $value);
        my $back = Husk::map_get($map, 1);
        die "'$value' came back as '$back'" unless $back eq $value;
    }
    Husk::map_set($map, 1, undef);
    die 'undef' if defined Husk::map_get($map, 1);
    Husk::map_set($map, 1, $node);
    die 'another object' unless Husk::same(Husk::map_get($map, 1), $node);
    my $weak = Husk::weak_new($node);
    Husk::list_append($list, $weak);
    die 'a weak reference in a list' unless Husk::list_get($list, 0)->isa('Husk::Weak');

    # Handles: released twice, destroyed by hand, forged.
    my $extra = Husk::list_new($heap);
    Husk::release($extra);
    Husk::release($extra);
    refused(qr/argument 1 .*released.*HUSK_ESTATE/, sub { Husk::list_count($extra) });
    die 'alive' if Husk::alive($extra) || !Husk::alive($list);
    $extra->DESTROY for 1 .. 3;
    for my $number (1, 42, 0xdeadbeef, -1, 2**62) {
        my $forged = bless \(my $word = $number), 'Husk::Obj';
        eval { Husk::list_count($forged) };
        die 'a forged handle passed' unless $@;
    }

    # Each wrapper is a reference, and ends with its variable.
    my $before = $heap->census('list');
    Husk::list_new($heap) for 1 .. 20_000;
    die 'lists stay' unless $heap->census('list') == $before;

    # The system's numbers, and processes and fields that there are not.
    die 'rss' unless Husk::memory(0, 'process', 'rss') > 1 << 20 && Husk::memory($$, 'process', 'vms') > 1 << 20;
    die 'percent' unless Husk::memory_percent(0, 'rss') > 0;
    refused(qr/process 2000000000: there is none.*HUSK_EMISSING/, sub { Husk::memory(2_000_000_000, 'process', 'rss') });
    refused(qr/no field "rsss"/, sub { Husk::memory(0, 'process', 'rsss') });
    refused(qr/threads is not in bytes/, sub { Husk::memory_percent(0, 'threads') });

    # Tracing and snapshots.
    $heap->trace_start(5);
    $heap->trace_push('shop.pl', 12, 'load');
    $heap->tag_push('cart');
    my @things = map { Husk::record_new($heap, $type) } 1 .. 10;
    $heap->tag_pop;
    $heap->trace_pop;
    my $shot = Husk::snapshot_take($heap);
    my $path = "/tmp/husk-$$.husk";
    Husk::snapshot_save($shot, $path);
    for my $snapshot ($shot, Husk::snapshot_load($heap, $path)) {
        die 'rows' unless Husk::snapshot_group($snapshot, 'line', 'tag=cart') == 1;
        die 'row' unless Husk::snapshot_name($snapshot, 0) eq 'shop.pl:12' && Husk::snapshot_size($snapshot, 0) == 480
            && Husk::snapshot_things($snapshot, 0) == 10;
        die 'text' unless Husk::snapshot_text($snapshot, 'heap') eq 'abuse';
        die 'text' if defined Husk::snapshot_text($snapshot, 'none');
    }
    unlink $path;
    refused(qr/list is no snapshot/, sub { Husk::snapshot_count($list, 'objects') });
    refused(qr/row 7 of 1/, sub { Husk::snapshot_name($shot, 7) });
    refused(qr/HUSK_EIO/, sub { Husk::snapshot_load($heap, $path) });
    $heap->trace_stop;

    # Regions without passes, quiet moments, stress; the page of passes.
    my $pair = sub {
        my ($one, $two) = (Husk::list_new($heap), Husk::list_new($heap));
        Husk::list_append($one, $two);
        Husk::list_append($two, $one);
    };
    refused(qr/HUSK_ERANGE/, sub { $heap->no_gc_begin(0, 0, 0) });
    refused(qr/HUSK_ERANGE/, sub { $heap->no_gc_begin(-1, 0, 0) });
    refused(qr/HUSK_ESTATE/, sub { $heap->no_gc_end });
    $heap->no_gc_begin(1000, 0, 0);
    refused(qr/a script.*HUSK_ESTATE/, sub { $heap->no_gc_begin(1, 0, 0) });
    $pair->();
    die 'region' unless $heap->no_gc && $heap->figure('region.active') == 1 && $heap->figure('region.objects') == 1000;
    die 'kept' unless $heap->no_gc_end eq 'kept' && !$heap->no_gc && $heap->figure('region.grown_objects') == 2;
    refused(qr/HUSK_ERANGE/, sub { $heap->idle(1000) });
    $heap->request;
    $heap->idle(1_000_000_000);
    die 'idle' unless $heap->figure('idle.passed') == 1 && $heap->figure('idle.collected') == 2;
    refused(qr/HUSK_ERANGE/, sub { $heap->set_stress(2**33, 0) });
    $heap->set_stress(1, 0);
    my $passes = $heap->figure('total.passes');
    $pair->();
    $heap->set_stress(0, 0);
    die 'stress' unless $heap->figure('total.passes') >= $passes + 2;
    $heap->collect;
    refused(qr/has no page/, sub { Husk::gcstat_read($heap, $$) });
    Husk::gcstat_start();
    $pair->();
    $heap->collect;
    my $pids = Husk::gcstat_list($heap);
    die 'listed' unless 1 == grep { Husk::list_get($pids, $_) == $$ } 0 .. Husk::list_count($pids) - 1;
    my $page = Husk::gcstat_read($heap, $$);
    my ($row) = grep { Husk::gcstat_word($page, $_, 'name') eq 'abuse' } 0 .. Husk::gcstat_count($page) - 1;
    die 'page' unless Husk::gcstat_word($page, $row, 'latest.reason') eq 'call'
        && Husk::gcstat_figure($page, $row, 'latest.freed') == 2 && Husk::gcstat_type($page, $row, 0) eq 'list'
        && !defined Husk::gcstat_type($page, $row, 1) && Husk::gcstat_freed($page, $row, 0) == 2
        && Husk::gcstat_figure($page, $row, 'sums.full.passes') == $heap->figure('total.passes');
    refused(qr/row 99 of/, sub { Husk::gcstat_word($page, 99, 'name') });
    refused(qr/no figure 'moon'/, sub { Husk::gcstat_figure($page, $row, 'moon') });
    refused(qr/no process 2000000000/, sub { Husk::gcstat_read($heap, 2_000_000_000) });
    refused(qr/list is no page/, sub { Husk::gcstat_count($list) });
    Husk::gcstat_stop();
    die 'still a page' if Husk::gcstat_is_on();

    # A heap that is closed before its objects; objects that outlive every name of their heap.
    $heap->verify;
    $heap->close;
    refused(qr/heap 'abuse' is closed/, sub { Husk::list_count($list) });
    refused(qr/heap 'abuse' is closed/, sub { $weak->lock });
    refused(qr/heap 'abuse' is closed/, sub { $heap->collect });
    my $orphan = Husk::list_new(Husk::Heap->new('orphan'));
    Husk::list_append($orphan, 'still here');
    die 'orphan' unless Husk::list_get($orphan, 0) eq 'still here';
}
die Husk::memory_held() . ' bytes held' unless Husk::memory_held() == 0;
print "abuse: refused\n";
