//! A part of a file as memory, and the signal that comes when the file no longer has it.
//!
//! A store to a page behind the file's end, or to one that the disk has no room for, is answered
//! with `SIGBUS`, which ends a process; anybody who can truncate the file could end ours. So the
//! handler puts a page of nobody's in that place, marks the mapping and lets the store end there.
//! A fault at any other address is passed on to the handler that was there before.

use core::sync::atomic::AtomicU64;
#[cfg(target_os = "linux")]
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::fs;
use std::io;

/// Part of a file, shared with it. Nobody is promised that others leave the file alone: what is
/// read may be anything, and what is written may go nowhere ([`has_failed`](Mapping::has_failed)).
/// A thread that blocks signals reads and writes with a [`Heard`].
#[derive(Debug)]
pub struct Mapping {
    #[cfg(target_os = "linux")]
    inner: linux::Inner,
    #[cfg(not(target_os = "linux"))]
    never: core::convert::Infallible,
}

#[cfg(target_os = "linux")]
pub use linux::Heard;

/// There are no mappings for which the signal would have to be heard.
#[cfg(not(target_os = "linux"))]
pub struct Heard(());

#[cfg(not(target_os = "linux"))]
impl Heard {
    pub fn new() -> Heard {
        Heard(())
    }
}

/// Offsets of mappings are multiples of this on every system.
pub const OFFSET_UNIT: u64 = 64 << 10;

#[cfg(target_os = "linux")]
impl Mapping {
    /// The `bytes` bytes of the file from `offset`, a multiple of [`OFFSET_UNIT`]. They may lie
    /// behind its end, until they are written to.
    pub fn new(file: &fs::File, offset: u64, bytes: usize) -> io::Result<Mapping> {
        linux::Inner::new(file, offset, bytes).map(|inner| Mapping { inner })
    }

    /// The same with space that is set aside in the file, and not for children: a store does not
    /// fail for a full disk.
    pub fn new_part(file: &fs::File, offset: u64, bytes: usize) -> io::Result<Mapping> {
        let end = offset + bytes as u64;
        if end > super::file_size_limit() {
            let why = "the limit on the size of files (`ulimit -f`) is lower";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        super::folder::grow(file, offset, end)?;
        let mapping = Mapping::new(file, offset, bytes)?;
        mapping.set_inherited(false);
        Ok(mapping)
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.inner.bytes
    }

    /// Its first byte. Valid as long as the mapping, for all of its bytes.
    pub fn start(&self) -> *mut u8 {
        self.inner.start
    }

    /// The words it consists of.
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: mapped and readable as long as `self`, aligned to a page, and any bytes are a
        // word. Others may write there, in this process through atomics.
        unsafe { core::slice::from_raw_parts(self.inner.start.cast(), self.inner.bytes / 8) }
    }

    /// Whether children get it when the process forks.
    pub fn set_inherited(&self, is_inherited: bool) {
        let advice = if is_inherited { libc::MADV_DOFORK } else { libc::MADV_DONTFORK };
        // SAFETY: a range that is mapped by us; where that is refused nothing happens.
        let outcome = unsafe { libc::madvise(self.inner.start.cast(), self.inner.bytes, advice) };
        self.inner.is_inherited.store(is_inherited && outcome == 0, Relaxed);
    }

    /// In a forked child: memory of its own in that place, with what is there or all zeros: zeros,
    /// too, where it was not inherited. Nobody else may be in it.
    pub fn leave_file(&self, with_content: bool) -> bool {
        self.inner.leave_file(with_content && self.inner.is_inherited.load(Relaxed))
    }

    /// Copies `source` to the place `at`. What does not fit is left out.
    pub fn write(&mut self, at: usize, source: &[u8]) {
        let Some(room) = self.inner.bytes.checked_sub(at) else { return };
        let count = source.len().min(room);
        // SAFETY: `at + count` is within the mapping, which nobody in this process has a
        // reference to; `&mut self` keeps other threads out. A page that is gone is replaced by
        // the handler while the copy waits.
        unsafe { self.inner.start.add(at).copy_from_nonoverlapping(source.as_ptr(), count) };
    }

    /// The byte at this place; 0 where there is none.
    pub fn read(&mut self, at: usize) -> u8 {
        if at >= self.inner.bytes {
            return 0;
        }
        // SAFETY: within the mapping; volatile, because others may write there.
        unsafe { self.inner.start.add(at).read_volatile() }
    }

    /// Whether the file lacked a page that was written or read. What was written to that page
    /// since went nowhere; the rest is in the file.
    pub fn has_failed(&self) -> bool {
        // The copy before this is no atomic, and the handler runs in the middle of it.
        core::sync::atomic::compiler_fence(SeqCst);
        self.inner.watched.has_failed.load(Acquire)
    }
}

