//! A page that outlives the process: what each thread's last returned call was.
//!
//! "Returned" means that the number was stored here after the call; anything weaker is no
//! evidence. The page is a shared mapping of a file, so a store is with the kernel at once.

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const SLOTS: usize = 64;
const BYTES: usize = SLOTS * size_of::<AtomicU64>();

/// A row of numbers in a file.
#[derive(Clone, Copy)]
pub struct Witness(&'static [AtomicU64; SLOTS]);

impl Witness {
    /// The page in this file, which is made when it is missing.
    pub fn at(path: &Path) -> Witness {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.expect("the witness file");
        file.set_len(BYTES as u64).expect("its length");
        // SAFETY: a new mapping of a file that is long enough, at an address of the kernel's
        // choice; it is never unmapped.
        let page = unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(std::ptr::null_mut(), BYTES, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        assert_ne!(page, libc::MAP_FAILED, "no mapping");
        // SAFETY: mapped for the rest of the process, aligned to a page, and all bytes are
        // valid numbers; every process goes through atomics.
        Witness(unsafe { &*page.cast() })
    }

    /// Says that the call of this number has returned.
    pub fn saw(self, slot: usize, number: u64) {
        self.0[slot].store(number, SeqCst);
    }

    /// The last number.
    pub fn last(self, slot: usize) -> u64 {
        self.0[slot].load(SeqCst)
    }
}
