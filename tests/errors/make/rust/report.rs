// What a panic hook of a Rust program records: type "panic", its message, and the default backtrace.
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic;

thread_local! { static STATE: RefCell<u64> = RefCell::new(0); static SEEN: RefCell<(String, String)> = RefCell::new((String::new(), String::new())); }

pub fn number(low: u64, high: u64) -> u64 {
    STATE.with(|s| {
        let mut s = s.borrow_mut();
        *s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + (*s >> 33) % (high - low)
    })
}

pub fn word() -> String {
    let words = ["amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "hazel", "indigo", "juniper", "kelp"];
    format!("{}{}", words[number(0, 11) as usize], number(1, 99))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => { out.push('\\'); out.push(c) }
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 32 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

pub fn begin() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    STATE.with(|s| *s.borrow_mut() = seed + 1);
    panic::set_hook(Box::new(|info| {
        let message = info.payload().downcast_ref::<String>().cloned().or_else(|| info.payload().downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
        let at = info.location().map(|l| format!("{}:{}:{}", l.file(), l.line(), l.column())).unwrap_or_default();
        let name = std::thread::current().name().unwrap_or("<unnamed>").to_string();
        let stack = format!("thread '{}' panicked at {}:\n{}\nstack backtrace:\n{}", name, at, message, Backtrace::force_capture());
        SEEN.with(|s| *s.borrow_mut() = (message, stack));
    }));
}

pub fn defect(name: &str, call: fn()) {
    if panic::catch_unwind(call).is_ok() { panic!("defect {} did not panic", name) }
    SEEN.with(|s| {
        let s = s.borrow();
        println!("{{\"defect\":{},\"type\":\"panic\",\"message\":{},\"stacktrace\":{}}}", quoted(name), quoted(&s.0), quoted(&s.1));
    });
}