#[cfg(not(target_os = "linux"))]
impl Mapping {
    pub fn new_part(_: &fs::File, _: u64, _: usize) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn start(&self) -> *mut u8 {
        match self.never {}
    }

    pub fn words(&self) -> &[AtomicU64] {
        match self.never {}
    }

    pub fn set_inherited(&self, _: bool) {
        match self.never {}
    }

    pub fn leave_file(&self, _: bool) -> bool {
        match self.never {}
    }

    pub fn new(_: &fs::File, _: u64, _: usize) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn bytes(&self) -> usize {
        match self.never {}
    }

    pub fn write(&mut self, _: usize, _: &[u8]) {
        match self.never {}
    }

    pub fn read(&mut self, _: usize) -> u8 {
        match self.never {}
    }

    pub fn has_failed(&self) -> bool {
        match self.never {}
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use core::ffi::c_void;
    use core::ptr;
    use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
    use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};
    use std::fs;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;

    /// A range of addresses in which a missing page is replaced. Never freed: the handler may
    /// look at it at any time.
    #[derive(Debug, Default)]
    pub(super) struct Watched {
        /// The first page's number and how many there are, in one word so that the handler never
        /// sees half of a change; 0 for none. Pages are of 4 KiB here.
        range: AtomicU64,
        pub(super) has_failed: AtomicBool,
        is_taken: AtomicBool,
        next: AtomicPtr<Watched>,
    }

    const PAGE_BITS: u32 = 12;
    const COUNT_BITS: u32 = 19;
    /// What a range can have: 1 GiB, half of what its word has room for.
    const MOST_BYTES: usize = 1 << 30;

    static WATCHED: AtomicPtr<Watched> = AtomicPtr::new(ptr::null_mut());

