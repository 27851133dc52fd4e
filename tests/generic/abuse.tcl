# tests/generic/abuse.tcl: what a Tcl script may do wrong is an error that names it; nothing leaks, nothing crashes. A
# wrapper in Tcl is a string, so one that has ended can be written down again, and any other can be made up.
package require husk

proc refused {pattern body} {
    if {![catch {uplevel 1 $body} message]} { error "not refused: $pattern" }
    if {![regexp $pattern $message]} { error "refused with '$message', not $pattern" }
}

husk::Heap heap abuse
set type [husk::record_type Node "value,next"]
set node [husk::record_new heap $type]
set list [husk::list_new heap]
set map [husk::map_new heap]

# Wrong things where an object, a name or a number is due.
refused {argument 1 is nothing.*HUSK_EINVAL} {husk::list_count NULL}
refused {husk_obj} {husk::list_count heap}
refused {.} {husk::list_count 42}
refused {.} {husk::list_get $list -1}
refused {index 7 .*HUSK_ERANGE} {husk::list_get $list 7}
refused {.} {husk::list_get $list 1.5}
refused {no field 'colour'} {husk::record_set $node colour 1}
refused {list has no fields.*HUSK_ETYPE} {husk::record_get $list value}
refused {HUSK_ETYPE} {husk::list_append $node 1}
refused {HUSK_EINVAL} {husk::map_set $map NULL 1}
refused {HUSK_EMISSING} {husk::map_get $map nothing}
refused {HUSK_EINVAL} {husk::record_type Twice "a a"}

# A refused call leaves nothing behind.
set objects [heap figure objects]
for {set i 0} {$i < 1000} {incr i} { refused {HUSK_EINVAL} {husk::map_set $map NULL "a text"} }
heap safepoint
if {[heap figure objects] != $objects} { error "objects left" }

# Values come back as they went in, whatever they were taken for.
foreach value [list 0 -1 007 0x10 1.5 1e3 9223372036854775807 9223372036854775808 true false yes {} "a b" \
                   "gr\u00fc\u00dfe" _a _00_p_husk_obj] {
    husk::map_set $map 1 $value
    if {[husk::map_get $map 1] ne $value} { error "'$value' came back as '[husk::map_get $map 1]'" }
}
husk::map_set $map 1 $node
set back [husk::map_get $map 1]
if {![husk::same $back $node]} { error "another object" }
$back -delete

# Handles: released twice, used after their end, forged.
set extra [husk::list_new heap]
set again $extra
husk::release $extra
husk::release $again
refused {argument 1 .*released.*HUSK_ESTATE} {husk::list_count $again}
$extra -delete
refused {argument 1 .*released.*HUSK_ESTATE} {husk::list_count $again}
foreach forged {_0100000001000000_p_husk_heap _ffffffffffffffff_p_husk_obj _efbeadde00000000_p_husk_obj
                _0100000000000000_p_husk_obj _00000000ffffffff_p_husk_obj} {
    refused {.} {husk::list_count $forged}
    refused {.} {husk::map_get $forged 1}
}
refused {no type} {husk::record_new heap _ffffffff00000000_p_husk_type}
# Freed and taken again, the entry has another token.
set lists [heap census list]
for {set i 0} {$i < 5000} {incr i} {
    set made [husk::list_new heap]
    $made -delete
    refused {released} {husk::list_count $made}
}
if {[heap census list] != $lists} { error "lists stay" }

# The system's numbers, and processes and fields that there are not.
if {[husk::memory 0 process rss] < 1 << 20 || [husk::memory [pid] process vms] < 1 << 20} { error "rss" }
if {[husk::memory_percent 0 rss] <= 0} { error "percent" }
refused {process 2000000000: there is none.*HUSK_EMISSING} {husk::memory 2000000000 process rss}
refused {no field "rsss"} {husk::memory 0 process rsss}
refused {threads is not in bytes} {husk::memory_percent 0 threads}

