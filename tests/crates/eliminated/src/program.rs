//! One program, with the lines inside `lines!` and without them.
#![allow(clippy::no_mangle_with_rust_abi, clippy::unnecessary_wraps)]

/// What disabled lines would change if they were evaluated, and how often it was called.
pub fn run() {
    let mut evaluated = 0;
    let items: Vec<u64> = std::env::args().map(|argument| argument.len() as u64).collect();
    let name = std::env::args().next().unwrap_or_default();
    let sum = subject(&items, &name, &mut evaluated);
    let other = module::subject_of_module(&items, &mut evaluated);
    assert!(subject_of_result(&mut evaluated).is_ok());
    let mut noisy = 0;
    noisy::talk(&mut noisy);
    nexlog::critical!("needle_kept", needle_key_of_kept = sum ^ other);
    assert!(siteless::is_grave(nexlog::Level::Critical));
    // A ceiling holds for levels that are made at run time, too.
    let level = if items.is_empty() { nexlog::Level::Warn } else { nexlog::Level::Info };
    let mut dynamic = 0;
    nexlog::log!(level, "made at run time", count = { dynamic += 1; dynamic });
    println!("evaluated {evaluated} noisy {noisy} dynamic {dynamic}");
}

/// Calls nothing but the logger, so that its machine code is its own.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn subject(items: &[u64], name: &str, evaluated: &mut u64) -> u64 {
    let mut sum = name.len() as u64;
    for item in items {
        lines! {
            nexlog::info!("needle_info", needle_key_of_info = bump(evaluated), item, name);
            nexlog::debug!(target("needle_target"), "needle_debug", needle_key_of_debug = bump(evaluated));
        }
        sum = sum.wrapping_mul(31).wrapping_add(*item);
        lines! {
            nexlog::trace!("needle_trace {sum}", needle_key_of_trace = bump(evaluated));
        }
    }
    lines! {
        let shown = nexlog::enabled!(nexlog::Level::Debug, target("needle_enabled"));
        if shown { sum = bump(evaluated); }
        nexlog::log!(nexlog::Level::Debug, target(name), "needle_log", needle_key_of_log = display(bump(evaluated)));
        nexlog::info!(every(bump(evaluated)), "needle_limited", needle_key_of_limited = bump(evaluated));
        nexlog::debug!(target(name), per_second(2), "needle_format_limited", needle_key_of_limited = 1);
        nexlog::debug!("needle_format {:>5} {name:?}", bump(evaluated), (name) = bump(evaluated));
        nexlog::info!(
            "needle_many", needle_key_of_many = bump(evaluated), b = ?items, c = %sum, d = secret(name),
            e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13, n = 14
        );
        #[cfg(feature = "ill-typed")]
        nexlog::trace!("needle_ill", needle_key_of_ill = core::cell::Cell::new(0));
    }
    sum
}

/// With a result that is handed on.
///
/// # Errors
/// When the line was refused.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn subject_of_result(evaluated: &mut u64) -> Result<u64, nexlog::Error> {
    lines! {
        nexlog::try_log!(nexlog::Level::Info, "needle_try", needle_key_of_try = bump(evaluated))?;
    }
    Ok(1)
}

lines! {
    fn bump(evaluated: &mut u64) -> u64 {
        *evaluated += 1;
        *evaluated
    }
}

mod module {
    /// As the other `subject`, for rules about modules.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn subject_of_module(items: &[u64], evaluated: &mut u64) -> u64 {
        lines! {
            nexlog::info!("needle_module_info", needle_key_of_module_info = super::bump(evaluated));
            nexlog::warn!("needle_module_warn", needle_key_of_module_warn = super::bump(evaluated));
        }
        items.iter().fold(1_u64, |product, item| product.wrapping_mul(*item)) ^ *evaluated
    }
}
