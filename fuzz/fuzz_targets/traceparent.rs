//! Any text as a `traceparent`: what is taken goes on with the same trace.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nexlog::Context;

fuzz_target!(|header: &str| {
    let context = match Context::from_traceparent(header) {
        Ok(context) => context,
        Err(error) => return assert!(!error.to_string().contains('\n')),
    };
    let next = context.traceparent().expect("a trace goes on");
    assert_eq!(next.len(), 55);
    let given = header.trim();
    assert_eq!(next[3..35], given[3..35], "another trace");
    assert!(!next[3..35].bytes().all(|digit| digit == b'0'), "no trace");
    let again = Context::from_traceparent(&next).expect("our own is sound");
    assert_eq!(
        again.traceparent().map(|next| next[3..35].to_owned()).as_deref(),
        Some(&next[3..35])
    );
});