# Tracing and snapshots.
heap trace_start 5
heap trace_push shop.tcl 12 load
heap tag_push cart
set things {}
for {set i 0} {$i < 10} {incr i} { lappend things [husk::record_new heap $type] }
heap tag_pop
heap trace_pop
set shot [husk::snapshot_take heap]
set path /tmp/husk-[pid].husk
husk::snapshot_save $shot $path
set loaded [husk::snapshot_load heap $path]
foreach snapshot [list $shot $loaded] {
    if {[husk::snapshot_group $snapshot line tag=cart] != 1} { error "rows" }
    if {[husk::snapshot_name $snapshot 0] ne "shop.tcl:12" || [husk::snapshot_size $snapshot 0] != 480 ||
        [husk::snapshot_things $snapshot 0] != 10} { error "row" }
    if {[husk::snapshot_text $snapshot heap] ne "abuse" || [husk::snapshot_text $snapshot none] ne "NULL"} { error "text" }
}
file delete $path
refused {list is no snapshot} {husk::snapshot_count $list objects}
refused {row 7 of 1} {husk::snapshot_name $shot 7}
refused {HUSK_EIO} {husk::snapshot_load heap $path}
heap trace_stop
foreach thing $things { $thing -delete }
$shot -delete
$loaded -delete

# Regions without passes, quiet moments, stress; the page of passes.
proc pair {} {
    set one [husk::list_new heap]
    set two [husk::list_new heap]
    husk::list_append $one $two
    husk::list_append $two $one
    $one -delete
    $two -delete
}
refused {HUSK_ERANGE} {heap no_gc_begin 0 0 0}
refused {HUSK_ERANGE} {heap no_gc_begin -1 0 0}
refused {HUSK_ESTATE} {heap no_gc_end}
heap no_gc_begin 1000 0 0
refused {a script.*HUSK_ESTATE} {heap no_gc_begin 1 0 0}
pair
if {![heap no_gc] || [heap figure region.active] != 1 || [heap figure region.objects] != 1000} { error "region" }
if {[heap no_gc_end] ne "kept" || [heap no_gc] || [heap figure region.grown_objects] != 2} { error "kept" }
refused {HUSK_ERANGE} {heap idle 1000}
heap request
heap idle 1000000000
if {[heap figure idle.passed] != 1 || [heap figure idle.collected] != 2} { error "idle" }
refused {HUSK_ERANGE} {heap set_stress 8589934592 0}
heap set_stress 1 0
set passes [heap figure total.passes]
pair
heap set_stress 0 0
if {[heap figure total.passes] < $passes + 2} { error "stress" }
heap collect
refused {has no page} {husk::gcstat_read heap [pid]}
husk::gcstat_start
pair
heap collect
set pids [husk::gcstat_list heap]
set page [husk::gcstat_read heap [pid]]
set row 0
while {[husk::gcstat_word $page $row name] ne "abuse"} { incr row }
if {[husk::gcstat_word $page $row latest.reason] ne "call" || [husk::gcstat_figure $page $row latest.freed] != 2 ||
    [husk::gcstat_type $page $row 0] ne "list" || [husk::gcstat_freed $page $row 0] != 2 ||
    [husk::gcstat_figure $page $row sums.full.passes] != [heap figure total.passes]} { error "page" }
refused {row 99 of} {husk::gcstat_word $page 99 name}
refused {no figure 'moon'} {husk::gcstat_figure $page $row moon}
refused {no process 2000000000} {husk::gcstat_read heap 2000000000}
refused {list is no page} {husk::gcstat_count $list}
husk::gcstat_stop
if {[husk::gcstat_is_on]} { error "still a page" }
set found 0
for {set i 0} {$i < [husk::list_count $pids]} {incr i} { incr found [expr {[husk::list_get $pids $i] == [pid]}] }
if {$found != 1} { error "listed" }
$pids -delete
$page -delete

# A heap that is closed before its objects; objects that outlive every name of their heap.
heap verify
heap close
refused {heap 'abuse' is closed} {husk::list_count $list}
refused {heap 'abuse' is closed} {heap collect}
foreach wrapper [list $node $list $map] { $wrapper -delete }
heap -delete
husk::Heap other orphan
set orphan [husk::list_new other]
other -delete
husk::list_append $orphan "still here"
if {[husk::list_get $orphan 0] ne "still here"} { error "orphan" }
$orphan -delete
if {[husk::memory_held] != 0} { error "[husk::memory_held] bytes held" }
puts "abuse: refused"