    fn all() -> impl Iterator<Item = &'static Watched> {
        // SAFETY: entries are leaked boxes; they are linked when they are complete.
        let at = |entry: *const Watched| unsafe { entry.as_ref() };
        core::iter::successors(at(WATCHED.load(Acquire)), move |entry| at(entry.next.load(Acquire)))
    }

    impl Watched {
        fn take(start: usize, bytes: usize) -> &'static Watched {
            let is_free =
                |entry: &&Watched| entry.is_taken.compare_exchange(false, true, AcqRel, Relaxed);
            let entry = all().find(|entry| is_free(entry).is_ok()).unwrap_or_else(|| {
                let new: &'static Watched = Box::leak(Box::default());
                new.is_taken.store(true, Relaxed);
                let link = |head| {
                    new.next.store(head, Relaxed);
                    Some(ptr::from_ref(new).cast_mut())
                };
                let _ = WATCHED.fetch_update(AcqRel, Acquire, link); // never refused
                new
            });
            entry.has_failed.store(false, Relaxed);
            let count = (bytes as u64).div_ceil(1 << PAGE_BITS);
            let page = start as u64 >> PAGE_BITS;
            entry.range.store(page << COUNT_BITS | count, Release);
            entry
        }

        fn holds(&self, address: usize) -> bool {
            let range = self.range.load(Acquire);
            let (first, count) = (range >> COUNT_BITS, range & ((1 << COUNT_BITS) - 1));
            (address as u64 >> PAGE_BITS).wrapping_sub(first) < count
        }

        fn give_back(&self) {
            self.range.store(0, Release);
            self.is_taken.store(false, Release);
        }
    }

    #[derive(Debug)]
    pub(super) struct Inner {
        pub(super) start: *mut u8,
        pub(super) bytes: usize,
        pub(super) watched: &'static Watched,
        /// Whether children get it.
        pub(super) is_inherited: AtomicBool,
    }

    // SAFETY: the memory belongs to the process; `write` and `read` take the owner's `&mut`, and
    // `words` are atomic.
    unsafe impl Send for Inner {}
    // SAFETY: as above.
    unsafe impl Sync for Inner {}

    impl Inner {
        pub(super) fn new(file: &fs::File, offset: u64, bytes: usize) -> io::Result<Inner> {
            static OUTCOME: OnceLock<Result<(), i32>> = OnceLock::new();
            let outcome = OUTCOME.get_or_init(install);
            outcome.map_err(io::Error::from_raw_os_error)?;
            let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
            if bytes == 0 || bytes > MOST_BYTES {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let (rights, number) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
            // SAFETY: a new range that the kernel chooses, of an open file.
            let start = unsafe {
                libc::mmap(ptr::null_mut(), bytes, rights, libc::MAP_SHARED, number, offset)
            };
            if start == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let watched = Watched::take(start as usize, bytes);
            let is_inherited = AtomicBool::new(true);
            Ok(Inner { start: start.cast(), bytes, watched, is_inherited })
        }
    }

    impl Inner {
        pub(super) fn leave_file(&self, with_content: bool) -> bool {
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            if !with_content {
                let fixed = kind | libc::MAP_FIXED;
                // SAFETY: the range of a mapping of ours, or the hole that the child has there.
                let placed =
                    unsafe { libc::mmap(self.start.cast(), self.bytes, rights, fixed, -1, 0) };
                return placed != libc::MAP_FAILED;
            }
            // SAFETY: a new range, filled from one of the same size that is mapped, and then moved
            // to its place.
            unsafe {
                let copy = libc::mmap(ptr::null_mut(), self.bytes, rights, kind, -1, 0);
                if copy == libc::MAP_FAILED {
                    return false;
                }
                copy.cast::<u8>().copy_from_nonoverlapping(self.start, self.bytes);
                let how = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
                let placed = libc::mremap(copy, self.bytes, self.bytes, how, self.start);
                placed != libc::MAP_FAILED
            }
        }
    }

    impl Drop for Inner {
        fn drop(&mut self) {
            self.watched.give_back();
            // SAFETY: what `new` has mapped, and nobody uses it any more.
            unsafe { libc::munmap(self.start.cast(), self.bytes) };
        }
    }

    /// Has the signal heard by this thread, which ends the process where it is blocked. As before
    /// when dropped.
    pub struct Heard(libc::sigset_t);

    impl Heard {
        #[allow(clippy::new_without_default)] // a guard
        pub fn new() -> Heard {
            // SAFETY: all zeros is a valid set, and both are filled by the calls, which cannot
            // fail with these arguments.
            unsafe {
                let (mut set, mut before) = (core::mem::zeroed(), core::mem::zeroed());
                libc::sigemptyset(&raw mut set);
                libc::sigaddset(&raw mut set, libc::SIGBUS);
                libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut before);
                Heard(before)
            }
        }
    }

    impl Drop for Heard {
        fn drop(&mut self) {
            // SAFETY: a set that the system has filled.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut());
            }
        }
    }

    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void);
    type PlainHandler = extern "C" fn(i32);

    /// What was done about the signal before, and its flags.
    static PREVIOUS: OnceLock<(usize, i32)> = OnceLock::new();

    fn install() -> Result<(), i32> {
        let failed = || io::Error::last_os_error().raw_os_error().unwrap_or(0);
        // SAFETY: all zeros is a valid `sigaction`: the default action, no flags, an empty mask.
        let mut before: libc::sigaction = unsafe { core::mem::zeroed() };
        // SAFETY: asks only, and fills `before`.
        if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before) } != 0 {
            return Err(failed());
        }
        let _ = PREVIOUS.set((before.sa_sigaction, before.sa_flags));
        // SAFETY: as above.
        let mut ours: libc::sigaction = unsafe { core::mem::zeroed() };
        ours.sa_sigaction = on_fault as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler lives as long as the process and does what a handler may.
        if unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) } != 0 {
            return Err(failed());
        }
        Ok(())
    }

    extern "C" fn on_fault(number: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel passes a valid one.
        let (address, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
        let is_fault = code > 0; // else somebody has sent it
        if is_fault
            && all().filter(|entry| entry.holds(address)).any(|entry| replace(entry, address))
        {
            return;
        }
        pass_on(number, info, context, is_fault);
    }

    /// Puts a page of nobody's where the file has none. `false`: that failed.
    fn replace(entry: &Watched, address: usize) -> bool {
        // SAFETY: a plain question to the C library, without locks.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(1 << 16);
        let start = (address & !(page - 1)) as *mut c_void;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: the place of this thread's `errno`, as long as the thread lives.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        let before = unsafe { *errno };
        // Before the page is there: whoever sees what it has must know.
        entry.has_failed.store(true, Release);
        // SAFETY: a page of a mapping of ours, whose owner is in the middle of this very access
        // and so cannot unmap it. The call takes no lock of this process.
        let placed = unsafe { libc::mmap(start, page, rights, kind, -1, 0) };
        // SAFETY: as above.
        unsafe { *errno = before };
        placed != libc::MAP_FAILED
    }

    fn pass_on(number: i32, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
        let (handler, flags) = PREVIOUS.get().copied().unwrap_or((libc::SIG_DFL, 0));
        if handler == libc::SIG_DFL || (handler == libc::SIG_IGN && is_fault) {
            // SAFETY: all zeros is the default action; both calls are allowed in a handler. The
            // signal is blocked until this one returns, and then ends the process.
            unsafe {
                let default: libc::sigaction = core::mem::zeroed();
                libc::sigaction(number, &raw const default, ptr::null_mut());
                libc::raise(number);
            }
        } else if handler == libc::SIG_IGN {
            // Nothing, as before.
        } else if flags & libc::SA_SIGINFO != 0 {
            // SAFETY: it was installed as a handler of this kind, and stays callable.
            let handler: Handler = unsafe { core::mem::transmute(handler) };
            handler(number, info, context);
        } else {
            // SAFETY: as above, of the other kind.
            let handler: PlainHandler = unsafe { core::mem::transmute(handler) };
            handler(number);
        }
    }
}
