//! Which archives are kept: what the user states, and which ones have to go.
//!
//! Pure: what archives there are is given.

use core::time::Duration;

/// How many archives of a [`File`](crate::File) are kept; the oldest go first. All limits apply
/// together, to archives alone: the live file is not counted.
///
/// ```
/// use nexlog_runtime::{File, GIB, Keep};
/// # const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
///
/// let file = File::at("logs/app.log")
///     .keep(Keep::files(5).total_bytes(GIB).max_age(30 * DAY));
/// ```
///
/// They are enforced when the logger is built and at each rotation, before the new archive
/// appears. Only files whose names are those of this file's archives are ever deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    files: Option<u64>,
    total_bytes: Option<u64>,
    max_age: Option<Duration>,
}

impl Keep {
    /// At most this many archives, compressed or not.
    pub fn files(files: u64) -> Keep {
        Keep { files: Some(files), ..Keep::default() }
    }

    /// As many as there are (numbered ones: 1,000), for use with the other limits.
    pub fn all() -> Keep {
        Keep::default()
    }

    /// And as many as take at most this many bytes together, compressed ones as they are. The
    /// newest is kept even when it takes more by itself.
    #[must_use]
    pub fn total_bytes(mut self, bytes: u64) -> Keep {
        self.total_bytes = Some(bytes);
        self
    }

    /// And those last written at most this long ago.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Keep {
        self.max_age = Some(age);
        self
    }

    /// What is wrong with it; `most` is how many archives there can be.
    pub(super) fn problem(&self, most: Option<u64>) -> Option<String> {
        match (self.files, most) {
            (Some(0), _) => {
                Some(String::from("0 files would throw each archive away at once; keep at least 1"))
            }
            (Some(files), Some(most)) if files > most => Some(format!(
                "{files} files, but numbered archives are at most {most}; use \
                 `Archive::sequence()` or `Archive::dated(..)` for more"
            )),
            _ => None,
        }
    }

    /// The same, with at most `most` files if nothing is said of their number.
    pub(super) fn within(self, most: Option<u64>) -> Keep {
        Keep { files: self.files.or(most), ..self }
    }

    /// Whether it never deletes anything.
    pub(super) fn is_all(&self) -> bool {
        *self == Keep::default()
    }

    /// The numbers of those in `archives`, oldest first, that have to go: before one of
    /// `incoming` bytes comes to them, if there is one.
    pub(super) fn condemned(
        &self,
        archives: &[Archived],
        incoming: Option<u64>,
        wall: i64,
    ) -> Vec<usize> {
        let is_old = |archived: &Archived| {
            let age = u64::try_from(wall.saturating_sub(archived.modified)).unwrap_or(0);
            self.max_age.is_some_and(|most| age > most.as_secs())
        };
        let mut condemned = Vec::new();
        let mut files = u64::from(incoming.is_some());
        let mut bytes = incoming.unwrap_or(0);
        let mut is_full = false;
        for (number, archived) in archives.iter().enumerate().rev() {
            if is_old(archived) {
                condemned.push(number);
                continue;
            }
            let more = bytes.saturating_add(archived.bytes);
            is_full |= self.files.is_some_and(|most| files >= most);
            is_full |= files > 0 && self.total_bytes.is_some_and(|most| more > most);
            if is_full {
                condemned.push(number);
            } else {
                (files, bytes) = (files + 1, more);
            }
        }
        condemned.reverse();
        condemned
    }
}

/// What retention has to know of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    pub(super) bytes: u64,
    /// Seconds since 1970 of its last write.
    pub(super) modified: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    /// Archives of 100 bytes, one a day, the last of today.
    fn days(count: i64) -> Vec<Archived> {
        (0..count).map(|n| Archived { bytes: 100, modified: (n - count + 1) * DAY }).collect()
    }

    #[test]
    fn the_oldest_go_first_under_each_limit_and_under_all_together() {
        let condemned = |keep: Keep, incoming| keep.condemned(&days(5), incoming, 0);
        assert_eq!(condemned(Keep::all(), Some(1)), [0_usize; 0]);
        assert_eq!(condemned(Keep::files(5), None), [0_usize; 0]);
        assert_eq!(condemned(Keep::files(5), Some(1)), [0]);
        assert_eq!(condemned(Keep::files(1), Some(1)), [0, 1, 2, 3, 4]);
        assert_eq!(condemned(Keep::all().total_bytes(350), None), [0, 1]);
        assert_eq!(condemned(Keep::all().total_bytes(350), Some(100)), [0, 1, 2]);
        assert_eq!(condemned(Keep::all().max_age(Duration::from_secs(2 * 86_400)), None), [0, 1]);
        let all = Keep::files(4).total_bytes(250).max_age(Duration::from_secs(3 * 86_400));
        assert_eq!(condemned(all, Some(10)), [0, 1, 2]);
    }

    #[test]
    fn the_newest_is_kept_even_when_it_takes_more_by_itself() {
        assert_eq!(Keep::all().total_bytes(50).condemned(&days(2), None, 0), [0]);
        assert_eq!(Keep::all().total_bytes(50).condemned(&days(2), Some(900), 0), [0, 1]);
    }

    #[test]
    fn an_archive_of_the_future_is_not_old() {
        let keep = Keep::all().max_age(Duration::from_secs(1));
        assert_eq!(keep.condemned(&days(1), None, i64::MIN), [0_usize; 0]);
        assert_eq!(keep.condemned(&days(1), None, i64::MAX), [0]);
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        assert!(Keep::files(0).problem(None).unwrap().contains("at least 1"));
        assert!(Keep::files(2000).problem(Some(1000)).unwrap().contains("Archive::sequence()"));
        assert_eq!(Keep::files(2000).problem(None), None);
    }
}
