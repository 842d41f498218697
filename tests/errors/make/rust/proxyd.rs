//== src/pool.rs
use crate::report::{number, word};
use std::cell::RefCell;
use std::collections::HashMap;
⟦+⟧

pub struct Pool {
    pub slots: Vec<u64>,
    pub names: HashMap<String, u64>,
    pub state: RefCell<u64>,
}

impl Pool {
    pub fn new() -> Pool {
        Pool { slots: vec![1, 2, 3], names: HashMap::new(), state: RefCell::new(0) }
    }
⟦+⟧
    #[inline(never)]
    pub fn ⟦s=slot|nth|slot⟧(&self, n: usize) -> u64 {
        self.slots[n]
    }

    #[inline(never)]
    pub fn by_name(&self, name: &str) -> u64 {
        *self.names.get(name).expect("name is in the pool")
    }

    #[inline(never)]
    pub fn resize(&self) -> u64 {
        let held = self.state.borrow_mut();
        let again = self.state.borrow_mut();
        *held + *again
    }
⟦+⟧
    #[inline(never)]
    pub fn share(&self, parts: u64) -> u64 {
        100 / parts
    }

    #[inline(never)]
    pub fn port(text: &str) -> u16 {
        text.parse().unwrap()
    }

    #[inline(never)]
    pub fn limit(used: u64, max: u64) {
        assert!(used <= max, "pool uses {} of {} connections", used, max);
    }

    #[inline(never)]
    pub fn read(path: &str) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[inline(never)]
    pub fn header(text: &str, n: usize) -> &str {
        &text[n..]
    }
}
#[inline(never)]
pub fn pick() -> u64 {
    Pool::new().⟦s=slot|nth|slot⟧(number(3, 99) as usize)
}
⟦+⟧

#[inline(never)]
pub fn pick_all() {
    for _ in 0..2 {
        ⟦p=pick();|let _ = Some(1).map(⟪_⟫ pick());|pick();⟧
    }
}

#[inline(never)]
pub fn lookup() {
    ⟦l=Pool::new().by_name(&word());|named(&word());|Pool::new().by_name(&word());⟧
}

#[inline(never)]
fn named(name: &str) {
    Pool::new().by_name(name);
}
⟦+⟧

pub fn resize() { Pool::new().resize(); }
pub fn share() { Pool::new().share(number(1, 2) - 1); }
pub fn port() { Pool::port(&word()); }
pub fn limit() { Pool::limit(number(50, 90), number(1, 40)); }
#[inline(never)]
pub fn limit_all() { (0..1).for_each(⟪_⟫ limit()); }
pub fn read() { Pool::read(&format!("/etc/proxyd/{}.conf", word())); }
pub fn header() { Pool::header("abc", number(4, 99) as usize); }
//== src/main.rs
mod pool;
mod report;
use report::defect;

fn main() {
    report::begin();
    defect("slot-index", ⟦⟪⟫ { pool::pick(); }|pool::pick_all|pool::pick_all⟧);
    defect("name-not-in-pool", pool::lookup);
    defect("pool-borrowed-twice", pool::resize);
    defect("share-of-nothing", pool::share);
    defect("port-not-a-number", pool::port);
    defect("pool-over-limit", ⟦pool::limit|pool::limit_all|pool::limit_all⟧);
    defect("conf-missing", pool::read);
    defect("header-too-short", pool::header);
}
