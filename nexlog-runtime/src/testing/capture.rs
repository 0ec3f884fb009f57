//! [`capture`] and its kin: the records of a thread, of several, or of the whole process.

use core::fmt;
use core::marker::PhantomData;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::captured::Captured;
use super::tap::{self, Does, Tap, Wants};
use crate::site::filter::Filter;

/// Collects the records of this thread from now on, of every level, until what it returns is
/// dropped.
///
/// No logger is needed; one that is there writes what it would write without. Tests on other
/// threads have their own: they see nothing of each other. Captures may stand inside of each
/// other; each has what was logged in its own time. For the records of other threads see
/// [`Records::collector`] and [`capture_all`].
///
/// ```
/// # macro_rules! info { ($($any:tt)*) => {} }
/// # if false { // the macros are in the crate `nexlog`
/// let records = nexlog_runtime::testing::capture();
/// info!("paid", order_id = 7);
/// assert_eq!(records.find("paid").field::<u64>("order_id"), 7);
/// # }
/// ```
pub fn capture() -> Records {
    Records::here(Wants::All)
}

/// The same for what passes a filter: `info,my_app::db=debug`; see [`Filter`].
///
/// # Panics
/// When a directive means nothing.
#[track_caller]
pub fn capture_with(directives: &str) -> Records {
    Records::here(Wants::Filter(filter(directives)))
}

/// Collects the records of all threads of the process, of every level: for a runtime with threads
/// of its own.
///
/// One at a time: while another test has one, this waits for its end. What other tests log
/// meanwhile without asking for it is in there, too; look for what is yours by message or field,
/// or have the runtime's threads join a capture: [`Records::collector`].
///
/// # Panics
/// When another one has not ended within a minute: a test then holds one and waits for this.
#[track_caller]
pub fn capture_all() -> Records {
    Records::everywhere(Wants::All)
}

/// The same for what passes a filter.
///
/// # Panics
/// As [`capture_all`], and when a directive means nothing.
#[track_caller]
pub fn capture_all_with(directives: &str) -> Records {
    Records::everywhere(Wants::Filter(filter(directives)))
}

#[track_caller]
pub(super) fn filter(directives: &str) -> Filter {
    let (filter, problems) = Filter::parse(directives);
    if let Some(problem) = problems.first() {
        panic!("{problem}");
    }
    filter
}

/// What a [capture](capture) has collected so far. Ends it when dropped.
///
/// Belongs to the thread that asked for it; other threads join it by a [`Collector`].
///
/// Those methods that look for a text take the records whose message is just that, as it was
/// rendered; where there are none, those whose message has it in it.
pub struct Records {
    tap: Arc<Tap>,
    is_everywhere: bool,
    _not_send: PhantomData<*const ()>,
}

impl Records {
    fn new(wants: Wants, is_everywhere: bool) -> Records {
        Records { tap: Tap::new(wants, Does::Keep), is_everywhere, _not_send: PhantomData }
    }

    fn here(wants: Wants) -> Records {
        let records = Records::new(wants, false);
        tap::listen_here(&records.tap);
        records
    }

    #[track_caller]
    fn everywhere(wants: Wants) -> Records {
        take_turn();
        let records = Records::new(wants, true);
        tap::listen_everywhere(&records.tap);
        records
    }

    /// Lets other threads join: their records come here, too.
    ///
    /// ```
    /// let records = nexlog_runtime::testing::capture();
    /// let collector = records.collector();
    /// std::thread::spawn(move || {
    ///     let _listening = collector.listen();
    ///     // what is logged here is in `records`
    /// })
    /// .join()
    /// .unwrap();
    /// ```
    ///
    /// For the threads of a tokio runtime: `Builder::on_thread_start(move ||
    /// std::mem::forget(collector.listen()))`.
    pub fn collector(&self) -> Collector {
        Collector(Arc::clone(&self.tap))
    }

    /// The first record with this message.
    ///
    /// # Panics
    /// When there is none. The text lists what there is.
    #[track_caller]
    pub fn find(&self, message: &str) -> Captured {
        match self.get(message) {
            Some(found) => found,
            None => self.fail(message), // in no closure, which would hide the caller's line
        }
    }

    /// The first record with this message, if there is one.
    pub fn get(&self, message: &str) -> Option<Captured> {
        first(&self.tap.kept(), message)
    }

    /// All records with this message, in order.
    pub fn all(&self, message: &str) -> Vec<Captured> {
        let kept = self.tap.kept();
        let exact: Vec<_> = kept.iter().filter(|record| record.says(message)).cloned().collect();
        if exact.is_empty() {
            return kept.iter().filter(|record| record.mentions(message)).cloned().collect();
        }
        exact
    }

