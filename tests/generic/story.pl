# tests/generic/story.pl: the story of tests/bindings/story.md as far as level 1 goes.
use strict;
use warnings;
use Husk;

sub status {
    my ($body) = @_;
    return 'none' if eval { $body->(); 1 };
    return $@ =~ /\((HUSK_\w+)\)/ ? $1 : $@;
}

my $heap = Husk::Heap->new('story');
my $type = Husk::record_type('Node', 'value next');

sub node {
    my ($value) = @_;
    my $made = Husk::record_new($heap, $type);
    Husk::record_set($made, 'value', $value);
    return $made;
}
sub nodes { return $heap->census('Node') }
sub state_of { return $_[0]->state == $Husk::HUSK_ALIVE ? 'alive' : 'dead' }

my ($a, $b, $c) = (node(1), node(2), node(3));
printf "make: %d nodes\n", nodes();
my $shelf = Husk::list_new($heap);
Husk::list_append($shelf, $_) for 1, 2.5, 'three', 1 == 1, undef;
printf "make: the shelf holds %d values\n", Husk::list_count($shelf);
die 'values' unless join(' ', map { Husk::list_get($shelf, $_) // 'undef' } 0 .. 4) eq '1 2.5 three 1 undef';

printf "share: a has %d reference\n", $a->strong_count;
Husk::list_append($shelf, $a);
printf "share: on the shelf, %d\n", $a->strong_count;
Husk::record_set($b, 'next', $a);
printf "share: and in b, %d\n", $a->strong_count;

{
    my $removed = Husk::list_remove($shelf, 5);
    die 'another object' unless Husk::same($removed, $a);
}    # Perl counts too: the wrapper ends here, and its reference with it
printf "count: a has %d references\n", $a->strong_count;
undef $c;
printf "count: %d nodes\n", nodes();

Husk::record_set($a, 'next', $b);
my $weak = Husk::weak_new($a);
undef $a;
undef $b;
printf "cycle: %d nodes\n", nodes();
printf "cycle: a is %s\n", state_of($weak);

printf "collect: %d collected\n", $heap->collect;
printf "collect: %d nodes\n", nodes();
printf "collect: a is %s\n", state_of($weak);

my $d = node(4);
my %names = (1 => 'first', 2 => 'second');
my @cleanups = map { Husk::watch($d, $_) } sort keys %names;
printf "finalizer: %d pending\n", $heap->cleanups;
die 'pending' if grep { !$_->is_pending } @cleanups;
undef $d;
while (defined(my $number = Husk::gone($heap))) {
    print "finalizer: $names{$number}\n";
}
printf "finalizer: %d pending\n", $heap->cleanups;

my ($by_key, $by_value) = (Husk::weakkeymap_new($heap), Husk::weakvaluemap_new($heap));
my ($k, $v) = (node(5), node(6));
Husk::record_set($v, 'next', $k);
Husk::weakkeymap_set($by_key, $k, $v);
Husk::weakvaluemap_set($by_value, 'k', $k);
sub counts {
    return sprintf '%d by key, %d by value', Husk::weakkeymap_count($by_key), Husk::weakvaluemap_count($by_value);
}
printf "weak map: %s\n", counts();
undef $k;
undef $v;
printf "weak map: %d nodes\n", nodes();
printf "weak map: %d collected\n", $heap->collect;
printf "weak map: %s\n", counts();

my $e = node(7);
printf "error: %s\n", status(sub { Husk::record_get($e, 'colour') });
my $small = Husk::Heap->new('small');
$small->set_max_bytes(400_000);
my $list = Husk::list_new($small);
printf "error: %s\n", status(sub { Husk::list_append($shelf, $list) });
printf "error: %s\n", status(sub { Husk::list_append($list, 0) while 1 });
$heap->verify;
print "error: the heap is whole\n";

$heap->close;
eval { Husk::list_count($shelf) };
printf "close: the shelf is %s\n", $@ =~ /heap 'story' is closed/ ? 'gone' : 'there';
