//! One program, with attributes inside `traced!` and without them. Nothing else in it is
//! nexlog's, so that nothing of nexlog is to be found where they are removed.
#![allow(clippy::no_mangle_with_rust_abi, clippy::inline_always, clippy::large_types_passed_by_value)]

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Prints the sizes of the futures.
pub fn run() {
    let items: Vec<u64> = std::env::args().map(|argument| argument.len() as u64).collect();
    black_box((sum(&items, "a"), total(&items), checked(&items).ok(), tree(items.len() as u64)));
    black_box((of_await(3, [1; 64]), of_return(3), of_box(3), module::of_module(&items)));
    let sizes = [
        size_of_val(&work(3, [1; 64])),
        size_of_val(&worker(3)),
        size_of_val(&module::work(3, [1; 64])),
    ];
    println!("{sizes:?}");
}

traced! {
    { "needle_sum", level = "debug", target = "needle_target", args, fields(needle_key = items.len(), all = ?items) }
    /// With arguments, in a loop.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn sum(items: &[u64], name: &str) -> u64 {
        let mut sum = name.len() as u64;
        for item in items {
            sum = sum.wrapping_mul(31).wrapping_add(*item);
        }
        sum
    }
}

traced! {
    { level = nexlog::Level::Debug, fields(needle_of_total = step(1)), elapsed }
    /// With a call that may panic, and a value to be dropped.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn total(items: &[u64]) -> u64 {
        let copy = items.to_vec();
        copy.iter().map(|item| step(*item)).sum::<u64>() + copy[0]
    }
}

traced! {
    { level = "debug", err(level = "debug"), ret(level = "trace"), skip_all }
    /// With early ends.
    ///
    /// # Errors
    /// When a number is too large.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn checked(items: &[u64]) -> Result<u8, std::num::TryFromIntError> {
        let mut largest = 0;
        for item in items {
            largest = largest.max(u8::try_from(*item)?);
        }
        Ok(largest)
    }
}

traced! {
    { level = "debug", args }
    /// Calls itself.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn tree(depth: u64) -> u64 {
        if depth < 2 { depth } else { tree(depth - 1) + tree(depth - 2) }
    }
}

#[inline(never)]
fn step(item: u64) -> u64 {
    black_box(item) + 1
}

traced! {
    { level = "debug", args, err(level = "debug"), ret, elapsed }
    /// Holds its arguments across an await.
    async fn work(count: u64, numbers: [u64; 64]) -> Result<u64, std::num::TryFromIntError> {
        Pause(false).await;
        let largest = u8::try_from(count)?;
        Pause(false).await;
        Ok(u64::from(largest) + numbers[usize::from(largest)])
    }
}

traced! {
    { level = "debug", args }
    /// Returns its future.
    fn worker(count: u64) -> impl Future<Output = u64> {
        let doubled = count * 2;
        async move {
            Pause(false).await;
            doubled
        }
    }
}

traced! {
    { level = "debug", args, ret }
    /// Returns it in a box.
    fn boxed(count: u64) -> Pin<Box<dyn Future<Output = u64>>> {
        Box::pin(async move {
            Pause(false).await;
            count
        })
    }
}

/// Ready the second time.
struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(always)]
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// The code of `work`.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn of_await(count: u64, numbers: [u64; 64]) -> u64 {
    block_on(work(count, numbers)).unwrap_or(0)
}

/// The code of `worker`.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn of_return(count: u64) -> u64 {
    block_on(worker(count))
}

/// The code of `boxed`.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn of_box(count: u64) -> u64 {
    block_on(boxed(count))
}

/// For rules about modules.
pub mod module {
    traced! {
        { level = "debug", fields(first = ?items.first()) }
        /// In a module.
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub fn of_module(items: &[u64]) -> u64 {
            items.iter().fold(1_u64, |product, item| product.wrapping_mul(*item)) ^ super::step(1)
        }
    }

    traced! {
        { level = "debug" }
        /// In a module, asynchronous.
        pub async fn work(count: u64, numbers: [u64; 64]) -> u64 {
            super::Pause(false).await;
            count + numbers[0]
        }
    }
}

#[cfg(feature = "ill-typed")]
traced! {
    { level = "debug", fields(ill = core::cell::Cell::new(0)) }
    pub fn ill() {}
}