    /// The first record with this message, which another thread may still be about to make.
    ///
    /// # Panics
    /// When there is none for so long. The text lists what there is.
    #[track_caller]
    pub fn wait_for(&self, message: &str, patience: Duration) -> Captured {
        let found = self.tap.wait(patience, |kept| first(kept, message));
        match found {
            Some(found) => found,
            None => self.fail(message),
        }
    }

    /// The first record.
    pub fn first(&self) -> Option<Captured> {
        self.tap.kept().first().cloned()
    }

    /// The last record so far.
    pub fn last(&self) -> Option<Captured> {
        self.tap.kept().last().cloned()
    }

    /// All records so far, in order.
    pub fn iter(&self) -> std::vec::IntoIter<Captured> {
        self.to_vec().into_iter()
    }

    /// All records so far, in order.
    pub fn to_vec(&self) -> Vec<Captured> {
        self.tap.kept().clone()
    }

    /// Their messages, in order.
    pub fn messages(&self) -> Vec<String> {
        self.tap.kept().iter().map(Captured::message).collect()
    }

    /// Takes all records so far, in order; what comes later is collected as ever.
    pub fn take(&self) -> Vec<Captured> {
        core::mem::take(&mut *self.tap.kept())
    }

    /// Forgets all records so far.
    pub fn clear(&self) {
        drop(self.take());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tap.kept().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tap.kept().is_empty()
    }

    /// Some record has this message.
    ///
    /// # Panics
    /// When none has. The text lists what there is.
    #[track_caller]
    pub fn assert_logged(&self, message: &str) {
        self.find(message);
    }

    /// No record has this in its message.
    ///
    /// # Panics
    /// When one has. The text lists what there is.
    #[track_caller]
    pub fn assert_not_logged(&self, message: &str) {
        if let Some(record) = self.get(message) {
            panic!("a record has the message `{message}`:\n  {record}\nof these:\n{self}");
        }
    }

    /// There are no records.
    ///
    /// # Panics
    /// When there are. The text lists them.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert!(self.is_empty(), "there are {} records:\n{self}", self.len());
    }

    #[track_caller]
    fn fail(&self, message: &str) -> ! {
        match self.len() {
            0 => panic!("no record has the message `{message}`: there are no records"),
            len => panic!("no record has the message `{message}`; there are {len}:\n{self}"),
        }
    }
}

fn first(kept: &[Captured], message: &str) -> Option<Captured> {
    let exact = kept.iter().find(|record| record.says(message));
    exact.or_else(|| kept.iter().find(|record| record.mentions(message))).cloned()
}

impl Drop for Records {
    fn drop(&mut self) {
        if self.is_everywhere {
            tap::leave_everywhere(&self.tap);
            end_turn();
        } else {
            tap::leave(&self.tap);
        }
    }
}

impl IntoIterator for &Records {
    type Item = Captured;
    type IntoIter = std::vec::IntoIter<Captured>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A line for each record.
impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|record| writeln!(f, "  {record}"))
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Lets threads join a capture: from [`Records::collector`]. It may outlive the [`Records`]; what
/// it collects then, nobody sees.
#[derive(Clone)]
pub struct Collector(Arc<Tap>);

impl Collector {
    /// This thread's records are collected, too, until what it returns is dropped.
    pub fn listen(&self) -> Listening {
        tap::listen_here(&self.0);
        Listening { tap: Arc::clone(&self.0), _not_send: PhantomData }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// A thread's records are collected while this lives: from [`Collector::listen`].
#[must_use = "the thread is heard only as long as this lives"]
pub struct Listening {
    tap: Arc<Tap>,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        tap::leave(&self.tap);
    }
}

/// Who has captures of the whole process, and how many.
static TURN: Mutex<Option<(ThreadId, u32)>> = Mutex::new(None);
static NEXT: Condvar = Condvar::new();
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
fn take_turn() {
    let me = thread::current().id();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_others = |turn: &mut Option<(ThreadId, u32)>| turn.is_some_and(|(who, _)| who != me);
    let waited = NEXT.wait_timeout_while(turn, PATIENCE, is_others);
    let (mut turn, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    let is_late = waited.timed_out();
    if !is_late {
        *turn = Some((me, turn.map_or(0, |(_, count)| count) + 1));
    }
    drop(turn);
    assert!(!is_late, "another `capture_all` has not ended for a minute; end it before this one");
}

fn end_turn() {
    let mut turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *turn = turn.and_then(|(who, count)| (count > 1).then_some((who, count - 1)));
    drop(turn);
    NEXT.notify_one();
}
