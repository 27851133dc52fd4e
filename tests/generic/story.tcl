# tests/generic/story.tcl: the story of tests/bindings/story.md as far as level 1 goes.
package require husk

proc status {body} {
    if {![catch {uplevel 1 $body} message]} { return none }
    return [expr {[regexp {\((HUSK_\w+)\)} $message -> name] ? $name : $message}]
}

husk::Heap heap story
set type [husk::record_type Node "value next"]
proc node {value} {
    set made [husk::record_new heap $::type]
    husk::record_set $made value $value
    return $made
}
proc nodes {} { return [heap census Node] }
proc state {weak} { return [expr {[$weak state] == $husk::HUSK_ALIVE ? "alive" : "dead"}] }

set a [node 1]
set b [node 2]
set c [node 3]
puts "make: [nodes] nodes"
set shelf [husk::list_new heap]
foreach value {1 2.5 three true NULL} { husk::list_append $shelf $value }
puts "make: the shelf holds [husk::list_count $shelf] values"
foreach i {0 1 2 3 4} value {1 2.5 three true NULL} {
    if {[husk::list_get $shelf $i] ne $value} { error "value $i" }
}

puts "share: a has [$a strong_count] reference"
husk::list_append $shelf $a
puts "share: on the shelf, [$a strong_count]"
husk::record_set $b next $a
puts "share: and in b, [$a strong_count]"

set removed [husk::list_remove $shelf 5]
if {![husk::same $removed $a]} { error "another object" }
$removed -delete
puts "count: a has [$a strong_count] references"
$c -delete
puts "count: [nodes] nodes"

husk::record_set $a next $b
set weak [husk::weak_new $a]
$a -delete
$b -delete
puts "cycle: [nodes] nodes"
puts "cycle: a is [state $weak]"

puts "collect: [heap collect] collected"
puts "collect: [nodes] nodes"
puts "collect: a is [state $weak]"

set d [node 4]
set names {1 first 2 second}
foreach number {1 2} { lappend cleanups [husk::watch $d $number] }
puts "finalizer: [heap cleanups] pending"
foreach cleanup $cleanups { if {![$cleanup is_pending]} { error "pending" } }
$d -delete
while {[set number [husk::gone heap]] ne "NULL"} { puts "finalizer: [dict get $names $number]" }
puts "finalizer: [heap cleanups] pending"

set by_key [husk::weakkeymap_new heap]
set by_value [husk::weakvaluemap_new heap]
set k [node 5]
set v [node 6]
husk::record_set $v next $k
husk::weakkeymap_set $by_key $k $v
husk::weakvaluemap_set $by_value k $k
proc counts {} {
    return "[husk::weakkeymap_count $::by_key] by key, [husk::weakvaluemap_count $::by_value] by value"
}
puts "weak map: [counts]"
$k -delete
$v -delete
puts "weak map: [nodes] nodes"
puts "weak map: [heap collect] collected"
puts "weak map: [counts]"

set e [node 7]
puts "error: [status {husk::record_get $e colour}]"
husk::Heap small small
small set_max_bytes 400000
set list [husk::list_new small]
puts "error: [status {husk::list_append $shelf $list}]"
puts "error: [status {while 1 {husk::list_append $list 0}}]"
heap verify
puts "error: the heap is whole"

heap close
catch {husk::list_count $shelf} message
puts "close: the shelf is [expr {[string match "*heap 'story' is closed*" $message] ? {gone} : {there}}]"
