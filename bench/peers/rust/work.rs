//! work.rs ROW SIZE SAMPLES: the work as one writes it with Rc; ../work says what each row does. Nobody finds cycles here, and
//! a Weak has no callback: who wants to know of an end keeps functions in the object, which its Drop calls, any number
//! of them, as other systems' weak references with callbacks allow.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::rc::{Rc, Weak};
use std::time::Instant;

struct Node {
    refs: [RefCell<Option<Rc<Node>>>; 2],
    number: Cell<i64>,
}

struct Watched {
    _node: Node,
    on_gone: RefCell<Vec<Box<dyn FnOnce()>>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        for call in self.on_gone.get_mut().drain(..) {
            call();
        }
    }
}

fn bare(number: usize) -> Node {
    Node { refs: [RefCell::new(None), RefCell::new(None)], number: Cell::new(number as i64) }
}

fn node(number: usize) -> Rc<Node> {
    Rc::new(bare(number))
}

fn figure(name: &str, value: f64) {
    println!("{} {:.4}", name, value);
}

fn sample(name: &str, start: Instant, operations: usize) {
    figure(name, start.elapsed().as_nanos() as f64 / operations as f64);
}

fn mix(sum: u32, number: i64) -> u32 {
    sum.wrapping_mul(31).wrapping_add(number as u32)
}

fn print_sum(sum: u32) {
    println!("sum {}", sum);
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc/self/status is readable");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has VmRSS");
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

fn birth(size: usize, samples: usize) {
    let mut sum = 0u32;
    for s in 0..=samples {
        sum = 0;
        let start = Instant::now();
        for i in 0..size {
            let o = black_box(node(i));
            sum = sum.wrapping_add(o.number.get() as u32);
        }
        if s > 0 {
            sample("birth", start, size);
        }
    }
    print_sum(sum);
}

fn ring(size: usize, samples: usize) {
    let mut places: Vec<Option<Rc<Node>>> = (0..1000).map(|_| Some(node(0))).collect();
    let turns = (size + 999) / 1000;
    let mut sum = 0u32;
    for s in 0..=samples {
        sum = 0;
        let start = Instant::now();
        for _ in 0..turns {
            for i in 0..1000 {
                let old = places[i].take().unwrap();
                sum = sum.wrapping_add(old.number.get() as u32);
                drop(old);
                places[i] = Some(black_box(node(i)));
            }
        }
        if s > 0 {
            sample("ring", start, turns * 1000);
        }
    }
    print_sum(sum);
}

fn build(size: usize) -> Option<Rc<Node>> {
    let mut head: Option<Rc<Node>> = None;
    for i in 0..size {
        let o = node(i);
        *o.refs[0].borrow_mut() = head.take();
        head = Some(o);
    }
    head
}

fn list_sum(head: &Option<Rc<Node>>) -> u32 {
    let mut sum = 0;
    let mut at = head.clone();
    while let Some(o) = at {
        sum = mix(sum, o.number.get());
        at = o.refs[0].borrow().clone();
    }
    sum
}

/// Its end would recurse: the loop takes each node out of its predecessor.
fn unlink(mut head: Option<Rc<Node>>) {
    while let Some(o) = head {
        head = o.refs[0].take();
    }
}

fn list(size: usize, samples: usize) {
    let mut sum = 0;
    for s in 0..=samples {
        let start = Instant::now();
        let head = black_box(build(size));
        if s > 0 {
            sample("list_build", start, size);
        }
        sum = list_sum(&head);
        let start = Instant::now();
        unlink(head);
        if s > 0 {
            sample("list_drop", start, size);
        }
    }
    print_sum(sum);
}

fn bytes(size: usize, _samples: usize) {
    let before = resident();
    let head = build(size);
    figure("bytes", (resident() - before) / size as f64);
    print_sum(list_sum(&head));
    unlink(head);
}

fn weak_new(size: usize, samples: usize) {
    let mut sum = 0;
    for s in 0..=samples {
        let objects: Vec<Rc<Node>> = (0..size).map(node).collect();
        let mut weaks: Vec<Weak<Node>> = Vec::new();
        weaks.resize(size, Weak::new());
        let start = Instant::now();
        for i in 0..size {
            weaks[i] = Rc::downgrade(&objects[i]);
        }
        if s > 0 {
            sample("weak_new", start, size);
        }
        sum = weaks.iter().fold(0, |sum, w| mix(sum, w.upgrade().expect("it lives").number.get()));
        drop(objects);
        assert!(weaks.iter().all(|w| w.upgrade().is_none()));
    }
    print_sum(sum);
}

fn lock(name: &str, size: usize, samples: usize, alive: bool) {
    let mut objects: Vec<Rc<Node>> = (0..64).map(node).collect();
    let weaks: Vec<Weak<Node>> = objects.iter().map(Rc::downgrade).collect();
    if !alive {
        objects.clear();
    }
    let turns = (size + 63) / 64;
    let mut sum = 0u32;
    for s in 0..=samples {
        sum = 0;
        let start = Instant::now();
        for _ in 0..turns {
            for w in &weaks {
                if let Some(o) = black_box(w.upgrade()) {
                    sum = sum.wrapping_add(o.number.get() as u32 + 1);
                }
            }
        }
        if s > 0 {
            sample(name, start, turns * 64);
        }
    }
    print_sum(sum);
}

fn weak_lock(size: usize, samples: usize) {
    lock("weak_lock", size, samples, true);
}

fn weak_dead(size: usize, samples: usize) {
    lock("weak_dead", size, samples, false);
}

fn weak_gone(size: usize, samples: usize) {
    for s in 0..=samples {
        let called = Rc::new(Cell::new(0usize));
        let objects: Vec<Rc<Watched>> = (0..size)
            .map(|i| {
                let counter = Rc::clone(&called);
                let o = Rc::new(Watched { _node: bare(i), on_gone: RefCell::new(Vec::new()) });
                o.on_gone.borrow_mut().push(Box::new(move || counter.set(counter.get() + 1)));
                o
            })
            .collect();
        let weaks: Vec<Weak<Watched>> = objects.iter().map(Rc::downgrade).collect();
        let start = Instant::now();
        for o in objects {
            drop(o);
        }
        if s > 0 {
            sample("weak_gone", start, size);
        }
        assert_eq!(called.get(), size);
        assert!(weaks.iter().all(|w| w.upgrade().is_none()));
    }
    print_sum(size as u32);
}

type Row = (&'static str, fn(usize, usize));

const ROWS: [Row; 8] = [
    ("birth", birth),
    ("ring", ring),
    ("list", list),
    ("bytes", bytes),
    ("weak_new", weak_new),
    ("weak_lock", weak_lock),
    ("weak_dead", weak_dead),
    ("weak_gone", weak_gone),
];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() == 2 && args[1] == "--list" {
        println!("Rust's Rc, {}", option_env!("PEER_RUSTC").unwrap_or("rustc"));
        ROWS.iter().for_each(|row| println!("{}", row.0));
        return;
    }
    let row = ROWS.iter().find(|row| args.len() == 4 && row.0 == args[1]);
    match (row, args.get(2).and_then(|n| n.parse().ok()), args.get(3).and_then(|n| n.parse().ok())) {
        (Some(row), Some(size), Some(samples)) => row.1(size, samples),
        _ => {
            eprintln!("usage: ROW SIZE SAMPLES, or --list");
            std::process::exit(2);
        }
    }
}
